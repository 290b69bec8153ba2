# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The walk from a container to a target that does not answer, without any I/O: which hop is the first broken one.

What was seen of the packets is the evidence; the state of the host only tells causes apart.
"""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple

from ansible_collections.v6ops.docker.plugins.module_utils._probe import ECHO_REPLY, ECHO_REQUEST

HOPS = ("container", "bridge", "forward", "nat", "route", "neighbour", "target")
# RFC 4193; what has such a source gets no answer from the internet.
UNIQUE_LOCAL = ipaddress.ip_network("fc00::/7")

_DROPS = re.compile(r":\S+ DROP|-A .*-j (DROP|REJECT)\b")
_OTHER_PROTOCOL = re.compile(r" -p (?!ipv6-icmp\b|icmpv6\b)")
_LEADS = re.compile(r" -[jg] (\S+)")
_HOOKS = ("PREROUTING", "FORWARD", "POSTROUTING")

# What rules say that reject; RFC 4443, section 3.1.
REJECTIONS = ("administratively prohibited", "port unreachable", "source address failed policy", "reject route")


class Host(NamedTuple):
    """What the host says of the way to a target.

    ``route`` is a dict of ``interface`` and ``gateway``, or None; ``neighbour`` tells whether the next hop resolves;
    ``drops`` are as :func:`drops` returns them, ``obstacles`` sentences about other firewalls.
    """

    forwards: bool
    route: dict | None
    neighbour: bool
    drops: list
    obstacles: list


def walk(unanswered, bridge, sightings, own_addresses, host):
    """Name the first broken hop.

    :param unanswered: a :class:`._checks.Unanswered`.
    :param sightings: see :mod:`._sightings`.
    :returns: a dict with ``target``, ``hop`` (one of :data:`HOPS`), ``evidence`` and ``remedy``.
    """
    spotted = [one for one in sightings if one.number == unanswered.number]
    return {"target": unanswered.target, **_first_broken(unanswered, bridge, spotted, own_addresses, host)}


def _first_broken(unanswered, bridge, sightings, own_addresses, host):
    requests = [one for one in sightings if one.type == ECHO_REQUEST]
    leaving = [one for one in requests if one.outgoing and one.interface != bridge]
    answers = [one for one in sightings if one.type != ECHO_REQUEST and one.source not in own_addresses]
    local = [error for error in unanswered.errors if error["from"] is None]
    if local:
        return _broken("container", f"It {local[0]['error']}.", "Look at its addresses and routes.")
    if not requests:
        return _broken("bridge", f"Nothing arrives at {bridge}.", f"See 'ip -6 neigh show dev {bridge}'.")
    if not leaving:
        return _held_back(unanswered, bridge, host)
    last = leaving[-1]
    as_what = f"It leaves {last.interface} as {last.source}"
    if any(one.interface == bridge and one.outgoing for one in answers):
        return _answered(unanswered.errors, answers[-1], as_what, own_addresses)
    if any(not one.outgoing for one in answers):
        return _not_forwarded(bridge, f"An answer arrives at {last.interface} and does not get to {bridge}", host)
    untranslated = _untranslated(unanswered, last, as_what, own_addresses)
    if untranslated:
        return untranslated
    if host.route is None:
        return _no_route(unanswered)
    if not host.neighbour:
        return _dead_neighbour(host)
    return _broken(
        "target",
        f"{as_what}, and nothing comes back.",
        f"Look at {unanswered.target} and the way behind {_spell(host.route)}.",
    )


def _untranslated(unanswered, last, as_what, own_addresses):
    """What is wrong with the source of a packet that nobody answers, or None."""
    is_local = ipaddress.ip_address(last.source) in UNIQUE_LOCAL
    if last.source not in own_addresses and (last.source == unanswered.source or is_local):
        remedy = "Run v6ops.docker.ip6tables_nat, or 'systemctl restart docker' where dockerd has the rule."
        unless = "" if is_local else " Nothing comes back, unless that prefix is routed to this host."
        return _broken("nat", f"{as_what}, untranslated.{unless}", remedy)
    if is_local and ipaddress.ip_address(unanswered.address) not in UNIQUE_LOCAL:
        evidence = f"{as_what}, the host's own, but one that nobody beyond its site answers (RFC 4193)."
        return _broken("nat", evidence, f"Give {last.interface} a global address.")
    return None


def drops(before, after, lost):
    """The rules and policies on the way of forwarded ICMPv6 that dropped as many packets as were lost, or more.

    :param before: counters, see :func:`._netfilter.parse_counters`; ``after`` likewise.
    :returns: (line, packets), the one with the most first.
    """
    on_the_way = _on_the_way(after)
    dropped = [
        (line, packets - before.get((table, line), 0))
        for (table, line), packets in after.items()
        if _DROPS.match(line) and not _OTHER_PROTOCOL.search(line) and (table, _chain(line)) in on_the_way
    ]
    return sorted((one for one in dropped if one[1] >= lost), key=lambda one: one[1], reverse=True)


def _on_the_way(counters):
    """The chains that forwarded packets come through, (table, chain)."""
    leads = {}
    for table, line in counters:
        found = _LEADS.search(line)
        if found:
            leads.setdefault((table, _chain(line)), set()).add((table, found[1]))
    reached, waiting = set(), [(table, hook) for table, __ in counters for hook in _HOOKS]
    while waiting:
        chain = waiting.pop()
        if chain not in reached:
            reached.add(chain)
            waiting += leads.get(chain, ())
    return reached


def _chain(line):
    """The chain of a rule or a policy."""
    return line[1:].split()[0] if line.startswith(":") else line.split()[1]


def _held_back(unanswered, bridge, host):
    if not host.forwards:
        return _broken(
            "forward",
            "The host does not forward IPv6 (net.ipv6.conf.all.forwarding = 0).",
            "Restart docker, which switches it on, and look for a file in /etc/sysctl.d that switches it off.",
        )
    if host.route is None:
        return _no_route(unanswered)
    rejected = [error for error in unanswered.errors if error["error"] in REJECTIONS]
    if host.drops or rejected or host.neighbour:
        return _not_forwarded(bridge, f"It arrives at {bridge} and does not leave {host.route['interface']}", host)
    return _dead_neighbour(host)


def _not_forwarded(bridge, evidence, host):
    if host.drops:
        rule, packets = host.drops[0]
        return _broken("forward", f"{evidence}: '{rule}' dropped {packets} packets.", "Change or remove that rule.")
    remedy = " ".join(host.obstacles) or f"Look for rules that drop forwarded packets of {bridge}: 'nft list ruleset'."
    return _broken("forward", f"{evidence}.", remedy)


def _no_route(unanswered):
    return _broken("route", f"The host has no route to {unanswered.target}.", "Look at its uplink: 'ip -6 route'.")


def _dead_neighbour(host):
    return _broken(
        "neighbour",
        f"{_spell(host.route)} does not answer neighbour solicitations.",
        f"Look at that router and the link of {host.route['interface']}.",
    )


def _answered(errors, answer, as_what, own_addresses):
    told = [error for error in errors if error["from"] not in own_addresses]
    if not told and answer.type == ECHO_REPLY:
        return _broken("container", f"{as_what}, and the reply comes after all, too late.", "Look at the way's load.")
    source = told[-1]["from"] if told else answer.source
    what = told[-1]["error"] if told else f"ICMPv6 error {answer.type}"
    return _broken(
        "target", f"{as_what}, and {source} says: {what}.", f"The path works as far as {source}; look behind it."
    )


def _spell(route):
    return f"{route['gateway']} on {route['interface']}" if route["gateway"] else f"the link of {route['interface']}"


def _broken(hop, evidence, remedy):
    return {"hop": hop, "evidence": evidence, "remedy": remedy}
