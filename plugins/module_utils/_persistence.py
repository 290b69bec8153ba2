# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules that outlive what flushes them, by systemd units of ours and without a process that waits.

A oneshot service applies a file of rules at boot, before dockerd starts containers, and when a service that flushes the
packet filter is reloaded. A second one does it again when such a service is started. ``firewall-cmd --reload`` does not
pass by systemd; where that flushes rules of others (firewalld before 1.0, and its iptables backend) it writes files in
/run/firewalld meanwhile, which a path unit sees.
"""

from __future__ import annotations

import os
from collections import namedtuple

from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal
from ansible_collections.v6ops.docker.plugins.module_utils._files import read_text, remove_empty, write_text
from ansible_collections.v6ops.docker.plugins.module_utils._netfilter import HOOKS, LOCK_TIMEOUT, hooking, jump, plan

UNITS = "/etc/systemd/system"
RULES = "/etc/v6ops-docker"
# They flush all rules, or put theirs behind ours.
FLUSHERS = ("nftables.service", "netfilter-persistent.service", "ip6tables.service", "ufw.service")

_APPLY = """\
# Written by v6ops.docker.{module}.
[Unit]
Description={subject}, the rules of {chain}
After={flushers} firewalld.service
Before=docker.service
ReloadPropagatedFrom={flushers}
StartLimitIntervalSec=0

[Service]
Type=oneshot
RemainAfterExit=yes
{commands}

[Install]
WantedBy=multi-user.target
"""
# firewall-cmd returns when a reload of firewalld is done; without firewalld it would wait for it.
_AGAIN = """\
# Written by v6ops.docker.{module}.
[Unit]
Description={subject}, the rules of {chain} after they were flushed
After={flushers} firewalld.service
Before=docker.service
StartLimitIntervalSec=0

[Service]
Type=oneshot
ExecStart=-/bin/sh -c "systemctl --quiet is-active firewalld.service && firewall-cmd --state"
ExecStart=/bin/systemctl restart {apply}

[Install]
WantedBy={flushers}
"""
_WATCH = """\
# Written by v6ops.docker.{module}.
[Unit]
Description={subject}, whether firewalld flushes the rules of {chain}

[Path]
PathChanged=/run/firewalld

[Install]
WantedBy=multi-user.target
"""

# :ivar files: {path: text}, None where there is no such file.
# :ivar links: those that are there of the links that enable units.
# :ivar active: the units that run, or are about to.
# :ivar outdated: whether systemd has yet to read a file.
Have = namedtuple("Have", "files links active outdated")
# :ivar before: what to tell systemctl first.
# :ivar files: {path: text} to write, None to remove.
# :ivar after: what to tell systemctl then.
Change = namedtuple("Change", "before files after")


class Persistence:
    """The files and units that keep a set of rules.

    :param kind: what the units are named after, with ``flush`` those that watch.
    :param name: of the set.
    :param module: the name of the module that writes them.
    :param subject: what the rules are, in a few words.
    :param hooks: where they are hooked, see :mod:`._netfilter`.
    """

    def __init__(self, kind, name, module, subject, hooks):
        self.hooks = hooks
        self._words = {"module": module, "subject": subject}
        apply, again, watch = (
            f"v6ops-{kind}-{name}.service",
            f"v6ops-{kind}flush-{name}.service",
            f"v6ops-{kind}flush-{name}.path",
        )
        self._texts = {apply: _APPLY, again: _AGAIN, watch: _WATCH}
        self.wanted_by = {apply: ("multi-user.target",), again: FLUSHERS, watch: ("multi-user.target",)}
        # Those that are active as long as all is well.
        self.lasting = [apply, watch]
        self._rules = f"{RULES}/{kind}-{name}.rules"
        self._jumps = f"{RULES}/{kind}-{name}.jumps"
        self.paths = [self._rules, self._jumps, *map(_path, self._texts)]
        self.links = [link for unit, targets in self.wanted_by.items() for link in _links(unit, targets)]
        self.directories = sorted({RULES, *map(os.path.dirname, self.links)})

    def files(self, chain, rules, program):
        """The files that keep the rules, {path: text}.

        The rules go in with one more jump. Of two jumps one is taken away then, which fails, a table at once, where the
        chain had none before. So there is no moment without a jump.

        :param rules: the rules of our chain in each table.
        :param program: the path of ip6tables.
        """
        hooked = [table for table in self.hooks if rules.get(table)]
        restore = f"{program}-restore --noflush -w {LOCK_TIMEOUT}"
        commands = [f"{restore} {self._rules}", *(f"-{restore} --table={table} {self._jumps}" for table in hooked)]
        values = {
            **self._words,
            "apply": self.lasting[0],
            "chain": chain,
            "flushers": " ".join(FLUSHERS),
            "commands": "\n".join(f"{key}={command}" for key in ("ExecStart", "ExecReload") for command in commands),
        }
        jumps = [line for table in hooked for line in [f"*{table}", *self._one_of_two(table, chain), "COMMIT"]]
        return {
            self._rules: "\n".join([*plan({}, chain, rules, self.hooks), ""]),
            self._jumps: "\n".join([*jumps, ""]),
            **{_path(unit): text.format(**values) for unit, text in self._texts.items()},
        }

    def plan(self, have, files):
        """What to do that the files are there and their units enabled and active; nothing where all is well.

        :param files: {path: text}; none at all to have nothing left.
        """
        changed = {path: files.get(path) for path in self.paths if have.files[path] != files.get(path)}
        if not files:
            # 'systemctl disable' refuses a unit whose file is gone, as where an earlier removal was cut off.
            changed = {**dict.fromkeys(have.links), **changed}
            before = [["stop", *have.active]] if have.active else []
            return Change(before, changed, [["daemon-reload"]] if before or changed else [])
        written = [unit for unit in self._texts if _path(unit) in changed]
        enable = [unit for unit in self._texts if unit in written or not self._is_enabled(unit, have)]
        restart = [unit for unit in self.lasting if unit in written or unit not in have.active]
        after = [["daemon-reload"]] if written or have.outdated else []
        after += [["reenable", *enable]] if enable else []
        after += [["restart", *restart]] if restart else []
        return Change([], changed, after)

    def _is_enabled(self, unit, have):
        return all(link in have.links for link in _links(unit, self.wanted_by[unit]))

    def _one_of_two(self, table, chain):
        """Input for ip6tables-restore that leaves one of two jumps, in its place."""
        delete = f"-D {jump(table, chain, self.hooks)[3:]}"
        return [delete, delete, hooking(table, chain, self.hooks)]


def nat_persistence(name):
    return Persistence("nat", name, "ip6tables_nat", "IPv6 NAT", HOOKS)


class Systemd:
    """Where the files and units are.

    :param module: an ``AnsibleModule``.
    """

    def __init__(self, module):
        self._module = module
        self._running = os.path.isdir("/run/systemd/system")

    def have(self, persistence):
        files = {path: read_text(path) for path in persistence.paths}
        if not self._running:
            return Have(files, [], [], False)
        links = [link for link in persistence.links if os.path.islink(link)]
        shown = self._tell("show", "--property=Id,ActiveState,NeedDaemonReload", *persistence.wanted_by)
        blocks = [dict(line.split("=", 1) for line in block.splitlines()) for block in shown.strip().split("\n\n")]
        active = [block["Id"] for block in blocks if block["ActiveState"] not in ("inactive", "failed")]
        return Have(files, links, active, any(block["NeedDaemonReload"] == "yes" for block in blocks))

    def carry_out(self, persistence, change):
        if not self._running and any(change.files.values()):
            raise Refusal("Cannot keep the rules over a reboot: systemd does not run here.", "Set 'persist: false'.")
        for command in change.before:
            self._tell(*command)
        for path, text in change.files.items():
            if text is None:
                # As long as a directory is left, so is a file, and the next run sees that something is to be done.
                remove_empty(persistence.directories)
            write_text(self._module, path, text)
        remove_empty(persistence.directories)
        for command in change.after:
            self._tell(*command)

    def _tell(self, *command):
        if not self._running:
            return ""
        code, out, err = self._module.run_command(["systemctl", *command], environ_update={"LC_ALL": "C"})
        if code:
            raise Refusal(
                f"Cannot change the units that keep the rules: 'systemctl {' '.join(command)}' says: "
                f"{' '.join(err.split()).rstrip('.')}.",
                "See 'journalctl --boot' and run this again.",
            )
        return out


def _path(unit):
    return f"{UNITS}/{unit}"


def _links(unit, targets):
    return [f"{UNITS}/{target}.wants/{unit}" for target in targets]
