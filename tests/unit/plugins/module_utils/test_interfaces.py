from __future__ import annotations

import pytest

from ansible_collections.v6ops.docker.plugins.module_utils import _interfaces, _rtnetlink
from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal

UP = _interfaces.IFF_UP | _interfaces.IFF_LOWER_UP
TENTATIVE, DADFAILED = ["tentative"], ["tentative", "dadfailed"]


@pytest.mark.parametrize(
    ("flags", "is_disabled", "addresses", "expected"),
    [
        (UP, False, [["permanent"]], "ready"),
        (UP, False, [TENTATIVE, ["permanent"]], "ready"),
        (UP, False, [["tentative", "optimistic"]], "ready"),
        (UP, False, [TENTATIVE], "tentative"),
        (UP, False, [TENTATIVE, DADFAILED], "tentative"),
        (UP, False, [DADFAILED], "dadfailed"),
        (UP, True, [DADFAILED], "dadfailed"),
        (UP, False, [], "no_address"),
        (UP, True, [], "ipv6_disabled"),
        (_interfaces.IFF_UP, False, [["permanent"]], "no_carrier"),
        (0, True, [["permanent"]], "down"),
    ],
)
def test_state(flags, is_disabled, addresses, expected):
    assert _interfaces.state(flags, is_disabled, addresses) == expected
    assert expected == "ready" or expected in _interfaces.LACKS


def interface(name="eth0", state="ready", up=True, master=None):
    return {"name": name, "state": state, "up": up, "master": master}


@pytest.fixture(name="looks")
def _looks(monkeypatch):
    """What each look at the interfaces shows, the last one for ever; time goes on by a tenth of a second each."""
    looks, clock = [], [0.0]
    monkeypatch.setattr(_interfaces, "interfaces", lambda: looks.pop(0) if len(looks) > 1 else looks[0])
    monkeypatch.setattr(_interfaces, "read_switch", lambda name, key: "1" if name == "managed" else "0")
    monkeypatch.setattr(_interfaces.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(_interfaces.time, "sleep", lambda seconds: clock.__setitem__(0, clock[0] + 0.1))
    return looks


def test_by_default_all_that_are_up_but_those_of_docker(looks):
    looks.append(
        [
            *(interface(name) for name in ("lo", "docker0", "br-1234", "veth1", "eth0", "wlan0", "bridge0")),
            interface("eth1", "down", up=False),
        ]
    )
    assert [one["name"] for one in _interfaces.settled()] == ["eth0", "wlan0", "bridge0"]


def test_what_is_on_its_way_is_waited_for(looks):
    looks += [[interface(state="no_address")], [interface(state="tentative")], [interface()]]
    assert _interfaces.settled(["eth0"]) == [interface()]


def test_not_for_ever(looks):
    looks.append([interface(state="tentative")])
    assert _interfaces.settled(["eth0"]) == [interface(state="tentative")]
    with pytest.raises(Refusal, match="its link-local address is still tentative"):
        _interfaces.ready_interface("eth0")


@pytest.mark.parametrize("known", [interface(state="no_address", master="bond0"), interface("managed", "no_address")])
def test_what_never_comes_is_not_waited_for(looks, known):
    looks.append([known])
    _interfaces.settled([known["name"]])
    assert _interfaces.time.monotonic() == 0


def test_an_interface_that_is_not_there(looks):
    looks.append([interface(), interface("lo")])
    with pytest.raises(Refusal, match=r"^Cannot use eth9: this host has no such interface\. It has eth0, lo\.$"):
        _interfaces.settled(["eth9"])


def test_what_is_no_ethernet_address():
    assert _rtnetlink.mac_text(b"\2\0\0\0\0\1") == "02:00:00:00:00:01"
    assert [_rtnetlink.mac_text(raw) for raw in (None, b"", bytes(6), bytes(4), b"\1" * 20)] == [None] * 5
