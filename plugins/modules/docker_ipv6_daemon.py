#!/usr/bin/python
# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_ipv6_daemon
short_description: Give the default bridge of a Docker daemon IPv6
version_added: 0.1.0
author:
  - v6ops.docker contributors (@v6ops)
description:
  - Starts C(dockerd) with C(--ipv6 --fixed-cidr-v6=PREFIX), by a systemd drop-in of its own which keeps every argument
    and variable of the command line in effect.
  - The state is judged by what the engine's API says of the default bridge, not by files, so a run that was cut off is
    finished by the next one.
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
  fixed_cidr_v6:
    description:
      - The subnet of the default bridge, unique local (RFC 4193) or global unicast, in any spelling.
      - By default the first /64 of a stable RFC 4193 /48 of the host's own, derived from its machine ID.
      - A prefix that overlaps an address or a route of the host is refused.
    type: str
  protect_uplinks:
    description:
      - Let interfaces that learn their default route from router advertisements (C(accept_ra=1)) keep it.
      - IPv6 in C(dockerd) switches forwarding on, and the kernel then drops that route at once unless C(accept_ra) is
        V(2). It is set beforehand, live and in a file under C(/etc/sysctl.d).
    type: bool
    default: true
  timeout:
    description:
      - Seconds that C(dockerd) may take to start, and then to show the prefix on its default bridge.
      - The time that it takes to stop is that of its containers and does not count.
    type: int
    default: 60
seealso:
  - module: v6ops.docker.ip6tables_nat
  - module: v6ops.docker.docker_ipv6_check
  - name: Enable IPv6 support
    description: Docker's own documentation.
    link: https://docs.docker.com/engine/daemon/ipv6/
"""

EXAMPLES = r"""
- name: IPv6 for containers, from a prefix of the host's own
  v6ops.docker.docker_ipv6_daemon:

- name: IPv6 for containers, from a prefix of yours
  v6ops.docker.docker_ipv6_daemon:
    fixed_cidr_v6: fd12:3456:789a::/64
"""

RETURN = r"""
fixed_cidr_v6:
  description: The prefix, in the canonical spelling of RFC 5952.
  type: str
  returned: success
  sample: fd12:3456:789a::/64
before:
  description:
    - The state found, with the texts of our files (V(null) where there is none), the interfaces that would lose their
      default route and are to be protected, and the default bridge (V(null) where the engine did not answer).
  type: dict
  returned: success
  sample:
    files:
      /etc/sysctl.d/90-v6ops-docker.conf: null
      /etc/systemd/system/docker.service.d/zz-v6ops-docker.conf: null
    endangered_interfaces: [eth0]
    bridge: {name: docker0, ipv6: false, subnets: []}
after:
  description: The state now, or in check mode the state that would be.
  type: dict
  returned: success
  sample:
    files:
      /etc/sysctl.d/90-v6ops-docker.conf: "net/ipv6/conf/eth0/accept_ra = 2\n"
      /etc/systemd/system/docker.service.d/zz-v6ops-docker.conf: "[Service]\nExecStart=\nExecStart=dockerd …\n"
    endangered_interfaces: []
    bridge: {name: docker0, ipv6: true, subnets: ["fd12:3456:789a::/64"]}
restarted:
  description: Whether C(dockerd) was restarted, or would be.
  type: bool
  returned: success
  sample: true
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

import os

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.v6ops.docker.plugins.module_utils._daemon import DROP_IN, Have, config_path, plan
from ansible_collections.v6ops.docker.plugins.module_utils._engine import Engine
from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal, failing, require_root
from ansible_collections.v6ops.docker.plugins.module_utils._files import read_text
from ansible_collections.v6ops.docker.plugins.module_utils._libraries import fail_on_missing, missing_libraries
from ansible_collections.v6ops.docker.plugins.module_utils._prefix import host_prefix, parse_prefix
from ansible_collections.v6ops.docker.plugins.module_utils._systemd import Service
from ansible_collections.v6ops.docker.plugins.module_utils._transaction import Transaction, read_stopped
from ansible_collections.v6ops.docker.plugins.module_utils._uplink import (
    SYSCTL_FILE,
    endangered_interfaces,
    networks_in_use,
)


def read_units_again(module, service):
    """Take up unit files that changed without a daemon-reload, before they are extended; whether there were any."""
    if not service.outdated:
        return False
    if module.check_mode:
        module.warn("Unit files of docker.service changed without a daemon-reload, and the prediction lacks them.")
        return True
    service.reload()
    return not service.outdated


def refuse_unit(service):
    """Refuse a docker.service that cannot be extended as it is."""
    remedies = {
        "masked": "Run 'systemctl unmask docker.service'.",
        "bad-setting": "See 'systemctl status docker.service'; often a drop-in lacks an empty 'ExecStart='.",
    }
    if service.load_state != "loaded":
        raise Refusal(
            f"Cannot use docker.service: systemd says {service.load_state}.",
            remedies.get(
                service.load_state, "Install Docker as a package that systemd starts, not as a snap or rootless."
            ),
        )


def connect(service, drop_in):
    """The engine, or None where a drop-in of ours may be why it does not run."""
    if service.active_state == "active":
        return Engine()
    if drop_in is None:
        raise Refusal(
            f"Cannot see the state of dockerd: docker.service is {service.active_state}.",
            "Start it ('systemctl start docker'), then run again.",
        )
    return None


def refuse_to_lose(containers):
    lost = [container["name"] for container in containers if container["auto_remove"]]
    if lost:
        raise Refusal(
            f"Cannot restart dockerd: it would remove the running container{'s'[: len(lost) - 1]} {', '.join(lost)}, "
            "which 'docker run --rm' started.",
            "Stop what is not needed, or wait for its end, then run again.",
        )


def look(service, protect_uplinks, blind):
    """The engine and the state of this host.

    :param blind: the libraries that show the engine and the network are missing.
    """
    refuse_unit(service)
    drop_in = read_text(DROP_IN)
    engine = None if blind else connect(service, drop_in)
    bridge = engine and engine.network("bridge")
    config = config_path(service.running_argv())
    return engine, Have(
        argv=service.argv,
        units=[(path, read_text(path) or "") for path in [service.fragment, *service.drop_ins] if path != DROP_IN],
        drop_in=drop_in,
        sysctl=read_text(SYSCTL_FILE),
        config_file=(config, read_text(config)),
        bridge=bridge,
        info=engine and engine.info(),
        in_use=[] if blind else networks_in_use(except_interface=bridge["name"] if bridge else "docker0"),
        endangered=endangered_interfaces() if protect_uplinks else [],
        stopped=read_stopped(),
    )


def main():
    module = AnsibleModule(
        argument_spec={
            "fixed_cidr_v6": {"type": "str"},
            "protect_uplinks": {"type": "bool", "default": True},
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
        requested = module.params["fixed_cidr_v6"]
        prefix = host_prefix() if requested is None else parse_prefix(requested)
        service = Service(module.run_command, "docker.service")
        reread = read_units_again(module, service)
        engine, have = look(service, module.params["protect_uplinks"], blind=bool(missing))
        todo = plan(have, prefix)
        containers = engine.running_containers() if engine and todo.restart else []
        refuse_to_lose(containers)
        bridge = have.bridge
        if todo.changed and not module.check_mode:
            transaction = Transaction(module, service, todo, containers, module.params["timeout"])
            bridge, (started, unstarted) = transaction.carry_out(prefix)
        elif todo.restart:
            bridge = {"name": (bridge or {}).get("name", "docker0"), "ipv6": True, "subnets": [str(prefix)]}

    if missing:
        module.warn(f"Without the Python libraries {' and '.join(missing)} the prediction knows the files alone.")
    for name, cause in unstarted.items():
        module.warn(f"The container {name} ran before and could not be started again: {cause}")
    before = {SYSCTL_FILE: have.sysctl, DROP_IN: have.drop_in}
    after = {**before, **{change.path: change.after for change in todo.files}}
    module.exit_json(
        changed=todo.changed or reread,
        fixed_cidr_v6=str(prefix),
        before={"files": before, "endangered_interfaces": have.endangered, "bridge": have.bridge},
        after={"files": after, "endangered_interfaces": [], "bridge": bridge},
        diff=[
            {"before_header": path, "after_header": path, "before": old or "", "after": new or ""}
            for path, old, new in todo.files
        ],
        restarted=todo.restart,
        started_containers=started,
        **({"missing_libraries": missing} if missing else {}),
    )


if __name__ == "__main__":
    main()
