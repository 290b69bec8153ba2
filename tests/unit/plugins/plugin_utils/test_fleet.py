from __future__ import annotations

import pytest

from ansible_collections.v6ops.docker.plugins.filter import linklocal_peers, linklocal_report
from ansible_collections.v6ops.docker.plugins.plugin_utils._fleet import audit, peers


def interface(name, address, mac, flags=(), state="ready"):
    return {
        "name": name,
        "mac": mac,
        "mtu": 1500,
        "state": state,
        "addresses": [{"address": address, "zoned": f"{address}%{name}", "flags": list(flags)}] if address else [],
    }


def neighbour(name, address, mac):
    return {"interface": name, "address": address, "zoned": f"{address}%{name}", "mac": mac}


def listening(name, port, address="::", protocol="tcp", ipv4="accept", ipv6="accept", link_local=True):
    return {
        "protocol": protocol,
        "address": address,
        "port": port,
        "interface": name,
        "process": "server",
        "reachable": {"link_local": link_local, "on_link": False, "ipv4": True},
        "verdicts": {
            "ipv4": {"verdict": ipv4, "rule": "a rule", "explicit": True},
            "ipv6": {"verdict": ipv6, "rule": None, "explicit": False},
        },
    }


def probe(interfaces, neighbours=(), sockets=(), findings=()):
    return {
        "interfaces": interfaces,
        "neighbours": list(neighbours),
        "routers": [],
        "rejected_advertisements": [],
        "exposure": {"sockets": list(sockets), "findings": list(findings), "sources": {}},
    }


def fleet(**of_b):
    """Two hosts on a link, of which a alone sees b."""
    return {
        "a": probe([interface("eth0", "fe80::a", "02::a")], [neighbour("eth0", "fe80::b", "02::b")]),
        "b": probe([interface("ens3", "fe80::b", "02::b")], **of_b),
    }


def crossing(*ports, target="fe80::b%eth0"):
    return {
        "a": [
            {"target": target, "ports": [{"port": port, "state": state, "banner": say} for port, state, say in ports]}
        ]
    }


def test_one_that_sees_the_other_is_enough():
    probes = fleet(sockets=[listening("ens3", 80), listening("ens3", 22), listening("ens3", 53, protocol="udp")])
    (there,), (back,) = peers(probes, "a"), peers(probes, "b")
    assert there == {
        "name": "b",
        "interface": "eth0",
        "peer_interface": "ens3",
        "address": "fe80::b",
        "zoned": "fe80::b%eth0",
        "ports": [22, 80],
    }
    assert (back["name"], back["zoned"], back["ports"]) == ("a", "fe80::a%ens3", [])


def test_strangers_are_no_peers():
    probes = fleet()
    probes["a"]["neighbours"] = [neighbour("eth0", "fe80::c", "02::c")]
    assert peers(probes, "a") == peers(probes, "b") == []


def test_the_same_address_elsewhere_is_told_by_its_mac():
    probes = fleet()
    probes["elsewhere"] = probe([interface("eth0", "fe80::b", "02::e")])
    assert [one["name"] for one in peers(probes, "a")] == ["b"]
    assert peers(probes, "elsewhere") == []


def test_a_neighbour_that_may_be_two_hosts_is_neither():
    probes = fleet()
    probes["clone"] = probe([interface("ens3", "fe80::b", "02::b")])
    assert peers(probes, "a") == []


@pytest.mark.parametrize(("flags", "state"), [(["dadfailed"], "ready"), (["tentative"], "ready"), ([], "down")])
def test_an_address_that_is_not_usable_is_not_asked(flags, state):
    probes = fleet()
    probes["b"]["interfaces"] = [interface("ens3", "fe80::b", "02::b", flags, state)]
    assert peers(probes, "a") == []


@pytest.mark.parametrize(
    ("state", "proven"),
    [("open", "open"), ("refused", "closed"), ("filtered", "closed"), ("unreachable", None)],
)
def test_a_peer_proves(state, proven):
    found = audit(fleet(sockets=[listening("ens3", 80)]), crossing((80, state, None)), "b")
    (socket,) = found["exposure"]["sockets"]
    assert socket["proven"] == proven
    assert socket["proven_by"] == (["a"] if proven else [])


def test_open_to_one_is_open():
    probes = fleet(sockets=[listening("ens3", 22)])
    probes["c"] = probe([interface("eth0", "fe80::c", "02::c")], [neighbour("eth0", "fe80::b", "02::b")])
    crossed = {**crossing((22, "filtered", None)), "c": crossing((22, "open", "SSH-2.0-x"))["a"]}
    (socket,) = audit(probes, crossed, "b")["exposure"]["sockets"]
    assert (socket["proven"], socket["proven_by"], socket["banner"]) == ("open", ["c"], "SSH-2.0-x")


def test_what_was_not_tried_is_not_proven():
    sockets = [
        listening("ens3", 53, protocol="udp"),
        listening("ens3", 80, address="2001:db8::1", link_local=False),
        listening("ens3", 80, address="fe80::bb"),
        listening("other", 80),
    ]
    found = audit(fleet(sockets=sockets), crossing((80, "open", None), (53, "open", None)), "b")
    assert {one["proven"] for one in found["exposure"]["sockets"]} == {None}


def test_a_finding_has_its_proof():
    findings = [
        {"name": "v6_weaker", "interface": "ens3", "protocol": "tcp", "port": 80, "sentence": "so."},
        {"name": "nd_dropped", "interface": "ens3", "sentence": "so."},
    ]
    sockets = [listening("ens3", 80, ipv4="drop")]
    found = audit(fleet(sockets=sockets, findings=findings), crossing((80, "open", None)), "b")["findings"]
    assert [(one["name"], one["proven"]) for one in found] == [("v6_weaker", "open"), ("nd_dropped", None)]


def test_a_proof_finds_what_rules_do_not_tell():
    sockets = [listening("ens3", 80, ipv4="drop", ipv6="unknown"), listening("ens3", 22, ipv6="unknown")]
    found = audit(fleet(sockets=sockets), crossing((80, "open", None), (22, "open", None)), "b")["findings"]
    assert [(one["name"], one["port"]) for one in found] == [("v6_weaker", 80)]
    assert found[0]["sentence"].startswith(
        "tcp/80 (server) on ens3 is dropped over IPv4, by 'a rule', and open over IPv6 to a."
    )


def test_a_neighbour_of_the_play_has_its_name():
    (one,) = audit(fleet(), {}, "a")["neighbours"]
    assert one["peer"] == "b"


def test_the_report_is_aligned_and_short():
    sockets = [listening("ens3", 80, ipv4="drop"), listening("ens3", 8080)]
    findings = [{"name": "v6_weaker", "interface": "ens3", "protocol": "tcp", "port": 80, "sentence": "So it is."}]
    parity = [{**sockets[0], **sockets[0]["verdicts"], "rule": "DROP"}]
    crossed = crossing((80, "open", None), (8080, "open", "hello"))
    assert audit(fleet(sockets=sockets, findings=findings), crossed, "b", parity)["report"] == [
        "b: fe80::b%ens3, mtu 1500, 0 neighbours, of this play a",
        "tcp/80 (server) on ens3    IPv4 drop    IPv6 accept  proven open by a",
        "tcp/8080 (server) on ens3  IPv4 accept  IPv6 accept  proven open by a: hello",
        "parity: tcp/80 on ens3 has IPv4 drop, IPv6 accept by other rules: to be closed",
        "v6_weaker: So it is.",
    ]


def test_the_filters_have_their_names():
    assert linklocal_peers.FilterModule().filters() == {"linklocal_peers": peers}
    assert linklocal_report.FilterModule().filters() == {"linklocal_report": audit}
