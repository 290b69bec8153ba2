#!/usr/bin/python
# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ip6tables_nat
short_description: Masquerade IPv6 prefixes (NAT66) and close what is behind them
version_added: 0.1.0
author:
  - v6ops.docker contributors (@v6ops)
description:
  - Keeps a named set of rules that translate the source of what leaves the prefixes, by default to the address of the
    interface it leaves by (C(MASQUERADE)). Traffic among the prefixes is left alone.
  - By default it also closes the prefixes. NAT does not do that, see O(forward).
  - The rules are in chains of their own with one jump each, at the end of C(POSTROUTING) and C(FORWARD), so that the
    rules of others keep their meaning. Every one has a comment. They are applied by C(ip6tables-restore --noflush),
    each table at once, and read back; no other rule is touched.
  - No rule names an interface or an address of the uplink, unless O(out_interfaces) or O(to_source) do. The prefix
    of the uplink may change, and so may the uplink.
  - NAT66 is for testing and for machines that roam. In production, route a delegated prefix.
notes:
  - Some of FORWARD may be decided before, by rules of others, or by firewalld, whose rules are not in this packet
    filter. What is found of that is told as a warning with its remedy.
  - With O(state=absent) a table in which nothing is left is removed by C(nft), where that is installed. Tables of the
    legacy backend stay, empty, as long as the kernel has them.
attributes:
  check_mode:
    description:
      - Can run in check mode and predicts what would change.
      - Where ip6tables is not installed yet, as from an empty rule set, with a warning.
    support: full
  diff_mode:
    description: Shows the rules as C(ip6tables-save) prints them, and the files that keep them.
    support: full
options:
  state:
    description:
      - Whether the set of rules is there.
      - V(absent) needs O(name) alone.
    type: str
    choices: [present, absent]
    default: present
  name:
    description: The name of the set; its chains are C(V6OPS-NAME). At most 20 letters, digits, V(-) and V(_).
    type: str
    default: docker
  sources:
    description:
      - The prefixes to translate, in any spelling. A prefix covers every network within it, also those that are
        created later.
      - By default there are none but O(pool).
    type: list
    elements: str
  pool:
    description:
      - One more prefix to translate, or V(host) for the stable RFC 4193 /48 of the host's own. O(sources) within it are
        covered by it.
      - By default V(host) where there are no O(sources), else none.
    type: str
  destinations:
    description: Translate only what goes to these prefixes.
    type: list
    elements: str
    default: []
  out_interfaces:
    description: Translate only what leaves by these interfaces; V(+) at the end of a name stands for anything.
    type: list
    elements: str
    default: []
  to_source:
    description: Translate to this address of the host (C(SNAT)), instead of that of the interface.
    type: str
  to_prefix:
    description:
      - Translate address by address to this prefix (C(NETMAP)), which has the length of the one that is translated and
        which others route to this host.
    type: str
  forward:
    description:
      - With V(protect), what FORWARD has not decided otherwise is decided thus. Containers reach out, and
        replies and ICMPv6 errors come in. Other packets from outside to the prefixes are dropped, unless a published
        port has translated them.
      - A source address within the prefixes counts as inside only where C(docker*) and C(br-*) bridges can tell. To a
        bridge with another name whatever has such an address is let in.
      - With V(open) FORWARD is left to others.
    type: str
    choices: [protect, open]
    default: protect
  persist:
    description:
      - Whether systemd units, C(v6ops-nat-NAME.service) and C(v6ops-natflush-NAME.path), apply the rules again after
        a reboot and after a service or firewalld flushed them.
      - Rules that are flushed by hand (C(nft flush ruleset)) come back with C(systemctl restart v6ops-nat-NAME).
    type: bool
    default: true
  backend:
    description:
      - Which of the backends of iptables to use. V(auto) is the one that C(ip6tables) is, as for dockerd.
      - The set is removed from the other one.
    type: str
    choices: [auto, nft, legacy]
    default: auto
seealso:
  - module: v6ops.docker.docker_ipv6_daemon
  - module: ansible.builtin.iptables
"""

EXAMPLES = r"""
- name: Masquerade and protect the host's own /48, whatever networks Docker has in it
  v6ops.docker.ip6tables_nat:

- name: Masquerade what leaves one prefix
  v6ops.docker.ip6tables_nat:
    sources: [fd12:3456:789a::/64]

- name: Translate address by address to a prefix that is routed here
  v6ops.docker.ip6tables_nat:
    name: npt
    sources: [fd12:3456:789a:1::/64]
    to_prefix: 2001:db8:7:1::/64

- name: Take the rules away
  v6ops.docker.ip6tables_nat:
    state: absent
"""

RETURN = r"""
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
    - "*nat"
    - ":V6OPS-docker - [0:0]"
    - "-A POSTROUTING -m comment --comment V6OPS-docker -j V6OPS-docker"
    - "-A V6OPS-docker -d fd12:3456:789a::/48 -m comment --comment V6OPS-docker -j RETURN"
    - "-A V6OPS-docker -s fd12:3456:789a::/48 -m comment --comment V6OPS-docker -j MASQUERADE"
    - "COMMIT"
commands:
  description: What was, or would be, given to C(ip6tables-restore --noflush), and then what to C(systemctl).
  type: list
  elements: str
  returned: success
  sample:
    - "*nat"
    - ":V6OPS-docker - [0:0]"
    - "-A POSTROUTING -m comment --comment V6OPS-docker -j V6OPS-docker"
    - "-A V6OPS-docker -d fd12:3456:789a::/48 -m comment --comment V6OPS-docker -j RETURN"
    - "-A V6OPS-docker -s fd12:3456:789a::/48 -m comment --comment V6OPS-docker -j MASQUERADE"
    - "COMMIT"
    - "systemctl daemon-reload"
    - "systemctl reenable v6ops-nat-docker.service"
    - "systemctl restart v6ops-nat-docker.service"
translated_by:
  description:
    - Who translates each prefix now, or in check mode would; V(collection), V(engine) by dockerd's own rule, V(other),
      or null for nobody. With O(state=absent) too, where it is the prefixes that would be translated.
  type: dict
  returned: success
  sample: {"fd12:3456:789a::/48": collection}
"""

import os

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.v6ops.docker.plugins.module_utils._errors import failing, require_root
from ansible_collections.v6ops.docker.plugins.module_utils._nat66_set import NAT66_OPTIONS, Nat66Set


def main():
    module = AnsibleModule(
        argument_spec=NAT66_OPTIONS,
        mutually_exclusive=[("to_source", "to_prefix")],
        supports_check_mode=True,
    )
    require_root(module, os.geteuid())
    with failing(module):
        rules = Nat66Set(module, module.params)
        if not module.check_mode:
            rules.carry_out()
        rules.warn_of_others()
        module.exit_json(**rules.result())


if __name__ == "__main__":
    main()
