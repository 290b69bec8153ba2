# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the kernel sends what a container sends, and whether that neighbour answers."""

from __future__ import annotations

import ipaddress
import socket
import struct
import time

from ansible_collections.v6ops.docker.plugins.module_utils._files import read_text

NEIGHBOUR_SOLICITATION, NEIGHBOUR_ADVERTISEMENT, HOP_LIMIT = 135, 136, 255  # RFC 4861, section 4
SOURCE_LINK_LAYER_ADDRESS = 1
ARPHRD_ETHER = "1"
ATTEMPTS, RETRANSMIT = 3, 1.0  # RFC 4861, section 10


def route_to(target, source, interface):
    """The route of a packet that arrives at an interface, whatever table or rule decides.

    :returns: a dict of ``interface`` and ``gateway`` (None on the link itself), or None where there is none.
    """
    from pyroute2 import IPRoute
    from pyroute2.netlink.exceptions import NetlinkError

    with IPRoute() as netlink:
        names = {link["index"]: link.get_attr("IFLA_IFNAME") for link in netlink.get_links()}
        index = socket.if_nametoindex(interface)
        try:
            found = list(netlink.route("get", family=socket.AF_INET6, dst=target, src=source, iif=index))
        except NetlinkError:
            return None
    if not found or not found[0].get_attr("RTA_OIF"):
        return None
    return {"interface": names.get(found[0].get_attr("RTA_OIF")), "gateway": found[0].get_attr("RTA_GATEWAY")}


def resolves(address, interface):
    """Whether a neighbour answers a solicitation (RFC 4861); links other than Ethernet have none."""
    if (read_text(f"/sys/class/net/{interface}/type") or "").strip() != ARPHRD_ETHER:
        return True
    own = bytes.fromhex(read_text(f"/sys/class/net/{interface}/address").strip().replace(":", ""))
    wanted = ipaddress.IPv6Address(address).packed
    solicited_node = str(ipaddress.IPv6Address(b"\xff\x02" + bytes(9) + b"\x01\xff" + wanted[-3:]))
    option = struct.pack("!BB", SOURCE_LINK_LAYER_ADDRESS, 1) + own
    packet = struct.pack("!BBHI", NEIGHBOUR_SOLICITATION, 0, 0, 0) + wanted + option
    index = socket.if_nametoindex(interface)
    with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as icmp:
        icmp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
        icmp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, HOP_LIMIT)
        for __ in range(ATTEMPTS):
            icmp.sendto(packet, (solicited_node, 0, 0, index))
            if _hears(icmp, wanted, time.monotonic() + RETRANSMIT):
                return True
    return False


def _hears(icmp, wanted, deadline):
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        icmp.settimeout(left)
        try:
            packet = icmp.recv(1500)
        except socket.timeout:
            return False
        if packet[0] == NEIGHBOUR_ADVERTISEMENT and packet[8:24] == wanted:
            return True
