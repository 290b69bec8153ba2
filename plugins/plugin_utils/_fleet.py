# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What hosts of a play see of each other on their links, put together.

``probes`` is what the module linklocal_probe returned on each host, ``{name in the inventory: result}``.
"""

from __future__ import annotations

_CLOSED = ("refused", "filtered")
# What the rule of a port does with it.
_TO_BE = {"DROP": "to be closed", "ACCEPT": "to be opened to link-local addresses", None: "left alone"}


def peers(probes, name):
    """The hosts of a play that share a link with one of them, a list of dicts; see the filter ``linklocal_peers``."""
    return [
        {
            "name": other,
            "interface": interface,
            "peer_interface": theirs,
            "address": address,
            "zoned": f"{address}%{interface}",
            "ports": _tcp_ports(probes[other], theirs),
        }
        for (host, interface), (other, theirs) in sorted(_shared(probes))
        if host == name
        for address in _addresses(probes[other], theirs)[:1]
    ]


def _shared(probes):
    """Pairs of (host, interface) that are on one link, each in both orders.

    One that sees the other is enough. An address alone may be there on two links, so that the MAC has to be the
    same; a neighbour that may be two hosts of the play is taken for neither.
    """
    owners = {}
    for host, probe in probes.items():
        for one in probe["interfaces"]:
            for address in _addresses(probe, one["name"]):
                owners.setdefault(address, []).append((host, one["name"], one["mac"]))
    pairs = set()
    for host, probe in probes.items():
        for neighbour in probe["neighbours"]:
            found = [
                (other, interface)
                for other, interface, mac in owners.get(neighbour["address"], [])
                if other != host and (neighbour["mac"] in (mac, None) or mac is None)
            ]
            if len(found) == 1:
                here = (host, neighbour["interface"])
                pairs |= {(here, found[0]), (found[0], here)}
    return pairs


def _addresses(probe, interface):
    """The link-local addresses of an interface that can be reached."""
    return [
        address["address"]
        for one in probe["interfaces"]
        if one["name"] == interface and one["state"] == "ready"
        for address in one["addresses"]
        if not {"tentative", "dadfailed"} & set(address["flags"])
    ]


def _tcp_ports(probe, interface):
    return sorted(
        {
            one["port"]
            for one in probe["exposure"]["sockets"]
            if one["interface"] == interface and one["protocol"] == "tcp" and one["reachable"]["link_local"]
        }
    )


def audit(probes, crossed, name, parity=()):
    """What is known of a host, with the proof of its peers; see the filter ``linklocal_report``."""
    own = probes[name]
    others = peers(probes, name)
    names = {(one["interface"], one["address"]): one["name"] for one in others}
    proofs = _proofs(probes, crossed, name)
    sockets = [{**one, **_proof(one, proofs)} for one in own["exposure"]["sockets"]]
    found = {
        "interfaces": own["interfaces"],
        "neighbours": [{**one, "peer": names.get((one["interface"], one["address"]))} for one in own["neighbours"]],
        "peers": others,
        "routers": own["routers"],
        "rejected_advertisements": own["rejected_advertisements"],
        "exposure": {**own["exposure"], "sockets": sockets},
        "findings": _findings(own["exposure"]["findings"], sockets),
        "parity": list(parity),
    }
    return {**found, "report": report(name, found)}


def _proofs(probes, crossed, name):
    """What peers found at the ports of a host, {(interface, port): [(peer, address, port as probed), ...]}."""
    proofs = {}
    for prober in sorted(probes.keys() - {name}):
        targets = {one["target"]: one["ports"] for one in crossed.get(prober, [])}
        for peer in peers(probes, prober):
            for port in targets.get(peer["zoned"], []) if peer["name"] == name else []:
                at = (peer["peer_interface"], port["port"])
                proofs.setdefault(at, []).append((prober, peer["address"], port))
    return proofs


def _proof(socket, proofs):
    """Open to one peer is open; closed is what is closed to all that tried."""
    nothing = {"proven": None, "proven_by": [], "banner": None}
    if socket["protocol"] != "tcp" or not socket["reachable"]["link_local"]:
        return nothing
    tried = [
        (prober, port)
        for prober, address, port in proofs.get((socket["interface"], socket["port"]), [])
        if socket["address"] in ("::", address)
    ]
    reached = [(prober, port["banner"]) for prober, port in tried if port["state"] == "open"]
    if reached:
        banners = [banner for __, banner in reached if banner]
        return {"proven": "open", "proven_by": [prober for prober, __ in reached], "banner": next(iter(banners), None)}
    closed = [prober for prober, port in tried if port["state"] in _CLOSED]
    return {**nothing, "proven": "closed", "proven_by": closed} if closed else nothing


def _findings(static, sockets):
    """The findings with their proof, and those that only a proof makes."""
    proven = {(one["interface"], one["protocol"], one["port"]): one["proven"] for one in sockets}
    findings = [
        {**one, "proven": proven.get((one["interface"], one.get("protocol"), one.get("port")))} for one in static
    ]
    return findings + [
        {
            "name": "v6_weaker",
            "interface": one["interface"],
            "protocol": one["protocol"],
            "port": one["port"],
            "process": one["process"],
            "proven": "open",
            "sentence": f"{_port(one)} on {one['interface']} is dropped over IPv4, by "
            f"'{one['verdicts']['ipv4']['rule']}', and open over IPv6 to {_listed(one['proven_by'])}. Give IPv6 the "
            "same rule, or bind the service to an address.",
        }
        for one in sockets
        if (one["verdicts"]["ipv4"]["verdict"], one["verdicts"]["ipv6"]["verdict"], one["proven"])
        == ("drop", "unknown", "open")
    ]


def report(name, found):
    """The audit of a host as lines of text."""
    lines = []
    for one in found["interfaces"]:
        at = ", ".join(address["zoned"] for address in one["addresses"]) or "no link-local address"
        seen = sum(neighbour["interface"] == one["name"] for neighbour in found["neighbours"])
        shared = sorted({peer["name"] for peer in found["peers"] if peer["interface"] == one["name"]})
        among = f", of this play {_listed(shared)}" if shared else ""
        state = "" if one["state"] == "ready" else f" ({one['state']})"
        lines.append(f"{name}: {at}{state}, mtu {one['mtu']}, {_counted(seen, 'neighbour')}{among}")
    for one in found["routers"]:
        prefixes = _listed([prefix["prefix"] for prefix in one["prefixes"]]) or "no prefix"
        lines.append(f"router {one['zoned']}: {prefixes}, lifetime {one['lifetime']} s")
    rows = [
        (
            f"{_port(one)} on {one['interface']}",
            f"IPv4 {one['verdicts']['ipv4']['verdict']}",
            f"IPv6 {one['verdicts']['ipv6']['verdict']}",
            (f"proven {one['proven']} by {_listed(one['proven_by'])}" if one["proven"] else "not proven")
            + (f": {one['banner']}" if one["banner"] else ""),
        )
        for one in found["exposure"]["sockets"]
    ]
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines += ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
    lines += [
        f"parity: {one['protocol']}/{one['port']} on {one['interface']} has IPv4 {one['ipv4']['verdict']}, "
        f"IPv6 {one['ipv6']['verdict']} by other rules: {_TO_BE[one['rule']]}"
        for one in found["parity"]
    ]
    return lines + [f"{one['name']}: {one['sentence']}" for one in found["findings"]]


def _port(one):
    whose = f" ({one['process']})" if one["process"] else ""
    return f"{one['protocol']}/{one['port']}{whose}"


def _counted(number, noun):
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _listed(words):
    if len(words) > 4:
        words = [*words[:2], f"{len(words) - 2} others"]
    *others, last = words or [""]
    return f"{', '.join(others)} and {last}" if others else last
