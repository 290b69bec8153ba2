# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The text of systemd units: the effective ``ExecStart=`` byte for byte, and a drop-in that extends it.

systemd's own view (``systemctl show``, D-Bus) has lost quotes, variables' braces and continuations; they must
survive in a drop-in, so the text is taken from the files that systemd names, by the rules of systemd.syntax(7)
and of ``ExecStart=`` in systemd.service(5).
"""

from __future__ import annotations

HEADER = "# Written by v6ops.docker.docker_ipv6_daemon; a change by hand is lost at its next run.\n"


def assignments(text, section, key):
    """Every value that a unit file assigns to a key, in order; continuation lines as they stand, without comments."""
    current, lines = None, iter(text.splitlines())
    for line in lines:
        stripped = line.strip()
        if not stripped or _is_comment(line):
            continue
        if stripped.startswith("["):
            current = stripped
            continue
        value = [line]
        while _continues(value[-1]):
            following = next((line for line in lines if not _is_comment(line)), "")
            value.append(following)
        name, equals, rest = value[0].partition("=")
        if current == f"[{section}]" and equals and name.strip() == key:
            yield _without_dangling_backslash("\n".join([rest, *value[1:]]).strip())


def _is_comment(line):
    return line.lstrip()[:1] in ("#", ";")


def _continues(line):
    """A backslash at the end continues a line, an escaped one does not."""
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1


def _without_dangling_backslash(value):
    """A continuation that nothing follows ends the value; what is added to it must not slip behind that backslash."""
    return value[:-1].rstrip() if _continues(value) else value


def exec_starts(texts):
    """The effective ``ExecStart=`` commands of a service: an empty assignment forgets those before it.

    :param texts: the contents of the fragment and its drop-ins, in the order in which systemd applies them.
    """
    commands = []
    for text in texts:
        for value in assignments(text, "Service", "ExecStart"):
            if value:
                commands.append(value)
            else:
                commands.clear()
    return commands


def extend_exec_start(command, flags):
    """A drop-in that replaces ``ExecStart=`` by the same command with flags at its end."""
    return f"{HEADER}[Service]\nExecStart=\nExecStart={' '.join([command, *flags])}\n"
