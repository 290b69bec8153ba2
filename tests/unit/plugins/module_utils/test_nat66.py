from __future__ import annotations

import ipaddress

import pytest

from ansible_collections.v6ops.docker.plugins.module_utils import _nat66
from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal
from ansible_collections.v6ops.docker.plugins.module_utils._nat66 import (
    forward_rules,
    nat_rules,
    parse_destinations,
    parse_interfaces,
    parse_sources,
    parse_target,
    who_translates,
)

POOL = ipaddress.ip_network("fd00:1::/48")
PREFIX = ipaddress.ip_network("fd00:1::/64")
BY_ENGINE = f"-A POSTROUTING -s {PREFIX} ! -o docker0 -j MASQUERADE"
OURS = nat_rules("V6OPS-docker", [POOL], "MASQUERADE")
JUMP = "-A POSTROUTING -m comment --comment V6OPS-docker -j V6OPS-docker"


@pytest.fixture(name="host_pool", autouse=True)
def _host_pool(monkeypatch):
    monkeypatch.setattr(_nat66, "host_pool", lambda: POOL)


@pytest.mark.parametrize(
    ("sources", "pool", "expected"),
    [
        (None, None, ["fd00:1::/48"]),
        (["fd00:2::/64"], None, ["fd00:2::/64"]),
        (["FD00:1:0:0::/64"], "host", ["fd00:1::/48"]),
        (["fd00:2::/64"], "host", ["fd00:1::/48", "fd00:2::/64"]),
        (["fd00:3:0:1::/64"], "fd00:3::/48", ["fd00:3::/48"]),
        (None, "fd00:3::/48", ["fd00:3::/48"]),
    ],
)
def test_the_pool_covers_the_sources_within_it(sources, pool, expected):
    assert list(map(str, parse_sources(sources, pool))) == expected


@pytest.mark.parametrize(
    ("sources", "pool", "cause"),
    [
        ([], None, "an empty list"),
        (["fd00:2::/64", "fd00:2::/64"], None, "they overlap"),
        (["fd00:2::/64", "fd00:2::/48"], None, "they overlap"),
        (["fd00::/16"], "host", "they overlap"),
        (["192.0.2.0/24"], None, "it is an IPv4 network"),
    ],
)
def test_unfit_sources_are_refused(sources, pool, cause):
    with pytest.raises(Refusal, match=cause):
        parse_sources(sources, pool)


def test_traffic_among_the_prefixes_is_left_alone_before_anything_is_masqueraded():
    rules = nat_rules("V6OPS-docker", [PREFIX, ipaddress.ip_network("fd00:2::/64")], "MASQUERADE")
    assert [rule.rsplit(" ", 1)[1] for rule in rules] == ["RETURN", "RETURN", "MASQUERADE", "MASQUERADE"]


def test_destinations_and_interfaces_narrow_what_is_translated():
    rules = nat_rules(
        "V6OPS-a", [PREFIX], "MASQUERADE", parse_destinations(["2001:db8::/32", "64:ff9b::/96"]), ["tun0", "wg+"]
    )
    assert rules[1:] == [
        f"-A V6OPS-a -s fd00:1::/64 -d {destination} -o {name} -m comment --comment V6OPS-a -j MASQUERADE"
        for destination in ("2001:db8::/32", "64:ff9b::/96")
        for name in ("tun0", "wg+")
    ]


def test_anywhere_is_spelt_as_ip6tables_prints_it_not_at_all():
    anywhere = nat_rules("V6OPS-a", [PREFIX], "MASQUERADE", parse_destinations(["::/0"]))
    assert anywhere == nat_rules("V6OPS-a", [PREFIX], "MASQUERADE")


@pytest.mark.parametrize("text", ["192.0.2.0/24", "2001:db8::1/64", "internet"])
def test_unfit_destinations_are_refused(text):
    with pytest.raises(Refusal, match="Cannot translate by destination"):
        parse_destinations([text])


@pytest.mark.parametrize("name", ["", "a b", "eth0/1", "!eth0", "x" * 16, "a+b"])
def test_unfit_interfaces_are_refused(name):
    with pytest.raises(Refusal, match="none can be named so"):
        parse_interfaces([name])


def test_targets_are_spelt_as_ip6tables_prints_them():
    own = {ipaddress.ip_address("2001:db8::1:0:0:1")}
    assert parse_target(None, None, [PREFIX], own) == "MASQUERADE"
    assert parse_target("2001:0DB8::1:0:0:1", None, [PREFIX], own) == "SNAT --to-source 2001:db8::1:0:0:1"
    assert parse_target(None, "2001:db8:7::/64", [PREFIX], own) == "NETMAP --to 2001:db8:7::/64"


@pytest.mark.parametrize(
    ("to_source", "to_prefix", "cause"),
    [
        ("2001:db8::2", None, "it is no address of this host"),
        ("fe80::1", None, "it is no address of this host that replies find"),
        ("192.0.2.1", None, "it is not an IPv6 address"),
        ("host", None, "it is not an IPv6 address"),
        (None, "2001:db8:7::/48", "of the same length"),
        (None, "fd00:1::/64", "they overlap"),
        (None, "10.0.0.0/8", "it is an IPv4 network"),
    ],
)
def test_unfit_targets_are_refused(to_source, to_prefix, cause):
    with pytest.raises(Refusal, match=cause):
        parse_target(to_source, to_prefix, [PREFIX], {ipaddress.ip_address("fe80::1")})


def test_inside_is_who_comes_from_a_bridge_and_a_mere_source_address_is_not():
    verdicts = [rule.split(" -m comment")[0][len("-A V6OPS-a ") :] for rule in forward_rules("V6OPS-a", [PREFIX])]
    assert verdicts.index("-s fd00:1::/64 -i br-+") < verdicts.index("-d fd00:1::/64 -o br-+")
    assert verdicts.index("-d fd00:1::/64 -o br-+") < verdicts.index("-s fd00:1::/64")
    assert verdicts.index("-m conntrack --ctstate DNAT") < verdicts.index("-d fd00:1::/64 -o docker+")
    assert verdicts[-1] == "-d fd00:1::/64"


@pytest.mark.parametrize(
    ("rules", "who"),
    [
        ([], None),
        ([BY_ENGINE], "engine"),
        ([BY_ENGINE, JUMP, *OURS], "engine"),
        ([JUMP, *OURS], "collection"),
        ([JUMP, *OURS, BY_ENGINE], "collection"),
        (OURS, None),
        (["-A POSTROUTING -s fd00:2::/64 ! -o docker0 -j MASQUERADE"], None),
        (["-A POSTROUTING -s fd00:1::/64 -j MASQUERADE"], "other"),
        (["-A POSTROUTING -o eth0 -j MASQUERADE"], "other"),
        (["-A POSTROUTING -o eth0 -j SNAT --to-source 2001:db8::1"], "other"),
        (["-A POSTROUTING -s fd00:1::/64 -j RETURN", "-A POSTROUTING -g MINE"], None),
    ],
)
def test_who_translates(rules, who):
    assert who_translates({"nat": rules}, [POOL]) == {POOL: who}
