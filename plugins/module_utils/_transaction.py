# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carry out a plan for dockerd and prove it, or put the host back as it was."""

from __future__ import annotations

from ansible_collections.v6ops.docker.plugins.module_utils._engine import Engine, provides
from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal
from ansible_collections.v6ops.docker.plugins.module_utils._files import write_text
from ansible_collections.v6ops.docker.plugins.module_utils._uplink import set_accept_ra


class Transaction:
    """One try to carry out a plan.

    :param running: the IDs of the containers that ran before; a restart stops those without a restart policy.
    :param timeout: seconds that dockerd may take to start, and then to show the result.
    """

    def __init__(self, module, service, plan, running, timeout):
        self.module = module
        self.service = service
        self.plan = plan
        self.running = running
        self.timeout = timeout
        self.restarted = False

    def carry_out(self, prefix):
        """Apply the plan and prove it.

        :returns: the default bridge as the engine shows it now, and the IDs of the containers that were started again.
        :raises Refusal: when the engine does not show the result; the files are then as before and dockerd runs again.
        """
        try:
            self._apply()
            return self._prove(prefix), self._start_containers()
        except BaseException as error:
            outcome = self._roll_back()
            if isinstance(error, Refusal):
                raise Refusal(str(error), outcome, **error.details) from error
            raise

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
            self._restart()

    def _restart(self):
        self.restarted = True
        self.service.restart(self.timeout)

    def _prove(self, prefix):
        bridge = Engine().await_bridge(prefix, self.timeout)
        if not provides(bridge, prefix):
            raise Refusal(
                f"Cannot give {bridge['name']} the prefix {prefix}: dockerd runs, but its default bridge "
                f"has {', '.join(bridge['subnets']) or 'no IPv6'} even {self.timeout} s later.",
                "Its log is in 'log'.",
                log=self.service.log(),
            )
        return bridge

    def _start_containers(self):
        return Engine().start(self.running) if self.restarted else []

    def _roll_back(self):
        """Undo :meth:`_apply`, as far as it came."""
        for change in self.plan.files:
            write_text(self.module, change.path, change.before)
        for interface in self.plan.accept_ra:
            set_accept_ra(interface, 1)
        if self.plan.reload:
            self.service.reload()
        if not self.restarted:
            return "The files are as they were, and dockerd was not touched."
        try:
            self._restart()
            self._start_containers()
        except Refusal as refusal:
            return f"The files are as they were, but dockerd does not start with them either: {refusal}"
        return "The files are as they were, and dockerd runs with them again."
