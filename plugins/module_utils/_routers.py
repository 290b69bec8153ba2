# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The routers on links, as they advertise themselves when solicited. This host advertises nothing."""

from __future__ import annotations

import time

from ansible_collections.v6ops.docker.plugins.module_utils import _icmpv6
from ansible_collections.v6ops.docker.plugins.module_utils._clean import clean
from ansible_collections.v6ops.docker.plugins.module_utils._icmp_socket import IcmpSocket

ALL_ROUTERS = "ff02::2"
# A router answers within half a second, or three seconds after it has advertised last (RFC 4861, section 6.2.6).
SOLICITATION_INTERVAL, SETTLE, LIMIT = 1.0, 1.0, 4.0  # seconds


def routers(interfaces):
    """Those that advertise within a second after the first, or within four.

    :param interfaces: ready ones, as of ``_interfaces``.
    :returns: the routers with their last advertisement, and the advertisements that were rejected, both lists of dicts
              as the module ``linklocal_probe`` returns them.
    """
    listener = _Listener(interfaces)
    with IcmpSocket([_icmpv6.ROUTER_ADVERTISEMENT], "look for routers") as icmp:
        begin = time.monotonic()
        asked, end = 0, begin + LIMIT
        while time.monotonic() < end:
            if not listener.found and time.monotonic() >= begin + asked * SOLICITATION_INTERVAL:
                asked += 1
                for interface in interfaces:
                    message = _icmpv6.router_solicitation(interface["mac"])
                    icmp.send(message, ALL_ROUTERS, interface["index"], hop_limit=_icmpv6.ND_HOP_LIMIT)
            alone = not listener.found
            for packet in icmp.receive(min(0.1, end - time.monotonic())):
                listener.hear(packet)
            if alone and listener.found:
                end = min(end, time.monotonic() + SETTLE)
    return listener.routers(), listener.rejections()


class _Listener:
    def __init__(self, interfaces):
        self.names = {one["index"]: one["name"] for one in interfaces}
        self.own = {(one["index"], address["address"]) for one in interfaces for address in one["addresses"]}
        self.found, self.rejected = {}, {}

    def hear(self, packet):
        source = str(packet.source)
        if packet.index not in self.names or (packet.index, source) in self.own:
            return
        name = self.names[packet.index]
        try:
            said = _icmpv6.parse_router_advertisement(packet.message, packet.hop_limit, packet.source)
        except _icmpv6.Malformed as reason:
            key = (name, source, str(reason))
            self.rejected[key] = self.rejected.get(key, 0) + 1
        else:
            self.found[name, source] = {"interface": name, "address": source, "zoned": f"{source}%{name}", **said}

    def routers(self):
        for router in self.found.values():
            for one in router["dnssl"]:
                one["domains"] = [clean(domain) for domain in one["domains"]]
        return [self.found[key] for key in sorted(self.found)]

    def rejections(self):
        return [
            {"interface": name, "address": source, "reason": reason, "count": count}
            for (name, source, reason), count in sorted(self.rejected.items())
        ]
