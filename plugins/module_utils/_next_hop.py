# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the kernel sends what a container sends, and whether that neighbour answers."""

from __future__ import annotations

import ipaddress
import socket
import time
from contextlib import suppress

from ansible_collections.v6ops.docker.plugins.module_utils import _icmpv6
from ansible_collections.v6ops.docker.plugins.module_utils._icmp_socket import IcmpSocket, Solicitor
from ansible_collections.v6ops.docker.plugins.module_utils._interfaces import READY, settled, source_of

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
    """Whether a neighbour answers a solicitation (RFC 4861); one on a link other than Ethernet need not."""
    (link,) = settled([interface])
    if not link["mac"]:
        return True
    if link["state"] != READY:
        return False
    wanted = ipaddress.IPv6Address(address)
    with IcmpSocket([_icmpv6.NEIGHBOUR_ADVERTISEMENT]) as icmp, Solicitor(link, source_of(link)) as solicitor:
        for __ in range(ATTEMPTS):
            solicitor.ask(wanted)
            for packet in icmp.receive_until(time.monotonic() + RETRANSMIT):
                with suppress(_icmpv6.Malformed):
                    target, *__ = _icmpv6.parse_neighbour_advertisement(packet.message, packet.hop_limit)
                    if target == wanted and packet.index == link["index"]:
                        return True
    return False
