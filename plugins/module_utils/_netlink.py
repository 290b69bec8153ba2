# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the kernel tells by netlink(7), without a library."""

from __future__ import annotations

import os
import socket
import struct

_NLM_F_REQUEST, _NLM_F_DUMP = 0x001, 0x300  # linux/netlink.h
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
# NLA_F_NESTED and NLA_F_NET_BYTEORDER left out.
_NLA_TYPE_MASK = 0x3FFF


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
