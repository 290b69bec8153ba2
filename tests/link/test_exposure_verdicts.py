"""Verdicts against a neighbour's probes, on rule sets as they are met on hosts: none is wrong, and few are unknown."""

from __future__ import annotations

import os
import shutil
from collections import Counter

import pytest
from exposure_bed import MORE_PATIENCE, PATIENCE, PORTS, bed
from exposure_rules import DISCOVERY, RULESETS, WITH_CONTAINER

from ansible_collections.v6ops.docker.plugins.module_utils._exposure import WAYS

CASES = [(name, rules, False) for name, rules in RULESETS.items()]
CASES += [(name, rules, True) for name, rules in WITH_CONTAINER.items()]
WANTED = [(way, protocol, port) for way in WAYS for protocol, port in PORTS]
# Of all verdicts; what a rule set asks beyond the packet, such as a limit, stays open.
MOST_UNKNOWN = 0.06
TALLY = {}


@pytest.fixture(scope="module", autouse=True)
def _programs():
    assert os.geteuid() == 0, "Cannot make network namespaces: they need root."
    missing = [name for name in ("ip", "nft", "iptables-legacy", "iptables-nft") if not shutil.which(name)]
    assert not missing, f"Cannot load rules: {', '.join(missing)} not found. Install iproute2, nftables and iptables."


@pytest.mark.parametrize(("name", "rules", "container"), CASES, ids=[case[0] for case in CASES])
def test_no_verdict_is_wrong(name, rules, container):
    with bed(container) as ground:
        ground.load(rules)
        audit, _ruleset = ground.audit()
        verdicts = {
            (way, protocol, port): audit.verdict(protocol, port, ground.link, way) for way, protocol, port in WANTED
        }
        opened = ground.probe(WANTED)
        doubted = [what for what in WANTED if verdicts[what].verdict == "accept" and what not in opened]
        if doubted:
            opened |= ground.probe(doubted, MORE_PATIENCE)
    wrong = {
        what: verdict
        for what, verdict in verdicts.items()
        if verdict.verdict != "unknown" and (verdict.verdict == "accept") != (what in opened)
    }
    TALLY[name] = Counter(verdict.verdict for verdict in verdicts.values())
    assert not wrong
    assert all(verdict.rule for verdict in verdicts.values() if verdict.verdict != "accept")


def test_few_are_unknown():
    assert len(TALLY) == len(CASES) >= 25
    total = sum(TALLY.values(), Counter())
    unknown = {name: tally["unknown"] for name, tally in TALLY.items() if tally["unknown"]}
    print(f"{len(TALLY)} rule sets, {dict(total)}, unknown: {unknown}")
    assert total["unknown"] <= MOST_UNKNOWN * sum(total.values()), unknown
    assert total["accept"] > 100
    assert total["drop"] > 100


@pytest.mark.parametrize(("name", "rules"), DISCOVERY.items(), ids=DISCOVERY)
def test_neighbour_discovery_is_as_it_is_told(name, rules):
    with bed() as ground:
        ground.load(rules)
        audit, _ruleset = ground.audit()
        verdicts = {what: verdict.verdict for what, verdict in audit.discovery(ground.link).items()}
        findings = audit.neighbour_discovery(ground.link)
        for one, other, messages in (
            ("neighbour", "host", ("neighbour solicitations in", "neighbour advertisements out")),
            ("host", "neighbour", ("neighbour solicitations out", "neighbour advertisements in")),
        ):
            told = {verdicts[message] for message in messages}
            works = ground.resolves(one, other, MORE_PATIENCE if told == {"accept"} else PATIENCE)
            assert works or told != {"accept"}
            assert not works or "drop" not in told
            assert name == "limited" or "unknown" not in told
    assert bool(findings) == ("drop" in verdicts.values())
