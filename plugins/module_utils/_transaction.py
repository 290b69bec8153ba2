# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carry out a plan for dockerd and prove it, or put the host back as it was."""

from __future__ import annotations

import json

from ansible_collections.v6ops.docker.plugins.module_utils._daemon import DROP_IN
from ansible_collections.v6ops.docker.plugins.module_utils._engine import Engine, provides
from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal
from ansible_collections.v6ops.docker.plugins.module_utils._files import read_text, write_text
from ansible_collections.v6ops.docker.plugins.module_utils._uplink import (
    forwarding,
    restore_forwarding,
    set_accept_ra,
)

# The containers that a restart stops, until they run again: a run that is killed in between leaves it to the next one.
STOPPED = "/run/v6ops-docker-stopped.json"


def read_stopped():
    """The containers that an earlier run had yet to start again, as :meth:`Engine.running_containers` told them."""
    return json.loads(read_text(STOPPED) or "[]")


class Transaction:
    """One try to carry out a plan.

    :param containers: those that run now, as :meth:`Engine.running_containers` tells them.
    :param timeout: seconds that dockerd may take to start, and then to show the result.
    """

    def __init__(self, module, service, plan, containers, timeout):
        self.module = module
        self.service = service
        self.plan = plan
        self.containers = plan.start + [one for one in containers if one not in plan.start]
        self.timeout = timeout
        self.forwarding = forwarding()
        self.restarted = False

    def carry_out(self, prefix):
        """Apply the plan, prove it, and start the containers again that it stopped.

        :returns: the default bridge as the engine shows it now, and what :meth:`Engine.start` returns.
        :raises Refusal: when the engine does not show the result; the files are then as before and dockerd runs again.
        """
        try:
            self._apply()
            bridge = self._prove(prefix)
        except BaseException as error:
            outcome = self._roll_back(str(error))
            if isinstance(error, Refusal):
                raise Refusal(str(error), outcome, **error.details) from error
            raise
        return bridge, self._start_containers()

    def _apply(self):
        for change in self.plan.files:
            write_text(self.module, change.path, change.after)
        for interface in self.plan.accept_ra:
            set_accept_ra(interface, 2)
        if self.plan.reload:
            self.service.reload()
            argv, flags = self.service.argv, self.plan.flags
            if flags and argv[-len(flags) :] != flags:
                raise Refusal(
                    f"Cannot extend docker.service: systemd now starts {' '.join(argv)}.",
                    f"Look for the file that overrules ours among {', '.join(self.service.drop_ins)}.",
                )
        if self.plan.restart:
            if self.containers:
                write_text(self.module, STOPPED, json.dumps(self.containers))
            self.restarted = True
            self.service.restart(self.timeout)

    def _prove(self, prefix):
        bridge = Engine().await_bridge(prefix, self.timeout)
        if not provides(bridge, prefix):
            raise Refusal(
                f"Cannot give {bridge['name']} the prefix {prefix}: dockerd runs, but its default bridge "
                f"has {', '.join(bridge['subnets']) or 'no IPv6'} even {self.timeout} s later.",
                "",
            )
        return bridge

    def _start_containers(self):
        if not self.containers:
            return [], {}
        outcome = Engine().start(self.containers)
        write_text(self.module, STOPPED, None)
        return outcome

    def _start_containers_or_tell(self):
        _started, failed = self._start_containers()
        if failed:
            raise Refusal("Cannot start again what ran before:", " ".join(f"{name}: {failed[name]}" for name in failed))

    def _roll_back(self, cause):
        """Undo :meth:`_apply` as far as it came, each step whatever became of the others; tells the outcome."""
        problems = []

        def attempt(step, *arguments):
            try:
                step(*arguments)
            except (Refusal, OSError) as error:
                problems.append(str(error))
                return False
            return True

        for change in self.plan.files:
            attempt(write_text, self.module, change.path, change.before)
        if self.plan.reload:
            attempt(self.service.reload)
        outcome = "The files are as they were"
        if not self.restarted:
            outcome += ", and dockerd was not touched."
        elif attempt(self.service.restart, self.timeout):
            outcome += ", and dockerd runs with them again."
        elif read_text(DROP_IN) and attempt(self._start_without_drop_in):
            problems.clear()
            outcome += f" but for {DROP_IN}: dockerd starts only without it, and runs so now."
        else:
            outcome += ", but dockerd does not start with them either."
        attempt(restore_forwarding, self.forwarding)
        for interface in self.plan.accept_ra:
            attempt(set_accept_ra, interface, 1)
        if self.restarted:
            attempt(self._start_containers_or_tell)
        return " ".join([outcome, *(problem for problem in problems if problem != cause)])

    def _start_without_drop_in(self):
        write_text(self.module, DROP_IN, None)
        self.service.reload()
        self.service.restart(self.timeout)
