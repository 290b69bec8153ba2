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

from ansible_collections.v6ops.docker.plugins.module_utils._netlink import attributes, dump

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
        for (index, flags), values in _dump(RTM_GETLINK, socket.AF_UNSPEC, "=xxxxiIxxxx")
    ]


def addresses():
    """The host's IPv6 addresses."""
    return [
        Address(
            index,
            ipaddress.IPv6Address(values.get(IFA_LOCAL) or values[IFA_ADDRESS]),
            _number(values.get(IFA_FLAGS)) or flags,
        )
        for (flags, index), values in _dump(RTM_GETADDR, socket.AF_INET6, "=xxBxI")
    ]


def neighbours():
    """Whose Ethernet address the kernel knows, IPv4 and IPv6."""
    return [
        Neighbour(index, ipaddress.ip_address(values[NDA_DST]), mac, bool(flags & NTF_ROUTER))
        for (index, state, flags), values in _dump(RTM_GETNEIGH, socket.AF_UNSPEC, "=xxxxiHBx")
        for mac in [mac_text(values.get(NDA_LLADDR))]
        if mac and not state & NUD_USELESS and NDA_DST in values
    ]


def _number(raw):
    return int.from_bytes(raw[:4], sys.byteorder) if raw else None


def _dump(kind, family, layout):
    """What the kernel has of a kind: the fields of its header, and a dict of its attributes."""
    size = struct.calcsize(layout)
    messages = dump(socket.NETLINK_ROUTE, kind, bytes([family]) + bytes(size - 1))
    return [(struct.unpack_from(layout, one), attributes(one[size:])) for one in messages]
