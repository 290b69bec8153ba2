# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The host's own IPv6 addresses, as the kernel tells everybody, without a library."""

from __future__ import annotations

import ipaddress

from ansible_collections.v6ops.docker.plugins.module_utils._files import read_text


def addresses():
    """The host's addresses, a list of (:class:`ipaddress.IPv6Address`, name of the interface)."""
    # Address, index, length, scope, flags and name, see proc_net(5).
    rows = [line.split() for line in (read_text("/proc/net/if_inet6") or "").splitlines()]
    return [(ipaddress.IPv6Address(bytes.fromhex(row[0])), row[5]) for row in rows]
