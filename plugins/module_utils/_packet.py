# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A packet of which not everything is known, and three-valued answers (True, False, None) to questions about it.

A packet is a mapping of fields to what is possible there: a list of ranges ``(first, last)`` of numbers, a name for the
two fields that end in ``ifname``, True for ``route_back``; a field that is missing or None can be anything. Addresses,
protocols and states of conntrack are the kernel's numbers.

==================  ====================================================================================
family              4 or 6
saddr, daddr        addresses
saddr_type          RTN_UNICAST ... of the address, as all routes see it (linux/rtnetlink.h)
daddr_type          likewise; ``daddr_type_here`` by the routes of the interface the packet arrives on
l4proto             IPPROTO_TCP ...; ``sport``, ``dport``, ``tcp_flags``, ``icmp_type``, ``icmp_code``
hoplimit            or time to live
iifname, oifname    of the interfaces; an empty name where a hook has none
pkttype             PACKET_HOST ... (linux/if_packet.h)
ct_state            NF_CT_STATE_BIT (linux/netfilter/nf_conntrack_common.h)
ct_status           IPS_DST_NAT or nothing, where the packet has a connection
route_back          a route to the source leaves by the interface the packet arrives on
==================  ====================================================================================
"""

from __future__ import annotations

import ipaddress
from bisect import bisect_right

ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58  # linux/in.h, linux/in6.h
INVALID, ESTABLISHED, RELATED, NEW, UNTRACKED = 1, 2, 4, 8, 64
IPS_DST_NAT = 32
RTN_UNICAST, RTN_LOCAL, RTN_BROADCAST, RTN_MULTICAST = 1, 2, 3, 5
PACKET_HOST, PACKET_BROADCAST, PACKET_MULTICAST = 0, 1, 2
SYN, SYN_ACK = 0x02, 0x12
EVERY_NUMBER = (0, 2**128)


def only(*numbers):
    return [(number, number) for number in numbers]


def span(network):
    """The range of a network's addresses, from all that :mod:`ipaddress` takes for one."""
    network = ipaddress.ip_network(network, strict=False)
    return int(network.network_address), int(network.broadcast_address)


def merged(ranges):
    """The same numbers in ascending ranges with gaps between them."""
    result = []
    for first, last in sorted(ranges):
        if result and first <= result[-1][1] + 1:
            result[-1] = (result[-1][0], max(last, result[-1][1]))
        else:
            result.append((first, last))
    return result


def negated(answer):
    return None if answer is None else not answer


def every(answers):
    """Whether all are true; asks no further than the first that is not."""
    result = True
    for answer in answers:
        if answer is False:
            return False
        if answer is None:
            result = None
    return result


def some(answers):
    return negated(every(map(negated, answers)))


def unknown(packet):
    """The answer to a question nobody here understands: None."""


def no(packet):
    return False


def among(field, ranges):
    """A question: is the number one of these?"""
    ranges = merged(ranges)
    firsts = [first for first, last in ranges]

    def inside(low, high):
        index = bisect_right(firsts, high) - 1
        if index < 0 or ranges[index][1] < low:
            return False
        return True if ranges[index][0] <= low and high <= ranges[index][1] else None

    def ask(packet):
        return _common(inside(low, high) for low, high in packet.get(field) or ())

    return ask


def flagged(field, mask, value=None):
    """A question: are the bits of the mask as in the value, or, without one, is any of them set?"""

    def ask(packet):
        possible = packet.get(field) or ()
        if any(low != high for low, high in possible):
            return None
        return _common(low & mask == value if value is not None else bool(low & mask) for low, high in possible)

    return ask


def named(field, name, wildcard=False):
    """A question: has the interface this name, or, with a wildcard, does its name begin so?"""

    def ask(packet):
        have = packet.get(field)
        if have is None:
            return None
        return have.startswith(name) if wildcard else have == name

    return ask


def true(field):
    return lambda packet: packet.get(field)


def every_of(*questions):
    return lambda packet: every(question(packet) for question in questions)


def some_of(*questions):
    return lambda packet: some(question(packet) for question in questions)


def opposite(question, *, unless_empty=None):
    """The question the other way round.

    :param unless_empty: a field; where it is an empty name, kernels differ.
    """

    def ask(packet):
        return None if unless_empty and packet.get(unless_empty) == "" else negated(question(packet))

    return ask


def _common(answers):
    """The answer that all possible values have in common."""
    answers = set(answers)
    return answers.pop() if len(answers) == 1 else None
