# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names that neighbours give themselves: a reverse query (RFC 6762), asked of each neighbour itself (section 5.5)."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import socket
import struct
import time

PORT = 5353
PTR, IN = 12, 1  # RFC 1035, section 3.2
RESPONSE = 0x8000
CACHE_FLUSH = 0x8000  # RFC 6762, section 10.2
WAIT, ROUNDS = 0.4, 2  # seconds
DOMAIN = ".local"


class Malformed(ValueError):
    """A message that is none of DNS."""


def names(addresses, index):
    """Ask neighbours for their names.

    :param addresses: link-local addresses, as text.
    :param index: of the interface that they are on.
    :returns: a dict of those that answered, with names in :data:`DOMAIN` that hosts may have, and no other text.
    """
    waiting, found = {address: os.urandom(2) for address in addresses}, {}
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as udp:
        for __ in range(ROUNDS):
            for address, identifier in waiting.items():
                with contextlib.suppress(OSError):
                    udp.sendto(query(identifier, address), (address, PORT, 0, index))
            deadline = time.monotonic() + WAIT
            while waiting and time.monotonic() < deadline:
                udp.settimeout(max(deadline - time.monotonic(), 0.001))
                with contextlib.suppress(OSError, Malformed):
                    message, sender = udp.recvfrom(9000)
                    address = sender[0].partition("%")[0]
                    name = parse(message, waiting[address], address) if address in waiting else None
                    if name:
                        found[address] = name
                        del waiting[address]
    return found


def query(identifier, address):
    labels = ipaddress.IPv6Address(address).reverse_pointer.split(".")
    question = b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0"
    return struct.pack("!2s5H", identifier, 0, 1, 0, 0, 0) + question + struct.pack("!2H", PTR, IN)


def parse(message, identifier, address):
    """The name that an answer to a :func:`query` gives to the address, None where it gives none.

    :raises Malformed: for what is no message of DNS.
    """
    asked = [label.encode() for label in ipaddress.IPv6Address(address).reverse_pointer.split(".")]
    try:
        said, flags, questions, answers = struct.unpack_from("!2s3H", message)
        if said != identifier or not flags & RESPONSE:
            return None
        offset = 12
        for __ in range(questions):
            offset = _name(message, offset)[1] + 4
        for __ in range(answers):
            owner, offset = _name(message, offset)
            kind, network, length = struct.unpack_from("!2H4xH", message, offset)
            offset += 10
            if (kind, network & ~CACHE_FLUSH) == (PTR, IN) and [label.lower() for label in owner] == asked:
                return host_name(_name(message, offset)[0])
            offset += length
    except (struct.error, IndexError) as error:
        raise Malformed("truncated") from error
    return None


def host_name(labels):
    """The first label, made one that a host may have (RFC 952), in :data:`DOMAIN`."""
    text = labels[0].decode(errors="replace").lower() if labels else ""
    text = re.sub("[^a-z0-9]+", "-", text).strip("-")
    return text + DOMAIN if text else None


def _name(message, offset):
    """The labels of a name (RFC 1035, section 4.1.4), and where what follows it begins."""
    labels, end = [], None
    while message[offset]:
        length = message[offset]
        if length >= 0xC0:
            end = end or offset + 2
            pointer = (length & 0x3F) << 8 | message[offset + 1]
            # Pointers lead back, so they come to an end.
            if pointer >= offset:
                raise Malformed("a pointer that leads forward")
            offset = pointer
        elif length < 0x40:
            labels.append(message[offset + 1 : offset + 1 + length])
            offset += 1 + length
        else:
            raise Malformed("a label of an unknown kind")
        if len(labels) > 127:
            raise Malformed("a name that is too long")
    return labels, end or offset + 1
