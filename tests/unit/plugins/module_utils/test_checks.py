from __future__ import annotations

import copy

import pytest

from ansible_collections.v6ops.docker.plugins.module_utils._checks import judge, report

SUBNETS = ["fd00:1::/64"]
TARGETS = ["2001:db8:dead::1"]
OWN = {"fd00:1::1", "2001:db8:1::2"}
PING = {
    "target": "2001:db8:dead::1",
    "transmitted": 3,
    "received": 3,
    "loss_percent": 0,
    "errors": [],
    "rtt_ms": {"min": 0.1, "avg": 0.2, "max": 0.3, "mdev": 0.1},
}
HEALTHY = {
    "addresses": [
        {"address": "fe80::2", "prefixlen": 64, "interface": "eth0", "tentative": True, "dadfailed": False},
        {"address": "fd00:1::2", "prefixlen": 64, "interface": "eth0", "tentative": False, "dadfailed": False},
    ],
    "route": {"gateway": "fd00:1::1", "interface": "eth0"},
    "gateway": {"from": "fd00:1::1", "rtt_ms": 0.1, "error": None},
    "router": None,
    "pings": [PING],
}
LOST = {
    **PING,
    "received": 0,
    "loss_percent": 100,
    "rtt_ms": None,
    "errors": [{"from": "2001:db8:1::1", "error": "time exceeded, code 0"}],
}


def seen(**changes):
    return {**copy.deepcopy(HEALTHY), **changes}


def statuses(found, targets=None):
    return [
        (check["name"], check["status"])
        for check in judge(found, TARGETS if targets is None else targets, SUBNETS, OWN, True)
    ]


def test_healthy():
    assert statuses(HEALTHY) == [
        ("address", "passed"),
        ("route", "passed"),
        ("gateway", "passed"),
        ("target", "passed"),
    ]


def test_without_targets_a_router_beyond_the_host_must_answer():
    router = {"from": "2001:db8:1::1", "rtt_ms": 0.1, "error": "time exceeded, code 0"}
    assert statuses(seen(pings=[], router=router), targets=[])[-1] == ("router", "passed")
    assert statuses(seen(pings=[], router=None), targets=[])[-1] == ("router", "failed")
    by_the_host = {**router, "from": "fd00:1::1", "error": "destination unreachable, code 0"}
    assert statuses(seen(pings=[], router=by_the_host), targets=[])[-1] == ("router", "failed")


@pytest.mark.parametrize(
    ("changes", "name", "evidence"),
    [
        ({"addresses": HEALTHY["addresses"][:1]}, "address", "no IPv6 address of fd00:1::/64"),
        (
            {"addresses": [{**HEALTHY["addresses"][1], "address": "fd00:2::2"}]},
            "address",
            "no IPv6 address of fd00:1::/64",
        ),
        ({"addresses": [{**HEALTHY["addresses"][1], "tentative": True}]}, "address", "still tentative"),
        ({"addresses": [{**HEALTHY["addresses"][1], "dadfailed": True}]}, "address", "duplicate"),
        ({"route": None, "gateway": None, "pings": []}, "route", "no IPv6 default route"),
        ({"gateway": None, "pings": []}, "gateway", "fd00:1::1 does not answer (no reply)"),
        ({"pings": [LOST]}, "target", "0 received, time exceeded, code 0 (from 2001:db8:1::1), 100% packet loss"),
    ],
)
def test_the_first_broken_step_is_named_and_those_behind_it_skipped(changes, name, evidence):
    checks = judge(seen(**changes), TARGETS, SUBNETS, OWN, True)
    failed = [check for check in checks if check["status"] == "failed"]
    assert [check["name"] for check in failed] == [name]
    assert evidence in failed[0]["evidence"]
    assert failed[0]["remedy"]
    behind = checks[checks.index(failed[0]) + 1 :]
    assert {check["status"] for check in behind} <= {"skipped"}


def test_the_remedy_follows_what_is_known():
    def remedy(ping, has_default_route):
        return judge(seen(pings=[ping]), TARGETS, SUBNETS, OWN, has_default_route)[-1]["remedy"]

    silent = {**LOST, "errors": []}
    assert "NAT66" in remedy(silent, True)
    assert "no IPv6 default route" in remedy(silent, False)
    assert remedy(LOST, True) == "The path works as far as 2001:db8:1::1; look behind it."


def test_every_target_is_judged_by_itself():
    found = seen(pings=[LOST, PING])
    assert statuses(found)[3:] == [("target", "failed"), ("target", "passed")]


def test_report_reads_like_ping():
    lines = report(judge(HEALTHY, TARGETS, SUBNETS, OWN, True), [PING], ["1: lo:"])
    assert "passed  target   2001:db8:dead::1: 3 packets transmitted, 3 received, 0% packet loss" in lines
    assert "2001:db8:dead::1: rtt min/avg/max/mdev = 0.100/0.200/0.300/0.100 ms" in lines
    assert lines[-2:] == ["$ ip -6 address", "1: lo:"]
