from __future__ import annotations

import pytest

from ansible_collections.v6ops.docker.plugins.module_utils import _probe

# As the kernel prints them in a container, with a tentative link-local address.
PROC = {
    "/proc/net/if_inet6": [
        "00000000000000000000000000000001 01 80 10 80       lo",
        "fd0000010000000002420000ac110002 0b 40 00 82     eth0",
        "fe80000000000000004200fffeac1102 0b 40 20 c0     eth0",
    ],
    "/proc/net/ipv6_route": [
        "fd000001000000000000000000000000 40 00000000000000000000000000000000 00 "
        "00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0",
        "00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
        "fd000001000000000000000000000001 00000400 00000001 00000000 00000003     eth0",
        "00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
        "00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo",
    ],
}


@pytest.fixture(name="proc", autouse=True)
def _proc(monkeypatch):
    proc = {path: list(lines) for path, lines in PROC.items()}
    monkeypatch.setattr(_probe, "_lines", proc.get)
    return proc


def test_addresses():
    container, link_local = _probe.addresses()
    assert container["address"] == "fd00:1::242:0:ac11:2"
    assert (container["prefixlen"], container["interface"], container["tentative"]) == (64, "eth0", False)
    assert link_local["tentative"]


def test_only_addresses_that_can_be_used_are_awaited():
    assert [one["address"] for one in _probe.usable_addresses()] == ["fd00:1::242:0:ac11:2"]


def test_default_route(proc):
    assert _probe.default_route() == {"gateway": "fd00:1::1", "interface": "eth0"}
    del proc["/proc/net/ipv6_route"][1]
    assert _probe.default_route() is None


class FakePinger(_probe.Pinger):
    """A path that lets packets of some size through, and tells of it or not; answers a number of them."""

    def __init__(self, mtu=1500, tells=True, answers=None):
        self.mtu, self.tells, self.answers, self.asked = mtu, tells, iter(answers or []), 0

    def ask(self, target, timeout, hop_limit=64, size=104):
        self.asked += 1
        if size > self.mtu:
            too_big = {"from": "2001:db8::f", "rtt_ms": 1.0, "error": "packet too big", "mtu": self.mtu}
            return too_big if self.tells else None
        return next(self.answers, {"from": target, "rtt_ms": 1.0, "error": None})


def test_statistics_are_those_of_ping():
    error = {"from": "fe80::1", "rtt_ms": 0.5, "error": "hop limit exceeded"}
    answers = [{"from": "2001:db8::1", "rtt_ms": 1.0, "error": None}, None, error]
    assert FakePinger(answers=answers).ping("2001:db8::1") == {
        "transmitted": 3,
        "received": 1,
        "loss_percent": 67,
        "errors": [{"from": "fe80::1", "error": "hop limit exceeded"}],
        "rtt_ms": {"min": 1.0, "avg": 1.0, "max": 1.0, "mdev": 0.0},
    }


@pytest.mark.parametrize(
    ("path", "found", "asked"),
    [
        (FakePinger(1500), {"mtu": 1500, "tried": 1500}, 1),
        (FakePinger(1300), {"mtu": 1300, "tried": 1300}, 2),
        (FakePinger(1300, tells=False), {"mtu": None, "tried": 1500}, 2),
        # RFC 8201: what is said of less than 1,280 bytes counts as 1,280.
        (FakePinger(1000), {"mtu": None, "tried": 1280}, 3),
        (FakePinger(1500, answers=[None]), {"mtu": 1500, "tried": 1500}, 2),
    ],
    ids=["whole", "narrow", "black hole", "absurd", "lossy"],
)
def test_path_mtu(path, found, asked):
    assert path.path_mtu("2001:db8::1", 1500) == found
    assert path.asked == asked


def test_awaited_returns_the_last_look_at_the_deadline():
    looks = iter([None, {"error": "no route"}, {"error": None}])
    assert _probe.awaited(lambda: next(looks), float("inf"), _probe.is_reply) == {"error": None}
    assert _probe.awaited(lambda: "last", 0, lambda value: False) == "last"
