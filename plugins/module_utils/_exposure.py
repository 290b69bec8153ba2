# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which sockets of this host a neighbour on the link reaches, and what the rules say to that, IPv4 against IPv6.

Three layers, kept apart: a socket that listens is a fact; a verdict comes from the rules as they are written, and can
be unknown; that a port is really open or closed is only proven by a neighbour's probe. What BPF does (XDP, tc,
cgroups), sysctls, other protocols than TCP and UDP, and sockets in other network namespaces, such as those of
containers, are not looked at. A port that nat sends to a container has the verdict of the way there.
"""

from __future__ import annotations

import ipaddress
import os

from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal
from ansible_collections.v6ops.docker.plugins.module_utils._files import read_text
from ansible_collections.v6ops.docker.plugins.module_utils._links import Host, read_addresses, read_link
from ansible_collections.v6ops.docker.plugins.module_utils._packet import (
    ICMPV6,
    NEW,
    PACKET_BROADCAST,
    PACKET_HOST,
    PACKET_MULTICAST,
    RELATED,
    RTN_BROADCAST,
    RTN_LOCAL,
    RTN_MULTICAST,
    RTN_UNICAST,
    SYN,
    TCP,
    UDP,
    UNTRACKED,
    only,
    span,
)
from ansible_collections.v6ops.docker.plugins.module_utils._ruleset import Ruleset
from ansible_collections.v6ops.docker.plugins.module_utils._sockets import waiting
from ansible_collections.v6ops.docker.plugins.module_utils._verdict import Filter

LINK_LOCAL = ipaddress.IPv6Network("fe80::/64")  # RFC 4291, section 2.5.6: 54 bits of zero
_SOLICITED_NODE = span("ff02::1:ff00:0/104")  # RFC 4291, section 2.7.1
_PACKET_TOO_BIG, _SOLICITATION, _ADVERTISEMENT = 2, 135, 136  # RFC 4443, RFC 4861
_DHCPV6_CLIENT = ("udp", 546)
_PROTOCOLS = {"tcp": TCP, "udp": UDP}
# The ways to reach a host from its link, each with the family of its packets.
WAYS = {"link_local": 6, "on_link": 6, "ipv4": 4}
_FORWARDING = "/proc/sys/net/ipv6/conf/all/forwarding"


def exposure(module, interfaces):
    """What neighbours on these interfaces can reach.

    :param module: an ``AnsibleModule``.
    :param interfaces: their names.
    :returns: a dictionary of ``sockets``, ``findings`` and ``sources``. A socket is there once for each interface by
        which a neighbour reaches it.
    :raises Refusal: without root, for an interface that is not there, and where the kernel does not list sockets.
    """
    if os.geteuid() != 0:
        raise Refusal(
            "Cannot tell what neighbours can reach: only root is shown the packet filter and whose the sockets are.",
            "Set 'become: true'.",
        )
    host = Host(read_addresses())
    links = [read_link(name, host) for name in interfaces]
    rules = Ruleset(module)
    audit = Audit(host, Filter(rules.chains, host))
    everybody = waiting()
    sockets = [entry for link in links for one in everybody for entry in audit.socket(one, link)]
    findings = weaker(sockets) + unfiltered(sockets)
    for link in links:
        findings += audit.neighbour_discovery(link)
        if (read_text(_FORWARDING) or "").strip() == "1":
            findings += audit.forwarding(link)
    return {"sockets": sockets, "findings": findings, "sources": rules.sources}


def reachable(one, link, host):
    """By which ways a neighbour reaches a socket, were there no rules.

    Linux takes a packet to any address of its own on any link (the weak model of RFC 1122, section 3.3.4.2), but for
    link-local and loopback addresses. So an address of another link is reached by a neighbour with a route to it.

    :param one: a :class:`._sockets.Socket`.
    :param link: a :class:`._links.Link`.
    :returns: the names of ``WAYS``, each True or False.
    """
    ways = dict.fromkeys(WAYS, False)
    if one.device not in (None, link.name):
        return ways
    on_link = {way: bool(neighbours(link, way)) for way in WAYS}
    if one.address.is_unspecified:
        return {way: WAYS[way] in one.families and on_link[way] for way in WAYS}
    if one.address.is_loopback:
        return ways
    if 4 in one.families:
        ways["ipv4"] = on_link["ipv4"]
    elif one.address.is_link_local or one.address.is_multicast:
        ways["link_local"] = on_link["link_local"]
    else:
        ways["on_link"] = on_link["on_link"] or host.owns(int(one.address))
    return ways


def neighbours(link, way):
    """The networks in which neighbours on a link have the addresses that they use this way."""
    if way == "link_local":
        return [LINK_LOCAL] if _addresses(link, way) else []
    return [one.network for one in _addresses(link, way)]


def _addresses(link, way):
    """The host's own addresses that neighbours on a link use this way."""
    return [
        one
        for one in link.addresses
        if one.version == WAYS[way]
        and not one.ip.is_loopback
        and (way == "ipv4" or one.ip.is_link_local == (way == "link_local"))
    ]


class Audit:
    """Verdicts of a host's rules on what neighbours send.

    :param host: a :class:`._links.Host`.
    :param rules: a :class:`._verdict.Filter`.
    """

    def __init__(self, host, rules):
        self._host, self._rules = host, rules

    def socket(self, one, link):
        """A socket that neighbours on a link reach, as a list of one entry; none where they do not."""
        ways = reachable(one, link, self._host)
        if not any(ways.values()):
            return []
        over_v6 = [way for way in ("link_local", "on_link") if ways[way]] or ["link_local"]
        verdicts = [self.verdict(one.protocol, one.port, link, way, one.address) for way in over_v6]
        # Of two ways the more open one counts.
        v6 = min(verdicts, key=lambda verdict: ("accept", "unknown", "drop").index(verdict.verdict))
        v4 = self.verdict(one.protocol, one.port, link, "ipv4", one.address)
        return [
            {
                "protocol": one.protocol,
                "address": str(one.address),
                "port": one.port,
                "interface": link.name,
                "process": one.process,
                "pid": one.pid,
                "uid": one.uid,
                "unit": one.unit,
                "reachable": ways,
                "verdicts": {"ipv4": v4._asdict(), "ipv6": v6._asdict()},
            }
        ]

    def verdict(self, protocol, port, link, way, bound=None):
        """The verdict on a neighbour's first packet to a port.

        :param bound: the address that the socket is bound to, where it is.
        """
        packet = {
            **self._from_neighbour(link, way),
            "l4proto": only(_PROTOCOLS[protocol]),
            "dport": only(port),
            "ct_state": only(NEW),
            "ct_status": only(0),
        }
        if protocol == "tcp":
            packet["tcp_flags"] = only(SYN)
        if bound is not None and bound.version == WAYS[way] and not bound.is_unspecified:
            packet.update(self._to(bound, link))
        return self._rules.arriving(packet, link)

    def discovery(self, link):
        """The verdicts on what IPv6 does not work without (RFC 4890, section 4.4.1), {what: verdict}."""
        arriving = self._from_neighbour(link, "link_local")
        own = [(int(one.ip), int(one.ip)) for one in _addresses(link, "link_local")]
        message = {"family": only(6), "l4proto": only(ICMPV6), "icmp_code": only(0)}
        # To conntrack they are no connection.
        checked = {**message, "hoplimit": only(255), "ct_state": only(UNTRACKED)}
        group = {"daddr": [_SOLICITED_NODE], "daddr_type": only(RTN_MULTICAST), "daddr_type_here": only(RTN_MULTICAST)}
        solicitation = {**checked, "icmp_type": only(_SOLICITATION), **group}
        advertisement = {**checked, "icmp_type": only(_ADVERTISEMENT)}
        # Any router on the way sends it, about a connection that is known.
        too_big = {**message, "icmp_type": only(_PACKET_TOO_BIG), "ct_state": only(RELATED)}
        anywhere = {"saddr": None, "daddr": None, "route_back": None}
        arriving_at_group = {**arriving, **solicitation, "pkttype": only(PACKET_MULTICAST)}
        return {
            "neighbour solicitations in": self._rules.arriving(arriving_at_group, link),
            "neighbour advertisements in": self._rules.arriving({**arriving, **advertisement}, link),
            "'packet too big' in": self._rules.arriving({**arriving, **too_big, **anywhere}, link),
            "neighbour solicitations out": self._rules.sent({**solicitation, "saddr": own}, link),
            "neighbour advertisements out": self._rules.sent(
                {**advertisement, "saddr": own, "daddr": [span(LINK_LOCAL)]}, link
            ),
        }

    def neighbour_discovery(self, link):
        """A finding where rules drop any of that, as a list."""
        if not _addresses(link, "link_local"):
            return []
        dropped = {what: verdict for what, verdict in self.discovery(link).items() if verdict.verdict == "drop"}
        if not dropped:
            return []
        rule = next(iter(dropped.values())).rule
        return [
            {
                "name": "nd_dropped",
                "interface": link.name,
                "dropped": list(dropped),
                "rule": rule,
                "sentence": f"IPv6 on {link.name} fails: rules drop {_listed(dropped)}, by '{rule}'. Accept the ICMPv6 "
                "types 2, 135 and 136 before that rule, in and out, as RFC 4890 says.",
            }
        ]

    def forwarding(self, link):
        """Findings for networks behind this host that anybody on the link gets into."""
        findings = []
        for name, addresses in self._host.addresses.items():
            networks = [one.network for one in addresses if one.version == 6 and _routable(one.network)]
            if name in (link.name, "lo") or not networks:
                continue
            verdicts = self.into(link, name, networks)
            if any(verdict.verdict != "accept" for verdict in verdicts):
                continue
            findings.append(
                {
                    "name": "forward_open",
                    "interface": link.name,
                    "to": name,
                    "networks": [str(network) for network in networks],
                    "rule": verdicts[0].rule,
                    "sentence": f"Neighbours on {link.name} reach every port of {_listed(map(str, networks))} behind "
                    f"{name}: forwarding is on, and {_evidence(verdicts[0])}. Let in only what is wanted, or set the "
                    "policy of the chain FORWARD of ip6tables to DROP.",
                }
            )
        return findings

    def into(self, link, name, networks):
        """The verdicts on a neighbour's first packet to networks behind an interface, by TCP and by UDP."""
        packet = {
            "family": only(6),
            "iifname": self._name(link),
            "oifname": name,
            "pkttype": only(PACKET_HOST),
            "daddr": [span(network) for network in networks],
            "daddr_type": only(RTN_UNICAST),
            "ct_state": only(NEW),
            "ct_status": only(0),
        }
        return [self._rules.forwarded({**packet, "l4proto": only(number)}, link) for number in _PROTOCOLS.values()]

    def _from_neighbour(self, link, way):
        """What is known of any packet from a neighbour to this host."""
        networks = neighbours(link, way)
        # Another link with the same network may be where the route back is.
        doubtful = way != "link_local" and any(self._host.shares(network, link.name) for network in networks)
        return {
            "family": only(WAYS[way]),
            "iifname": self._name(link),
            "oifname": "",
            "pkttype": only(PACKET_HOST),
            "saddr": [span(network) for network in networks] or None,
            "saddr_type": only(RTN_UNICAST),
            "daddr": only(*(int(one.ip) for one in _addresses(link, way))) or None,
            "daddr_type": only(RTN_LOCAL),
            "daddr_type_here": only(RTN_LOCAL),
            "route_back": None if doubtful or not networks else True,
        }

    def _to(self, address, link):
        """What differs for one address of the host's, or a group's."""
        known = {"daddr": only(int(address))}
        if address.is_multicast:
            kind, how = RTN_MULTICAST, PACKET_MULTICAST
        elif self._host.owns(int(address)):
            here = any(address == one.ip for one in link.addresses)
            return {**known, "daddr_type_here": only(RTN_LOCAL) if here else None}
        else:
            kind, how = RTN_BROADCAST, PACKET_BROADCAST
        return {**known, "daddr_type": only(kind), "daddr_type_here": only(kind), "pkttype": only(how)}

    def _name(self, link):
        return None if link.vrf else link.name


def weaker(sockets):
    """Findings for sockets that IPv4 does not get to, and IPv6 does.

    A client of DHCPv6 has to be reached by link-local addresses (RFC 8415), and IPv4 has another port for that.
    """
    return [
        {
            "name": "v6_weaker",
            "interface": entry["interface"],
            "protocol": entry["protocol"],
            "port": entry["port"],
            "process": entry["process"],
            "sentence": f"{_port(entry)} is dropped over IPv4, by '{entry['verdicts']['ipv4']['rule']}', and open over "
            f"IPv6: {_said(entry['verdicts']['ipv6'])}. Give IPv6 the same rule, or bind the service to an address.",
        }
        for entry in sockets
        if _over_v6(entry)
        and _verdicts(entry) == ("drop", "accept")
        and (entry["protocol"], entry["port"]) != _DHCPV6_CLIENT
    ]


def unfiltered(sockets):
    """A finding for each interface where no rule decides about any socket that IPv6 reaches."""
    findings = []
    for name in dict.fromkeys(entry["interface"] for entry in sockets):
        entries = [entry for entry in sockets if entry["interface"] == name and _over_v6(entry)]
        verdicts = [entry["verdicts"]["ipv6"] for entry in entries]
        if not entries or any(verdict["verdict"] != "accept" or verdict["explicit"] for verdict in verdicts):
            continue
        both = all(_verdicts(entry) == ("accept", "accept") for entry in entries)
        equal = " IPv4 is as open: equal is not safe." if both else ""
        ports = _listed(dict.fromkeys(f"{entry['protocol']}/{entry['port']}" for entry in entries))
        findings.append(
            {
                "name": "v6_open",
                "interface": name,
                "sentence": f"No rule decides what neighbours on {name} reach over IPv6, and {ports} are there: "
                f"{_said(verdicts[0])}.{equal} Drop by default what comes in over IPv6, but for ICMPv6 and the ports "
                "that are meant for neighbours.",
            }
        )
    return findings


def _over_v6(entry):
    return entry["reachable"]["link_local"] or entry["reachable"]["on_link"]


def _verdicts(entry):
    return entry["verdicts"]["ipv4"]["verdict"], entry["verdicts"]["ipv6"]["verdict"]


def _port(entry):
    whose = f" ({entry['process']})" if entry["process"] else ""
    return f"{entry['protocol']}/{entry['port']}{whose} on {entry['interface']}"


def _evidence(verdict):
    return _said(verdict._asdict())


def _said(verdict):
    """Why something is accepted."""
    if verdict["explicit"]:
        return f"'{verdict['rule']}' accepts it"
    return f"'{verdict['rule']}' is all that meets it" if verdict["rule"] else "there are no rules at all"


def _routable(network):
    return not (network.is_link_local or network.is_loopback or network.is_multicast)


def _listed(words):
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last
