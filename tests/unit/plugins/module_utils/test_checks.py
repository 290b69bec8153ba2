from __future__ import annotations

import copy
from ipaddress import ip_network

import pytest

from ansible_collections.v6ops.docker.plugins.module_utils._checks import (
    find_unanswered,
    judge,
    judge_inbound,
    judge_targets,
    report,
)
from ansible_collections.v6ops.docker.plugins.module_utils._sightings import Sighting
from ansible_collections.v6ops.docker.plugins.module_utils._verdict import Verdict

NETWORK = ip_network("fd00:1::/64")
TRANSLATORS = {NETWORK: "collection"}
OWN = {"fd00:1::1", "2001:db8:1::2"}
BRIDGE = ({"address": "fd00:1::1", "prefixlen": 64, "interface": "docker0", "tentative": False, "dadfailed": False},)
PING = {
    "transmitted": 3,
    "received": 3,
    "loss_percent": 0,
    "errors": [],
    "rtt_ms": {"min": 0.1, "avg": 0.2, "max": 0.3, "mdev": 0.1},
}
LOST = {**PING, "received": 0, "loss_percent": 100, "rtt_ms": None}
ASKED = {"target": "2001:db8:dead::1", "address": "2001:db8:dead::1", "name": None, "port": None}
TARGET = {
    "target": "2001:db8:dead::1",
    "address": "2001:db8:dead::1",
    "resolved": [],
    "error": None,
    "ping": PING,
    "path_mtu": {"mtu": 1500, "tried": 1500},
    "tcp": None,
}
DEAD = {**TARGET, "ping": LOST, "path_mtu": None}
HEALTHY = {
    "addresses": [
        {"address": "fe80::2", "prefixlen": 64, "interface": "eth0", "tentative": True, "dadfailed": False},
        {"address": "fd00:1::2", "prefixlen": 64, "interface": "eth0", "tentative": False, "dadfailed": False},
    ],
    "route": {"gateway": "fd00:1::1", "interface": "eth0"},
    "gateway": {"from": "fd00:1::1", "rtt_ms": 0.1, "error": None},
    "router": None,
    "targets": [TARGET],
    "preferred_family": 4,
}
LEAVING = Sighting(0, "eth0", True, "2001:db8:1::2", "2001:db8:dead::1", 128)
BROKEN = {"target": "2001:db8:dead::1", "hop": "nat", "evidence": "It leaves untranslated.", "remedy": "Run it."}


def seen(**changes):
    return {**copy.deepcopy(HEALTHY), **changes}


def judged(found, uplinks=("eth0",), translators=None, bridge=BRIDGE, sightings=()):
    return judge(found, [NETWORK], uplinks, translators or TRANSLATORS, bridge, sightings)


def of_target(target, broken=None, sightings=(LEAVING,)):
    return judge_targets(seen(targets=[target]), [ASKED], sightings, OWN, {0: broken} if broken else {})


def statuses(checks):
    return [(check["name"], check["status"]) for check in checks]


def failed(checks):
    return [check for check in checks if check["status"] == "failed"]


def test_healthy():
    names = ["address", "route", "gateway", "uplink", "nat66", "family"]
    assert statuses(judged(HEALTHY)) == [(name, "passed") for name in names]
    assert statuses(of_target(TARGET)) == [(name, "passed") for name in ("target", "source", "mtu")]
    assert find_unanswered(HEALTHY, [], OWN) == []


@pytest.mark.parametrize(
    ("changes", "bridge", "name", "evidence"),
    [
        ({"addresses": HEALTHY["addresses"][:1]}, BRIDGE, "address", "no IPv6 address of fd00:1::/64"),
        (
            {"addresses": [{**HEALTHY["addresses"][1], "address": "fd00:2::2"}]},
            BRIDGE,
            "address",
            "no IPv6 address of fd00:1::/64",
        ),
        ({"addresses": [{**HEALTHY["addresses"][1], "tentative": True}]}, BRIDGE, "address", "still tentative"),
        ({"addresses": [{**HEALTHY["addresses"][1], "dadfailed": True}]}, BRIDGE, "address", "duplicate"),
        ({"route": None, "gateway": None, "targets": []}, BRIDGE, "route", "no IPv6 default route"),
        ({"gateway": None, "targets": [DEAD]}, BRIDGE, "gateway", "fd00:1::1 does not answer: no reply"),
        ({"gateway": None, "targets": [DEAD]}, [], "gateway", "the bridge has not this address"),
        ({"gateway": None, "targets": [DEAD]}, [{**BRIDGE[0], "tentative": True}], "gateway", "still tentative"),
        ({"gateway": None, "targets": [DEAD]}, [{**BRIDGE[0], "dadfailed": True}], "gateway", "a duplicate"),
    ],
)
def test_the_first_broken_step_is_named_and_those_behind_it_skipped(changes, bridge, name, evidence):
    found = seen(**changes)
    checks = judged(found, bridge=bridge)
    assert [check["name"] for check in failed(checks)] == [name]
    assert evidence in failed(checks)[0]["evidence"]
    assert failed(checks)[0]["remedy"]
    behind = checks[checks.index(failed(checks)[0]) + 1 : 3]
    assert {check["status"] for check in behind} <= {"skipped"}
    if not found["gateway"]:
        assert statuses(judge_targets(found, [ASKED], [], OWN, {})) == [("target", "skipped")]
        assert find_unanswered(found, [], OWN) == []


def test_the_host_around_the_container():
    silent = seen(targets=[DEAD])
    assert [check["name"] for check in failed(judged(silent, uplinks=()))] == ["uplink"]
    assert [check["name"] for check in failed(judged(silent, translators={NETWORK: None}))] == ["nat66"]
    routed = judged(silent, translators={ip_network("2001:db8:5::/64"): None})
    assert failed(routed) == []
    assert "must be routed" in routed[4]["evidence"]


def test_what_was_seen_counts_more_than_what_is_written():
    untranslated = LEAVING._replace(source="fd00:1::2")
    for translators, sighting, status, words in (
        ({NETWORK: None}, LEAVING, "passed", "by rules that ip6tables does not show"),
        ({NETWORK: None}, untranslated, "passed", "not translated, and answered"),
    ):
        check = judged(HEALTHY, translators=translators, sightings=[sighting])[4]
        assert check["status"] == status
        assert words in check["evidence"]
    other = judged(seen(targets=[DEAD]), translators={NETWORK: "other"}, sightings=[untranslated])[4]
    assert other["status"] == "failed"
    # Neither a gateway that drops pings nor a route to the targets alone is a fault.
    odd = judged(seen(gateway=None), uplinks=(), sightings=[LEAVING])
    assert [(check["name"], check["status"]) for check in odd[2:4]] == [("gateway", "skipped"), ("uplink", "skipped")]


def test_inbound():
    verdicts = {
        "a": Verdict("drop", "DROP", True),
        "b": Verdict("accept", None, False),
        "c": Verdict("unknown", "?", True),
    }
    assert statuses(judge_inbound(verdicts)) == [("inbound", status) for status in ("passed", "failed", "skipped")]
    assert (
        "from b reach ports that are not published, as there are no rules"
        in list(judge_inbound(verdicts))[1]["evidence"]
    )


def test_a_target_that_does_not_answer():
    target = {**TARGET, "ping": {**LOST, "errors": [{"from": "2001:db8:1::1", "error": "hop limit exceeded"}]}}
    (one,) = find_unanswered(seen(targets=[target]), [], OWN)
    assert (one.address, one.source, one.lost) == ("2001:db8:dead::1", "fd00:1::2", 3)
    (check,) = of_target(target, BROKEN)
    assert check["evidence"] == (
        "2001:db8:dead::1: 3 packets transmitted, 0 received, hop limit exceeded (from 2001:db8:1::1), "
        "100% packet loss. The path breaks at nat: It leaves untranslated."
    )
    assert check["remedy"] == "Run it."


def test_a_target_that_answers_by_tcp_alone():
    target = {**TARGET, "ping": LOST, "path_mtu": None, "tcp": {"state": "open", "banner": "SSH-2.0-x"}}
    assert find_unanswered(seen(targets=[target]), [], OWN) == []
    assert statuses(of_target(target)) == [("target", "skipped"), ("tcp", "passed")]
    filtered = {**target, "ping": PING, "path_mtu": TARGET["path_mtu"], "tcp": {"state": "filtered", "banner": ""}}
    assert [check["name"] for check in failed(of_target(filtered))] == ["tcp"]


def test_a_name():
    assert statuses(of_target({**TARGET, "resolved": ["2001:db8:dead::1"]}))[0] == ("name", "passed")
    unknown = {**TARGET, "address": None, "error": "no such name", "ping": None}
    assert statuses(of_target(unknown)) == [("name", "failed")]
    assert find_unanswered(seen(targets=[unknown]), [], OWN) == []


def test_mtu_black_hole():
    (check,) = failed(of_target({**TARGET, "path_mtu": {"mtu": None, "tried": 1500}}))
    assert check["name"] == "mtu"
    assert "Packets of 1500 bytes" in check["evidence"]


def test_a_target_on_the_host_leaves_by_no_interface():
    assert ("source", "skipped") in statuses(of_target(TARGET, sightings=()))


def test_without_targets_a_router_beyond_the_host_must_answer():
    router = {"from": "2001:db8:1::1", "rtt_ms": 0.1, "error": "hop limit exceeded"}
    answered = seen(targets=[], router=router)
    assert find_unanswered(answered, [], OWN) == []
    assert statuses(judge_targets(answered, [], [], OWN, {})) == [("router", "passed")]
    by_the_host = {**router, "from": "fd00:1::1", "error": "no route to destination"}
    for answer in (None, by_the_host):
        silent = seen(targets=[], router=answer)
        assert len(find_unanswered(silent, [], OWN)) == 1
        assert statuses(judge_targets(silent, [], [], OWN, {0: BROKEN})) == [("router", "failed")]


def test_a_router_with_a_link_local_address_alone():
    silent = seen(targets=[], router=None)
    told = Sighting(0, "eth0", False, "fe80::1", "2001:db8:1::2", 3)
    assert find_unanswered(silent, [told], OWN) == []
    (check,) = judge_targets(silent, [], [told], OWN, {})
    assert (check["status"], check["evidence"]) == ("passed", "fe80::1, the next behind the host, answers")


def test_a_router_that_does_not_tell():
    silent = seen(targets=[], router=None)
    (check,) = judge_targets(silent, [], [], OWN, {0: {**BROKEN, "hop": "target"}})
    assert check["status"] == "skipped"
    assert "name a target" in check["evidence"]


def test_a_refusal_by_a_rule_is_no_answer():
    rejected = {**LOST, "errors": [{"from": "fd00:1::1", "error": "port unreachable"}]}
    target = {**DEAD, "ping": rejected, "tcp": {"state": "refused", "banner": ""}}
    assert len(find_unanswered(seen(targets=[target]), [], OWN)) == 1
    assert {check["remedy"] for check in of_target(target, BROKEN)} == {"Run it."}


def test_every_target_is_judged_by_itself():
    found = seen(targets=[{**TARGET, "ping": LOST}, TARGET])
    checks = judge_targets(found, [ASKED, ASKED], [LEAVING._replace(number=1)], OWN, {0: BROKEN})
    assert statuses(checks) == [("target", "failed"), ("target", "passed"), ("source", "passed"), ("mtu", "passed")]


def test_report_reads_like_ping():
    lines = report(of_target(TARGET), [TARGET], ["1: lo:"])
    assert "passed  target   2001:db8:dead::1: 3 packets transmitted, 3 received, 0% packet loss" in lines
    assert "2001:db8:dead::1: rtt min/avg/max/mdev = 0.100/0.200/0.300/0.100 ms" in lines
    assert lines[-2:] == ["$ ip -6 address", "1: lo:"]
