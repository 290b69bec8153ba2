# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sockets of TCP and UDP that wait for anybody, as sock_diag(7) tells them, and whose they are.

/proc/net has neither the device that a socket is bound to nor whether one of ``::`` takes IPv4 as well.
"""

from __future__ import annotations

import ipaddress
import os
import re
import socket
import struct
from collections import namedtuple
from contextlib import suppress

from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal
from ansible_collections.v6ops.docker.plugins.module_utils._files import read_text
from ansible_collections.v6ops.docker.plugins.module_utils._netlink import attributes, dump

_NETLINK_SOCK_DIAG, _SOCK_DIAG_BY_FAMILY = 4, 20  # linux/netlink.h, linux/sock_diag.h
_INET_DIAG_SKV6ONLY = 11  # linux/inet_diag.h
_REQUEST = struct.Struct("=BBBxI48x")
# Family, state, port, address, interface, user and inode.
_MESSAGE = struct.Struct("=BBxxHxx16s16xI8x12xII")
# TCP_LISTEN, and TCP_CLOSE for a socket of UDP that has no peer.
_WAITING = {"tcp": (socket.IPPROTO_TCP, 1 << 10), "udp": (socket.IPPROTO_UDP, 1 << 7)}

# :ivar address: an ipaddress.IPv4Address or IPv6Address.
# :ivar device: the name of the interface it is bound to, or None.
# :ivar families: those that reach it, 4 and 6.
# :ivar process: its name; pid and unit are those of systemd's own process only where no other has the socket.
Socket = namedtuple("Socket", "protocol address port device families uid process pid unit")


def waiting():
    """The sockets of this network namespace that wait for anybody; several that share a port are one."""
    found = {}
    for protocol, (number, states) in _WAITING.items():
        for family in (socket.AF_INET, socket.AF_INET6):
            try:
                messages = dump(_NETLINK_SOCK_DIAG, _SOCK_DIAG_BY_FAMILY, _REQUEST.pack(family, number, 0, states))
            except OSError as error:
                raise Refusal(
                    f"Cannot list the sockets of {protocol.upper()}: the kernel says {error.strerror}.",
                    f"Load its module, by 'modprobe {protocol}_diag'.",
                ) from error
            for message in messages:
                one, inode = parse(protocol, message)
                found.setdefault(one, set()).add(inode)
    owners = _owners({inode for inodes in found.values() for inode in inodes})
    sockets = []
    for one, inodes in found.items():
        # systemd keeps a socket that it has opened for a service.
        pids = sorted({pid for inode in inodes for pid in owners.get(inode, ())}, key=lambda pid: (pid == 1, pid))
        sockets.append(one._replace(**_process(pids[0])) if pids else one)
    return sorted(sockets, key=lambda one: (one.protocol, one.port, one.address.version, one.address, one.device or ""))


def parse(protocol, message):
    """A message of inet_diag as a socket without its process, and its inode."""
    family, _state, port, raw, index, uid, inode = _MESSAGE.unpack_from(message)
    only_v6 = attributes(message[_MESSAGE.size :]).get(_INET_DIAG_SKV6ONLY, b"\0") != b"\0"
    if family == socket.AF_INET:
        address, families = ipaddress.IPv4Address(raw[:4]), (4,)
    else:
        address = ipaddress.IPv6Address(raw)
        families = (4, 6) if address.is_unspecified and not only_v6 else (6,)
        if address.ipv4_mapped:
            address, families = address.ipv4_mapped, (4,)
    device = None
    if index:
        # It may have gone meanwhile.
        with suppress(OSError):
            device = socket.if_indextoname(index)
        device = device or f"interface {index}"
    return Socket(protocol, address, socket.ntohs(port), device, families, uid, None, None, None), inode


def _owners(inodes):
    """The processes that have each of the sockets open, {inode: [pid, ...]}."""
    owners = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        # It may have ended meanwhile.
        with suppress(OSError):
            for entry in os.listdir(f"/proc/{pid}/fd"):
                target = ""
                with suppress(OSError):
                    target = os.readlink(f"/proc/{pid}/fd/{entry}")
                found = re.fullmatch(r"socket:\[(\d+)\]", target)
                if found and int(found[1]) in inodes:
                    owners.setdefault(int(found[1]), []).append(int(pid))
    return owners


def _process(pid):
    name = (read_text(f"/proc/{pid}/comm") or "").strip()
    return {"pid": pid, "process": name or None, "unit": unit_of(read_text(f"/proc/{pid}/cgroup") or "")}


def unit_of(groups):
    """The unit of systemd that a process is in, from its /proc/PID/cgroup (cgroups(7)), or None."""
    for line in groups.splitlines():
        _number, controllers, path = line.split(":", 2)
        units = re.findall(r"[^/]+\.(?:service|scope)(?=/|$)", path)
        if controllers in ("", "name=systemd") and units:
            return units[-1]
    return None
