# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ICMPv6 packets, built and taken apart, without any I/O. What a neighbour sends may be anything: a packet that is not
as its RFC says is :class:`Malformed`, and nothing else.
"""

from __future__ import annotations

import ipaddress
import struct

# RFC 4443, 2710, 4861 and 3810
UNREACHABLE, TOO_BIG, TIME_EXCEEDED, PARAMETER_PROBLEM = 1, 2, 3, 4
ECHO_REQUEST, ECHO_REPLY = 128, 129
MLD_QUERY, MLDV2_REPORT = 130, 143
ROUTER_SOLICITATION, ROUTER_ADVERTISEMENT = 133, 134
NEIGHBOUR_SOLICITATION, NEIGHBOUR_ADVERTISEMENT = 135, 136

NEXT_HEADER_ICMPV6, NEXT_HEADER_OPTIONS = 58, 60  # RFC 8200, section 4
ND_HOP_LIMIT = 255  # RFC 4861, section 3.1
UNRECOGNIZED_OPTION = 2  # RFC 4443, section 3.4
# An option kept for experiments (RFC 4727), of those that RFC 8200, section 4.2, lets a node answer with an error even
# where it came by multicast; with padding to 8 octets.
UNKNOWN_OPTION = bytes([0, 0, 0x9E, 4, 0, 0, 0, 0])
# MLD messages carry a Router Alert, RFC 2711 and RFC 3810, section 5.
ROUTER_ALERT = bytes([0, 0, 5, 2, 0, 0, 1, 0])

SOURCE_LINK_LAYER, TARGET_LINK_LAYER, PREFIX, MTU = 1, 2, 3, 5  # RFC 4861, section 4.6
ROUTE = 24  # RFC 4191
RDNSS, DNSSL = 25, 31  # RFC 8106
PREFERENCES = {0: "medium", 1: "high", 2: "medium", 3: "low"}  # RFC 4191, section 2.1; 2 is reserved
INFINITY = 0xFFFFFFFF
REASONS = {
    UNREACHABLE: {
        0: "no route",
        1: "administratively prohibited",
        2: "beyond scope of source address",
        3: "address unreachable",
        4: "port unreachable",
        5: "source address failed policy",
        6: "reject route",
    },
    TOO_BIG: {},
    TIME_EXCEEDED: {},
    PARAMETER_PROBLEM: {},
}
ERRORS = {
    UNREACHABLE: "destination unreachable",
    TOO_BIG: "packet too big",
    TIME_EXCEEDED: "time exceeded",
    PARAMETER_PROBLEM: "parameter problem",
}


class Malformed(ValueError):
    """A packet that is not what its RFC says, with the reason."""


def echo_request(identifier, sequence, payload):
    return struct.pack("!BBHHH", ECHO_REQUEST, 0, 0, identifier, sequence) + payload


def mld_query(response_delay):
    """A general query of MLDv2 (RFC 3810, section 5.1), the delay in milliseconds."""
    return struct.pack("!BBHHH16sBBH", MLD_QUERY, 0, 0, response_delay, 0, bytes(16), 2, 0, 0)


def router_solicitation(mac):
    return struct.pack("!BBHI", ROUTER_SOLICITATION, 0, 0, 0) + _link_layer(SOURCE_LINK_LAYER, mac)


def neighbour_solicitation(source, target, mac):
    """A whole IPv6 packet that asks all who may have an address, for a packet socket.

    :param source: an :class:`ipaddress.IPv6Address`, as is the target.
    :param mac: the Ethernet address of the interface, None where it has none.
    """
    destination = solicited_node(target)
    message = struct.pack("!BBHI", NEIGHBOUR_SOLICITATION, 0, 0, 0) + target.packed
    message += _link_layer(SOURCE_LINK_LAYER, mac)
    sum_of = source.packed + destination.packed + struct.pack("!II", len(message), NEXT_HEADER_ICMPV6) + message
    header = struct.pack("!IHBB", 6 << 28, len(message), NEXT_HEADER_ICMPV6, ND_HOP_LIMIT)
    checksum = struct.pack("!H", _checksum(sum_of))
    return header + source.packed + destination.packed + message[:2] + checksum + message[4:]


def solicited_node(address):
    """The multicast address of those who may have an address (RFC 4291, section 2.7.1)."""
    return ipaddress.IPv6Address(bytes.fromhex("ff0200000000000000000001ff") + address.packed[13:])


def multicast_mac(address):
    """RFC 2464, section 7."""
    return b"\x33\x33" + address.packed[12:]


def eui64_address(mac):
    """The link-local address that a node makes from its Ethernet address (RFC 4291, appendix A)."""
    raw = bytes.fromhex(mac.replace(":", ""))
    return ipaddress.IPv6Address(
        b"\xfe\x80" + bytes(6) + bytes([raw[0] ^ 2]) + raw[1:3] + b"\xff\xfe" + raw[3:],
    )


def is_universal(mac):
    """Whether a vendor gave this Ethernet address, or somebody or something made it up."""
    return not int(mac[:2], 16) & 2


def _link_layer(kind, mac):
    return bytes([kind, 1]) + bytes.fromhex(mac.replace(":", "")) if mac else b""


def _checksum(data):
    """RFC 1071, of an even number of octets."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def kind_of(message):
    if len(message) < 8:
        raise Malformed(f"it has {len(message)} octets, fewer than any message")
    return message[0]


def parse_echo(message):
    """The identifier, the sequence number and the payload of an echo request or reply."""
    kind_of(message)
    identifier, sequence = struct.unpack_from("!HH", message, 4)
    return identifier, sequence, message[8:]


def parse_error(message):
    """What an error message says, and the echo request in it that it is about, as :func:`parse_echo` has it."""
    kind, code = kind_of(message), message[1]
    packet = message[8:]
    if len(packet) < 40:
        raise Malformed("the packet that it is about is cut off")
    next_header, offset = packet[6], 40
    if next_header == NEXT_HEADER_OPTIONS:
        if len(packet) < 48:
            raise Malformed("the packet that it is about is cut off")
        next_header, offset = packet[40], 48 + 8 * packet[41]
    echo = packet[offset:]
    if next_header != NEXT_HEADER_ICMPV6 or len(echo) < 8 or echo[0] != ECHO_REQUEST:
        raise Malformed("it is not about an echo request")
    what = ERRORS.get(kind, f"type {kind}")
    return f"{what}: {REASONS.get(kind, {}).get(code, f'code {code}')}", parse_echo(echo)


def parse_neighbour_advertisement(message, hop_limit):
    """The target, its Ethernet address or None, and whether it is a router (RFC 4861, sections 4.4 and 7.1.2)."""
    _check_discovery(message, hop_limit, 24)
    target = ipaddress.IPv6Address(message[8:24])
    if target.is_multicast:
        raise Malformed("its target is a multicast address")
    mac = next((value for kind, value in _options(message[24:]) if kind == TARGET_LINK_LAYER), None)
    return target, _mac(mac), bool(message[4] & 0x80)


def parse_router_advertisement(message, hop_limit, source):
    """All that an advertisement says (RFC 4861, section 4.2), if it is valid (section 6.1.2).

    Lifetimes are in seconds; None is for ever. The kernel has checked the checksum.
    """
    if not source.is_link_local:
        raise Malformed("its source is not a link-local address")
    _check_discovery(message, hop_limit, 16)
    cur_hop_limit, flags, lifetime, reachable, retransmit = struct.unpack_from("!BBHII", message, 4)
    found = {
        "hop_limit": cur_hop_limit,
        "managed": bool(flags & 0x80),
        "other_config": bool(flags & 0x40),
        "home_agent": bool(flags & 0x20),
        "preference": PREFERENCES[flags >> 3 & 3],
        "lifetime": lifetime,
        "reachable_ms": reachable,
        "retransmit_ms": retransmit,
        "mac": None,
        "mtu": None,
        "prefixes": [],
        "routes": [],
        "rdnss": [],
        "dnssl": [],
        "other_options": [],
    }
    for kind, value in _options(message[16:]):
        if kind == SOURCE_LINK_LAYER:
            found["mac"] = _mac(value)
        elif kind == MTU:
            found["mtu"] = int.from_bytes(_exactly(value, 6, "MTU")[2:], "big")
        elif kind == PREFIX:
            found["prefixes"].append(_prefix(_exactly(value, 30, "prefix information")))
        elif kind == ROUTE:
            found["routes"].append(_route(value))
        elif kind == RDNSS:
            found["rdnss"].append(_rdnss(value))
        elif kind == DNSSL:
            found["dnssl"].append(_dnssl(value))
        else:
            found["other_options"].append(kind)
    return found


def _check_discovery(message, hop_limit, at_least):
    """What holds for every message of neighbour discovery."""
    if len(message) < at_least:
        raise Malformed(f"it has {len(message)} octets of at least {at_least}")
    if hop_limit != ND_HOP_LIMIT:
        raise Malformed(f"its hop limit is {hop_limit}, it may have come from beyond the link")
    if message[1]:
        raise Malformed(f"its code is {message[1]}")


def _options(data):
    """The options of a message of neighbour discovery (RFC 4861, section 4.6), each its type and its value."""
    found, offset = [], 0
    while offset < len(data):
        length = 8 * data[offset + 1] if offset + 2 <= len(data) else 0
        if not length:
            raise Malformed("an option has the length 0")
        if offset + length > len(data):
            raise Malformed("an option is longer than the packet")
        found.append((data[offset], data[offset + 2 : offset + length]))
        offset += length
    return found


def _mac(value):
    return value.hex(":") if value and len(value) == 6 else None


def _exactly(value, size, name):
    if len(value) != size:
        raise Malformed(f"an option for {name} has {len(value) + 2} octets instead of {size + 2}")
    return value


def _lifetime(value):
    return None if value == INFINITY else value


def _network(raw, length):
    if length > 128:
        raise Malformed(f"a prefix has the length {length}")
    # Bits behind the prefix have no meaning, RFC 4861, section 4.6.2.
    return str(ipaddress.IPv6Network((raw.ljust(16, b"\0"), length), strict=False))


def _prefix(value):
    length, flags, valid, preferred = struct.unpack_from("!BBII", value)
    return {
        "prefix": _network(value[14:30], length),
        "on_link": bool(flags & 0x80),
        "autonomous": bool(flags & 0x40),
        "router_address": bool(flags & 0x20),
        "valid_lifetime": _lifetime(valid),
        "preferred_lifetime": _lifetime(preferred),
    }


def _route(value):
    """RFC 4191, section 2.3: of the prefix, only as many octets as it needs."""
    if len(value) not in (6, 14, 22):
        raise Malformed(f"an option for a route has {len(value) + 2} octets")
    length, flags, lifetime = struct.unpack_from("!BBI", value)
    if length > 8 * (len(value) - 6):
        raise Malformed(f"an option for a route has {len(value) + 2} octets, too few for a prefix of {length} bits")
    return {
        "prefix": _network(value[6:], length),
        "preference": PREFERENCES[flags >> 3 & 3],
        "lifetime": _lifetime(lifetime),
    }


def _rdnss(value):
    """RFC 8106, section 5.1."""
    if len(value) < 22 or (len(value) - 6) % 16:
        raise Malformed(f"an option for DNS servers has {len(value) + 2} octets")
    return {
        "addresses": [str(ipaddress.IPv6Address(value[at : at + 16])) for at in range(6, len(value), 16)],
        "lifetime": _lifetime(int.from_bytes(value[2:6], "big")),
    }


def _dnssl(value):
    """RFC 8106, section 5.2: names as in RFC 1035, section 3.1, without compression, then zeros. Not cleaned."""
    if len(value) < 14:
        raise Malformed(f"an option for DNS search domains has {len(value) + 2} octets")
    names, labels, offset = [], [], 6
    while offset < len(value):
        length = value[offset]
        label = value[offset + 1 : offset + 1 + length]
        if length > 63 or len(label) < length:
            raise Malformed("a DNS search domain is not encoded as RFC 1035 says")
        if length:
            labels.append(label)
        elif labels:
            names.append(b".".join(labels))
            labels = []
        offset += 1 + length
    if labels:
        raise Malformed("a DNS search domain has no end")
    return {"domains": names, "lifetime": _lifetime(int.from_bytes(value[2:6], "big"))}
