"""What an interface lacks is said, before anything is sent."""

from __future__ import annotations

import pytest
from beds import PROBER, ip, link_local, set_switches

from ansible_collections.v6ops.docker.plugins.module_utils._discovery import discover
from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal
from ansible_collections.v6ops.docker.plugins.module_utils._interfaces import settled


def state():
    (interface,) = settled([PROBER], timeout=0)
    return interface["state"]


def test_a_tentative_address_is_waited_for(link, probe):
    set_switches(interface=PROBER, dad_transmits=1, disable_ipv6=1)
    set_switches(interface=PROBER, disable_ipv6=0)
    neighbour = link.add("plain")
    result = probe(interfaces=[PROBER], discover=True)
    assert result["interfaces"][0]["state"] == "ready"
    assert [one["address"] for one in result["neighbours"]] == [neighbour]


def test_an_address_that_stays_tentative_is_told(link, probe):
    link_local(PROBER)
    set_switches(interface=PROBER, dad_transmits=30, disable_ipv6=1)
    set_switches(interface=PROBER, disable_ipv6=0)
    result = probe(interfaces=[PROBER], discover=True)
    assert result["failed"]
    assert result["msg"].startswith(f"Cannot use {PROBER}: its link-local address is still tentative.")
    assert state() == "tentative"


def test_a_duplicate_is_told(link, probe):
    own = link_local(PROBER)
    link.add("thief", own)
    set_switches(interface=PROBER, dad_transmits=1, disable_ipv6=1)
    set_switches(interface=PROBER, disable_ipv6=0)
    result = probe(interfaces=[PROBER], discover=True)
    assert "dadfailed" in result["msg"]
    assert state() == "dadfailed"


@pytest.mark.parametrize(
    ("break_it", "expected", "cause"),
    [
        (lambda: ip("link", "set", PROBER, "down"), "down", "it is down"),
        (lambda: set_switches(interface=PROBER, disable_ipv6=1), "ipv6_disabled", "IPv6 is disabled on it"),
        (lambda: ip("link", "set", PROBER, "mtu", "1279"), "ipv6_disabled", "IPv6 is disabled on it"),
        (lambda: ip("link", "set", "port0", "down", namespace="switch"), "no_carrier", "it has no carrier"),
    ],
)
def test_what_cannot_be_used_is_told(link, probe, break_it, expected, cause):
    own = link_local(PROBER)
    break_it()
    assert state() == expected
    with pytest.raises(Refusal, match=f"^Cannot use {PROBER}: {cause}."):
        discover(PROBER)
    result = probe(targets=[f"{own}%{PROBER}"])
    assert result["failed"]
    assert result["msg"].startswith(f"Cannot use {PROBER}: {cause}.")


def test_who_may_not_use_raw_sockets_is_told(link, probe):
    own = link_local(PROBER)
    with open("/proc/sys/net/ipv4/ping_group_range", "w", encoding="ascii") as file:
        file.write("1 0")
    for options in (
        {"targets": [f"{own}%{PROBER}"]},
        {"interfaces": [PROBER], "discover": True},
        {"interfaces": [PROBER], "routers": True},
    ):
        result = probe(as_user=True, **options)
        assert result["failed"]
        assert result["msg"].startswith("Cannot ")
        assert "CAP_NET_RAW" in result["msg"]
        assert "become" in result["msg"]
