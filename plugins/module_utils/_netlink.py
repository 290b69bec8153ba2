# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the kernel tells by netlink(7), without a library and without root."""

from __future__ import annotations

import ipaddress
import os
import socket
import struct
import sys
from typing import NamedTuple

_NLM_F_REQUEST, _NLM_F_DUMP = 0x001, 0x300  # linux/netlink.h
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
# NLA_F_NESTED and NLA_F_NET_BYTEORDER left out.
_NLA_TYPE_MASK = 0x3FFF
RTM_GETLINK, RTM_GETADDR, RTM_GETNEIGH = 18, 22, 30  # linux/rtnetlink.h
IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IFLA_MASTER = 1, 3, 4, 10  # linux/if_link.h
IFA_ADDRESS, IFA_LOCAL, IFA_FLAGS = 1, 2, 8  # linux/if_addr.h
NDA_DST, NDA_LLADDR = 1, 2  # linux/neighbour.h
NTF_ROUTER = 0x80
NUD_USELESS = 0x01 | 0x20 | 0x40  # incomplete, failed, no ARP


class Link(NamedTuple):
    index: int
    name: str
    flags: int
    mtu: int
    mac: str | None
    master: int | None


class Address(NamedTuple):
    index: int
    address: ipaddress.IPv6Address
    flags: int


class Neighbour(NamedTuple):
    index: int
    address: ipaddress.IPv4Address | ipaddress.IPv6Address
    mac: str
    is_router: bool


def mac_text(raw):
    """An Ethernet address as it is written, None for anything else."""
    return raw.hex(":") if raw and len(raw) == 6 and any(raw) else None


def links():
    return [
        Link(
            index,
            values[IFLA_IFNAME].rstrip(b"\0").decode(errors="surrogateescape"),
            flags,
            _number(values.get(IFLA_MTU)),
            mac_text(values.get(IFLA_ADDRESS)),
            _number(values.get(IFLA_MASTER)),
        )
        for (index, flags), values in _objects(RTM_GETLINK, socket.AF_UNSPEC, "=xxxxiIxxxx")
    ]


def addresses():
    """The host's IPv6 addresses."""
    return [
        Address(
            index,
            ipaddress.IPv6Address(values.get(IFA_LOCAL) or values[IFA_ADDRESS]),
            _number(values.get(IFA_FLAGS)) or flags,
        )
        for (flags, index), values in _objects(RTM_GETADDR, socket.AF_INET6, "=xxBxI")
    ]


def neighbours():
    """Whose Ethernet address the kernel knows, IPv4 and IPv6."""
    return [
        Neighbour(index, ipaddress.ip_address(values[NDA_DST]), mac, bool(flags & NTF_ROUTER))
        for (index, state, flags), values in _objects(RTM_GETNEIGH, socket.AF_UNSPEC, "=xxxxiHBx")
        for mac in [mac_text(values.get(NDA_LLADDR))]
        if mac and not state & NUD_USELESS and NDA_DST in values
    ]


def _number(raw):
    return int.from_bytes(raw[:4], sys.byteorder) if raw else None


def _objects(kind, family, layout):
    """What the kernel has of a kind: the fields of its header, and a dict of its attributes."""
    header = struct.Struct(layout)
    for body in dump(socket.NETLINK_ROUTE, kind, bytes([family]) + bytes(header.size - 1)):
        yield header.unpack_from(body), attributes(body[header.size :])


def dump(protocol, kind, body):
    """Ask for all objects of a kind.

    :returns: the bodies of the messages, a list of bytes.
    :raises OSError: where the kernel has no answer.
    """
    bodies = []
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol) as netlink:
        netlink.send(_HEADER.pack(_HEADER.size + len(body), kind, _NLM_F_REQUEST | _NLM_F_DUMP, 1, 0) + body)
        while True:
            for answer, content in _messages(netlink.recv(1 << 18)):
                if answer in (_NLMSG_ERROR, _NLMSG_DONE):
                    code = -struct.unpack_from("=i", content)[0] if len(content) >= 4 else 0
                    if code:
                        raise OSError(code, os.strerror(code))
                    return bodies
                bodies.append(content)


def _messages(data):
    while len(data) >= _HEADER.size:
        length, kind = _HEADER.unpack_from(data)[:2]
        yield kind, data[_HEADER.size : length]
        data = data[_aligned(length) :]


def attributes(data):
    """The attributes at the end of a message, {type: bytes}."""
    found = {}
    while len(data) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(data)
        if length < _ATTRIBUTE.size:
            break
        found[kind & _NLA_TYPE_MASK] = data[_ATTRIBUTE.size : length]
        data = data[_aligned(length) :]
    return found


def _aligned(length):
    return (length + 3) & ~3
