# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules of our own in the kernel's packet filter, read with ip6tables-save and changed with ip6tables-restore(8).

A set of rules lives in a chain of its own, hooked by one jump. Every rule carries a comment, so that it is never taken
for one of dockerd's, which deletes what has its own words.
"""

from __future__ import annotations

import socket

from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal

# Seconds to wait for the xtables lock.
LOCK_TIMEOUT = 10


def masquerade_rules(chain, prefixes):
    """The rules of a chain that masquerades what leaves a set of prefixes; traffic among them stays as it is.

    Spelt as ip6tables-save prints them, to be compared as they are.
    """
    spelt = [_spell(prefix) for prefix in prefixes]
    inside = [f"-A {chain} -d {prefix} {_comment(chain)} -j RETURN" for prefix in spelt]
    outwards = [f"-A {chain} -s {prefix} {_comment(chain)} -j MASQUERADE" for prefix in spelt]
    return inside + outwards


def _spell(network):
    """A network as ip6tables prints it, by inet_ntop(3)."""
    return f"{socket.inet_ntop(socket.AF_INET6, network.network_address.packed)}/{network.prefixlen}"


def _comment(chain):
    return f"-m comment --comment {chain}"


def _jump(chain, hook):
    return f"-A {hook} {_comment(chain)} -j {chain}"


def owned(saved, chain, hook):
    """The lines of a saved table that are ours: the chain, its rules and the jumps to it."""
    return [line for line in saved if line.startswith((f":{chain} ", f"-A {chain} ")) or line == _jump(chain, hook)]


def plan(saved, chain, hook, rules):
    """The input for ``ip6tables-restore --noflush`` that leaves just the rules wanted in a chain, and one jump to it.

    :param saved: the lines that ip6tables-save prints of the table.
    :param hook: the built-in chain that jumps to ours.
    :param rules: the rules wanted; none at all removes chain and jump.
    :returns: lines for the table, without its name and COMMIT; empty where nothing differs.
    """
    ours = owned(saved, chain, hook)
    exists = any(line.startswith(":") for line in ours)
    have = [line for line in ours if line.startswith(f"-A {chain} ")]
    jumps = [line for line in ours if line.startswith(f"-A {hook} ")]
    jump = _jump(chain, hook)
    unhook = [f"-D {line[3:]}" for line in jumps]
    if not rules:
        return unhook + ([f"-F {chain}", f"-X {chain}"] if exists else [])
    hooking = [] if jumps == [jump] else [*unhook, jump]
    if exists and have == rules:
        return hooking
    # To declare a chain that exists empties it.
    return [f":{chain} - [0:0]", *hooking, *rules]


class Table:
    """One table of the IPv6 packet filter.

    :param module: an ``AnsibleModule``.
    """

    def __init__(self, module, name):
        self._module = module
        self.name = name

    def save(self):
        """The table's lines, without comments and counters."""
        out = self._run(["ip6tables-save", "-t", self.name], "read")
        return [line for line in out.splitlines() if line.startswith((":", "-A "))]

    def restore(self, lines):
        text = "\n".join([f"*{self.name}", *lines, "COMMIT", ""])
        self._run(["ip6tables-restore", "--noflush", "-w", str(LOCK_TIMEOUT)], "change", data=text)

    def _run(self, command, verb, data=None):
        program = self._module.get_bin_path(command[0], opt_dirs=["/usr/sbin", "/sbin"])
        if program is None:
            raise Refusal(
                f"Cannot {verb} the IPv6 {self.name} table: {command[0]} is not installed.", "Install iptables."
            )
        code, out, err = self._module.run_command([program, *command[1:]], data=data, environ_update={"LC_ALL": "C"})
        if code:
            raise Refusal(
                f"Cannot {verb} the IPv6 {self.name} table: {' '.join(err.split()).rstrip('.')}.",
                "The rules are as they were.",
            )
        return out
