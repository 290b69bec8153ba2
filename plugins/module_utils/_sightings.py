# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where on the host a probe's packets are seen: ICMPv6 on every interface, by one packet(7) socket.

A packet is recognised by a mark in its data, which stays the same when it is translated, answered or quoted in an
error (RFC 4443).
"""

from __future__ import annotations

import ctypes
import socket
import struct
from ipaddress import IPv6Address
from typing import NamedTuple

ETH_P_ALL, ETH_P_IPV6 = 0x0003, 0x86DD  # linux/if_ether.h
SO_ATTACH_FILTER, SO_RCVBUFFORCE = 26, 33  # asm-generic/socket.h
BUFFER = 4 << 20
NEXT_HEADER, HEADER = 6, 40  # of IPv6, RFC 8200

# As struct sock_filter: the protocol that the kernel knows of the packet, and the next header.
_FILTER = [
    (0x28, 0, 0, 0xFFFFF000),  # load the protocol (SKF_AD_OFF + SKF_AD_PROTOCOL)
    (0x15, 0, 3, ETH_P_IPV6),
    (0x30, 0, 0, NEXT_HEADER),
    (0x15, 0, 1, socket.IPPROTO_ICMPV6),
    (0x06, 0, 0, 0xFFFF),  # keep it
    (0x06, 0, 0, 0),
]


class Sighting(NamedTuple):
    """``number`` is that of the target, see :func:`._probe.probe`; ``type`` is that of ICMPv6."""

    number: int
    interface: str
    outgoing: bool
    source: str
    destination: str
    type: int


class Watch:
    """Listens from its beginning on; forgets nothing until it is asked.

    :param cookie: the bytes that the marks begin with.
    """

    def __init__(self, cookie):
        self._cookie = cookie
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
        code = b"".join(struct.pack("HBBI", *instruction) for instruction in _FILTER)
        kept = ctypes.create_string_buffer(code)
        program = struct.pack("HL", len(_FILTER), ctypes.addressof(kept))
        self._socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
        self._socket.setblocking(False)

    def __enter__(self):
        return self

    def __exit__(self, *__):
        self._socket.close()

    def sightings(self):
        """What was seen, in order, a list of :class:`Sighting`."""
        found = []
        while True:
            try:
                packet, (interface, _protocol, kind, *__) = self._socket.recvfrom(65536)
            except BlockingIOError:
                return found
            sighting = read(packet, self._cookie, interface, kind == socket.PACKET_OUTGOING)
            if sighting:
                found.append(sighting)


def read(packet, cookie, interface, outgoing):
    """The sighting of a packet that carries a mark, else None."""
    _before, found, behind = packet[HEADER:].partition(cookie)
    if not found or not behind:
        return None
    source, destination = (str(IPv6Address(packet[at : at + 16])) for at in (8, 24))
    return Sighting(behind[0], interface, outgoing, source, destination, packet[HEADER])
