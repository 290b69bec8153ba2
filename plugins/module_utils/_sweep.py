# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who of many is there, before the kernel has to find out: its neighbour table, which all namespaces share, has room
for some thousand addresses (``gc_thresh3``), those included that nobody has.
"""

from __future__ import annotations

import time
from contextlib import ExitStack, suppress

from ansible_collections.v6ops.docker.plugins.module_utils import _icmpv6, _rtnetlink
from ansible_collections.v6ops.docker.plugins.module_utils._icmp_socket import IcmpSocket, Solicitor
from ansible_collections.v6ops.docker.plugins.module_utils._interfaces import source_of

ROUNDS = 4
# After as many the answers are read.
BURST = 64


def absent(targets, interfaces, timeout):
    """Those of the targets that answer no neighbour solicitation.

    Not asked are this host itself, whom the kernel knows, and who is on a link without Ethernet addresses.

    :param interfaces: those that the targets are on, as of ``_interfaces``.
    :param timeout: in seconds.
    :returns: a set; without permission for raw sockets an empty one.
    """
    links = {one["index"]: one for one in interfaces if one["mac"]}
    known = {(one.index, one.address) for one in (*_rtnetlink.neighbours(), *_rtnetlink.addresses())}
    waiting = {(one.index, one.address): one for one in targets if one.index in links}
    waiting = {key: target for key, target in waiting.items() if key not in known}
    if not waiting:
        return set()
    with ExitStack() as stack:
        icmp = stack.enter_context(IcmpSocket([_icmpv6.NEIGHBOUR_ADVERTISEMENT]))
        if not icmp.is_raw:
            return set()
        solicitors = {
            index: stack.enter_context(Solicitor(links[index], source_of(links[index])))
            for index in {index for index, __ in waiting}
        }
        for __ in range(ROUNDS):
            deadline = time.monotonic() + timeout / ROUNDS
            for number, (index, address) in enumerate(list(waiting), 1):
                solicitors[index].ask(address)
                if not number % BURST:
                    _strike_out(waiting, icmp.receive(0))
            while waiting and time.monotonic() < deadline:
                _strike_out(waiting, icmp.receive(deadline - time.monotonic()))
    return set(waiting.values())


def _strike_out(waiting, packets):
    for packet in packets:
        with suppress(_icmpv6.Malformed):
            address, __, __ = _icmpv6.parse_neighbour_advertisement(packet.message, packet.hop_limit)
            waiting.pop((packet.index, address), None)
