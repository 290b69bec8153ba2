# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A set of rules of ours as a whole: in the kernel, and in the files and units that keep it."""

from __future__ import annotations

import time

from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal
from ansible_collections.v6ops.docker.plugins.module_utils._netfilter import (
    Netfilter,
    applied,
    foreign_references,
    owned,
    plan,
    rules_of,
    vacant,
)
from ansible_collections.v6ops.docker.plugins.module_utils._persistence import Change, Systemd

# Seconds before each try to change rules that others may be changing, too.
DELAYS = (0, 0.1, 0.3, 1, 3)


class RuleSet:
    """What there is of a set, and what is to become of it.

    :param module: an ``AnsibleModule``.
    :param chain: its chain.
    :param wanted: the rules of it in each table; none at all to have nothing left.
    :param persistence: its :class:`._persistence.Persistence`.
    :param persist: whether it is to outlive what flushes it.
    :param backend: as of :class:`._netfilter.Netfilter`, where the set is to be; from the other one it is removed.
    :ivar saved: the rule set that it is part of; ``strays``: that of the other backend.
    :ivar after: the former as it is to be, and once carried out as it is.
    """

    def __init__(self, module, chain, wanted, persistence, persist=True, backend="auto"):
        self._module, self._chain, self._wanted = module, chain, wanted
        self._persistence = persistence
        self._hooks = persistence.hooks
        self._here = Netfilter(module, backend, self._hooks)
        installed = self._here.installed()
        if wanted and not installed:
            if not module.check_mode:
                self._here.save()
            module.warn(f"{self._here.program} is not installed; this is what would follow from an empty rule set.")
        self.saved = self._here.save() if installed else {}
        self.there = self._here.other() if installed else self._here
        self.strays = self.there.save() if installed and self.there.installed() else {}
        self._systemd = Systemd(module)
        keep = persistence.files(chain, wanted, self._here.path()) if wanted and persist else {}

        self._commands = plan(self.saved, chain, wanted, self._hooks)
        self._stray = plan(self.strays, chain, {}, self._hooks)
        self._have = self._systemd.have(persistence)
        self._change = persistence.plan(self._have, keep)
        if self._stray:
            self._refuse_references(self.strays)
        if not wanted:
            self._refuse_references(self.saved)
        self.after = applied(self.saved, chain, wanted, self._hooks)
        self._carried_out = False
        self.changed = bool(self._commands or self._stray or any(self._change))

    def carry_out(self):
        """Change it as planned, once; without that it stays as it was found.

        :raises Refusal: where the kernel refuses some of the rules, with them as they were, or shows others.
        """
        if self._carried_out:
            return
        self._carried_out = True
        if self._commands:
            try:
                self.after = self._apply()
            except Refusal:
                self.leave()
                raise
        if self._stray:
            self.there.restore(self._stray)
        self._systemd.carry_out(self._persistence, self._change)

    def leave(self):
        """Have the set stay as it was found, whatever was planned."""
        self._commands, self._stray, self._change = [], [], Change([], {}, [])
        self.after, self.changed = self.saved, False

    def undo(self):
        """Have the set again as it was found, in both backends and in the files."""
        for netfilter, found, commands in (
            (self._here, self.saved, self._commands),
            (self.there, self.strays, self._stray),
        ):
            if commands:
                self._put_back(netfilter, found)
        if any(self._change):
            files = self._have.files if all(self._have.files.values()) else {}
            back = self._persistence.plan(self._systemd.have(self._persistence), files)
            self._systemd.carry_out(self._persistence, back)
        self.leave()

    def result(self):
        """What a module returns of it, in check mode as if it were carried out."""
        if not (self._carried_out or self._module.check_mode):
            self.leave()
        if self._stray:
            self._module.warn(f"{self.there.program} holds the set {self._chain} too; it is removed there.")
        before = self._owned(self.saved) + self._owned(self.strays)
        after = self._owned(self.after)
        told = [f"systemctl {' '.join(command)}" for command in self._change.before + self._change.after]
        new = self._change.files
        files = [(path, old or "", new[path] or "") for path, old in self._have.files.items() if path in new]
        return {
            "changed": self.changed,
            "before": before,
            "after": after,
            "commands": self._commands + self._stray + told,
            "diff": [
                {"before_header": header, "after_header": header, "before": old, "after": new}
                for header, old, new in [("ip6tables-save", _as_text(before), _as_text(after)), *files]
            ],
        }

    def _apply(self):
        """Carry out the plan, afresh where others change rules at the same time, as dockerd does once firewalld starts.

        :returns: the rule set then.
        """
        now, commands = self.saved, self._commands
        for delay in DELAYS:
            time.sleep(delay)
            before, refusal = now, self._try(commands)
            now = self._here.save()
            commands = plan(now, self._chain, self._wanted, self._hooks)
            if not commands:
                self._here.drop([table for table in vacant(now, self._hooks) if f"*{table}" in self._commands])
                return now
            if refusal and now == before:
                break
        if refusal:
            # One table may have been changed before another was refused.
            self._put_back(self._here, self.saved)
            raise refusal
        raise Refusal(
            f"Cannot prove the rules of {self._chain}: they read back different from what was written.",
            "Look for another program that changes them at the same time.",
            before=self._owned(self.saved),
            after=self._owned(now),
            commands=self._commands,
        )

    def _try(self, commands):
        """What the kernel, or another program that uses it, has against them, or None."""
        try:
            self._here.restore(commands)
        except Refusal as refusal:
            return refusal
        return None

    def _put_back(self, netfilter, found):
        now = netfilter.save()
        back = plan(now, self._chain, rules_of(found, self._chain, self._hooks), self._hooks)
        if back:
            netfilter.restore(back)
            netfilter.drop([table for table in vacant(netfilter.save(), self._hooks) if table not in found])

    def _refuse_references(self, saved):
        """Refuse to remove a chain that rules of others lead to."""
        references = foreign_references(saved, self._chain, self._hooks)
        if references:
            raise Refusal(
                f"Cannot remove {self._chain}: a rule that is not ours leads to it, '{references[0]}'.",
                f"Delete it first, by 'ip6tables -D {references[0][3:]}' with the '-t' of its table.",
            )

    def _owned(self, saved):
        return owned(saved, self._chain, self._hooks)


def _as_text(lines):
    return "".join(f"{line}\n" for line in lines)
