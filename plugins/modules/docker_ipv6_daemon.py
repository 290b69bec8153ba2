#!/usr/bin/python
# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_ipv6_daemon
short_description: Give the containers of a Docker daemon IPv6
version_added: 0.1.0
author:
  - v6ops.docker contributors (@v6ops)
description:
  - Configures C(dockerd) so that its default bridge has IPv6 and user networks can have it, by a systemd drop-in of its
    own which keeps every argument and variable of the command line in effect, or by keys merged into C(daemon.json).
  - The state is judged by what the engine's API says, not by files, so a run that was cut off is finished by the next
    one.
  - What would keep C(dockerd) from starting again is refused before anything is changed, dormant faults included.
    Engines from 23 on are asked themselves (C(dockerd --validate)).
  - Where C(dockerd) does not come up with the change, or does not show it, the files return to what they were,
    C(dockerd) is started with them again, and the failure carries its last log lines.
  - A restart of C(dockerd) stops containers without a restart policy; those that ran are started again, in their order.
    Where it would remove one for good (C(docker run --rm)), nothing is changed.
requirements:
  - docker >= 4.1 (the Python library), on the managed host
  - pyroute2 >= 0.5.14, on the managed host
  - systemd >= 247, which runs C(docker.service)
attributes:
  check_mode:
    description: Can run in check mode and predicts what would change, even where the libraries are still missing.
    support: full
  diff_mode:
    description: Shows the files that change.
    support: full
options:
  state:
    description:
      - V(absent) gives the host back as it was before the first run - the texts of the files, the default bridge, the
        forwarding of IPv6 and the policy of C(FORWARD), and C(accept_ra). It is kept in C(/var/lib/v6ops-docker).
      - As long as other networks of the engine have IPv6, the host keeps forwarding it, and a warning names them.
    type: str
    choices: [present, absent]
    default: present
  fixed_cidr_v6:
    description:
      - The subnet of the default bridge, unique local (RFC 4193) or global unicast, in any spelling.
      - By default the first /64 of a stable RFC 4193 /48 of the host's own, derived from its machine ID.
      - A prefix that overlaps an address or a route of the host, or another network of the engine, is refused.
    type: str
  user_networks:
    description:
      - Let C(docker network create --ipv6) and Compose work without a subnet.
      - An engine from 27 on that manages IPv6 rules itself does so by itself, with subnets of its own. Others get
        O(pool) in C(default-address-pools), and with it the IPv4 pools that are built in, as these would be replaced.
    type: bool
    default: true
  pool:
    description:
      - The prefix of /48 to /64 that the subnets of user networks come from; given, it is set on newer engines, too.
      - By default the RFC 4193 /48 of the host's own.
      - Up to 26 an engine finds but the first /64 of an IPv6 pool. It is given one /64 of the pool, for subnets of /80.
    type: str
  default_networks:
    description:
      - Give every new network IPv6, without C(--ipv6). Engines before 27 cannot, and it is left out there.
      - Networks that exist stay as they are. RV(networks_without_ipv6) names those that would have to be created anew.
    type: bool
    default: false
  ip6tables:
    description:
      - Let C(dockerd) manage IPv6 rules itself, or not; by default it is left as it is.
      - Engines before 27 take it only with C(experimental), which is then switched on, too.
    type: bool
  config:
    description:
      - Where options that are new go - V(systemd) for a drop-in, V(daemon_json) for C(daemon.json) (or the file that
        C(--config-file) names). V(auto) takes C(daemon.json) where it has such keys already, else a drop-in.
      - A key that the host itself has in one place stays there, as C(dockerd) refuses to start with it in both. Where
        V(systemd) or V(daemon_json) would need it in the other, that is refused.
    type: str
    choices: [auto, systemd, daemon_json]
    default: auto
  restart:
    description:
      - V(never) writes the configuration and tells in RV(pending) what is not in effect yet.
    type: str
    choices: [if_needed, never]
    default: if_needed
  live_restore:
    description:
      - What to do where C(live-restore) is on and containers run, as C(dockerd) then ignores the change without a word.
      - V(fail) refuses, V(defer) is like O(restart=never), and V(stop_containers) stops them before the restart and
        starts just those again, in their order.
    type: str
    choices: [fail, defer, stop_containers]
    default: fail
  protect_uplinks:
    description:
      - Let interfaces that learn their default route from router advertisements (C(accept_ra=1)) keep it.
      - IPv6 in C(dockerd) switches forwarding on, and the kernel then drops that route at once unless C(accept_ra) is
        V(2). It is set beforehand, live and in a file under C(/etc/sysctl.d), for interfaces to come, too.
      - Every such route that was there before has to be there after, renewed by its router, else all goes back.
      - Interfaces of systemd-networkd and NetworkManager (C(accept_ra=0)) need nothing, see
        R(the guide,ansible_collections.v6ops.docker.docsite.guide_uplinks).
    type: bool
    default: true
  timeout:
    description:
      - Seconds that C(dockerd) may take to start, and then to show the result.
      - The time that it takes to stop is that of its containers and does not count.
    type: int
    default: 60
seealso:
  - module: v6ops.docker.docker_ipv6_info
  - module: v6ops.docker.ip6tables_nat
  - module: v6ops.docker.docker_ipv6_check
  - name: Enable IPv6 support
    description: Docker's own documentation.
    link: https://docs.docker.com/engine/daemon/ipv6/
"""

EXAMPLES = r"""
- name: IPv6 for containers, from a prefix of the host's own
  v6ops.docker.docker_ipv6_daemon:

- name: IPv6 for containers, from a prefix of yours, kept in daemon.json
  v6ops.docker.docker_ipv6_daemon:
    fixed_cidr_v6: fd12:3456:789a::/64
    config: daemon_json

- name: Prepare everything, and leave the restart to the next maintenance
  v6ops.docker.docker_ipv6_daemon:
    restart: never

- name: Give the host back as it was
  v6ops.docker.docker_ipv6_daemon:
    state: absent
"""

RETURN = r"""
fixed_cidr_v6:
  description: The prefix, in the canonical spelling of RFC 5952; V(null) with O(state=absent).
  type: str
  returned: success
  sample: fd12:3456:789a::/64
engine:
  description:
    - The engine's C(version), whether it manages IPv6 rules and so masquerades its bridges itself (C(ip6tables)), and
      its C(firewall_backend).
  type: dict
  returned: success
  sample: {version: 26.1.5, ip6tables: false, firewall_backend: iptables}
before:
  description:
    - The state found, with the texts of the files (V(null) where there is none), the interfaces that would lose their
      default route and are to be protected (V(default) for those to come), and the default bridge (V(null) where the
      engine did not answer).
  type: dict
  returned: success
  sample:
    files:
      /etc/sysctl.d/90-v6ops-docker.conf: null
      /etc/systemd/system/docker.service.d/zz-v6ops-docker.conf: null
    endangered_interfaces: [default, eth0]
    bridge: {name: bridge, interface: docker0, ipv6: false, subnets: []}
after:
  description: The state now, or in check mode the state that would be.
  type: dict
  returned: success
  sample:
    files:
      /etc/sysctl.d/90-v6ops-docker.conf: "net/ipv6/conf/default/accept_ra = 2\n…"
      /etc/systemd/system/docker.service.d/zz-v6ops-docker.conf: "[Service]\nExecStart=\nExecStart=dockerd …\n"
    endangered_interfaces: []
    bridge: {name: bridge, interface: docker0, ipv6: true, subnets: ["fd12:3456:789a::/64"]}
restarted:
  description: Whether C(dockerd) was restarted, or would be.
  type: bool
  returned: success
  sample: true
pending:
  description: What is left to do until the configuration is in effect.
  type: list
  elements: str
  returned: success
  sample: ["dockerd has to be restarted ('systemctl restart docker')"]
networks_without_ipv6:
  description: The user networks that have no IPv6; to have it, they would have to be created anew.
  type: list
  elements: str
  returned: success
  sample: [shop_default]
started_containers:
  description: The names of the containers that the restart had stopped and that were started again.
  type: list
  elements: str
  returned: success
  sample: [db]
missing_libraries:
  description: The Python libraries that the managed host lacks.
  type: list
  elements: str
  returned: when some are missing
  sample: [docker, pyroute2]
log:
  description: The last log lines of C(docker.service).
  type: list
  elements: str
  returned: when it failed to start
  sample: ["failed to start daemon: Error initializing network controller: …"]
"""

import dataclasses
import os

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.v6ops.docker.plugins.module_utils import _preflight
from ansible_collections.v6ops.docker.plugins.module_utils._daemon import keeps_forwarding, plan
from ansible_collections.v6ops.docker.plugins.module_utils._errors import failing, require_root
from ansible_collections.v6ops.docker.plugins.module_utils._libraries import fail_on_missing, missing_libraries
from ansible_collections.v6ops.docker.plugins.module_utils._preflight import DROP_IN
from ansible_collections.v6ops.docker.plugins.module_utils._record import RECORD_FILE
from ansible_collections.v6ops.docker.plugins.module_utils._state import engine_facts, networks_without_ipv6
from ansible_collections.v6ops.docker.plugins.module_utils._survey import look
from ansible_collections.v6ops.docker.plugins.module_utils._sysctl import SYSCTL_FILE
from ansible_collections.v6ops.docker.plugins.module_utils._systemd import Service
from ansible_collections.v6ops.docker.plugins.module_utils._transaction import Transaction
from ansible_collections.v6ops.docker.plugins.module_utils._validation import validate
from ansible_collections.v6ops.docker.plugins.module_utils._wanted import WANTED_OPTIONS, wanted


def read_units_again(module, service):
    """Take up unit files that changed without a daemon-reload, before they are extended; whether there were any."""
    if not service.outdated:
        return False
    if module.check_mode:
        module.warn("Unit files of docker.service changed without a daemon-reload, and the prediction lacks them.")
        return True
    service.reload()
    return not service.outdated


def make_plan(module, engine, have, want):
    """The plan, for which dockerd has been asked too, and the state with the containers that it stops."""
    todo = plan(have, want)
    if todo.restart or todo.pending:
        validate(module, have.version, todo.command, have.config_file.path, todo.config)
    if todo.restart and engine:
        have = dataclasses.replace(have, containers=engine.running_containers())
        for refusal in _preflight.of_containers(have):
            raise refusal
    return todo, have


def tell(module, have, want, todo, unstarted):
    """Warn of what is left to others."""
    for step in todo.pending:
        module.warn(f"Not in effect yet: {step}.")
    for name, cause in unstarted.items():
        module.warn(f"The container {name} ran before and could not be started again: {cause}")
    stay = networks_without_ipv6(have)
    if want.default_networks and todo.changed and stay:
        module.warn(f"These networks have no IPv6 until they are created anew: {', '.join(stay)}.")
    stay = keeps_forwarding(have, todo.target)
    if want.state == "absent" and have.record and stay:
        module.warn(
            f"The Docker networks {', '.join(stay)} have IPv6, so the host keeps forwarding it. Remove them, then run "
            "again to have that given back, too."
        )


def main():
    module = AnsibleModule(
        argument_spec={
            **WANTED_OPTIONS,
            "timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    require_root(module, os.geteuid())
    missing = missing_libraries("docker", "pyroute2")
    if not module.check_mode:
        fail_on_missing(module, missing)
    started, unstarted = [], {}
    with failing(module):
        want = wanted(module.params)
        service = Service(module.run_command, "docker.service")
        reread = read_units_again(module, service)
        engine, have = look(module, service, want.protect_uplinks, blind=bool(missing))
        todo, have = make_plan(module, engine, have, want)
        bridge = have.bridge
        if todo.changed and not module.check_mode:
            transaction = Transaction(module, service, todo, have, module.params["timeout"])
            bridge, (started, unstarted) = transaction.carry_out()
        elif todo.restart:
            prefix = todo.target.get("fixed-cidr-v6") if todo.target.get("ipv6") else None
            bridge = {
                **(bridge or {"name": "bridge", "interface": "docker0"}),
                "ipv6": bool(prefix),
                "subnets": [prefix] if prefix else [],
            }

    if missing:
        module.warn(f"Without the Python libraries {' and '.join(missing)} the prediction knows the files alone.")
    tell(module, have, want, todo, unstarted)
    changes = [change for change in todo.files + todo.last_files if change.path != RECORD_FILE]
    before = {
        SYSCTL_FILE: have.sysctl,
        DROP_IN: have.drop_in,
        **{change.path: change.before for change in changes},
    }
    module.exit_json(
        changed=todo.changed or reread,
        fixed_cidr_v6=str(want.prefix) if want.prefix else None,
        engine=engine_facts(have, todo.target if todo.restart else {}),
        before={"files": before, "endangered_interfaces": have.endangered, "bridge": have.bridge},
        after={
            "files": {**before, **{change.path: change.after for change in changes}},
            "endangered_interfaces": [] if todo.accept_ra else have.endangered,
            "bridge": bridge,
        },
        diff=[
            {"before_header": path, "after_header": path, "before": old or "", "after": new or ""}
            for path, old, new in changes
        ],
        restarted=todo.restart,
        pending=todo.pending,
        networks_without_ipv6=networks_without_ipv6(have),
        started_containers=started,
        **({"missing_libraries": missing} if missing else {}),
    )


if __name__ == "__main__":
    main()
