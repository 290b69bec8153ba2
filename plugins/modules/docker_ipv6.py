#!/usr/bin/python
# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_ipv6
short_description: Give containers working IPv6 behind NAT66, the whole job
version_added: 0.1.0
author:
  - v6ops.docker contributors (@v6ops)
description:
  - Does in one call what M(v6ops.docker.docker_ipv6_daemon), M(v6ops.docker.ip6tables_nat) and
    M(v6ops.docker.docker_ipv6_check) do, made of the same plans; an unchanged host takes a third of the time.
  - The rules are there before C(dockerd) is restarted, so that no container is open to the link for a moment. They go
    again where C(dockerd) does not come up with the change.
  - What the rules translated before they translate as long as a Docker network has it, such as the former prefix until
    C(dockerd) is restarted, or a network from a former pool until it is removed.
  - Fails where the verification fails. What was set up stays then, so that the cause can be looked for.
extends_documentation_fragment:
  - v6ops.docker.dockerd
attributes:
  check_mode:
    description:
      - Can run in check mode and predicts what would change, even where the libraries are still missing. It does not
        verify then, as containers may have no IPv6 yet.
    support: full
  diff_mode:
    description: Shows the files that change, and the rules as C(ip6tables-save) prints them.
    support: full
options:
  state:
    description:
      - V(absent) gives the host back as it was before the first run.
      - The rules of NAT66 stay, with a warning, while C(dockerd) is not restarted yet or networks of the user need
        them.
    type: str
    choices: [present, absent]
    default: present
  nat_owner:
    description:
      - Who masquerades and closes the containers; V(engine) for C(dockerd), which before 27 takes it only with
        C(experimental), or V(collection) for the set of rules V(docker) of M(v6ops.docker.ip6tables_nat).
      - V(auto) is the engine where it does so by itself, from 27 on with C(ip6tables), else the collection.
    type: str
    choices: [auto, engine, collection]
    default: auto
  targets:
    description:
      - What a container must reach, see O(v6ops.docker.docker_ipv6_check#module:targets).
      - Without any, the router of the host's uplink must answer.
    type: list
    elements: str
    default: []
  report_only:
    description: Whether to succeed where the verification fails; see RV(passed).
    type: bool
    default: false
seealso:
  - module: v6ops.docker.docker_ipv6_daemon
  - module: v6ops.docker.ip6tables_nat
  - module: v6ops.docker.docker_ipv6_check
"""

EXAMPLES = r"""
- name: Working IPv6 for containers
  v6ops.docker.docker_ipv6:

- name: Working IPv6 for containers, which have to reach these
  v6ops.docker.docker_ipv6:
    targets: ["2001:db8:dead::1", "www.example.com:443"]

- name: Give the host back as it was
  v6ops.docker.docker_ipv6:
    state: absent
"""

RETURN = r"""
before:
  description:
    - The state found, see RV(v6ops.docker.docker_ipv6_daemon#module:before), and our C(rules) as
      in RV(v6ops.docker.ip6tables_nat#module:before).
  type: dict
  returned: success
  sample:
    files:
      /etc/sysctl.d/90-v6ops-docker.conf: null
      /etc/systemd/system/docker.service.d/zz-v6ops-docker.conf: null
    endangered_interfaces: [default, eth0]
    bridge: {name: bridge, interface: docker0, ipv6: false, subnets: []}
    rules: []
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
    rules: ["*filter", ":V6OPS-docker - [0:0]", "…", "COMMIT"]
fixed_cidr_v6:
  description: See RV(v6ops.docker.docker_ipv6_daemon#module:fixed_cidr_v6).
  type: str
  returned: success
  sample: fd12:3456:789a::/64
engine:
  description: See RV(v6ops.docker.docker_ipv6_daemon#module:engine).
  type: dict
  returned: success
  sample: {version: 26.1.5, ip6tables: false, firewall_backend: iptables}
restarted:
  description: Whether C(dockerd) was restarted, or would be.
  type: bool
  returned: success
  sample: true
pending:
  description: What is left to do until the configuration is in effect. While there is something, nothing is verified.
  type: list
  elements: str
  returned: success
  sample: []
networks_without_ipv6:
  description: See RV(v6ops.docker.docker_ipv6_daemon#module:networks_without_ipv6).
  type: list
  elements: str
  returned: success
  sample: [shop_default]
started_containers:
  description: See RV(v6ops.docker.docker_ipv6_daemon#module:started_containers).
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
commands:
  description: See RV(v6ops.docker.ip6tables_nat#module:commands).
  type: list
  elements: str
  returned: success
  sample: ["systemctl daemon-reload", "systemctl reenable v6ops-nat-docker.service"]
translated_by:
  description: See RV(v6ops.docker.ip6tables_nat#module:translated_by).
  type: dict
  returned: success
  sample: {"fd12:3456:789a::/48": collection}
passed:
  description: Whether no check of the verification failed.
  type: bool
  returned: when it was verified
  sample: true
checks:
  description: See RV(v6ops.docker.docker_ipv6_check#module:checks).
  type: list
  elements: dict
  returned: when it was verified
  sample:
    - {name: gateway, status: passed, evidence: "fd12:3456:789a::1 answers in 0.165 ms", remedy: ""}
broken:
  description: See RV(v6ops.docker.docker_ipv6_check#module:broken).
  type: list
  elements: dict
  returned: when it was verified
  sample: []
report:
  description: See RV(v6ops.docker.docker_ipv6_check#module:report).
  type: list
  elements: str
  returned: when it was verified
  sample: ["passed  address  fd12:3456:789a::242:ac11:2/64 on eth0"]
container:
  description: See RV(v6ops.docker.docker_ipv6_check#module:container).
  type: dict
  returned: when it was verified
  sample: {route: {gateway: "fd12:3456:789a::1", interface: eth0}}
"""

import os

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.v6ops.docker.plugins.module_utils._errors import failing, require_root
from ansible_collections.v6ops.docker.plugins.module_utils._libraries import fail_on_missing, missing_libraries
from ansible_collections.v6ops.docker.plugins.module_utils._wanted import WANTED_OPTIONS
from ansible_collections.v6ops.docker.plugins.module_utils._whole_job import absent, present


def main():
    module = AnsibleModule(
        argument_spec={
            **{option: spec for option, spec in WANTED_OPTIONS.items() if option != "ip6tables"},
            "nat_owner": {"type": "str", "choices": ["auto", "engine", "collection"], "default": "auto"},
            "targets": {"type": "list", "elements": "str", "default": []},
            "report_only": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    require_root(module, os.geteuid())
    missing = missing_libraries("docker", "pyroute2")
    if not module.check_mode:
        fail_on_missing(module, missing)
    job = present if module.params["state"] == "present" else absent
    with failing(module):
        module.exit_json(**job(module, module.params, missing))


if __name__ == "__main__":
    main()
