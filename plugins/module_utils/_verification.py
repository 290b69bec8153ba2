# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verification as a whole: probe from a container, look at the host, and judge what was seen."""

from __future__ import annotations

import inspect
import ipaddress
import secrets

from ansible_collections.v6ops.docker.plugins.module_utils import _probe
from ansible_collections.v6ops.docker.plugins.module_utils._checks import (
    find_unanswered,
    judge,
    judge_inbound,
    judge_targets,
    report,
)
from ansible_collections.v6ops.docker.plugins.module_utils._container import DUAL, run_python
from ansible_collections.v6ops.docker.plugins.module_utils._engine import Engine
from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal
from ansible_collections.v6ops.docker.plugins.module_utils._firewalls import obstacles
from ansible_collections.v6ops.docker.plugins.module_utils._forwarding import read_switch
from ansible_collections.v6ops.docker.plugins.module_utils._inbound import inbound
from ansible_collections.v6ops.docker.plugins.module_utils._nat66 import who_translates
from ansible_collections.v6ops.docker.plugins.module_utils._netfilter import Netfilter
from ansible_collections.v6ops.docker.plugins.module_utils._next_hop import resolves, route_to
from ansible_collections.v6ops.docker.plugins.module_utils._path import Host, drops, walk
from ansible_collections.v6ops.docker.plugins.module_utils._sightings import Watch
from ansible_collections.v6ops.docker.plugins.module_utils._uplink import uplinks

# Failed checks that a complaint tells; the report tells all.
MOST_TOLD = 3


def verify(module, targets, prefix=None, name="bridge", image=None, timeout=10):
    """Probe from a container and judge what it saw.

    :param targets: as :func:`._destinations.parse_destinations` returns them.
    :param prefix: that the container's address must be in, None for the subnets of its network.
    :param name: of a Docker network.
    :param image: see :func:`._container.run_python`.
    :param timeout: seconds until the container has an address and a route, and its gateway answers.
    :returns: what a module returns of it.
    """
    engine, netfilter = Engine(), Netfilter(module, "auto")
    network = engine.network(name)
    cookie = secrets.token_bytes(8)
    argument = {"targets": targets, "timeout": timeout, "cookie": cookie.hex(), "dual": DUAL}
    before = _counters(netfilter)
    with Watch(cookie) as watch:
        seen, ip_address = run_python(engine, network["name"], inspect.getsource(_probe), argument, image)
        sightings = watch.sightings()
    networks = [prefix] if prefix else [ipaddress.ip_network(subnet) for subnet in network["subnets"]]
    present, names = _probe.addresses(), uplinks()
    own = {one["address"] for one in present}
    unanswered = find_unanswered(seen, sightings, own)
    after = _counters(netfilter) if unanswered else {}
    broken = {}
    for one in unanswered:
        host = _look_around(module, network, networks, one, drops(before, after, one.lost))
        broken[one.number] = walk(one, network["interface"], sightings, own, host)
    # What is published to other containers says nothing of this one's ports.
    inside = [
        ipaddress.ip_network(one["address"])
        for one in seen["addresses"]
        if any(ipaddress.ip_address(one["address"]) in network for network in networks)
    ]
    translating = _translators(engine, netfilter, networks)
    checks = [
        *judge(seen, networks, names, translating, present, sightings),
        *judge_inbound(inbound(module, names, network["interface"], inside) if inside else {}),
        *judge_targets(seen, targets, sightings, own, broken),
    ]
    return {
        "passed": all(one["status"] != "failed" for one in checks),
        "checks": checks,
        "broken": list(broken.values()),
        "report": report(checks, seen["targets"], ip_address),
        "container": seen,
    }


def complaint(name, checks):
    """The sentence of a failure, of the first of its causes.

    :param name: of the network.
    """
    failed = [one for one in checks if one["status"] == "failed"]
    # One cause may fail several checks, with the same remedy.
    sentences = dict.fromkeys(sentence for one in failed[:MOST_TOLD] for sentence in (one["evidence"], one["remedy"]))
    return f"Cannot vouch for IPv6 in containers on {name}: {' '.join(sentences)}"


def _look_around(module, network, networks, unanswered, dropped):
    """The state of the host, as far as it has to do with the way to a target."""
    bridge = network["interface"]
    route = route_to(unanswered.address, unanswered.source, bridge)
    return Host(
        forwards=read_switch("all", "forwarding") != "0",
        route=route,
        neighbour=bool(route) and resolves(route["gateway"] or unanswered.address, route["interface"]),
        drops=dropped,
        obstacles=obstacles(module, networks),
    )


def _counters(netfilter):
    return netfilter.counters() if netfilter.installed() else {}


def _translators(engine, netfilter, networks):
    """Who translates, as far as ip6tables tells; with its nftables backend the engine has rules elsewhere."""
    try:
        found = who_translates(netfilter.save(), networks)
    except Refusal:
        # Not installed, or rules that it cannot show; what was seen of the packets decides anyway.
        found = dict.fromkeys(networks)
    by_nftables = engine.info()["firewall_backend"] != "iptables"
    return {network: who or ("engine" if by_nftables else None) for network, who in found.items()}
