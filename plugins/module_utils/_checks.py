# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verdict on what a probe in a container and the host around it saw, without any I/O.

A check is a dict with ``name``, ``status`` (passed, failed, skipped), ``evidence`` and ``remedy``. One that could not
be made is skipped and says why.
"""

from __future__ import annotations

import ipaddress
from typing import NamedTuple

from ansible_collections.v6ops.docker.plugins.module_utils._path import UNIQUE_LOCAL
from ansible_collections.v6ops.docker.plugins.module_utils._probe import BEYOND_ROUTER, COUNT, ECHO_REQUEST, is_reply

ROUTER = "the router of the uplink"
AGAIN = "Verify it once more, with a longer 'timeout' of docker_ipv6_check."
NO_IPV6 = "Run v6ops.docker.docker_ipv6_daemon, or give the network IPv6."
TRANSLATORS = {"collection": "rules of this collection", "engine": "dockerd's own rule", "other": "rules of others"}


class Unanswered(NamedTuple):
    """A target that did not answer; ``source`` is the container's address, ``lost`` the number of packets.

    ``errors`` are dicts with ``from`` (None for the container itself) and ``error``.
    """

    number: int
    target: str
    address: str
    source: str
    errors: list
    lost: int


def judge(seen, networks, uplinks, translators, bridge, sightings):
    """Judge everything but the targets, which :func:`judge_targets` does.

    :param seen: what :func:`_probe.probe` returned.
    :param networks: where the container's address must be, :class:`ipaddress.IPv6Network`.
    :param uplinks: the interfaces with a default route of the host.
    :param translators: {network: who}, see :func:`_nat66.who_translates`.
    :param bridge: what :func:`_probe.addresses` tells of the addresses of the container's bridge.
    :param sightings: see :mod:`._sightings`.
    """
    answered = any(map(_answers, seen["targets"]))
    checks = [_address(seen["addresses"], networks), _route(seen["route"])]
    checks.append(_gateway(seen["route"], seen["gateway"], bridge, answered))
    for index, check in enumerate(checks):
        if check["status"] == "failed":
            behind = checks[index + 1 :]
            checks[index + 1 :] = [_skipped(one["name"], f"The {check['name']} check failed.") for one in behind]
    return [
        *checks,
        _uplink(uplinks, answered),
        *(_nat66(network, who, sightings, answered) for network, who in translators.items()),
        *_family(seen),
    ]


def _address(addresses, networks):
    for one in addresses:
        if any(ipaddress.ip_address(one["address"]) in network for network in networks):
            spelt = f"{one['address']}/{one['prefixlen']} on {one['interface']}"
            if one["dadfailed"]:
                return _failed("address", f"The address {spelt} is a duplicate.", "Find the other node that has it.")
            if one["tentative"]:
                return _failed("address", f"The address {spelt} is still tentative.", AGAIN)
            return _passed("address", spelt)
    wanted = ", ".join(map(str, networks))
    lacking = f"no IPv6 address of {wanted}" if networks else "no IPv6 address, as its network has no IPv6 subnet"
    return _failed("address", f"A container gets {lacking}.", NO_IPV6)


def _route(route):
    if route:
        return _passed("route", f"default via {route['gateway']} dev {route['interface']}")
    return _failed("route", "A container has no IPv6 default route.", NO_IPV6)


def _gateway(route, answer, bridge, answered):
    if is_reply(answer):
        return _passed("gateway", f"{answer['from']} answers in {answer['rtt_ms']} ms")
    if not route:
        return _skipped("gateway", "The container has no IPv6 default route.")
    gateway = route["gateway"]
    if answered:
        return _skipped("gateway", f"{gateway} does not answer, but what is behind it does.")
    has = [one for one in bridge if one["address"] == gateway]
    if not has:
        cause, remedy = "the bridge has not this address", "Restart docker, which gives it back."
    elif has[0]["dadfailed"]:
        cause, remedy = "it is a duplicate", "Find the other node that has it."
    elif has[0]["tentative"]:
        cause, remedy = "it is still tentative, waiting for duplicate address detection", AGAIN
    else:
        cause = answer["error"] if answer else "no reply"
        remedy = "Look for ip6tables INPUT rules that drop ICMPv6."
    return _failed("gateway", f"The container's gateway {gateway} does not answer: {cause}.", remedy)


def _uplink(names, answered):
    if names:
        return _passed("uplink", f"the host has a default route by {' and '.join(names)}")
    if answered:
        return _skipped("uplink", "The host has no IPv6 default route, but targets answer.")
    return _failed("uplink", "The host itself has no IPv6 default route.", "Look at its uplink: 'ip -6 route'.")


def _nat66(network, who, sightings, answered):
    """What was seen to leave the host is the proof; the rules only tell whose work it is."""
    leaving = [ipaddress.ip_address(one.source) for one in sightings if one.outgoing and one.type == ECHO_REQUEST]
    if any(source not in network for source in leaving):
        whose = TRANSLATORS.get(who, "rules that ip6tables does not show")
        return _passed("nat66", f"{network} is translated by {whose}")
    if leaving and answered:
        return _passed("nat66", f"{network} is not translated, and answered")
    if not network.subnet_of(UNIQUE_LOCAL):
        return _passed("nat66", f"{network} is not translated, so it must be routed to this host")
    if who and not leaving:
        return _passed("nat66", f"{network} is translated by {TRANSLATORS[who]}")
    remedy = "Run v6ops.docker.ip6tables_nat, or 'systemctl restart docker' where dockerd has the rule."
    return _failed("nat66", f"Nobody translates {network}.", remedy)


def _family(seen):
    if seen["preferred_family"]:
        yield _passed("family", f"IPv{seen['preferred_family']} comes first for a name with both (RFC 6724)")


def judge_inbound(verdicts):
    """Whether new connections from outside are dropped.

    :param verdicts: see :func:`._inbound.inbound`.
    """
    for name, verdict in verdicts.items():
        decided = f": '{verdict.rule}' decides" if verdict.rule else ", as there are no rules"
        if verdict.verdict == "drop":
            yield _passed("inbound", f"new connections from {name} to ports not published are dropped{decided}")
        elif verdict.verdict == "accept":
            evidence = f"Containers are open: new connections from {name} reach ports that are not published{decided}."
            yield _failed(
                "inbound", evidence, "Remove that rule, or run v6ops.docker.ip6tables_nat, which closes them."
            )
        else:
            yield _skipped("inbound", f"What becomes of new connections from {name} is not sure{decided}.")


def find_unanswered(seen, sightings, own_addresses):
    """The targets that answer neither echo nor TCP, or the router where there were none."""
    if not _is_asked(seen):
        return []
    source = next(
        (
            one["address"]
            for one in seen["addresses"]
            if not ipaddress.ip_address(one["address"]).is_link_local and one["interface"] == seen["route"]["interface"]
        ),
        None,
    )
    found = [
        Unanswered(number, one["target"], one["address"], source, one["ping"]["errors"], one["ping"]["transmitted"])
        for number, one in enumerate(seen["targets"])
        if one["address"] and not _answers(one)
    ]
    if not seen["targets"] and not _router(seen["router"], sightings, own_addresses):
        errors = [seen["router"]] if seen["router"] else []
        found.append(Unanswered(0, ROUTER, BEYOND_ROUTER, source, errors, 1 if errors else COUNT))
    return found


def _is_asked(seen):
    """Whether there is a sense in asking why a target does not answer: the gateway does, or another target."""
    return is_reply(seen["gateway"]) or any(map(_answers, seen["targets"]))


def judge_targets(seen, targets, sightings, own_addresses, broken):
    """The checks of every target, or of the router where there are none.

    :param targets: as the probe was given them; it asks none where the container has no route.
    :param sightings: see :mod:`._sightings`.
    :param broken: what :func:`_path.walk` returned, by the number of the target that did not answer.
    """
    if not _is_asked(seen):
        names = [one["target"] for one in targets] or [ROUTER]
        return [_skipped("target", f"{name}: the container does not reach its gateway.") for name in names]
    if not targets:
        return [_judge_router(_router(seen["router"], sightings, own_addresses), broken.get(0))]
    return [
        check
        for number, target in enumerate(seen["targets"])
        for check in _target(
            target, [one for one in sightings if one.number == number], own_addresses, broken.get(number)
        )
    ]


def _target(target, sightings, own_addresses, broken):
    spelt, ping, tcp = target["target"], target["ping"], target["tcp"]
    if not target["address"]:
        evidence = f"{spelt} has no AAAA record that a container can see ({target['error']})."
        yield _failed("name", evidence, "Look at the name, and at the container's /etc/resolv.conf.")
        return
    if target["resolved"]:
        yield _passed("name", f"{spelt} is {', '.join(target['resolved'])}")
    if broken:
        yield _unreached("target", f"{statistics(target['address'], ping)}.", broken)
    elif ping["received"]:
        yield _passed("target", statistics(target["address"], ping))
        yield _source(sightings, own_addresses)
        yield _path_mtu(target)
    else:
        yield _skipped("target", f"{statistics(target['address'], ping)}, but it answers by TCP.")
    if tcp:
        yield _tcp(spelt, tcp, broken)


def _router(answer, sightings, own_addresses):
    """The router of the uplink, by a reply or an error of what dies there; the host itself does not count.

    One that has no address but a link-local one answers from that, and the host does not forward it to the container.
    """
    if answer and answer["from"] not in (None, *own_addresses):
        return answer["from"]
    heard = [one.source for one in sightings if not one.outgoing and one.type != ECHO_REQUEST]
    return next((one for one in heard if ipaddress.ip_address(one).is_link_local and one not in own_addresses), None)


def _judge_router(router, broken):
    if router:
        return _passed("router", f"{router}, the next behind the host, answers")
    if broken["hop"] == "target":
        # Routers need not tell (RFC 4443, section 2.4), and all that can be seen of the way works.
        return _skipped("router", f"{broken['evidence']} The router does not tell: name a target to be sure.")
    return _unreached("router", "No router beyond the host answers a container.", broken)


def _answers(target):
    if not target["address"]:
        return False
    if target["ping"]["received"]:
        return True
    # A rule that rejects refuses connections, too.
    states = ("open",) if target["ping"]["errors"] else ("open", "refused")
    return bool(target["tcp"]) and target["tcp"]["state"] in states


def _unreached(name, evidence, broken):
    return _failed(name, f"{evidence} The path breaks at {broken['hop']}: {broken['evidence']}", broken["remedy"])


def _source(sightings, own_addresses):
    leaving = [one for one in sightings if one.outgoing and one.type == ECHO_REQUEST]
    if not leaving:
        return _skipped("source", "The target is on this host.")
    last = leaving[-1]
    whose = "an address of this host" if last.source in own_addresses else "no address of this host"
    return _passed("source", f"leaves {last.interface} as {last.source}, {whose}")


def _path_mtu(target):
    mtu, tried = target["path_mtu"]["mtu"], target["path_mtu"]["tried"]
    if mtu:
        return _passed("mtu", f"{mtu} bytes get to {target['address']} and back")
    return _failed(
        "mtu",
        f"Packets of {tried} bytes to {target['address']} vanish, and no 'packet too big' comes back (MTU black hole).",
        "Let ICMPv6 type 2 through every firewall on the way (RFC 4890), or lower the MTU of the Docker network.",
    )


def _tcp(spelt, tcp, broken):
    if tcp["state"] == "open":
        return _passed("tcp", f"{spelt} is open" + (f": {tcp['banner']}" if tcp["banner"] else ""))
    remedies = {
        "refused": "Nothing listens there.",
        "filtered": "A firewall on the way or there drops the connection.",
    }
    remedy = broken["remedy"] if broken else remedies.get(tcp["state"], "Look at the target.")
    return _failed("tcp", f"{spelt} does not accept a connection: {tcp['state']}.", remedy)


def statistics(address, ping):
    """What ping(8) says of one target, its round-trip times apart."""
    return ", ".join(
        [
            f"{address}: {ping['transmitted']} packets transmitted",
            f"{ping['received']} received",
            *(f"{error['error']} (from {error['from']})" for error in ping["errors"]),
            f"{ping['loss_percent']}% packet loss",
        ]
    )


def report(checks, targets, ip_address):
    """The checks, the round-trip times, and the container's own ``ip -6 address``, as lines for a person."""
    lines = [f"{check['status']:8}{check['name']:9}{check['evidence']}" for check in checks]
    for target in targets:
        if target["ping"] and target["ping"]["received"]:
            rtt = "/".join(f"{target['ping']['rtt_ms'][key]:.3f}" for key in ("min", "avg", "max", "mdev"))
            lines.append(f"{target['address']}: rtt min/avg/max/mdev = {rtt} ms")
    return lines + (["$ ip -6 address", *ip_address] if ip_address else [])


def _passed(name, evidence):
    return {"name": name, "status": "passed", "evidence": evidence, "remedy": ""}


def _failed(name, evidence, remedy):
    return {"name": name, "status": "failed", "evidence": evidence, "remedy": remedy}


def _skipped(name, evidence):
    return {"name": name, "status": "skipped", "evidence": evidence, "remedy": ""}
