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
import socket

from ansible_collections.v6ops.docker.plugins.module_utils._forwarding import CONF, read_switch

# Default routes come in pieces too, such as ::/1 and 8000::/1 of a VPN, or 2000::/3.
LONGEST_DEFAULT = 3
RT_TABLE_MAIN, RTN_UNICAST = 254, 1  # linux/rtnetlink.h
IFA_F_PERMANENT = 0x80  # linux/if_addr.h


def networks_in_use(except_interfaces):
    """What the host's addresses and main routes cover, the default route and some interfaces left out.

    :returns: a list of (:class:`ipaddress.IPv6Network`, where it was found).
    """
    from pyroute2 import IPRoute

    found = []
    with IPRoute() as netlink:
        names = {link["index"]: link.get_attr("IFLA_IFNAME") for link in netlink.get_links()}
        for address in _addresses(netlink):
            name = names.get(address["index"])
            network = ipaddress.ip_interface(f"{address.get_attr('IFA_ADDRESS')}/{address['prefixlen']}").network
            if name not in except_interfaces:
                found.append((network, f"an address on {name}"))
        for route in netlink.get_routes(family=socket.AF_INET6, table=RT_TABLE_MAIN):
            name = names.get(route.get_attr("RTA_OIF"))
            destination = route.get_attr("RTA_DST")
            is_default = route["dst_len"] <= LONGEST_DEFAULT
            if destination and not is_default and route["type"] == RTN_UNICAST and name not in except_interfaces:
                found.append((ipaddress.ip_network(f"{destination}/{route['dst_len']}"), f"a route to {name}"))
    return found


def has_default_route():
    """Whether the host's main table leads to the internet, in one piece or several."""
    from pyroute2 import IPRoute

    with IPRoute() as netlink:
        routes = netlink.get_routes(family=socket.AF_INET6, table=RT_TABLE_MAIN)
        return any(route["dst_len"] <= LONGEST_DEFAULT and route["type"] == RTN_UNICAST for route in routes)


def _addresses(netlink):
    return netlink.get_addr(family=socket.AF_INET6)


def accept_ra():
    """``accept_ra`` of every interface, and of those to come (``default``)."""
    return {name: read_switch(name, "accept_ra") for name in os.listdir(CONF) if name not in ("all", "lo")}


def endangered_interfaces(except_interfaces, blind=False):
    """Interfaces that take router advertisements only as long as they do not forward, ``default`` among them.

    Ports of a bridge take none. One that forwards already, and so takes none, is meant to be a router unless it shows
    that it lived on them: by an address with a lifetime, or as the host has no default route at all.

    :param blind: the library that shows addresses and routes is missing.
    """
    lost = {} if blind else _configured_by_routers()
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
    from pyroute2 import IPRoute

    everything = not has_default_route()
    with IPRoute() as netlink:
        names = {link["index"]: link.get_attr("IFLA_IFNAME") for link in netlink.get_links()}
        return {
            names.get(address["index"])
            for address in _addresses(netlink)
            if not address["flags"] & IFA_F_PERMANENT or everything
        }
