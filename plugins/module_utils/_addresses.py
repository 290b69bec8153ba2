# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The host's own IPv6 addresses, as the kernel tells everybody, without a library."""

from __future__ import annotations

import ipaddress
from typing import NamedTuple

from ansible_collections.v6ops.docker.plugins.module_utils._files import read_text


class Address(NamedTuple):
    address: ipaddress.IPv6Address
    prefixlen: int
    flags: int  # linux/if_addr.h
    interface: str


def addresses():
    """The host's addresses from /proc/net/if_inet6, see proc_net(5)."""
    rows = [line.split() for line in (read_text("/proc/net/if_inet6") or "").splitlines()]
    return [
        Address(ipaddress.IPv6Address(bytes.fromhex(raw)), int(length, 16), int(flags, 16), interface)
        for raw, __, length, __, flags, interface in rows
    ]
