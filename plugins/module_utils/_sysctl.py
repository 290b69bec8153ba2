# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings of the kernel that outlive a reboot, in a sysctl.d(5) file of ours, and whoever overrules it."""

from __future__ import annotations

import os
import re

SYSCTL_FILE = "/etc/sysctl.d/90-v6ops-docker.conf"
HEADER = "# Written by v6ops.docker.docker_ipv6_daemon: take router advertisements while the host forwards.\n"
_FILE = re.compile(r"# (/\S+\.conf)")
_SETTING = re.compile(r"-?\s*([^#;=\s][^=]*?)\s*=\s*(.*?)\s*")


FORWARDING = {"net/ipv6/conf/all/forwarding": "1", "net/ipv6/conf/default/forwarding": "1"}


def protecting(interfaces):
    """The settings by which interfaces take router advertisements while the host forwards.

    Spelt with slashes, as the names of interfaces may have dots.
    """
    return {f"net/ipv6/conf/{name}/accept_ra": "2" for name in interfaces}


def spell(settings):
    """The text of our file; None without any settings."""
    lines = [f"{key} = {value}\n" for key, value in sorted(settings.items())]
    return HEADER + "".join(lines) if lines else None


def parse(text):
    """The settings of a sysctl.d file, by keys with slashes."""
    found = (_SETTING.fullmatch(line.strip()) for line in (text or "").splitlines())
    return {_slashed(setting[1]): setting[2] for setting in found if setting}


def ours(text):
    """The settings of our own file, as far as it is whole."""
    return {key: value for key, value in parse(text).items() if value == "2" and key.endswith("/accept_ra")}


def _slashed(key):
    """Where the first separator is a dot, dots and slashes have changed places."""
    first = re.search(r"[./]", key)
    return key.translate(str.maketrans("./", "/.")) if first and first[0] == "." else key


def ordered_files(module):
    """(path, text) of the sysctl.d files in the order in which systemd applies them, those that are masked left out."""
    code, out, __ = module.run_command(["systemd-analyze", "--no-pager", "cat-config", "sysctl.d"])
    if code:
        return []
    files = []
    for line in out.splitlines():
        header = _FILE.fullmatch(line)
        if header:
            files.append((header[1], []))
        elif files:
            files[-1][1].append(line)
    return [(path, "\n".join(lines)) for path, lines in files]


def overruled(files, settings):
    """What other files, which are applied after ours, set to something else in the end.

    :param files: as :func:`ordered_files` tells them.
    :returns: a list of (path, key, value).
    """
    last = {}
    for path, text in files:
        if os.path.basename(path) > os.path.basename(SYSCTL_FILE):
            last.update({key: (path, key, value) for key, value in parse(text).items()})
    return [last[key] for key, value in settings.items() if key in last and last[key][2] != value]


def asks_for_forwarding(files):
    """Whether a file that is not ours lets the host forward."""
    settings = {}
    for path, text in files:
        if path != SYSCTL_FILE:
            settings.update(parse(text))
    return settings.get("net/ipv6/conf/all/forwarding") == "1"
