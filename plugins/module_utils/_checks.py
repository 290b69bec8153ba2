# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verdict on what a probe in a container saw, without any I/O: one check for each step of the path."""

from __future__ import annotations

import ipaddress
from itertools import chain

NO_IPV6 = "Run v6ops.docker.docker_ipv6_daemon, or give the network IPv6."
NO_DEFAULT_ROUTE = "The host itself has no IPv6 default route: look at its uplink."
NO_ANSWER = (
    "Look for a missing NAT66 rule (v6ops.docker.ip6tables_nat), a FORWARD chain that drops, "
    "or a lost default route of the host."
)


def judge(seen, targets, subnets, own_addresses, has_default_route):
    """Judge what :func:`_probe.probe` returned.

    :param targets: the addresses that the probe was given; it pings none where the gateway does not answer.
    :param subnets: the IPv6 subnets of the container's network.
    :param own_addresses: the addresses of the host; an answer from one of them came from no router beyond it.
    :param has_default_route: whether the host itself has one.
    :returns: a list of dicts with ``name``, ``status`` (passed, failed, skipped), ``evidence`` and ``remedy``.
    """
    no_answer = NO_ANSWER if has_default_route else NO_DEFAULT_ROUTE
    verdicts = chain(
        [_address(seen["addresses"], subnets), _route(seen["route"]), _gateway(seen["route"], seen["gateway"])],
        (_target(ping, own_addresses, no_answer) for ping in seen["pings"] or map(_not_pinged, targets)),
        [] if targets else [_router(seen["router"], own_addresses, no_answer)],
    )
    checks, broken = [], None
    for name, passed, evidence, remedy in verdicts:
        if broken:
            checks.append({"name": name, "status": "skipped", "evidence": f"The {broken} check failed.", "remedy": ""})
            continue
        status = "passed" if passed else "failed"
        checks.append({"name": name, "status": status, "evidence": evidence, "remedy": "" if passed else remedy})
        if not passed and name != "target":
            broken = name
    return checks


def _address(addresses, subnets):
    networks = [ipaddress.ip_network(subnet) for subnet in subnets]
    for one in addresses:
        if any(ipaddress.ip_address(one["address"]) in network for network in networks):
            spelt = f"{one['address']}/{one['prefixlen']} on {one['interface']}"
            if one["dadfailed"]:
                return "address", False, f"The address {spelt} is a duplicate.", "Find the other node that has it."
            if one["tentative"]:
                return "address", False, f"The address {spelt} is still tentative.", "Try again with a longer timeout."
            return "address", True, spelt, ""
    wanted = ", ".join(subnets)
    lacking = f"no IPv6 address of {wanted}" if subnets else "no IPv6 address, as its network has no IPv6 subnet"
    return "address", False, f"A container gets {lacking}.", NO_IPV6


def _route(route):
    if route:
        return "route", True, f"default via {route['gateway']} dev {route['interface']}", ""
    return "route", False, "A container has no IPv6 default route.", NO_IPV6


def _gateway(route, answer):
    if answer and not answer["error"]:
        return "gateway", True, f"{answer['from']} answers in {answer['rtt_ms']} ms", ""
    gateway = route["gateway"] if route else "none"
    cause = answer["error"] if answer else "no reply"
    evidence = f"The container's gateway {gateway} does not answer ({cause})."
    return "gateway", False, evidence, "Look for ip6tables INPUT rules that drop ICMPv6."


def _target(ping, own_addresses, remedy):
    beyond = [error["from"] for error in ping["errors"] if error["from"] and error["from"] not in own_addresses]
    if beyond:
        remedy = f"The path works as far as {beyond[0]}; look behind it."
    return "target", ping["received"] > 0, statistics(ping), remedy


def _not_pinged(target):
    return {"target": target, "transmitted": 0, "received": 0, "loss_percent": 0, "errors": []}


def _router(answer, own_addresses, remedy):
    """The router of the uplink answers what dies there, by a reply or by an error; the host itself does not count."""
    if answer and answer["from"] and answer["from"] not in own_addresses:
        return "router", True, f"{answer['from']}, the next behind the host, answers in {answer['rtt_ms']} ms", ""
    told = f"the host itself says {answer['error']}" if answer else "no reply"
    return "router", False, f"No router beyond the host answers a container ({told}).", remedy


def statistics(ping):
    """What ping(8) says of one target, its round-trip times apart."""
    return ", ".join(
        [
            f"{ping['target']}: {ping['transmitted']} packets transmitted",
            f"{ping['received']} received",
            *(f"{error['error']} (from {error['from']})" for error in ping["errors"]),
            f"{ping['loss_percent']}% packet loss",
        ]
    )


def report(checks, pings, ip_address):
    """The checks, the round-trip times, and the container's own ``ip -6 address``, as lines for a person."""
    lines = [f"{check['status']:8}{check['name']:9}{check['evidence']}" for check in checks]
    for ping in pings:
        if ping["received"]:
            rtt = "/".join(f"{ping['rtt_ms'][key]:.3f}" for key in ("min", "avg", "max", "mdev"))
            lines.append(f"{ping['target']}: rtt min/avg/max/mdev = {rtt} ms")
    return lines + (["$ ip -6 address", *ip_address] if ip_address else [])
