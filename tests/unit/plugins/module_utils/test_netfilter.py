from __future__ import annotations

import ipaddress

import pytest
from packet_filter import FakeNetfilter

from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal
from ansible_collections.v6ops.docker.plugins.module_utils._nat66 import forward_rules, nat_rules
from ansible_collections.v6ops.docker.plugins.module_utils._netfilter import (
    applied,
    chain_of,
    foreign_references,
    owned,
    parse_counters,
    parse_saved,
    plan,
    vacant,
)

CHAIN = "V6OPS-docker"
COMMENT = f"-m comment --comment {CHAIN}"
DECLARED = f":{CHAIN} - [0:0]"
JUMP = {"nat": f"-A POSTROUTING {COMMENT} -j {CHAIN}", "filter": f"-A FORWARD {COMMENT} -j {CHAIN}"}
FOREIGN = {
    "filter": [":FORWARD DROP [0:0]", "-A FORWARD -i wg0 -j ACCEPT"],
    "nat": [
        ":POSTROUTING ACCEPT [0:0]",
        "-A POSTROUTING -s fd00:1::/64 ! -o docker0 -j MASQUERADE",
        "-A POSTROUTING -s fd00:1::/64 -m comment --comment V6OPS-docker -j MASQUERADE",
    ],
}


def rules(*prefixes):
    sources = [ipaddress.ip_network(prefix) for prefix in prefixes]
    return {"nat": nat_rules(CHAIN, sources, "MASQUERADE"), "filter": forward_rules(CHAIN, sources)}


ONE = rules("fd00:1::/64")


def table(lines, name="nat"):
    return {**FOREIGN, name: FOREIGN[name] + lines}


@pytest.mark.parametrize(
    "found",
    [
        {},
        FOREIGN,
        table([DECLARED]),
        table([DECLARED, JUMP["nat"]]),
        table([DECLARED, *ONE["nat"]]),
        table([DECLARED, JUMP["nat"], *ONE["nat"], ONE["nat"][1]]),
        table([DECLARED, JUMP["nat"], *reversed(ONE["nat"])]),
        table([DECLARED, JUMP["nat"], JUMP["nat"], *rules("fd00:2::/64")["nat"]]),
        table([DECLARED, JUMP["filter"], "-A FORWARD -j ufw6-before-forward", *ONE["filter"]], "filter"),
    ],
)
def test_whatever_is_found_ends_in_the_rules_wanted(found):
    netfilter = FakeNetfilter(found)
    others = foreign(netfilter.save())
    predicted = owned(applied(found, CHAIN, ONE), CHAIN)
    netfilter.restore(plan(found, CHAIN, ONE))
    saved = netfilter.save()
    assert owned(saved, CHAIN) == predicted
    assert predicted == [
        *("*filter", DECLARED, JUMP["filter"], *ONE["filter"], "COMMIT"),
        *("*nat", DECLARED, JUMP["nat"], *ONE["nat"], "COMMIT"),
    ]
    assert foreign(saved) == others
    assert plan(saved, CHAIN, ONE) == []


def foreign(saved):
    lines = {name: [line for line in saved[name] if line not in owned(saved, CHAIN)] for name in saved}
    return {name: lines[name] for name in lines if lines[name]}


def test_absent_leaves_what_was_there_before():
    netfilter = FakeNetfilter(FOREIGN)
    netfilter.restore(plan(netfilter.save(), CHAIN, ONE))
    netfilter.restore(plan(netfilter.save(), CHAIN, {}))
    assert netfilter.save() == FOREIGN
    assert plan(FOREIGN, CHAIN, {}) == []


def test_the_jump_goes_behind_the_rules_of_others_but_not_behind_another_set_of_ours():
    saved = applied(applied(FOREIGN, CHAIN, ONE), "V6OPS-other", {"nat": ["-A V6OPS-other -j RETURN"]})
    assert plan(saved, CHAIN, ONE) == []
    saved["filter"].append("-A FORWARD -j ufw6-before-forward")
    assert plan(saved, CHAIN, ONE) == ["*filter", f"-D {JUMP['filter'][3:]}", JUMP["filter"], "COMMIT"]


def test_open_takes_the_rules_of_forward_away():
    saved = applied(FOREIGN, CHAIN, ONE)
    assert applied(saved, CHAIN, {"nat": ONE["nat"]})["filter"] == FOREIGN["filter"]
    netfilter = FakeNetfilter(saved)
    netfilter.restore(plan(saved, CHAIN, {"nat": ONE["nat"]}))
    assert netfilter.save()["filter"] == FOREIGN["filter"]


@pytest.mark.parametrize("reference", [f"-A POSTROUTING -s fd00:9::/64 -j {CHAIN}", f"-A MINE -g {CHAIN}"])
def test_a_rule_of_others_that_leads_to_our_chain_is_told_and_left_alone(reference):
    saved = applied(table([reference]), CHAIN, ONE)
    assert foreign_references(saved, CHAIN) == [reference]
    netfilter = FakeNetfilter(saved)
    netfilter.restore(plan(saved, CHAIN, rules("fd00:2::/64")))
    assert reference in netfilter.save()["nat"]


def test_another_set_is_foreign():
    others = applied(FOREIGN, "V6OPS-docker-2", {"nat": ["-A V6OPS-docker-2 -j RETURN"]})
    assert owned(others, CHAIN) == []
    assert foreign_references(others, CHAIN) == []


def test_a_table_is_vacant_when_nothing_is_left_that_does_anything():
    assert vacant({"nat": [":POSTROUTING ACCEPT [0:0]"], "filter": [":FORWARD DROP [0:0]"]}) == ["nat"]
    assert vacant(FOREIGN) == []
    assert vacant({"nat": [":MINE - [0:0]"]}) == []


def test_saved_rules_are_read_without_counters():
    text = "# Generated\n*nat\n:POSTROUTING ACCEPT [3:240]\n-A POSTROUTING -j MASQUERADE\nCOMMIT\n# Completed\n"
    assert parse_saved(text) == {"nat": [":POSTROUTING ACCEPT [0:0]", "-A POSTROUTING -j MASQUERADE"]}


def test_a_table_that_only_nft_understands_is_not_taken_for_an_empty_one():
    with pytest.raises(Refusal, match="Cannot read the IPv6 packet filter: Table `nat' is incompatible"):
        parse_saved("# Table `nat' is incompatible, use 'nft' tool.\n")
    assert parse_saved("# Table `mangle' is incompatible, use 'nft' tool.\n") == {}


@pytest.mark.parametrize("name", ["", "a b", "x" * 21, "a.b", "$"])
def test_a_name_that_no_chain_can_have_is_refused(name):
    with pytest.raises(Refusal, match="Cannot name a set of rules"):
        chain_of(name)
    assert len(chain_of("x" * 20)) <= 28


def test_counters():
    text = """\
*filter
:FORWARD DROP [7:560]
:DOCKER - [0:0]
[3:120] -A FORWARD -j DROP
[4:160] -A FORWARD -j DROP
COMMIT
"""
    assert parse_counters(text) == {
        ("filter", ":FORWARD DROP"): 7,
        ("filter", ":DOCKER -"): 0,
        ("filter", "-A FORWARD -j DROP"): 7,
    }
