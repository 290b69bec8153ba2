from __future__ import annotations

import ipaddress

import pytest

from ansible_collections.v6ops.docker.plugins.module_utils._netfilter import masquerade_rules, owned, plan

CHAIN, HOOK = "V6OPS-docker", "POSTROUTING"
JUMP = f"-A {HOOK} -m comment --comment {CHAIN} -j {CHAIN}"
FOREIGN = [
    ":POSTROUTING ACCEPT [3:240]",
    "-A POSTROUTING -s fd00:1::/64 ! -o docker0 -j MASQUERADE",
    "-A POSTROUTING -s fd00:1::/64 -m comment --comment V6OPS-docker -j MASQUERADE",
]


class FakeTable:
    """The nat table as ip6tables-restore --noflush changes it and ip6tables-save prints it."""

    def __init__(self, lines):
        self.chains = {line.split()[0][1:]: line for line in lines if line.startswith(":")}
        self.rules = [line for line in lines if line.startswith("-A ")]

    def save(self):
        return [*self.chains.values(), *sorted(self.rules, key=lambda rule: list(self.chains).index(rule.split()[1]))]

    def restore(self, lines):
        for line in lines:
            command, chain = (":", line.split()[0][1:]) if line.startswith(":") else line.split()[:2]
            if command == ":":
                self.chains[chain] = line
                self.rules = [rule for rule in self.rules if not rule.startswith(f"-A {chain} ")]
            elif command == "-A":
                assert chain in self.chains
                self.rules.append(line)
            elif command == "-D":
                self.rules.remove("-A" + line[2:])
            elif command == "-F":
                self.rules = [rule for rule in self.rules if not rule.startswith(f"-A {chain} ")]
            elif command == "-X":
                assert not any(rule.endswith(f"-j {chain}") or rule.startswith(f"-A {chain} ") for rule in self.rules)
                del self.chains[chain]
        return self.save()


def rules(*prefixes):
    return masquerade_rules(CHAIN, [ipaddress.ip_network(prefix) for prefix in prefixes])


def foreign(saved):
    return [line for line in saved if line not in owned(saved, CHAIN, HOOK)]


ONE = rules("fd00:1::/64")


@pytest.mark.parametrize(
    "found",
    [
        [],
        [f":{CHAIN} - [0:0]"],
        [f":{CHAIN} - [0:0]", JUMP],
        [f":{CHAIN} - [0:0]", *ONE],
        [f":{CHAIN} - [0:0]", JUMP, *ONE, ONE[1]],
        [f":{CHAIN} - [0:0]", JUMP, *reversed(ONE)],
        [f":{CHAIN} - [0:0]", JUMP, JUMP, *rules("fd00:2::/64")],
    ],
)
def test_whatever_is_found_ends_in_the_rules_wanted(found):
    table = FakeTable(FOREIGN + found)
    before = foreign(table.save())
    saved = table.restore(plan(table.save(), CHAIN, HOOK, ONE))
    assert owned(saved, CHAIN, HOOK) == [f":{CHAIN} - [0:0]", JUMP, *ONE]
    assert foreign(saved) == before
    assert plan(saved, CHAIN, HOOK, ONE) == []


def test_absent_leaves_what_was_there_before():
    table = FakeTable(FOREIGN)
    table.restore(plan(table.save(), CHAIN, HOOK, ONE))
    assert table.restore(plan(table.save(), CHAIN, HOOK, [])) == FOREIGN
    assert plan(FOREIGN, CHAIN, HOOK, []) == []


def test_a_jump_of_somebody_else_to_our_chain_is_left_alone():
    jump = f"-A {HOOK} -s fd00:9::/64 -j {CHAIN}"
    table = FakeTable([*FOREIGN, f":{CHAIN} - [0:0]", jump])
    assert jump in table.restore(plan(table.save(), CHAIN, HOOK, ONE))


def test_another_set_is_foreign():
    others = [line.replace("docker", "docker-2") for line in [f":{CHAIN} - [0:0]", JUMP, *ONE]]
    assert owned(others, CHAIN, HOOK) == []


def test_traffic_among_the_prefixes_is_left_alone_before_anything_is_masqueraded():
    targets = [rule.rsplit(" ", 1)[1] for rule in rules("fd00:1::/64", "fd00:2::/64")]
    assert targets == ["RETURN", "RETURN", "MASQUERADE", "MASQUERADE"]
