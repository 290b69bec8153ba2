# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The host's links and the addresses on them, as rtnetlink(7) and sysfs tell them."""

from __future__ import annotations

import ipaddress
import os
import socket
import struct
from collections import namedtuple

from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal
from ansible_collections.v6ops.docker.plugins.module_utils._files import read_text
from ansible_collections.v6ops.docker.plugins.module_utils._netlink import attributes, dump

_RTM_GETADDR = 22  # linux/rtnetlink.h
_IFA_ADDRESS, _IFA_LOCAL = 1, 2  # linux/if_addr.h
_IFADDRMSG = struct.Struct("=BBBBI")
_SYSFS = "/sys/class/net"

# :ivar addresses: of it, a list of ipaddress.ip_interface.
# :ivar below: the names of the devices it is made of, such as those of a bond or below a VLAN.
# :ivar bridge: whether it is one.
# :ivar vrf: whether it is part of one, so that rules may see the name of that instead.
Link = namedtuple("Link", "name addresses below bridge vrf")


def read_addresses():
    """All addresses of the host, {name of the interface: [ipaddress.ip_interface, ...]}."""
    found = {}
    for message in dump(socket.NETLINK_ROUTE, _RTM_GETADDR, bytes(_IFADDRMSG.size)):
        family, length, _flags, _scope, index = _IFADDRMSG.unpack_from(message)
        values = attributes(message[_IFADDRMSG.size :])
        if family in (socket.AF_INET, socket.AF_INET6):
            # With a peer, IFA_ADDRESS is the peer's.
            address = ipaddress.ip_address(values.get(_IFA_LOCAL, values[_IFA_ADDRESS]))
            try:
                name = socket.if_indextoname(index)
            except OSError:
                # Gone meanwhile, as the interfaces of containers go.
                continue
            found.setdefault(name, []).append(ipaddress.ip_interface(f"{address}/{length}"))
    return found


class Host:
    """Which addresses are where.

    :param addresses: {name of the interface: [ipaddress.ip_interface, ...]}.
    """

    def __init__(self, addresses):
        self.addresses = addresses
        self._own = {int(one.ip) for found in addresses.values() for one in found}

    def owns(self, number):
        return number in self._own

    def towards(self, number):
        """The interface by which an address is on the link; None where no or more than one network has it."""
        names = {
            name
            for name, found in self.addresses.items()
            for one in found
            if int(one.network.network_address) <= number <= int(one.network.broadcast_address)
        }
        return names.pop() if len(names) == 1 else None

    def shares(self, network, name):
        """Whether an address of another interface is in the same network."""
        return any(
            one.version == network.version and one.network.overlaps(network)
            for other, found in self.addresses.items()
            for one in found
            if other != name
        )


def read_link(name, host):
    """
    :raises Refusal: where there is none of that name.
    """
    path = f"{_SYSFS}/{name}"
    if not os.path.isdir(path):
        raise Refusal(f"Cannot look at the interface {name!r}: there is none.", "See 'ip link'.")
    return Link(
        name,
        host.addresses.get(name, []),
        _below(path),
        os.path.isdir(f"{path}/bridge"),
        "DEVTYPE=vrf" in (read_text(f"{path}/master/uevent") or ""),
    )


def _below(path):
    names = []
    for entry in sorted(os.listdir(path)):
        if entry.startswith("lower_"):
            names += [entry[len("lower_") :], *_below(f"{path}/{entry}")]
    return names
