# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The configuration of dockerd for IPv6 as a whole: what there is of it, and what is to become of it."""

from __future__ import annotations

import dataclasses

from ansible_collections.v6ops.docker.plugins.module_utils import _preflight
from ansible_collections.v6ops.docker.plugins.module_utils._daemon import keeps_forwarding, plan
from ansible_collections.v6ops.docker.plugins.module_utils._engine import Engine
from ansible_collections.v6ops.docker.plugins.module_utils._preflight import DROP_IN
from ansible_collections.v6ops.docker.plugins.module_utils._record import RECORD_FILE
from ansible_collections.v6ops.docker.plugins.module_utils._state import engine_facts, networks_without_ipv6
from ansible_collections.v6ops.docker.plugins.module_utils._survey import look
from ansible_collections.v6ops.docker.plugins.module_utils._sysctl import SYSCTL_FILE
from ansible_collections.v6ops.docker.plugins.module_utils._systemd import Service
from ansible_collections.v6ops.docker.plugins.module_utils._transaction import Transaction
from ansible_collections.v6ops.docker.plugins.module_utils._validation import validate
from ansible_collections.v6ops.docker.plugins.module_utils._wanted import wanted


class Configuration:
    """Read and planned when it is made, and changed by :meth:`carry_out`.

    :param module: an ``AnsibleModule``.
    :param parameters: values of :data:`._wanted.WANTED_OPTIONS`.
    :param missing: the Python libraries that the host lacks; in check mode the files alone are known then.
    :ivar engine: what other modules and roles ask of the engine, see :func:`._state.engine_facts`, once this is
        carried out.
    :ivar next_engine: the same, once no restart is pending any more.
    :ivar carried_out: whether it was, and not rolled back.
    """

    def __init__(self, module, parameters, missing=()):
        self._module, self._missing, self._timeout = module, list(missing), parameters["timeout"]
        self.want = wanted(parameters)
        self._service = Service(module.run_command, "docker.service")
        self._reread = self._read_units_again()
        engine, self._have = look(module, self._service, self.want.protect_uplinks, blind=bool(missing))
        self._plan = self._make_plan(engine)
        self._bridge = self._predicted_bridge() if self.restarts else self._have.bridge
        self._started, self._unstarted = [], {}
        self.carried_out = False
        self.engine = engine_facts(self._have, self._plan.target if self.restarts else {})
        self.next_engine = engine_facts(self._have, self._plan.target)

    @property
    def restarts(self):
        """Whether dockerd is to be restarted, or was."""
        return self._plan.restart

    @property
    def pending(self):
        return self._plan.pending

    @property
    def networks(self):
        """Those found, as :meth:`._engine.Engine.networks` tells them."""
        return self._have.networks

    def carry_out(self):
        """
        :raises Refusal: with the host as it was, where dockerd does not start with the change or does not show it.
        """
        if not self._plan.changed:
            self.carried_out = True
            return
        transaction = Transaction(self._module, self._service, self._plan, self._have, self._timeout)
        try:
            self._bridge, (self._started, self._unstarted) = transaction.carry_out()
        finally:
            self.carried_out = not transaction.rolled_back
        if self.restarts and not self._have.info:
            self.engine["firewall_backend"] = Engine().info()["firewall_backend"]

    def result(self):
        """What a module returns of it, with warnings of what is left to others."""
        self._warn()
        changes = [change for change in self._plan.files + self._plan.last_files if change.path != RECORD_FILE]
        files = {
            SYSCTL_FILE: self._have.sysctl,
            DROP_IN: self._have.drop_in,
            **{change.path: change.before for change in changes},
        }
        endangered = self._have.endangered
        return {
            "changed": self._plan.changed or self._reread,
            "fixed_cidr_v6": str(self.want.prefix) if self.want.prefix else None,
            "engine": self.engine,
            "before": {"files": files, "endangered_interfaces": endangered, "bridge": self._have.bridge},
            "after": {
                "files": {**files, **{change.path: change.after for change in changes}},
                "endangered_interfaces": [] if self._plan.accept_ra else endangered,
                "bridge": self._bridge,
            },
            "diff": [
                {"before_header": path, "after_header": path, "before": old or "", "after": new or ""}
                for path, old, new in changes
            ],
            "restarted": self.restarts,
            "pending": self.pending,
            "networks_without_ipv6": networks_without_ipv6(self._have),
            "started_containers": self._started,
            **({"missing_libraries": self._missing} if self._missing else {}),
        }

    def _read_units_again(self):
        """Take up unit files that changed without a daemon-reload, before they are extended; whether there were any."""
        if not self._service.outdated:
            return False
        if self._module.check_mode:
            self._module.warn(
                "Unit files of docker.service changed without a daemon-reload, and the prediction lacks them."
            )
            return True
        self._service.reload()
        return not self._service.outdated

    def _make_plan(self, engine):
        """The plan, for which dockerd has been asked too, and the containers that it stops."""
        todo = plan(self._have, self.want)
        if todo.restart or todo.pending:
            validate(self._module, self._have.version, todo.command, self._have.config_file.path, todo.config)
        if todo.restart and engine:
            self._have = dataclasses.replace(self._have, containers=engine.running_containers())
            for refusal in _preflight.of_containers(self._have):
                raise refusal
        return todo

    def _predicted_bridge(self):
        target = self._plan.target
        prefix = target.get("fixed-cidr-v6") if target.get("ipv6") else None
        return {
            **(self._have.bridge or {"name": "bridge", "interface": "docker0"}),
            "ipv6": bool(prefix),
            "subnets": [prefix] if prefix else [],
        }

    def _warn(self):
        if self._missing:
            libraries = " and ".join(self._missing)
            self._module.warn(f"Without the Python libraries {libraries} the prediction knows the files alone.")
        for step in self.pending:
            self._module.warn(f"Not in effect yet: {step}.")
        for name, cause in self._unstarted.items():
            self._module.warn(f"The container {name} ran before and could not be started again: {cause}")
        stay = networks_without_ipv6(self._have)
        if self.want.default_networks and self._plan.changed and stay:
            self._module.warn(f"These networks have no IPv6 until they are created anew: {', '.join(stay)}.")
        stay = keeps_forwarding(self._have, self._plan.target)
        if self.want.state == "absent" and self._have.record and stay:
            self._module.warn(
                f"The Docker networks {', '.join(stay)} have IPv6, so the host keeps forwarding it. Remove them, then "
                "run again to have that given back, too."
            )
