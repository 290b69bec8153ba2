from __future__ import annotations

import ipaddress

import pytest

from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal
from ansible_collections.v6ops.docker.plugins.module_utils._prefix import (
    first_subnet,
    own_prefix,
    parse_prefix,
    refuse_overlap,
)

MACHINE_ID = "3f07b6eecc3a4ca89d3e078d16b327be"


def test_own_prefix_is_a_stable_rfc_4193_48():
    pool = own_prefix(MACHINE_ID + "\n")
    assert pool == own_prefix(MACHINE_ID)
    assert pool.prefixlen == 48
    assert pool.subnet_of(ipaddress.ip_network("fd00::/8"))
    assert first_subnet(pool) == ipaddress.ip_network(f"{pool.network_address}/64")


def test_own_prefix_differs_between_hosts_and_does_not_show_the_machine_id():
    other = own_prefix(MACHINE_ID[:-1] + "f")
    assert other != own_prefix(MACHINE_ID)
    assert MACHINE_ID[:4] not in str(other)


@pytest.mark.parametrize("machine_id", ["", "uninitialized\n"])
def test_own_prefix_needs_a_machine_id(machine_id):
    with pytest.raises(ValueError, match=r"machine ID|hexadecimal"):
        own_prefix(machine_id)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("fd00:1::/64", "fd00:1::/64"),
        ("FD00:0001:0000:0000::/64", "fd00:1::/64"),
        ("fd00:1:0:0:0:0:0:0/64", "fd00:1::/64"),
        ("2001:db8::/48", "2001:db8::/48"),
        (" fd00:1::/64 ", "fd00:1::/64"),
    ],
)
def test_any_spelling_is_read(text, canonical):
    assert str(parse_prefix(text)) == canonical


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("", "not an IPv6 network"),
        ("fd00::/129", "not an IPv6 network"),
        ("containers", "not an IPv6 network"),
        ("fe80::1%eth0/64", "link-local"),
        ("10.0.0.0/8", "IPv4"),
        ("fd00:1::", "no prefix length"),
        ("fd00:1::1/64", "Did you mean fd00:1::/64"),
        ("fe80::/64", "link-local"),
        ("ff05::/16", "multicast"),
        ("::1/128", "neither unique local"),
        ("::/0", "neither unique local"),
        ("fec0::/64", "neither unique local"),
        ("::ffff:0:0/96", "neither unique local"),
        ("f000::/4", "neither unique local"),
    ],
)
def test_unfit_prefixes_are_refused_with_the_cause(text, cause):
    with pytest.raises(Refusal, match=cause) as refusal:
        parse_prefix(text)
    assert str(refusal.value).startswith(f"Cannot use the prefix {text!r}: ")


@pytest.mark.parametrize("used", ["fd00::/64", "fd00::/48", "fd00::1/128"])
def test_overlap_is_refused_and_named(used):
    with pytest.raises(Refusal, match=f"overlaps {used}, an address on eth0 of this host"):
        refuse_overlap(parse_prefix("fd00::/64"), [(ipaddress.ip_network(used), "an address on eth0")])


def test_a_neighbouring_prefix_is_no_overlap():
    refuse_overlap(parse_prefix("fd00::/64"), [(ipaddress.ip_network("fd00:0:0:1::/64"), "an address on eth0")])
