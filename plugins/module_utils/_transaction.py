# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carry out a plan for dockerd and prove it, or put the host back as it was."""

from __future__ import annotations

import json
import time

from ansible_collections.v6ops.docker.plugins.module_utils._advertised import (
    advertised_routes,
    await_renewal,
    is_alive,
    solicit,
)
from ansible_collections.v6ops.docker.plugins.module_utils._daemon import shows_bridge, shows_pools
from ansible_collections.v6ops.docker.plugins.module_utils._engine import Engine
from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal, as_refusal
from ansible_collections.v6ops.docker.plugins.module_utils._files import read_text, remove_empty, write_text
from ansible_collections.v6ops.docker.plugins.module_utils._forwarding import (
    restore,
    restore_forward_policy,
    restore_switch,
    write_switch,
)
from ansible_collections.v6ops.docker.plugins.module_utils._preflight import DROP_IN
from ansible_collections.v6ops.docker.plugins.module_utils._record import STOPPED_FILE

# Seconds: routers answer a solicitation within 0.5 s (RFC 4861, section 6.2.6), and may lose one or two.
ANSWER_WITHIN, RENEWAL_WITHIN = 1, 13


class Transaction:
    """One try to carry out a plan.

    :param have: the state that the plan was made from.
    :param timeout: seconds that dockerd may take to start, and then to show the result.
    """

    def __init__(self, module, service, plan, have, timeout):
        self.module = module
        self.service = service
        self.plan = plan
        self.have = have
        self.containers = plan.start + [one for one in have.containers if one not in plan.start]
        self.timeout = timeout
        self.restarted = self.rolled_back = False
        self.routes, self.silent = {}, set()

    def carry_out(self):
        """Apply the plan, prove it, and start the containers again that it stopped.

        :returns: the default bridge as the engine shows it now, and what :meth:`Engine.start` returns.
        :raises Refusal: when the engine does not show the result; the host is then as before and dockerd runs again.
        """
        try:
            self._ask_routers()
            self._apply()
            bridge = self._prove() if self.plan.restart else self.have.bridge
            self._give_back(bridge)
            self._prove_routes()
        except BaseException as error:
            outcome = self._roll_back(str(error))
            self.rolled_back = True
            if isinstance(error, OSError):
                raise Refusal(str(as_refusal(error)), outcome) from error
            if isinstance(error, Refusal):
                raise Refusal(str(error), outcome, **error.details) from error
            raise
        return bridge, self._start_containers()

    def _ask_routers(self):
        """Which default routes have to live on, and which of their routers do not answer when they are asked."""
        if self.plan.keep_routes:
            self.routes = {route: end for route, end in advertised_routes().items() if is_alive(end)}
            self.silent = await_renewal(self.routes, ANSWER_WITHIN)

    def _prove_routes(self):
        """Every default route is there and renewed once more; where the router does not answer, it is there."""
        now = advertised_routes() if self.routes else {}
        lost = {route for route in self.routes if route not in now or not is_alive(now[route])}
        lost |= await_renewal({route: now[route] for route in set(self.routes) - lost - self.silent}, RENEWAL_WITHIN)
        if lost:
            raise Refusal(
                f"Cannot keep {' and '.join(map(str, sorted(lost)))}: its router did not renew it within "
                f"{RENEWAL_WITHIN} s of the change.",
                "",
            )

    def _apply(self):
        known = self.service.complaints() if self.plan.reload else set()
        for change in self.plan.files:
            write_text(self.module, change.path, change.after)
        for interface in self.plan.accept_ra:
            restore_switch(interface, "accept_ra", "2")
            if interface != "default":
                solicit(interface)
        if self.plan.forward:
            write_switch("all", "forwarding", 1)
        if self.plan.reload:
            self.service.reload()
            self._refuse_drop_in(known)
        if self.plan.restart:
            if self.containers:
                write_text(self.module, STOPPED_FILE, json.dumps(self.containers))
            self.restarted = True
            if self.plan.stop:
                Engine().stop(self.have.containers)
            self.service.restart(self.timeout)

    def _refuse_drop_in(self, known):
        """What systemd makes of our drop-in, before dockerd is started with it.

        :param known: what systemd-analyze complained of before.
        """
        argv, flags = self.service.argv, self.plan.flags
        if flags and argv[-len(flags) :] != flags:
            raise Refusal(
                f"Cannot extend docker.service: systemd now starts {' '.join(argv)}.",
                f"Look for the file that overrules ours among {', '.join(self.service.drop_ins)}.",
            )
        complaints = self.service.complaints() - known
        if complaints:
            raise Refusal(f"Cannot extend docker.service: systemd says {' '.join(sorted(complaints))}.", "")

    def _prove(self):
        deadline = time.monotonic() + self.timeout
        while True:
            engine = Engine()
            bridge, pools = engine.network("bridge"), engine.info()["pools"]
            has_bridge = "ipv6" not in self.plan.target or shows_bridge(bridge, self.plan.target)
            has_pools = "default-address-pools" not in self.plan.target or shows_pools(pools, self.plan.target)
            if has_bridge and has_pools:
                return bridge
            if time.monotonic() > deadline:
                break
            time.sleep(0.1)
        if has_bridge:
            raise Refusal(f"Cannot give dockerd its address pools: it runs, but with {json.dumps(pools)}.", "")
        raise Refusal(
            f"Cannot give {bridge['interface']} {self.plan.target['fixed-cidr-v6'] or 'no prefix'}: dockerd runs, but "
            f"its default bridge has {', '.join(bridge['subnets']) or 'no IPv6'} even {self.timeout} s later.",
            "",
        )

    def _give_back(self, bridge):
        values = self.plan.giving_back
        if values.bridge_disabled and bridge:
            restore_switch(bridge["interface"], "disable_ipv6", values.bridge_disabled)
        restore(values.forwarding, values.accept_ra)
        restore_forward_policy(self.module, values.forward_policy)
        for change in self.plan.last_files:
            # The record goes last, as it knows the directories, too.
            remove_empty(self.plan.directories)
            write_text(self.module, change.path, change.after)
        remove_empty(self.plan.directories)

    def _start_containers(self):
        if not self.containers:
            return [], {}
        outcome = Engine().start(self.containers)
        write_text(self.module, STOPPED_FILE, None)
        return outcome

    def _start_containers_or_tell(self):
        __, failed = self._start_containers()
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

        # The record goes last: without it our keys would be taken for the host's own.
        written = [
            attempt(self._write_if_other, change.path, change.before)
            for change in reversed([*self.plan.files, *self.plan.last_files])
        ]
        attempt(remove_empty, self.have.missing_directories)
        if self.plan.reload:
            attempt(self.service.reload)
        outcome = "The files are as they were" if all(written) else "Not all files could be given back"
        if not self.restarted:
            outcome += ", and dockerd was not touched."
        elif attempt(self.service.restart, self.timeout):
            outcome += ", and dockerd runs with them again."
        elif read_text(DROP_IN) and attempt(self._start_without_drop_in):
            problems.clear()
            outcome += f" but for {DROP_IN}: dockerd starts only without it, and runs so now."
        else:
            outcome += ", but dockerd does not start with them either."
        attempt(restore, self.have.forwarding, self.have.accept_ra)
        attempt(restore_forward_policy, self.module, self.have.forward_policy)
        if self.restarted:
            if self.have.bridge:
                attempt(restore_switch, self.have.bridge["interface"], "disable_ipv6", self.have.bridge_disabled)
            attempt(self._start_containers_or_tell)
        return " ".join([outcome, *(problem for problem in problems if problem != cause)])

    def _write_if_other(self, path, text):
        if read_text(path) != text:
            write_text(self.module, path, text)

    def _start_without_drop_in(self):
        write_text(self.module, DROP_IN, None)
        self.service.reload()
        self.service.restart(self.timeout)
