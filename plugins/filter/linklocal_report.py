# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: linklocal_report
short_description: What is known of a host on its links, proven by its peers
version_added: 0.1.0
author:
  - v6ops.docker contributors (@v6ops)
description:
  - Puts together what a host says of itself and what the other hosts of the play found when they connected to it by
    link-local addresses. That a port is open or closed is proven by them alone; a host that connects to itself does not
    pass its own packet filter.
positional: crossed, host, parity
options:
  _input:
    description:
      - What P(v6ops.docker.linklocal_probe#module) returned on each host, by the host's name, with
        O(v6ops.docker.linklocal_probe#module:discover), O(v6ops.docker.linklocal_probe#module:routers) and
        O(v6ops.docker.linklocal_probe#module:exposure).
    type: dict
    required: true
  crossed:
    description:
      - The RV(v6ops.docker.linklocal_probe#module:targets) of each host that connected to its peers, by the host's
        name.
    type: dict
    required: true
  host:
    description: The host that is reported.
    type: str
    required: true
  parity:
    description: The RV(v6ops.docker.linklocal_parity#module:ports) of it.
    type: list
    elements: dict
    default: []
"""

EXAMPLES = r"""
- name: Show what neighbours reach of this host
  ansible.builtin.debug:
    msg: "{{ (probes | v6ops.docker.linklocal_report(crossed, inventory_hostname)).report }}"
"""

RETURN = r"""
_value:
  description:
    - The interfaces, neighbours, routers, exposure and findings as M(v6ops.docker.linklocal_probe) returns them. A
      neighbour has the name of its host in the play as C(peer), a socket C(proven) (V(open), V(closed) or null), who
      proved it and the banner, a finding C(proven).
    - Beside them the C(peers), the C(parity), and all of it as lines of text, C(report).
  type: dict
  sample:
    report:
      - "web1: fe80::5054:8fff:fe9f:af62%eth0, mtu 1500, 2 neighbours, of this play web2"
      - "tcp/80 (nginx) on eth0  IPv4 drop  IPv6 accept  proven open by web2"
"""

from ansible_collections.v6ops.docker.plugins.plugin_utils._fleet import audit


class FilterModule:
    def filters(self):
        return {"linklocal_report": audit}
