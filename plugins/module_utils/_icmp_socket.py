# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ICMPv6 sockets: a raw one, or where that is not allowed the kernel's ping socket, which knows echo only."""

from __future__ import annotations

import ipaddress
import os
import select
import socket
import struct
import time
from typing import NamedTuple

from ansible_collections.v6ops.docker.plugins.module_utils import _icmpv6
from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal

ICMPV6_FILTER = 1  # linux/icmpv6.h
SO_SNDBUFFORCE, SO_RCVBUFFORCE, SO_TIMESTAMPNS = 32, 33, 35  # asm-generic/socket.h
# The default holds the replies of some 200 neighbours, and what waits for as many that are not there.
BUFFER = 8 << 20
BATCH = 1024


class Packet(NamedTuple):
    """A message: from which address, on which interface, with what hop limit, and when the kernel got it."""

    source: ipaddress.IPv6Address
    index: int
    hop_limit: int
    time_ns: int
    message: bytes


class IcmpSocket:
    """A context manager.

    :param kinds: the types of messages to receive.
    :param needs_raw: what for, as of ``Cannot look for routers``, where nothing but a raw socket will do.
    """

    def __init__(self, kinds, needs_raw=None):
        self.is_raw = True
        try:
            self.socket = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
        except PermissionError:
            if needs_raw:
                raise Refusal(
                    f"Cannot {needs_raw}: raw sockets are not permitted (CAP_NET_RAW).", "Set 'become: true'."
                ) from None
            self.is_raw = False
            self.socket = _ping_socket()
        self.identifier = int.from_bytes(os.urandom(2), "big")
        # The kernel sets the identifier of a ping socket; what tells our echoes from those of others is the payload.
        self.token = os.urandom(8)
        # A set bit keeps a type out, RFC 3542, section 3.2.
        if self.is_raw:
            words = [0xFFFFFFFF] * 8
            for kind in kinds:
                words[kind >> 5] &= ~(1 << (kind & 31))
            self.socket.setsockopt(socket.IPPROTO_ICMPV6, ICMPV6_FILTER, struct.pack("=8I", *words))
        _grow(self.socket, SO_RCVBUFFORCE, socket.SO_RCVBUF)
        _grow(self.socket, SO_SNDBUFFORCE, socket.SO_SNDBUF)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, 0)
        self.socket.setblocking(False)
        self._poll = select.poll()
        self._poll.register(self.socket, select.POLLIN)

    def __enter__(self):
        return self

    def __exit__(self, *__):
        self.socket.close()

    def send(self, message, address, index, hop_limit=None, extension=None):
        """Send one message, and tell when.

        :param extension: an extension header, as the ancillary data that carries it.
        """
        ancillary = [extension] if extension else []
        if hop_limit is not None:
            ancillary.append((socket.IPPROTO_IPV6, socket.IPV6_HOPLIMIT, struct.pack("=i", hop_limit)))
        now = time.time_ns()
        self.socket.sendmsg([message], ancillary, 0, (address, 0, 0, index))
        return now

    def receive(self, timeout):
        """The messages that are there, waiting for the first of them as many seconds."""
        self._poll.poll(max(timeout, 0) * 1000)
        # Not for ever, whatever a neighbour sends.
        for __ in range(BATCH):
            try:
                message, ancillary, __, sender = self.socket.recvmsg(2048, 256)
            except BlockingIOError:
                return
            index, hop_limit, time_ns = 0, 0, time.time_ns()
            for level, kind, data in ancillary:
                if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
                    seconds, nanoseconds = struct.unpack("@ll", data)
                    time_ns = seconds * 1_000_000_000 + nanoseconds
                elif level == socket.IPPROTO_IPV6 and kind == socket.IPV6_HOPLIMIT:
                    (hop_limit,) = struct.unpack("=i", data)
                elif level == socket.IPPROTO_IPV6 and kind == socket.IPV6_PKTINFO:
                    (index,) = struct.unpack("=16xi", data)
            source = ipaddress.IPv6Address(sender[0].partition("%")[0])
            yield Packet(source, index, hop_limit, time_ns, message)

    def receive_until(self, deadline):
        """The messages that come until a time of :func:`time.monotonic`."""
        while True:
            yield from self.receive(deadline - time.monotonic())
            if time.monotonic() >= deadline:
                return


class Solicitor:
    """Sends neighbour solicitations past the kernel's neighbour table, which addresses that nobody has would fill.

    A context manager; the answers come to an :class:`IcmpSocket`.

    :param interface: a dict of ``_interfaces``.
    :param source: the address to ask from.
    """

    def __init__(self, interface, source):
        self.interface, self.source = interface, ipaddress.IPv6Address(source)
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
        _grow(self.socket, SO_SNDBUFFORCE, socket.SO_SNDBUF)

    def __enter__(self):
        return self

    def __exit__(self, *__):
        self.socket.close()

    def ask(self, target):
        packet = _icmpv6.neighbour_solicitation(self.source, target, self.interface["mac"])
        mac = _icmpv6.multicast_mac(_icmpv6.solicited_node(target))
        self.socket.sendto(packet, (self.interface["name"], 0x86DD, 0, 0, mac))


def _ping_socket():
    try:
        return socket.socket(socket.AF_INET6, socket.SOCK_DGRAM, socket.IPPROTO_ICMPV6)
    except PermissionError:
        raise Refusal(
            "Cannot ping: neither raw sockets (CAP_NET_RAW) nor ping sockets (net.ipv4.ping_group_range) "
            "are permitted.",
            "Be root ('become: true'), or have this user's group within net.ipv4.ping_group_range.",
        ) from None


def _grow(one, forced, plain):
    """Give a socket a large buffer, as large as the system's limit where that is not allowed."""
    try:
        one.setsockopt(socket.SOL_SOCKET, forced, BUFFER)
    except PermissionError:
        one.setsockopt(socket.SOL_SOCKET, plain, BUFFER)
