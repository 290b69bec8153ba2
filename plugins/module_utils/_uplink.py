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

RT_TABLE_MAIN, RTN_UNICAST = 254, 1  # linux/rtnetlink.h
CONF = "/proc/sys/net/ipv6/conf"
SYSCTL_FILE = "/etc/sysctl.d/90-v6ops-docker.conf"
_SYSCTL_HEADER = "# Written by v6ops.docker.docker_ipv6_daemon: take router advertisements while the host forwards.\n"


def networks_in_use(except_interface):
    """What the host's addresses and main routes cover, the default route and one interface left out.

    :returns: a list of (:class:`ipaddress.IPv6Network`, where it was found).
    """
    from pyroute2 import IPRoute

    found = []
    with IPRoute() as netlink:
        names = {link["index"]: link.get_attr("IFLA_IFNAME") for link in netlink.get_links()}
        for address in _addresses(netlink):
            name = names.get(address["index"])
            network = ipaddress.ip_interface(f"{address.get_attr('IFA_ADDRESS')}/{address['prefixlen']}").network
            if name != except_interface:
                found.append((network, f"an address on {name}"))
        for route in netlink.get_routes(family=socket.AF_INET6, table=RT_TABLE_MAIN):
            name = names.get(route.get_attr("RTA_OIF"))
            destination = route.get_attr("RTA_DST")
            if destination and route["type"] == RTN_UNICAST and name != except_interface:
                found.append((ipaddress.ip_network(f"{destination}/{route['dst_len']}"), f"a route to {name}"))
    return found


def own_addresses():
    """The host's IPv6 addresses, as a set of strings."""
    from pyroute2 import IPRoute

    with IPRoute() as netlink:
        return {address.get_attr("IFA_ADDRESS") for address in _addresses(netlink)}


def _addresses(netlink):
    return netlink.get_addr(family=socket.AF_INET6)


def endangered_interfaces():
    """Interfaces that take router advertisements only as long as they do not forward; ports of a bridge take none."""
    return sorted(
        name
        for name in os.listdir(CONF)
        if name not in ("all", "default", "lo")
        and _read(name, "accept_ra") == "1"
        and _read(name, "forwarding") == "0"
        and not os.path.exists(f"/sys/class/net/{name}/brport")
    )


def _read(interface, key):
    with open(f"{CONF}/{interface}/{key}", encoding="ascii") as file:
        return file.read().strip()


def set_accept_ra(interface, value):
    with open(f"{CONF}/{interface}/accept_ra", "w", encoding="ascii") as file:
        file.write(f"{value}\n")


def extend_sysctl_file(text, interfaces):
    """The text of our sysctl.d file, with more interfaces; slashes, as names may have dots (sysctl.d(5))."""
    lines = (text or _SYSCTL_HEADER).splitlines()
    wanted = (f"net/ipv6/conf/{name}/accept_ra = 2" for name in interfaces)
    return "\n".join([*lines, *(line for line in wanted if line not in lines)]) + "\n"
