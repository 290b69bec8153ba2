# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: linklocal_peers
short_description: Which hosts of a play share a link with a host
version_added: 0.1.0
author:
  - v6ops.docker contributors (@v6ops)
description:
  - A host shares a link with another where one of the two has seen a link-local address of the other among its
    neighbours, with the same Ethernet address.
positional: host
options:
  _input:
    description:
      - What P(v6ops.docker.linklocal_probe#module) returned on each host, by the host's name, with
        O(v6ops.docker.linklocal_probe#module:discover) and O(v6ops.docker.linklocal_probe#module:exposure).
    type: dict
    required: true
  host:
    description: The host whose peers are wanted.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show who is on my links
  ansible.builtin.debug:
    msg: "{{ probes | v6ops.docker.linklocal_peers(inventory_hostname) }}"
  vars:
    probes: "{{ dict(ansible_play_batch | zip(ansible_play_batch | map('extract', hostvars, 'probed'))) }}"
"""

RETURN = r"""
_value:
  description: The peers, once for each link, with the TCP ports that are listened at, as neighbours could reach them.
  type: list
  elements: dict
  sample:
    - name: web1
      interface: eth0
      peer_interface: ens3
      address: fe80::5054:8fff:fe9f:af62
      zoned: fe80::5054:8fff:fe9f:af62%eth0
      ports: [22, 80]
"""

from ansible_collections.v6ops.docker.plugins.plugin_utils._fleet import peers


class FilterModule:
    def filters(self):
        return {"linklocal_peers": peers}
