#!/usr/bin/python
# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ip6tables_nat
short_description: Masquerade IPv6 prefixes (NAT66)
version_added: 0.1.0
author:
  - v6ops.docker contributors (@v6ops)
description:
  - Keeps a named set of rules that translate the source of what leaves the prefixes to the address of the interface it
    leaves by (C(MASQUERADE)). Traffic among the prefixes is left alone.
  - The rules are in a chain of their own with one jump from C(POSTROUTING), every one with a comment. They are applied
    by a single atomic C(ip6tables-restore --noflush) and read back; no other rule is touched.
  - NAT66 is for testing and for machines that roam. In production, route a delegated prefix.
notes:
  - The rules are those of the running kernel and are gone after a reboot.
attributes:
  check_mode:
    description: Can run in check mode and predicts what would change.
    support: full
  diff_mode:
    description: Shows the rules as C(ip6tables-save) prints them.
    support: full
options:
  state:
    description: Whether the set of rules is there.
    type: str
    choices: [present, absent]
    default: present
  name:
    description: The name of the set; its chain is C(V6OPS-NAME).
    type: str
    default: docker
  sources:
    description:
      - The prefixes to masquerade, in any spelling.
      - By default the prefix that M(v6ops.docker.docker_ipv6_daemon) derives for the host.
    type: list
    elements: str
seealso:
  - module: v6ops.docker.docker_ipv6_daemon
  - module: ansible.builtin.iptables
"""

EXAMPLES = r"""
- name: Masquerade what leaves the containers' prefix
  v6ops.docker.ip6tables_nat:
    sources: [fd12:3456:789a::/64]

- name: Take the rules away
  v6ops.docker.ip6tables_nat:
    state: absent
"""

RETURN = r"""
before:
  description: Our lines of the C(nat) table as they were, as C(ip6tables-save) prints them.
  type: list
  elements: str
  returned: success
  sample: []
after:
  description: Our lines of the C(nat) table now, or in check mode as they would be.
  type: list
  elements: str
  returned: success
  sample:
    - ":V6OPS-docker - [0:0]"
    - "-A POSTROUTING -m comment --comment V6OPS-docker -j V6OPS-docker"
    - "-A V6OPS-docker -d fd12:3456:789a::/64 -m comment --comment V6OPS-docker -j RETURN"
    - "-A V6OPS-docker -s fd12:3456:789a::/64 -m comment --comment V6OPS-docker -j MASQUERADE"
commands:
  description: What was, or would be, given to C(ip6tables-restore --noflush) for the C(nat) table.
  type: list
  elements: str
  returned: success
  sample:
    - ":V6OPS-docker - [0:0]"
    - "-A POSTROUTING -m comment --comment V6OPS-docker -j V6OPS-docker"
    - "-A V6OPS-docker -d fd12:3456:789a::/64 -m comment --comment V6OPS-docker -j RETURN"
    - "-A V6OPS-docker -s fd12:3456:789a::/64 -m comment --comment V6OPS-docker -j MASQUERADE"
"""

import os
import re

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal, failing, require_root
from ansible_collections.v6ops.docker.plugins.module_utils._netfilter import Table, masquerade_rules, owned, plan
from ansible_collections.v6ops.docker.plugins.module_utils._prefix import host_prefix, parse_prefix

HOOK = "POSTROUTING"


def parse_sources(texts):
    if not texts:
        raise Refusal("Cannot masquerade an empty list of prefixes.", "Set 'state: absent' to take the rules away.")
    prefixes = [parse_prefix(text) for text in texts]
    in_order = sorted(prefixes)
    for one, other in zip(in_order, in_order[1:]):
        if one.overlaps(other):
            raise Refusal(f"Cannot masquerade both {one} and {other}: they overlap.", "Name the larger one alone.")
    return prefixes


def chain_of(name):
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,20}", name):
        raise Refusal(
            f"Cannot name a set of rules {name!r}: a chain's name is short and plain.",
            "Use at most 20 letters, digits, '-' and '_'.",
        )
    return f"V6OPS-{name}"


def main():
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "name": {"type": "str", "default": "docker"},
            "sources": {"type": "list", "elements": "str"},
        },
        supports_check_mode=True,
    )
    require_root(module, os.geteuid())
    with failing(module):
        chain = chain_of(module.params["name"])
        rules = []
        if module.params["state"] == "present":
            sources = module.params["sources"]
            rules = masquerade_rules(chain, [host_prefix()] if sources is None else parse_sources(sources))
        table = Table(module, "nat")
        saved = table.save()
        commands = plan(saved, chain, HOOK, rules)
        before = owned(saved, chain, HOOK)
        after = before
        if commands and module.check_mode:
            after = plan([], chain, HOOK, rules)
        elif commands:
            table.restore(commands)
            saved = table.save()
            after = owned(saved, chain, HOOK)
            if plan(saved, chain, HOOK, rules):
                raise Refusal(
                    f"Cannot prove the rules of {chain}: they read back different from what was written.",
                    "Look for another program that changes them at the same time.",
                    before=before,
                    after=after,
                    commands=commands,
                )
    module.exit_json(
        changed=bool(commands),
        before=before,
        after=after,
        commands=commands,
        diff={"before": "".join(f"{line}\n" for line in before), "after": "".join(f"{line}\n" for line in after)},
    )


if __name__ == "__main__":
    main()
