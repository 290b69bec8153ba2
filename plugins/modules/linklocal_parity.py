#!/usr/bin/python
# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: linklocal_parity
short_description: Give chosen ports the verdict over IPv6 that they have over IPv4
version_added: 0.1.0
author:
  - v6ops.docker contributors (@v6ops)
description:
  - Reads from the packet filter what it decides about a neighbour's first packet to each of the O(ports) over IPv4, and
    has it decide the same over IPv6.
  - What IPv4 drops is dropped on that interface, whatever its IPv6 source. What IPv4 accepts is accepted from
    link-local addresses, where other rules drop it. A port whose verdict over IPv4 is not sure is left alone, and
    named.
  - ICMPv6 that IPv6 does not work without (RFC 4890) is accepted, neighbour discovery and ping among it.
  - The rules are in a chain of their own, C(V6OPS-linklocal-input-parity), with one jump at the beginning of C(INPUT).
    Every one has a comment. They are applied by C(ip6tables-restore --noflush), all at once, and read back; no other
    rule is touched.
  - Systemd units, C(v6ops-linklocal-parity.service) and C(v6ops-linklocalflush-parity.path), apply them again after a
    reboot and after a service or firewalld flushed them.
notes:
  - The verdicts are those of now. Run it again when the rules for IPv4 have changed.
  - A port that Ansible itself is connected to over IPv6 is never closed; the module fails instead.
attributes:
  check_mode:
    description: Can run in check mode and predicts what would change.
    support: full
  diff_mode:
    description: Shows the rules as C(ip6tables-save) prints them, and the files that keep them.
    support: full
options:
  state:
    description: Whether the rules are there.
    type: str
    choices: [present, absent]
    default: present
  ports:
    description: The ports, as V(22), V(tcp/22) or V(udp/53). Required with O(state=present).
    type: list
    elements: str
  interfaces:
    description:
      - The interfaces to look at.
      - By default all that are up, but loopback and those of Docker (C(docker*), C(br-*), C(veth*)).
    type: list
    elements: str
seealso:
  - module: v6ops.docker.linklocal_probe
  - name: RFC 4890
    description: Recommendations for Filtering ICMPv6 Messages in Firewalls.
    link: https://www.rfc-editor.org/rfc/rfc4890
"""

EXAMPLES = r"""
- name: Close over IPv6 what is closed over IPv4
  v6ops.docker.linklocal_parity:
    ports: [22, 80, udp/5353]

- name: Take the rules away
  v6ops.docker.linklocal_parity:
    state: absent
"""

RETURN = r"""
ports:
  description: The ports on each interface, with the verdicts that rules of others give.
  type: list
  elements: dict
  returned: with O(state=present)
  contains:
    protocol:
      description: Its protocol.
      type: str
      sample: tcp
    port:
      description: Its number.
      type: int
      sample: 80
    interface:
      description: The interface by which neighbours come.
      type: str
      sample: eth0
    ipv4:
      description: What is decided over IPv4, with the rule that decides.
      type: dict
      sample: {verdict: drop, rule: "-A INPUT -p tcp -m tcp --dport 80 -j DROP", explicit: true}
    ipv6:
      description: What rules of others decide over IPv6, from a link-local address.
      type: dict
      sample: {verdict: accept, rule: null, explicit: false}
    rule:
      description: What ours do with it, V(ACCEPT) or V(DROP), or null where there is no need or no certainty.
      type: str
      sample: DROP
before:
  description: Our lines as they were, as C(ip6tables-save) prints them.
  type: list
  elements: str
  returned: success
  sample: []
after:
  description: Our lines now, or in check mode as they would be.
  type: list
  elements: str
  returned: success
  sample:
    - "*filter"
    - ":V6OPS-linklocal-input-parity - [0:0]"
    - "-A INPUT -m comment --comment V6OPS-linklocal-input-parity -j V6OPS-linklocal-input-parity"
    - "COMMIT"
commands:
  description: What was, or would be, given to C(ip6tables-restore --noflush), and then what to C(systemctl).
  type: list
  elements: str
  returned: success
  sample: ["systemctl daemon-reload", "systemctl restart v6ops-linklocal-parity.service"]
"""

import os

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.v6ops.docker.plugins.module_utils._errors import failing, require_root
from ansible_collections.v6ops.docker.plugins.module_utils._interfaces import default_names, interfaces
from ansible_collections.v6ops.docker.plugins.module_utils._owned_rules import RuleSet
from ansible_collections.v6ops.docker.plugins.module_utils._parity import (
    CHAIN,
    PERSISTENCE,
    Judge,
    own_connection,
    parse_ports,
    refuse_own_connection,
    rules,
)


def main():
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "ports": {"type": "list", "elements": "str"},
            "interfaces": {"type": "list", "elements": "str"},
        },
        required_if=[("state", "present", ["ports"])],
        supports_check_mode=True,
    )
    require_root(module, os.geteuid())
    with failing(module):
        module.exit_json(**(present if module.params["state"] == "present" else absent)(module))


def absent(module):
    rule_set = RuleSet(module, CHAIN, {}, PERSISTENCE)
    if not module.check_mode:
        rule_set.carry_out()
    return rule_set.result()


def present(module):
    names = module.params["interfaces"]
    judge = Judge(module, default_names(interfaces()) if names is None else names)
    ports = judge.ports(parse_ports(module.params["ports"]))
    refuse_own_connection(ports, own_connection())
    rule_set = RuleSet(module, CHAIN, {"filter": rules(ports)}, PERSISTENCE)
    for one in ports:
        if one.ipv4.verdict == "unknown":
            module.warn(
                f"Left {one.protocol}/{one.port} on {one.interface} alone: what IPv4 decides is not sure, because of "
                f"'{one.ipv4.rule}'."
            )
    if not module.check_mode:
        rule_set.carry_out()
        for one in judge.unequal(ports):
            module.warn(
                f"{one.protocol}/{one.port} on {one.interface} has another verdict over IPv6 than over IPv4 all the "
                "same: rules in a table of others decide."
            )
    told = [{**one._asdict(), "ipv4": one.ipv4._asdict(), "ipv6": one.ipv6._asdict()} for one in ports]
    return {**rule_set.result(), "ports": told}


if __name__ == "__main__":
    main()
