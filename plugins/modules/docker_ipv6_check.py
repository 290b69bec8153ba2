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
  - Looks from inside a real container at its address, its default route and its gateway, and at the host for its
    uplink and for who translates; then asks each target by ICMPv6 echo (RFC 4443), by packets of the full size (path
    MTU, RFC 8201) and, where it has a port, by TCP.
  - Where a target does not answer, names the first broken hop, container, bridge, forward, nat, route, neighbour or
    target, by what was seen of the packets on the interfaces of the host.
  - The container needs no image and no registry. It runs the host's own Python, mounted read-only, and is removed when
    it ends; what a run that was killed has left, the next one removes.
  - Every probe is a flow of its own, which no earlier one has left in connection tracking.
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
      - What a container must reach; literal IPv6 addresses, C([address]:port) for a TCP port that must accept a
        connection, or names, with a port or without, which a container must be able to look up.
      - A target with a port need not answer echo requests.
      - Without any, the router of the host's uplink must answer.
    type: list
    elements: str
    default: []
  network:
    description: The Docker network that the container is on.
    type: str
    default: bridge
  prefix:
    description:
      - The prefix that the container's address must be in, or V(host) for the /64 that
        M(v6ops.docker.docker_ipv6_daemon) gives this host by default.
      - The subnets of its network, if left out.
    type: str
  image:
    description: An image of yours on the host, with C(python3) in it, to probe from instead of the host's own Python.
    type: str
  report_only:
    description: Whether to succeed where a check fails, for a play that only reports; see RV(passed).
    type: bool
    default: false
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

- name: A container on a network of Compose's looks up a name and reaches its TCP port
  v6ops.docker.docker_ipv6_check:
    targets: ["www.example.com:443"]
    network: shop_default
"""

RETURN = r"""
passed:
  description: Whether no check failed.
  type: bool
  returned: when it probed
  sample: true
checks:
  description: Every check in the order of the path, with RV(checks[].evidence) and, where it failed, a remedy.
  type: list
  elements: dict
  returned: when it probed
  contains:
    name:
      description:
        - What was checked.
        - V(address), V(route) and V(gateway) of the container; V(uplink), the default route of the host; V(nat66), who
          translates; V(family), information alone, which one the C library prefers; V(inbound), whether the rules drop
          new connections from outside to ports that are not published, skipped where they cannot be read for sure.
        - Of each target V(name), its AAAA records; V(target), echo; V(source), as what it leaves the host; V(mtu), the
          path MTU; V(tcp). V(router) where there are no targets.
      type: str
      sample: target
    status:
      description: How it went; one that could not be made is skipped.
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
broken:
  description: The first broken hop of each target that does not answer.
  type: list
  elements: dict
  returned: when it probed
  contains:
    target:
      description: The target.
      type: str
      sample: "2001:db8:dead::1"
    hop:
      description: The hop.
      type: str
      choices: [container, bridge, forward, nat, route, neighbour, target]
      sample: nat
    evidence:
      description: What was seen.
      type: str
      sample: "It leaves eth0 untranslated, as fd12:3456:789a::2."
    remedy:
      description: What to do.
      type: str
      sample: "Install the rules of NAT66 (v6ops.docker.ip6tables_nat), or restart docker where dockerd has them."
report:
  description: The checks as lines for a person, and what C(ip -6 address) prints in the container.
  type: list
  elements: str
  returned: when it probed
  sample: ["passed  address  fd12:3456:789a::242:ac11:2/64 on eth0"]
container:
  description:
    - What the container saw, as it is; times are in milliseconds, sizes in bytes. C(router) instead of C(targets) where
      there were none.
  type: dict
  returned: when it probed
  sample:
    addresses:
      - {address: "fd12:3456:789a::242:ac11:2", prefixlen: 64, interface: eth0, tentative: false, dadfailed: false}
    route: {gateway: "fd12:3456:789a::1", interface: eth0}
    gateway: {from: "fd12:3456:789a::1", rtt_ms: 0.05, error: null}
    router: null
    preferred_family: 4
    targets:
      - target: "[2001:db8:dead::1]:22"
        address: "2001:db8:dead::1"
        resolved: []
        error: null
        ping:
          transmitted: 3
          received: 3
          loss_percent: 0
          errors: []
          rtt_ms: {min: 0.1, avg: 0.2, max: 0.3, mdev: 0.1}
        path_mtu: {mtu: 1500, tried: 1500}
        tcp: {state: open, banner: SSH-2.0-OpenSSH_10.0}
"""

import os

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.v6ops.docker.plugins.module_utils._destinations import parse_destinations
from ansible_collections.v6ops.docker.plugins.module_utils._errors import failing, require_root
from ansible_collections.v6ops.docker.plugins.module_utils._libraries import fail_on_missing, missing_libraries
from ansible_collections.v6ops.docker.plugins.module_utils._prefix import host_prefix, parse_prefix
from ansible_collections.v6ops.docker.plugins.module_utils._verification import complaint, verify


def main():
    module = AnsibleModule(
        argument_spec={
            "targets": {"type": "list", "elements": "str", "default": []},
            "network": {"type": "str", "default": "bridge"},
            "prefix": {"type": "str"},
            "image": {"type": "str"},
            "report_only": {"type": "bool", "default": False},
            "timeout": {"type": "int", "default": 10},
        },
        supports_check_mode=True,
    )
    require_root(module, os.geteuid())
    network = module.params["network"]
    with failing(module):
        targets = parse_destinations(module.params["targets"])
        prefix = parse_prefix_option(module.params["prefix"])
        if module.check_mode:
            module.exit_json(changed=False, skipped=True, msg="Not probed in check mode.")
        fail_on_missing(module, missing_libraries("docker", "pyroute2"))
        results = verify(module, targets, prefix, network, module.params["image"], module.params["timeout"])
    if results["passed"] or module.params["report_only"]:
        module.exit_json(changed=False, **results)
    module.fail_json(msg=complaint(network, results["checks"]), **results)


def parse_prefix_option(text):
    if text is None:
        return None
    return host_prefix() if text == "host" else parse_prefix(text)


if __name__ == "__main__":
    main()
