# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who is on a link: asked in several ways, as no single one is answered by every neighbour.

- An echo to all nodes; some ignore it where it came by multicast.
- An echo with an option that nobody knows, to all nodes: a node has to object (RFC 8200, section 4.2).
- Neighbour solicitations to the addresses that nodes would make from the Ethernet addresses the kernel knows, and to
  the link-local ones that it knows: a firewall that lets a node work at all lets them through. Whoever was found
  otherwise is solicited too, for its Ethernet address and whether it is a router.
- A query of MLD, if asked for: it makes this host a querier in the eyes of switches that snoop.
"""

from __future__ import annotations

import ipaddress
import socket
import struct
import time
from collections import defaultdict
from contextlib import ExitStack, suppress

from ansible_collections.v6ops.docker.plugins.module_utils import _icmpv6, _rtnetlink
from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal
from ansible_collections.v6ops.docker.plugins.module_utils._icmp_socket import IcmpSocket, Solicitor
from ansible_collections.v6ops.docker.plugins.module_utils._interfaces import ready_interface, source_of

ALL_NODES, ALL_MLDV2_ROUTERS = "ff02::1", "ff02::16"
ROUNDS = 3
ROUND_INTERVAL, QUIET, LIMIT = 0.15, 0.2, 2.0  # seconds
MLD_DELAY = 100  # milliseconds that nodes spread their reports over
KINDS = (
    _icmpv6.ECHO_REPLY,
    _icmpv6.PARAMETER_PROBLEM,
    _icmpv6.NEIGHBOUR_ADVERTISEMENT,
    _icmpv6.MLDV2_REPORT,
)


def discover(interface, mld=False):
    """The neighbours on an interface, this host left out.

    Without permission for raw sockets it knows but the first way, and what the kernel knows.

    :param interface: its name.
    :returns: a list of dicts as the module ``linklocal_probe`` returns them.
    :raises Refusal: where the interface cannot be used, or nothing may be sent.
    """
    link = ready_interface(interface)
    with ExitStack() as stack:
        icmp = stack.enter_context(IcmpSocket(KINDS, "query with MLD" if mld else None))
        solicitor = stack.enter_context(Solicitor(link, source_of(link))) if icmp.is_raw else None
        search = _Search(link, icmp, solicitor, mld)
        try:
            search.run()
        except PermissionError:
            raise Refusal(
                f"Cannot ask on {interface}: this host's own packet filter refuses what is sent.",
                "Let ICMPv6 out.",
            ) from None
        except OSError as error:
            raise Refusal(f"Cannot ask on {interface}: {error.strerror}.", "Look at the interface.") from error
        return search.result()


class _Neighbour:
    def __init__(self):
        self.found_by = set()
        self.mac = self.router = self.hop_limit = self.fastest_ns = None


class _Search:
    def __init__(self, link, icmp, solicitor, mld):
        self.link, self.icmp, self.solicitor, self.mld = link, icmp, solicitor, mld
        self.own = {ipaddress.IPv6Address(one["address"]) for one in link["addresses"]}
        self.candidates = self._candidates()
        # When each round was sent, and the last solicitation of each address.
        self.asked, self.solicited = {}, {}
        self.found = defaultdict(_Neighbour)
        if mld:
            group = socket.inet_pton(socket.AF_INET6, ALL_MLDV2_ROUTERS) + struct.pack("=I", link["index"])
            icmp.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group)

    def _known(self):
        return [one for one in _rtnetlink.neighbours() if one.index == self.link["index"]]

    def _candidates(self):
        """The addresses that neighbours may have: those the kernel knows, and those made from an Ethernet address."""
        known = self._known()
        made = {_icmpv6.eui64_address(one.mac) for one in known if one.mac != self.link["mac"]}
        return (made | {one.address for one in known if _is_link_local(one.address)}) - self.own

    def run(self):
        for sequence in range(ROUNDS):
            self._ask(sequence)
            self._solicit()
            self._listen(ROUND_INTERVAL)
        end, count = time.monotonic() + LIMIT, None
        while count != len(self.found) and time.monotonic() < end:
            count = len(self.found)
            self._solicit()
            self._listen(QUIET)

    def _ask(self, sequence):
        index = self.link["index"]
        echo = _icmpv6.echo_request(self.icmp.identifier, sequence, self.icmp.token)
        self.asked[sequence] = self.icmp.send(echo, ALL_NODES, index)
        if self.icmp.is_raw:
            option = (socket.IPPROTO_IPV6, socket.IPV6_DSTOPTS, _icmpv6.UNKNOWN_OPTION)
            self.icmp.send(echo, ALL_NODES, index, extension=option)
        if self.mld:
            alert = (socket.IPPROTO_IPV6, socket.IPV6_HOPOPTS, _icmpv6.ROUTER_ALERT)
            self.icmp.send(_icmpv6.mld_query(MLD_DELAY), ALL_NODES, index, hop_limit=1, extension=alert)

    def _solicit(self):
        if not self.solicitor:
            return
        for address in self.candidates.union(self.found):
            if address not in self.found or "solicitation" not in self.found[address].found_by:
                self.solicited[address] = time.time_ns()
                self.solicitor.ask(address)

    def _listen(self, seconds):
        for packet in self.icmp.receive_until(time.monotonic() + seconds):
            if packet.index == self.link["index"] and packet.source.is_link_local:
                with suppress(_icmpv6.Malformed):
                    self._hear(packet)

    def _hear(self, packet):
        kind = _icmpv6.kind_of(packet.message)
        if kind == _icmpv6.NEIGHBOUR_ADVERTISEMENT:
            target, mac, is_router = _icmpv6.parse_neighbour_advertisement(packet.message, packet.hop_limit)
            if target in self.solicited:
                neighbour = self._note(target, "solicitation", packet.time_ns - self.solicited[target])
                neighbour.mac, neighbour.router = mac, is_router
        elif packet.source in self.own:
            return
        elif kind == _icmpv6.MLDV2_REPORT:
            if self.mld:
                self._note(packet.source, "mld")
        else:
            way, (__, sequence, payload) = (
                ("echo", _icmpv6.parse_echo(packet.message))
                if kind == _icmpv6.ECHO_REPLY
                else ("option", _icmpv6.parse_error(packet.message)[1])
            )
            if payload == self.icmp.token and sequence in self.asked:
                self._note(packet.source, way, packet.time_ns - self.asked[sequence]).hop_limit = packet.hop_limit

    def _note(self, address, way, took_ns=None):
        neighbour = self.found[address]
        neighbour.found_by.add(way)
        if took_ns is not None and (neighbour.fastest_ns is None or took_ns < neighbour.fastest_ns):
            neighbour.fastest_ns = max(took_ns, 0)
        return neighbour

    def result(self):
        known = {one.address: one for one in self._known()}
        name, found = self.link["name"], []
        for address, neighbour in sorted(self.found.items()):
            mac, router = neighbour.mac, neighbour.router
            if address in known:
                mac, router = mac or known[address].mac, router or known[address].is_router or router
            found.append(
                {
                    "interface": name,
                    "address": str(address),
                    "zoned": f"{address}%{name}",
                    "mac": mac,
                    "mac_universal": mac and _icmpv6.is_universal(mac),
                    "router": router,
                    "hop_limit": neighbour.hop_limit,
                    "rtt_ms": neighbour.fastest_ns and round(neighbour.fastest_ns / 1e6, 3),
                    "found_by": sorted(neighbour.found_by),
                }
            )
        return found


def _is_link_local(address):
    return address.version == 6 and address.is_link_local
