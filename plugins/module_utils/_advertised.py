# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Default routes that the host learned from router advertisements, and whether their router keeps renewing them.

A route that is listed may be dead: one that is not renewed expires without a word, and is listed for a while after.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import time
from typing import NamedTuple

RTN_UNICAST, RTPROT_RA = 1, 9  # linux/rtnetlink.h
ROUTER_SOLICITATION, ALL_ROUTERS, HOP_LIMIT = 133, "ff02::2", 255  # RFC 4861, section 4.1
SOLICITATION_INTERVAL = 4.0  # seconds, RFC 4861, section 10
# An interface that cannot ask now: without an address yet, down, or gone.
MUTE = (errno.EADDRNOTAVAIL, errno.ENETUNREACH, errno.ENETDOWN, errno.ENODEV, errno.ENXIO)


class Route(NamedTuple):
    gateway: str
    interface: str
    metric: int

    def __str__(self):
        return f"the default route via {self.gateway} on {self.interface}"


def advertised_routes():
    """Every such route with its end, in seconds of :func:`time.monotonic`; None for one without.

    NetworkManager keeps the lifetimes of its routes to itself.

    :returns: a dict of :class:`Route`.
    """
    from pyroute2 import IPRoute

    now, ticks = time.monotonic(), os.sysconf("SC_CLK_TCK")
    found = {}
    with IPRoute() as netlink:
        names = {link["index"]: link.get_attr("IFLA_IFNAME") for link in netlink.get_links()}
        for route in netlink.get_routes(family=socket.AF_INET6):
            if route["dst_len"] or route["type"] != RTN_UNICAST or route["proto"] != RTPROT_RA:
                continue
            name = names.get(route.get_attr("RTA_OIF"))
            expires = (route.get_attr("RTA_CACHEINFO") or {}).get("rta_expires", 0)
            key = Route(route.get_attr("RTA_GATEWAY"), name, route.get_attr("RTA_PRIORITY"))
            found[key] = now + _signed(expires) / ticks if expires else None
    return found


def _signed(number):
    return number - (1 << 32) if number >= 1 << 31 else number


def is_alive(end):
    return end is None or end > time.monotonic()


def solicit(interface):
    """Ask the routers on a link for an advertisement, as far as the interface can ask."""
    with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as icmp:
        try:
            index = socket.if_nametoindex(interface)
            icmp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
            icmp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, HOP_LIMIT)
            icmp.sendto(struct.pack("!BBHI", ROUTER_SOLICITATION, 0, 0, 0), (ALL_ROUTERS, 0, 0, index))
        except OSError as error:
            if error.errno not in MUTE:
                raise


def await_renewal(routes, timeout):
    """Ask until each of these routes has been renewed, or the time is up.

    :param routes: as :func:`advertised_routes` told them.
    :param timeout: in seconds.
    :returns: the set of those that have not been.
    """
    waiting, begin, asked = set(routes), time.monotonic(), 0
    while waiting and time.monotonic() - begin < timeout:
        if time.monotonic() - begin >= asked * SOLICITATION_INTERVAL:
            asked += 1
            for interface in {route.interface for route in waiting}:
                solicit(interface)
        time.sleep(0.02)
        now = advertised_routes()
        waiting = {route for route in waiting if route not in now or not _is_later(routes[route], now[route])}
    return waiting


def _is_later(before, now):
    # A lifetime of zero, at the very end, reads like none.
    return before is None or (now is not None and now > before + 0.05)
