# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kernel's lists of links, addresses and neighbours (rtnetlink(7)), without a library and without root."""

from __future__ import annotations

import ipaddress
import socket
import struct
import sys
from typing import NamedTuple

NLMSG_ERROR, NLMSG_DONE = 2, 3  # linux/netlink.h
NLM_F_REQUEST, NLM_F_DUMP = 0x001, 0x300
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
            attributes[IFLA_IFNAME].rstrip(b"\0").decode(errors="surrogateescape"),
            flags,
            _number(attributes.get(IFLA_MTU)),
            mac_text(attributes.get(IFLA_ADDRESS)),
            _number(attributes.get(IFLA_MASTER)),
        )
        for (index, flags), attributes in _dump(RTM_GETLINK, socket.AF_UNSPEC, "=xxxxiIxxxx")
    ]


def addresses():
    """The host's IPv6 addresses."""
    return [
        Address(
            index,
            ipaddress.IPv6Address(attributes.get(IFA_LOCAL) or attributes[IFA_ADDRESS]),
            _number(attributes.get(IFA_FLAGS)) or flags,
        )
        for (flags, index), attributes in _dump(RTM_GETADDR, socket.AF_INET6, "=xxBxI")
    ]


def neighbours():
    """Whose Ethernet address the kernel knows, IPv4 and IPv6."""
    return [
        Neighbour(index, ipaddress.ip_address(attributes[NDA_DST]), mac, bool(flags & NTF_ROUTER))
        for (index, state, flags), attributes in _dump(RTM_GETNEIGH, socket.AF_UNSPEC, "=xxxxiHBx")
        for mac in [mac_text(attributes.get(NDA_LLADDR))]
        if mac and not state & NUD_USELESS and NDA_DST in attributes
    ]


def _number(raw):
    return int.from_bytes(raw[:4], sys.byteorder) if raw else None


def _dump(kind, family, layout):
    """What the kernel has of a kind: the fields of its header, and a dict of its attributes."""
    size = struct.calcsize(layout)
    request = struct.pack("=IHHII", 16 + size, kind, NLM_F_REQUEST | NLM_F_DUMP, 1, 0)
    found = []
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as netlink:
        netlink.send(request + bytes([family]) + bytes(size - 1))
        while True:
            data, offset = netlink.recv(1 << 18), 0
            while offset < len(data):
                length, answer = struct.unpack_from("=IH", data, offset)
                if answer == NLMSG_DONE:
                    return found
                if answer == NLMSG_ERROR:
                    number = -struct.unpack_from("=i", data, offset + 16)[0]
                    raise OSError(number, "netlink refused a request")
                body = data[offset + 16 : offset + length]
                found.append((struct.unpack_from(layout, body), _attributes(body[size:])))
                offset += length + 3 & ~3


def _attributes(data):
    found, offset = {}, 0
    while offset + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, offset)
        found[kind & 0x3FFF] = data[offset + 4 : offset + length]
        offset += max(length + 3 & ~3, 4)
    return found
