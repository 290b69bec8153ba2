"""Advertisements are taken as RFC 4861 says, and shown whole."""

from __future__ import annotations

import ipaddress
import struct
from pathlib import Path

import pytest
from beds import PROBER, link_local, running, set_switches

ADVERTISE = Path(__file__).with_name("advertise.py")
MAC = "02fb00000001"


def advertisement(code=0, options=b"", lifetime=1800):
    return (struct.pack("!BBHBBHII", 134, code, 0, 64, 0xC8, lifetime, 0, 0) + options).hex()


def packed(address):
    return ipaddress.IPv6Address(address).packed


WHOLE = b"".join(
    [
        b"\x01\x01" + bytes.fromhex(MAC),
        struct.pack("!BBHI", 5, 1, 0, 1400),
        struct.pack("!BBBBIII", 3, 4, 64, 0xC0, 86400, 0xFFFFFFFF, 0) + packed("2001:db8:1::"),
        struct.pack("!BBBBI", 24, 2, 32, 0x08, 1800) + packed("2001:db8::")[:8],
        struct.pack("!BBHI", 25, 5, 0, 600) + packed("2001:db8:1::53") + packed("fe80::53"),
        struct.pack("!BBHI", 31, 3, 0, 600) + b"\x07example\x03com\x00\x00\x00\x00",
        b"\x26\x01" + bytes(6),
    ]
)


@pytest.fixture(name="advertised")
def _advertised(link, probe):
    """A function that has advertisements sent and returns what the module says of them."""
    link_local(PROBER)
    # What is shown shall not be taken.
    set_switches(interface=PROBER, accept_ra=0)

    def run(*advertisements):
        arguments = [one for source, message, hop_limit in advertisements for one in (source, MAC, message, hop_limit)]
        with running("switch", ADVERTISE, "switch", *arguments):
            return probe(interfaces=[PROBER], routers=True)

    return run


def test_an_advertisement_is_shown_whole(advertised):
    result = advertised(("fe80::1", advertisement(options=WHOLE), 255), ("fe80::2", advertisement(lifetime=0), 255))
    router, other = result["routers"]
    assert router == {
        "interface": PROBER,
        "address": "fe80::1",
        "zoned": f"fe80::1%{PROBER}",
        "mac": "02:fb:00:00:00:01",
        "hop_limit": 64,
        "managed": True,
        "other_config": True,
        "home_agent": False,
        "preference": "high",
        "lifetime": 1800,
        "reachable_ms": 0,
        "retransmit_ms": 0,
        "mtu": 1400,
        "prefixes": [
            {
                "prefix": "2001:db8:1::/64",
                "on_link": True,
                "autonomous": True,
                "router_address": False,
                "valid_lifetime": 86400,
                "preferred_lifetime": None,
            }
        ],
        "routes": [{"prefix": "2001:db8::/32", "preference": "high", "lifetime": 1800}],
        "rdnss": [{"addresses": ["2001:db8:1::53", "fe80::53"], "lifetime": 600}],
        "dnssl": [{"domains": ["example.com"], "lifetime": 600}],
        "other_options": [38],
    }
    assert (other["address"], other["lifetime"], other["prefixes"]) == ("fe80::2", 0, [])
    assert result["rejected_advertisements"] == []


def test_what_hosts_ignore_is_counted_with_the_reason(advertised):
    result = advertised(
        ("fe80::1", advertisement(), 255),
        ("fe80::64", advertisement(), 64),
        ("fe80::c", advertisement(code=1), 255),
        ("fe80::c", advertisement(code=1), 255),
        ("2001:db8::1", advertisement(), 255),
        ("fe80::0", advertisement(options=b"\x01\x00" + bytes(6)), 255),
        ("fe80::f", advertisement(options=b"\x03\x04" + bytes(6)), 255),
        ("fe80::5", advertisement()[:20], 255),
    )
    assert [one["address"] for one in result["routers"]] == ["fe80::1"]
    rejected = {one["address"]: (one["reason"], one["count"]) for one in result["rejected_advertisements"]}
    assert rejected == {
        "fe80::64": ("its hop limit is 64, it may have come from beyond the link", 1),
        "fe80::c": ("its code is 1", 2),
        "2001:db8::1": ("its source is not a link-local address", 1),
        "fe80::": ("an option has the length 0", 1),
        "fe80::f": ("an option is longer than the packet", 1),
        "fe80::5": ("it has 10 octets of at least 16", 1),
    }


def test_names_are_cleaned(advertised):
    label = b"a\x1b[2J\n\xe2\x80\xaeb"
    option = struct.pack("!BBHI", 31, 3, 0, 1) + (bytes([len(label)]) + label).ljust(16, b"\0")
    (router,) = advertised(("fe80::1", advertisement(options=option), 255))["routers"]
    assert router["dnssl"][0]["domains"] == ["a?[2J??b"]


def test_no_router_is_no_error(link, probe):
    link_local(PROBER)
    result = probe(interfaces=[PROBER], routers=True)
    assert (result["routers"], result["rejected_advertisements"]) == ([], [])
