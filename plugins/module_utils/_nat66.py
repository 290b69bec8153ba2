# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of NAT66, spelt as ip6tables-save prints them, and who of several translates a prefix."""

from __future__ import annotations

import ipaddress
import re
import socket

from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal
from ansible_collections.v6ops.docker.plugins.module_utils._netfilter import PREFIX, comment
from ansible_collections.v6ops.docker.plugins.module_utils._prefix import host_pool, parse_prefix

# As dockerd names the bridges of its networks: docker0, docker_gwbridge, br-0123456789ab.
_BRIDGES = ("docker+", "br-+")
_BY_ENGINE = re.compile(r"-A POSTROUTING -s (\S+) ! -o \S+ -j MASQUERADE")
_BY_ANYBODY = re.compile(r"-A \S+ (?:-s (\S+) )?.*-j (?:MASQUERADE|SNAT|NETMAP)\b")


def parse_sources(texts, pool):
    """The prefixes to translate, those that are apart.

    :param pool: a prefix that covers those of the others that are within it, ``host`` for the host's own, or None.
    """
    if texts is None and pool is None:
        pool = "host"
    if pool is not None:
        pool = host_pool() if pool == "host" else parse_prefix(pool)
    prefixes = _apart([parse_prefix(text) for text in texts or []])
    if pool:
        prefixes = [pool] + [prefix for prefix in prefixes if not prefix.subnet_of(pool)]
    if not prefixes:
        raise Refusal("Cannot translate an empty list of prefixes.", "Set 'state: absent' to take the rules away.")
    return _apart(prefixes)


def parse_destinations(texts):
    try:
        return _apart([ipaddress.IPv6Network(text.strip()) for text in texts])
    except ValueError as error:
        raise Refusal(
            f"Cannot translate by destination: {error}.", "Name IPv6 prefixes, such as 2001:db8::/32."
        ) from error


def parse_interfaces(names):
    for name in names:
        if not re.fullmatch(r"[^\s/!+]{1,15}|[^\s/!+]{0,14}\+", name):
            raise Refusal(f"Cannot translate by the interface {name!r}: none can be named so.", "See 'ip link'.")
    return names


def parse_target(to_source, to_prefix, sources, own):
    """What the rules do with a packet: masquerade it, or one of the two others, None where it is not wanted.

    :param own: the host's addresses, :class:`ipaddress.IPv6Address`.
    """
    if to_source is not None:
        try:
            address = ipaddress.IPv6Address(to_source.strip())
        except ValueError as error:
            raise Refusal(
                f"Cannot translate to {to_source!r}: it is not an IPv6 address.", "See 'ip -6 address'."
            ) from error
        if address.is_link_local or address.is_loopback or address not in own:
            raise Refusal(
                f"Cannot translate to {address}: it is no address of this host that replies find their way to.",
                "Name one that 'ip -6 address' shows with 'scope global', or leave 'to_source' out.",
            )
        return f"SNAT --to-source {_spell_address(address)}"
    if to_prefix is not None:
        prefix = parse_prefix(to_prefix)
        if [prefix.prefixlen] != [source.prefixlen for source in sources]:
            raise Refusal(
                f"Cannot translate {', '.join(map(str, sources))} to {prefix} address by address: it takes one prefix "
                "of the same length.",
                "Use a set of rules, with a 'name' of its own, for each pair of prefixes.",
            )
        _apart([*sources, prefix])
        return f"NETMAP --to {spell(prefix)}"
    return "MASQUERADE"


def _apart(prefixes):
    in_order = sorted(prefixes)
    for one, other in zip(in_order, in_order[1:]):
        if one.overlaps(other):
            raise Refusal(f"Cannot translate both {one} and {other}: they overlap.", "Name the larger one alone.")
    return prefixes


def spell(network):
    """A network as ip6tables prints it, by inet_ntop(3)."""
    return f"{_spell_address(network.network_address)}/{network.prefixlen}"


def _spell_address(address):
    return socket.inet_ntop(socket.AF_INET6, address.packed)


def nat_rules(chain, sources, target, destinations=(), out_interfaces=()):
    """The rules that translate the source of what leaves a set of prefixes; traffic among them stays as it is.

    :param target: ``MASQUERADE``, ``SNAT --to-source ADDRESS`` or ``NETMAP --to PREFIX``.
    :param destinations: where to; anywhere if there are none.
    :param out_interfaces: by which interfaces; by any if there are none.
    """
    towards = [f" -d {spell(network)}" if network.prefixlen else "" for network in destinations] or [""]
    by = [f" -o {name}" for name in out_interfaces] or [""]
    inside = [f"-A {chain} -d {spell(source)} {comment(chain)} -j RETURN" for source in sources]
    return inside + [
        f"-A {chain} -s {spell(source)}{destination}{interface} {comment(chain)} -j {target}"
        for source in sources
        for destination in towards
        for interface in by
    ]


def forward_rules(chain, sources):
    """The rules that let containers out and replies in, and drop what else comes from outside.

    They decide what no rule before them has decided. A published port is translated (DNAT) and left to who published
    it. A source address within the prefixes is not enough to be let in to a bridge of dockerd's: on the link anybody
    can send one. To a bridge with a name of the user's own it is, as nothing tells that from an uplink.
    """

    def each(match, verdict):
        return [f"-A {chain} {match.format(spell(source))} {comment(chain)} -j {verdict}" for source in sources]

    return [
        *each("-d {} -m conntrack --ctstate RELATED,ESTABLISHED", "ACCEPT"),
        *(rule for bridge in _BRIDGES for rule in each(f"-s {{}} -i {bridge}", "ACCEPT")),
        f"-A {chain} -m conntrack --ctstate DNAT {comment(chain)} -j RETURN",
        *(rule for bridge in _BRIDGES for rule in each(f"-d {{}} -o {bridge}", "DROP")),
        *each("-s {}", "ACCEPT"),
        *each("-d {}", "DROP"),
    ]


def translated(rules):
    """The networks that some of our rules translate.

    :param rules: of one chain, as ip6tables-save prints them.
    """
    return sorted({network for network in map(_translated, rules) if network})


def who_translates(saved, prefixes):
    """Who translates the source of what leaves each prefix, or a part of it.

    :param saved: a saved rule set, see :mod:`._netfilter`.
    :returns: {prefix: who}; ``collection``, ``engine`` (dockerd, by its own words ``-s SUBNET ! -o BRIDGE -j
        MASQUERADE``), ``other`` or None; of several the first that a packet meets.
    """
    order = list(_translators(saved.get("nat", [])))
    exact = {network: index for index, (network, who) in reversed(list(enumerate(order))) if who == "collection"}
    foreign = [(index, *entry) for index, entry in enumerate(order) if entry[1] != "collection"]
    result = {}
    for prefix in prefixes:
        found = [(exact[prefix], "collection")] if prefix in exact else []
        found += [(index, who) for index, network, who in foreign if network.overlaps(prefix)]
        if not found:
            found = [(index, who) for index, (network, who) in enumerate(order) if network.overlaps(prefix)]
        result[prefix] = min(found)[1] if found else None
    return result


def _translators(rules):
    """The networks that are translated, in order, each as (network, who)."""
    in_chain = {}
    for rule in rules:
        in_chain.setdefault(rule.split()[1], []).append(rule)
    for rule in in_chain.get("POSTROUTING", []):
        target = rule.rsplit(" -j ", 1)[-1].split()[0]
        if target.startswith(PREFIX):
            yield from ((network, "collection") for network in map(_translated, in_chain.get(target, [])) if network)
        elif _translated(rule):
            yield _translated(rule), "engine" if _BY_ENGINE.fullmatch(rule) else "other"


def _translated(rule):
    found = _BY_ANYBODY.match(rule)
    return ipaddress.IPv6Network(found[1] or "::/0") if found else None
