# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What modules that configure dockerd have in common."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
requirements:
  - docker >= 4.1 (the Python library), on the managed host
  - pyroute2 >= 0.5.14, on the managed host
  - systemd >= 247, which runs C(docker.service)
options:
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
"""
