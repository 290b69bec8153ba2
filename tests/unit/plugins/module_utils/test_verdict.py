from __future__ import annotations

import copy
import ipaddress
import json
import os
import random
import string

import pytest

from ansible_collections.v6ops.docker.plugins.module_utils import _ruleset
from ansible_collections.v6ops.docker.plugins.module_utils._exposure import Audit
from ansible_collections.v6ops.docker.plugins.module_utils._links import Host, Link
from ansible_collections.v6ops.docker.plugins.module_utils._packet import (
    NEW,
    TCP,
    UDP,
    among,
    every,
    flagged,
    merged,
    named,
    only,
    opposite,
    some,
    span,
)
from ansible_collections.v6ops.docker.plugins.module_utils._ruleset import Ruleset
from ansible_collections.v6ops.docker.plugins.module_utils._verdict import (
    ACCEPT,
    CONTINUE,
    DROP,
    RETURN,
    Chain,
    Filter,
    rule,
)

RECORDED = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "recorded")
TABLES = [("ip6", "filter"), ("inet", "filter"), ("netdev", "early"), ("inet", "off")]
VALUES = ("accept", "drop", "unknown")
ODD = [None, True, -1, 0, 2**140, "", "x", "@none", [], {}, {"set": []}, {"range": [9, 1]}, {"elem": 1}, [[]], 1.5]


def recorded(name):
    with open(os.path.join(RECORDED, name), encoding="utf-8") as file:
        return file.read()


class Module:
    """Programs that print what was recorded, or what is given for it; None where one is not installed."""

    def __init__(self, **printed):
        self._printed = {
            "nft-json": recorded("nft.json"),
            "nft": recorded("nft.txt"),
            "ip6tables-nft-save": recorded("ip6tables-save.txt"),
            **{name.replace("_", "-"): text for name, text in printed.items()},
        }

    def get_bin_path(self, name, opt_dirs=()):
        return name if self._printed.get(name) is not None else None

    def run_command(self, command, environ_update=None):
        name = f"{command[0]}-json" if "--json" in command else command[0]
        return 0, self._printed.get(name, ""), ""


@pytest.fixture(autouse=True)
def _kernel(monkeypatch):
    monkeypatch.setattr(_ruleset, "nft_tables", lambda: TABLES)
    monkeypatch.setattr(_ruleset, "read_text", lambda path: None)


HOST = Host({"eth0": [ipaddress.ip_interface(text) for text in ("fe80::1/64", "fd77::1/64", "10.77.0.1/24")]})
ETH0 = Link("eth0", HOST.addresses["eth0"], [], False, False)


def audit(module):
    return Audit(HOST, Filter(Ruleset(module).chains, HOST))


def verdict(module, way, protocol, port):
    return audit(module).verdict(protocol, port, ETH0, way)


@pytest.mark.parametrize(
    ("way", "protocol", "port", "expected", "by"),
    [
        ("link_local", "tcp", 22, "accept", "tcp dport vmap @services"),
        ("ipv4", "tcp", 23, "drop", "policy drop"),
        ("link_local", "tcp", 7, "drop", "ip6tables-nft-save -t filter: -A INPUT -p tcp -m tcp --dport 7"),
        ("link_local", "tcp", 443, "accept", "ip6 saddr @friends"),
        ("on_link", "tcp", 443, "drop", "policy drop"),
        ("link_local", "tcp", 85, "accept", 'iifname "et*" accept'),
        ("link_local", "tcp", 25, "unknown", "limit rate 5/second"),
        ("link_local", "udp", 26, "drop", "policy drop"),
        ("ipv4", "udp", 68, "drop", "reject with icmp"),
        ("ipv4", "tcp", 8080, "accept", 'iifname "et*" accept'),
    ],
)
def test_recorded_rules(way, protocol, port, expected, by):
    found = verdict(Module(), way, protocol, port)
    assert found.verdict == expected
    assert by in found.rule


def test_without_nft_its_tables_are_unknown_and_those_of_iptables_are_not(monkeypatch):
    module = Module(nft=None)
    found = verdict(module, "link_local", "tcp", 22)
    assert (found.verdict, "nft does not show" in found.rule) == ("unknown", True)
    monkeypatch.setattr(_ruleset, "nft_tables", lambda: TABLES[:1])
    assert verdict(module, "link_local", "tcp", 22).verdict == "accept"
    assert verdict(module, "link_local", "tcp", 7).verdict == "drop"
    assert verdict(Module(nft=None, ip6tables_nft_save=None), "link_local", "tcp", 7).verdict == "unknown"


def test_legacy_tables_that_nothing_shows_are_unknown(monkeypatch):
    monkeypatch.setattr(_ruleset, "read_text", lambda path: "filter\n" if "ip6" in path else None)
    module = Module()
    found = verdict(module, "link_local", "tcp", 22)
    assert (found.verdict, "ip6tables-legacy-save" in found.rule) == ("unknown", True)
    assert verdict(module, "link_local", "tcp", 7).verdict == "drop"
    assert verdict(module, "ipv4", "tcp", 22).verdict == "accept"
    assert Ruleset(module).sources["nothing"] == ["table filter of the legacy ip6tables"]


def test_odd_json_never_raises():
    source = json.loads(recorded("nft.json"))
    for seed in range(400):
        chance = random.Random(seed)
        listing = copy.deepcopy(source)
        for _count in range(chance.randint(1, 4)):
            holder, key = chance.choice(list(places(listing)))
            holder[key] = copy.deepcopy(chance.choice(ODD))
        module = Module(nft_json=json.dumps(listing))
        checked = audit(module)
        told = [
            checked.verdict(protocol, port, ETH0, way).verdict
            for way in ("link_local", "on_link", "ipv4")
            for protocol, port in (("tcp", 22), ("tcp", 8080), ("udp", 53))
        ]
        assert set(told) <= set(VALUES), seed
        assert checked.neighbour_discovery(ETH0) is not None


def places(value):
    """Every place in nested dictionaries and lists."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from places(value[key])


def test_odd_lines_of_iptables_never_raise(monkeypatch):
    monkeypatch.setattr(_ruleset, "nft_tables", lambda: TABLES[:1])
    source = recorded("ip6tables-save.txt")
    for seed in range(400):
        chance = random.Random(seed)
        text = list(source)
        for _count in range(chance.randint(1, 8)):
            position = chance.randrange(len(text))
            text[position] = chance.choice([*string.printable, "", " -m ", " ! ", "'", " --dport ", "\n"])
        module = Module(nft=None, ip6tables_nft_save="".join(text))
        assert verdict(module, "link_local", "tcp", 22).verdict in VALUES, seed


@pytest.mark.parametrize(
    "expression", ["nonsense", "match", "xt", "queue", "tproxy", "synproxy", "fwd", "mangle", "dnat"]
)
def test_statement_that_is_not_understood_is_unknown(expression):
    listing = json.loads(recorded("nft.json"))
    rules = [entry["rule"] for entry in listing["nftables"] if "rule" in entry]
    next(one for one in rules if one["table"] == "filter" and one["family"] == "inet" and one["chain"] == "input")[
        "expr"
    ] = [{expression: {"new": 1}}, {"accept": None}]
    assert verdict(Module(nft_json=json.dumps(listing)), "link_local", "tcp", 9999).verdict == "unknown"


def chains(**inside):
    """Chains of one table; the one that is called ``input`` is hooked."""
    return [
        Chain("t", "inet", name, name if name == "input" else None, 0, False, DROP, None, rules)
        for name, rules in inside.items()
    ]


def decide(**inside):
    packet = {"family": only(6), "l4proto": only(TCP), "dport": only(22), "ct_state": only(NEW)}
    return Filter(chains(**inside), HOST).arriving({**packet, "l4proto": only(UDP)}, ETH0)


def maybe(packet):
    return None


def test_ways_that_end_alike_are_a_verdict():
    assert decide(input=[rule("a", [maybe], [ACCEPT]), rule("b", [], [ACCEPT])]).verdict == "accept"
    assert decide(input=[rule("a", [maybe], [ACCEPT]), rule("b", [], [DROP])])[:2] == ("unknown", "a")
    assert decide(input=[rule("a", [maybe], [DROP])])[:2] == ("drop", "a")
    assert decide(input=[rule("a", [maybe], [CONTINUE]), rule("b", [], [ACCEPT])])[:2] == ("accept", "b")


def test_return_and_goto():
    jump, goto = rule("j", [], [("jump", "c")]), rule("g", [], [("goto", "c")])
    accepting = rule("a", [], [ACCEPT])
    assert decide(input=[jump, accepting], c=[rule("r", [], [RETURN])])[:2] == ("accept", "a")
    assert decide(input=[goto, accepting], c=[rule("r", [], [RETURN])]).verdict == "drop"
    assert decide(input=[rule("r", [], [RETURN]), accepting]).explicit is False


def test_chains_in_a_circle_and_chains_that_are_not_there_are_unknown():
    assert decide(input=[rule("j", [], [("jump", "c")])], c=[rule("i", [], [("jump", "c")])]).verdict == "unknown"
    assert decide(input=[rule("j", [], [("jump", "none")])])[:2] == ("unknown", "j")


def test_three_values():
    assert every([True, None, False]) is False
    assert every([True, None]) is None
    assert some([False, None, True]) is True
    assert some([False, None]) is None
    assert every([]) is True


@pytest.mark.parametrize("seed", range(50))
def test_among_agrees_with_counting(seed):
    chance = random.Random(seed)

    def ranges():
        return [(low, low + chance.randrange(4)) for low in (chance.randrange(20) for _count in range(3))]

    wanted, possible = ranges(), ranges()
    numbers = {number for low, high in wanted for number in range(low, high + 1)}
    have = {number for low, high in possible for number in range(low, high + 1)}
    answer = among("dport", wanted)({"dport": merged(possible)})
    assert answer == (True if have <= numbers else None if have & numbers else False)


def test_questions():
    assert among("saddr", [span("fe80::/10")])({"saddr": [span("fe80::/64")]}) is True
    assert among("saddr", [span("fe80::/64")])({"saddr": [span("fe80::/10")]}) is None
    assert among("saddr", [span("fe80::/64")])({}) is None
    assert flagged("tcp_flags", 0x17, 2)({"tcp_flags": only(2)}) is True
    assert flagged("ct_state", 6)({"ct_state": only(8, 64)}) is False
    assert flagged("ct_state", 8)({"ct_state": only(8, 64)}) is None
    assert named("iifname", "eth", wildcard=True)({"iifname": "eth0"}) is True
    assert named("iifname", "eth")({"iifname": "eth0"}) is False
    assert opposite(named("iifname", "eth0"), unless_empty="iifname")({"iifname": ""}) is None
