# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The host's own IPv6: its addresses and routes, and the interfaces that live on router advertisements.

The kernel ignores advertisements, and drops the default route it learned from them, as soon as an interface
forwards, unless its ``accept_ra`` is 2 (Documentation/networking/ip-sysctl.rst).
"""

from __future__ import annotations

import ipaddress
import os

from ansible_collections.v6ops.docker.plugins.module_utils._addresses import addresses
from ansible_collections.v6ops.docker.plugins.module_utils._files import read_text
from ansible_collections.v6ops.docker.plugins.module_utils._forwarding import CONF, read_switch

# Default routes come in pieces too, such as ::/1 and 8000::/1 of a VPN, or 2000::/3.
LONGEST_DEFAULT = 3
IFA_F_PERMANENT = 0x80  # linux/if_addr.h
# Of what has no next hop, is a copy, or one of the host's own addresses; linux/route.h, linux/ipv6_route.h.
RTF_REJECT, RTF_ANYCAST, RTF_CACHE, RTF_LOCAL = 0x0200, 0x00100000, 0x01000000, 0x80000000


def networks_in_use(except_interfaces):
    """What the host's addresses and routes cover, the default route and some interfaces left out.

    :returns: a list of (:class:`ipaddress.IPv6Network`, where it was found).
    """
    connected = [
        (ipaddress.ip_network((one.address, one.prefixlen), strict=False), name, f"an address on {name}")
        for one in addresses()
        for name in [one.interface]
    ]
    routes = [
        (network, name, f"a route to {name}")
        for network, name in _routes()
        if network.prefixlen > LONGEST_DEFAULT and not network.is_multicast
    ]
    return [(network, where) for network, name, where in connected + routes if name not in except_interfaces]


def uplinks():
    """The interfaces by which a table of the host leads to the internet, in one piece or several."""
    return sorted({name for network, name in _routes() if network.prefixlen <= LONGEST_DEFAULT})


def _routes():
    """The routes of all tables, (:class:`ipaddress.IPv6Network`, name of the interface)."""
    found = []
    # See proc_net(5).
    for line in (read_text("/proc/net/ipv6_route") or "").splitlines():
        row = line.split()
        flags, name = int(row[8], 16), row[9]
        if not flags & (RTF_REJECT | RTF_ANYCAST | RTF_CACHE | RTF_LOCAL) and name != "lo":
            found.append((ipaddress.ip_network((bytes.fromhex(row[0]), int(row[1], 16))), name))
    return found


def accept_ra():
    """``accept_ra`` of every interface, and of those to come (``default``)."""
    return {name: read_switch(name, "accept_ra") for name in os.listdir(CONF) if name not in ("all", "lo")}


def endangered_interfaces(except_interfaces):
    """Interfaces that take router advertisements only as long as they do not forward, ``default`` among them.

    Ports of a bridge take none. One that forwards already, and so takes none, is meant to be a router unless it shows
    that it lived on them: by an address with a lifetime, or as the host has no default route at all.
    """
    lost = _configured_by_routers()
    return sorted(
        name
        for name, value in accept_ra().items()
        if value == "1" and name not in except_interfaces and (name == "default" or _is_endangered(name, lost))
    )


def _is_endangered(name, lost):
    return (
        read_switch(name, "disable_ipv6") != "1"
        and not os.path.exists(f"/sys/class/net/{name}/brport")
        and (read_switch(name, "forwarding") == "0" or name in lost)
    )


def _configured_by_routers():
    """The interfaces with an address of a lifetime; every one where the host has no default route."""
    everything = not uplinks()
    return {one.interface for one in addresses() if everything or not one.flags & IFA_F_PERMANENT}
