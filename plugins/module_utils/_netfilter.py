# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules of our own in the kernel's packet filter, read with ip6tables-save and changed with ip6tables-restore(8).

In each table the rules are in a chain of their own, with one jump to it in a built-in chain: at its end, so that what
other rules decide stays decided, or at its beginning, where ours are to decide. Every rule carries a comment, so that
it is never taken for one of dockerd's, which deletes what has its own words.

A saved rule set is ``{table: [line, ...]}``, lines as ip6tables-save prints them, chains (``:``) and rules (``-A``).
"""

from __future__ import annotations

import re
from collections import namedtuple
from types import MappingProxyType

from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal

# :ivar chain: the built-in chain that jumps to ours.
# :ivar first: whether by its first rule, else by its last.
Hook = namedtuple("Hook", "chain first")
# Those of NAT66, for each table in the order in which it is changed.
HOOKS = MappingProxyType({"nat": Hook("POSTROUTING", False), "filter": Hook("FORWARD", False)})
# Seconds to wait for the xtables lock.
LOCK_TIMEOUT = 10
PREFIX = "V6OPS-"

# Exit status of ip6tables for a resource problem, such as the lock.
_RESOURCE_PROBLEM = 4


def chain_of(name):
    """The chain of a set of rules; the kernel allows 28 characters."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,20}", name):
        raise Refusal(
            f"Cannot name a set of rules {name!r}: a chain's name is short and plain.",
            "Use at most 20 letters, digits, '-' and '_'.",
        )
    return PREFIX + name


def comment(chain):
    return f"-m comment --comment {chain}"


def jump(table, chain, hooks=HOOKS):
    """The rule that leads to our chain, as ip6tables-save prints it."""
    return f"-A {hooks[table].chain} {comment(chain)} -j {chain}"


def hooking(table, chain, hooks=HOOKS):
    """The command that puts it into its place."""
    rule = jump(table, chain, hooks)
    return rule.replace("-A", "-I", 1) if hooks[table].first else rule


def parse_saved(text, hooks=HOOKS):
    """Read what ip6tables-save prints.

    :raises Refusal: where a table of ours holds rules that only nft(8) can show.
    """
    saved, table = {}, None
    for line in text.splitlines():
        if line.startswith("*"):
            table = saved.setdefault(line[1:], [])
        elif line.startswith((":", "-A ")):
            table.append(re.sub(r" \[\d+:\d+\]$", " [0:0]", line))
        elif "is incompatible, use 'nft' tool" in line and any(f"`{hooked}'" in line for hooked in hooks):
            raise Refusal(
                f"Cannot read the IPv6 packet filter: {line.lstrip('# ').rstrip('.')}.",
                "Move the rules that 'nft list ruleset' shows there to a table of their own.",
            )
    return saved


def parse_counters(text):
    """How many packets each rule and each policy has decided, as ip6tables-save prints it with ``--counters``.

    :returns: {(table, line): packets}, of equal rules together.
    """
    counters, table = {}, None
    for line in text.splitlines():
        policy = re.fullmatch(r"(:.*) \[(\d+):\d+\]", line)
        rule = re.fullmatch(r"\[(\d+):\d+\] (-A .*)", line)
        if line.startswith("*"):
            table = line[1:]
        elif policy:
            counters[table, policy[1]] = int(policy[2])
        elif rule:
            counters[table, rule[2]] = counters.get((table, rule[2]), 0) + int(rule[1])
    return counters


def owned(saved, chain, hooks=HOOKS):
    """The lines of a saved rule set that are ours, with those that begin and end a table."""
    lines = []
    for table in sorted(saved):
        ours = _ours(saved, table, chain, hooks)
        lines += [f"*{table}", *ours, "COMMIT"] if ours else []
    return lines


def rules_of(saved, chain, hooks=HOOKS):
    """The rules in our chain of each table."""
    return {table: [line for line in saved.get(table, []) if line.startswith(f"-A {chain} ")] for table in hooks}


def foreign_references(saved, chain, hooks=HOOKS):
    """The rules of others that lead to our chain; it cannot be deleted while there are any."""
    leads = re.compile(rf" -[jg] {re.escape(chain)}( |$)")
    lines = [line for table in hooks for line in saved.get(table, []) if leads.search(line)]
    ours = {jump(table, chain, hooks) for table in hooks}
    return [line for line in lines if line not in ours and not line.startswith(f"-A {chain} ")]


def plan(saved, chain, wanted, hooks=HOOKS):
    """The input for ``ip6tables-restore --noflush`` that leaves just the rules wanted in our chain, and one jump to it.

    :param wanted: the rules of our chain in each table; none at all removes chain and jump.
    :returns: lines; empty where nothing differs.
    """
    lines = []
    for table in hooks:
        changes = _plan_table(saved, table, chain, wanted.get(table, []), hooks)
        lines += [f"*{table}", *changes, "COMMIT"] if changes else []
    return lines


def applied(saved, chain, wanted, hooks=HOOKS):
    """The saved rule set as a plan would leave it."""
    result = {}
    for table in sorted({*saved, *(table for table in hooks if wanted.get(table))}):
        ours = set(_ours(saved, table, chain, hooks))
        others = [line for line in saved.get(table, []) if line not in ours]
        result[table] = others
        if wanted.get(table):
            declared, hooked = [f":{chain} - [0:0]"], [jump(table, chain, hooks)]
            chains = [line for line in others if line.startswith(":")] if hooks[table].first else others
            result[table] = [*chains, *declared, *hooked, *others[len(chains) :], *wanted[table]]
    return result


def _plan_table(saved, table, chain, rules, hooks):
    ours = _ours(saved, table, chain, hooks)
    exists = any(line.startswith(":") for line in ours)
    have = [line for line in ours if line.startswith(f"-A {chain} ")]
    jumps = [line for line in ours if line == jump(table, chain, hooks)]
    unhook = [f"-D {line[3:]}" for line in jumps]
    if not rules:
        return unhook + ([f"-F {chain}", f"-X {chain}"] if exists else [])
    in_place = len(jumps) == 1 and _is_in_place(saved, table, chain, hooks)
    hook = [] if in_place else [*unhook, hooking(table, chain, hooks)]
    if exists and have == rules:
        return hook
    # To declare a chain that exists empties it.
    return [f":{chain} - [0:0]", *hook, *rules]


def _is_in_place(saved, table, chain, hooks):
    """Whether no rule of others is behind our jump, or before it where it has to be first."""
    hooked = [line for line in saved[table] if line.startswith(f"-A {hooks[table].chain} ")]
    at = hooked.index(jump(table, chain, hooks))
    beyond = hooked[:at] if hooks[table].first else hooked[at + 1 :]
    return all(comment(PREFIX) in line for line in beyond)


def _ours(saved, table, chain, hooks):
    mine = (f":{chain} ", f"-A {chain} ")
    hooked = jump(table, chain, hooks) if table in hooks else None
    return [line for line in saved.get(table, []) if line.startswith(mine) or line == hooked]


def vacant(saved, hooks=HOOKS):
    """The tables of ours in which nothing is left but built-in chains that accept."""
    lines = {table: saved[table] for table in hooks if table in saved}
    return [table for table in lines if all(line.startswith(":") and " ACCEPT " in line for line in lines[table])]


class Netfilter:
    """The IPv6 packet filter by way of one of the two backends that iptables has.

    :param module: an ``AnsibleModule``.
    :param backend: ``auto`` for the one that ``ip6tables`` and so dockerd uses, ``nft`` or ``legacy``.
    :param hooks: the tables that are to be changed.
    """

    def __init__(self, module, backend, hooks=HOOKS):
        self._module = module
        self._hooks = hooks
        self.program = "ip6tables" if backend == "auto" else f"ip6tables-{backend}"
        self.backend = backend

    def installed(self):
        return self._find("") is not None

    def path(self):
        """Where the program is, or would be."""
        return self._find("") or f"/usr/sbin/{self.program}"

    def other(self):
        """The other backend, whose rules apply as well."""
        return Netfilter(self._module, "legacy" if self._is_nft() else "nft", self._hooks)

    def save(self):
        # Without a table's name: to ask the legacy backend for one creates it.
        return parse_saved(self._run("-save", [], "read"), self._hooks)

    def counters(self):
        return parse_counters(self._run("-save", ["--counters"], "read"))

    def restore(self, lines):
        """Apply a plan, each of its tables at once."""
        arguments = ["--noflush", "-w", str(LOCK_TIMEOUT)]
        self._run("-restore", arguments, "change", data="\n".join([*lines, ""]))

    def drop(self, tables):
        """Remove tables that :func:`vacant` tells, as if they had never been used; the legacy backend cannot."""
        nft = self._module.get_bin_path("nft", opt_dirs=["/usr/sbin", "/sbin"])
        if tables and nft and self._is_nft():
            self._module.run_command([nft, "; ".join(f"delete table ip6 {table}" for table in tables)])

    def _is_nft(self):
        return "nf_tables" in self._run("", ["--version"], "identify")

    def _run(self, suffix, arguments, verb, data=None):
        path = self._find(suffix)
        if path is None:
            raise Refusal(
                f"Cannot {verb} the IPv6 packet filter: {self.program}{suffix} is not installed.",
                "Install the package iptables.",
            )
        code, out, err = self._module.run_command([path, *arguments], data=data, environ_update={"LC_ALL": "C"})
        if code == _RESOURCE_PROBLEM and "lock" in err:
            raise Refusal(
                f"Cannot {verb} the IPv6 packet filter: another program held the xtables lock for {LOCK_TIMEOUT} s.",
                "See 'fuser /run/xtables.lock' for which one; the rules are as they were.",
            )
        if code:
            raise Refusal(
                f"Cannot {verb} the IPv6 packet filter: {' '.join(err.split()).rstrip('.')}.",
                "Does the kernel have ip6tables with NAT and conntrack? The rules are as they were.",
            )
        return out

    def _find(self, suffix):
        return self._module.get_bin_path(self.program + suffix, opt_dirs=["/usr/sbin", "/sbin"])
