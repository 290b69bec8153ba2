#!/usr/bin/python
# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_ipv6_check
short_description: Prove that containers reach the IPv6 internet
version_added: 0.1.0
author:
  - v6ops.docker contributors (@v6ops)
description:
  - Looks from inside a real container at its address, its default route and its gateway, and pings each target.
  - The container needs no image and no registry. It runs the host's own Python, mounted read-only, and the engine
    removes it when it ends.
  - Fails where a check fails, with the results of all.
requirements:
  - docker >= 4.1 (the Python library), on the managed host
  - pyroute2 >= 0.5.14, on the managed host
attributes:
  check_mode:
    description: Changes nothing, and in check mode does not probe, as containers may have no IPv6 yet.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
options:
  targets:
    description:
      - Literal IPv6 addresses that a container must reach.
      - Without any, the router of the host's uplink must answer.
    type: list
    elements: str
    default: []
  network:
    description: The Docker network that the container is on.
    type: str
    default: bridge
  timeout:
    description: Seconds to wait until the container has an address and a route, and its gateway answers.
    type: int
    default: 10
seealso:
  - module: v6ops.docker.docker_ipv6_daemon
"""

EXAMPLES = r"""
- name: A container reaches the router of the host's uplink
  v6ops.docker.docker_ipv6_check:

- name: A container reaches these addresses
  v6ops.docker.docker_ipv6_check:
    targets: ["2001:db8:dead::1"]
"""

RETURN = r"""
checks:
  description: Every check in the order of the path, with RV(checks[].evidence) and, where it failed, a remedy.
  type: list
  elements: dict
  returned: when it probed, passed or failed
  contains:
    name:
      description: What was checked.
      type: str
      sample: target
    status:
      description: How it went; a check behind a broken one is skipped.
      type: str
      choices: [passed, failed, skipped]
      sample: passed
    evidence:
      description: What was seen.
      type: str
      sample: "2001:db8:dead::1: 3 packets transmitted, 3 received, 0% packet loss"
    remedy:
      description: What to do.
      type: str
      sample: ""
report:
  description: The checks as lines for a person, and what C(ip -6 address) prints in the container.
  type: list
  elements: str
  returned: when it probed, passed or failed
  sample: ["passed  address  fd12:3456:789a::242:ac11:2/64 on eth0"]
container:
  description:
    - What the container saw, as it is; C(addresses), C(route), C(gateway), C(pings) with times in milliseconds, and
      C(router) where there were no targets.
  type: dict
  returned: when it probed, passed or failed
  sample:
    addresses:
      - {address: "fd12:3456:789a::242:ac11:2", prefixlen: 64, interface: eth0, tentative: false, dadfailed: false}
    route: {gateway: "fd12:3456:789a::1", interface: eth0}
    gateway: {from: "fd12:3456:789a::1", rtt_ms: 0.05, error: null}
    router: null
    pings:
      - target: 2001:db8:dead::1
        transmitted: 3
        received: 3
        loss_percent: 0
        errors: []
        rtt_ms: {min: 0.1, avg: 0.2, max: 0.3, mdev: 0.1}
"""

import inspect
import ipaddress
import os

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.v6ops.docker.plugins.module_utils import _probe
from ansible_collections.v6ops.docker.plugins.module_utils._addresses import addresses
from ansible_collections.v6ops.docker.plugins.module_utils._checks import judge, report
from ansible_collections.v6ops.docker.plugins.module_utils._container import run_python
from ansible_collections.v6ops.docker.plugins.module_utils._engine import Engine
from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal, failing, require_root
from ansible_collections.v6ops.docker.plugins.module_utils._firewalls import obstacles
from ansible_collections.v6ops.docker.plugins.module_utils._libraries import fail_on_missing, missing_libraries
from ansible_collections.v6ops.docker.plugins.module_utils._uplink import has_default_route


def parse_target(text):
    remedy = "A target is a literal address beyond the host, such as 2001:db8::1."
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError as error:
        raise Refusal(f"Cannot probe {text!r}: it is not an IPv6 address.", remedy) from error
    if (
        address.is_loopback
        or address.is_unspecified
        or address.is_multicast
        or address.is_link_local
        or address.ipv4_mapped
    ):
        raise Refusal(f"Cannot probe {text!r}: it is not a unicast address that can be routed to.", remedy)
    return str(address)


def main():
    module = AnsibleModule(
        argument_spec={
            "targets": {"type": "list", "elements": "str", "default": []},
            "network": {"type": "str", "default": "bridge"},
            "timeout": {"type": "int", "default": 10},
        },
        supports_check_mode=True,
    )
    require_root(module, os.geteuid())
    with failing(module):
        targets = [parse_target(text) for text in module.params["targets"]]
        if module.check_mode:
            module.exit_json(changed=False, skipped=True, msg="Not probed in check mode.")
        fail_on_missing(module, missing_libraries("docker", "pyroute2"))
        engine = Engine()
        network = module.params["network"]
        subnets = engine.network(network)["subnets"]
        argument = {"targets": targets, "timeout": module.params["timeout"]}
        seen, ip_address = run_python(engine, network, inspect.getsource(_probe), argument)
    checks = judge(seen, targets, subnets, {str(address) for address, __ in addresses()}, has_default_route())
    results = {"checks": checks, "report": report(checks, seen["pings"], ip_address), "container": seen}
    failed = [check for check in checks if check["status"] == "failed"]
    if failed:
        evidence = "; ".join(check["evidence"].rstrip(".") for check in failed)
        with failing(module):
            found = obstacles(module, [ipaddress.ip_network(subnet) for subnet in subnets])
        remedy = " ".join(found) or failed[0]["remedy"]
        module.fail_json(
            msg=f"Cannot reach the IPv6 internet from a container on {network}: {evidence}. {remedy}",
            **results,
        )
    module.exit_json(changed=False, **results)


if __name__ == "__main__":
    main()
