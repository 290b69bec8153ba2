from __future__ import annotations

import copy

import pytest
from packet_filter import FakeModule, FakeNetfilter, FakeSystemd

from ansible_collections.v6ops.docker.plugins.module_utils import _owned_rules
from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal
from ansible_collections.v6ops.docker.plugins.module_utils._netfilter import jump
from ansible_collections.v6ops.docker.plugins.module_utils._owned_rules import RuleSet
from ansible_collections.v6ops.docker.plugins.module_utils._persistence import nat_persistence

CHAIN = "V6OPS-docker"
BY_DOCKERD = "-A POSTROUTING -s fd00:1::/64 ! -o docker0 -j MASQUERADE"
OPEN = {"filter": [":FORWARD ACCEPT [0:0]"], "nat": [":POSTROUTING ACCEPT [0:0]", BY_DOCKERD]}
RULES = {"nat": [f"-A {CHAIN} -s fd00:1::/64 -j MASQUERADE"], "filter": [f"-A {CHAIN} -d fd00:1::/64 -j DROP"]}
OTHERS = {"nat": [f"-A {CHAIN} -s fd00:2::/64 -j MASQUERADE"]}


@pytest.fixture(name="netfilter")
def _netfilter(monkeypatch):
    netfilter = FakeNetfilter(OPEN)
    monkeypatch.setattr(_owned_rules, "Netfilter", lambda module, backend, hooks: netfilter)
    monkeypatch.setattr(_owned_rules.time, "sleep", lambda seconds: None)
    return netfilter


@pytest.fixture(name="systemd")
def _systemd(monkeypatch):
    systemd = FakeSystemd()
    monkeypatch.setattr(_owned_rules, "Systemd", lambda module: systemd)
    return systemd


@pytest.fixture(name="rule_set")
def _rule_set(netfilter, systemd):
    """A function that returns a set of rules in the same packet filter."""
    return lambda wanted, module=None: RuleSet(module or FakeModule(), CHAIN, wanted, nat_persistence("docker"))


def flush(netfilter):
    """As firewalld does where it starts."""
    netfilter.__init__(OPEN)


def append(netfilter):
    """As dockerd does."""
    netfilter.rules["nat"].append(BY_DOCKERD)


def hooked(netfilter):
    return [rule for rule in netfilter.save()["nat"] if rule.startswith("-A POSTROUTING ")]


@pytest.mark.parametrize(
    "meanwhile", [[flush], [None, append], [flush, append], [flush, append, None, append], [None, flush, append]]
)
def test_rules_go_in_though_others_change_theirs_at_the_same_time(netfilter, rule_set, meanwhile):
    rule_set(RULES).carry_out()
    append(netfilter)
    again = rule_set(RULES)
    netfilter.meanwhile = list(meanwhile)
    again.carry_out()
    assert netfilter.meanwhile == []
    assert hooked(netfilter)[-1] == jump("nat", CHAIN)
    assert again.after == netfilter.save()
    assert not rule_set(RULES).changed


def test_who_never_rests_is_told(netfilter, rule_set):
    rules = rule_set(RULES)
    netfilter.meanwhile = [append] * 100
    with pytest.raises(Refusal, match=r"^Cannot prove the rules of V6OPS-docker"):
        rules.carry_out()
    assert netfilter.meanwhile


def test_rules_that_the_kernel_refuses_leave_those_found(netfilter, rule_set):
    def refuse(chains, rules, line):
        if line == RULES["filter"][0]:
            raise Refusal("Cannot change the IPv6 packet filter: no conntrack.", "")
        FakeNetfilter._execute(netfilter, chains, rules, line)

    rule_set(OTHERS).carry_out()
    before = netfilter.save()
    netfilter._execute = refuse
    refused = rule_set(RULES)
    with pytest.raises(Refusal, match="no conntrack"):
        refused.carry_out()
    assert netfilter.save() == before
    assert not refused.result()["changed"]


@pytest.mark.parametrize("found", [{}, OTHERS])
def test_undone_there_is_what_was_found(netfilter, systemd, rule_set, found):
    if found:
        rule_set(found).carry_out()
    before = netfilter.save(), copy.copy(systemd.files)
    rules = rule_set(RULES)
    rules.carry_out()
    assert (netfilter.save(), systemd.files) != before
    rules.undo()
    assert (netfilter.save(), systemd.files) == before


def test_what_was_not_carried_out_is_not_told_but_in_check_mode(netfilter, rule_set):
    assert not rule_set(RULES).result()["changed"]
    predicted = rule_set(RULES, FakeModule(check_mode=True)).result()
    real = rule_set(RULES)
    real.carry_out()
    assert predicted["changed"]
    assert real.result() == predicted
