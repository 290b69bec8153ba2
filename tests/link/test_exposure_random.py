"""Verdicts on rules that nobody would write, against probes: what is understood must be understood in every order."""

from __future__ import annotations

import os
import random

import pytest
from exposure_bed import MORE_PATIENCE, PORTS, bed

from ansible_collections.v6ops.docker.plugins.module_utils._exposure import WAYS

# More of them by hand: SEEDS=500 pytest tests/link/test_exposure_random.py
SEEDS = range(int(os.environ.get("SEEDS", "12")))
WANTED = [(way, protocol, port) for way in WAYS for protocol, port in PORTS]
TRANSPORT = (
    "tcp dport 22",
    "tcp dport != 80",
    "tcp dport { 22, 80-443 }",
    "tcp dport != { 80, 9000-9999 }",
    "udp dport < 547",
    "udp dport 53-600",
    "th dport 9999",
    "meta l4proto tcp",
    "meta l4proto != udp",
    "tcp flags syn",
    "tcp flags & (syn|ack) == syn",
    "tcp flags & (fin|rst) != 0",
    "",
)
MATCHES = (
    "",
    "meta nfproto ipv4",
    "meta nfproto != ipv4",
    "ip saddr 10.0.0.0/8",
    "ip saddr != 10.77.0.0/24",
    "ip daddr 10.77.0.1",
    "ip6 saddr fe80::/10",
    "ip6 saddr != fe80::/10",
    "ip6 daddr { fe80::1, fd77::1 }",
    "ip6 daddr != fd77::/64",
    'iifname "eth0"',
    'iifname != "e*"',
    "iif != lo",
    "ct state new",
    "ct state established,related",
    "ct state != new",
    "ct state { new, untracked }",
    "ct status dnat",
    "fib daddr type local",
    "fib daddr type != local",
    "fib saddr . iif oif missing",
    "meta pkttype host",
    "meta protocol ip6",
    "exthdr frag exists",
    "limit rate 1000/second",
    "meta mark 0",
)
ENDS = ("accept", "accept", "drop", "drop", "return", "jump one", "goto two", "continue", "reject", "counter")
OPTIONS = (
    "-p tcp --dport 22",
    "-p tcp ! --dport 80",
    "-p udp -m multiport --dports 53,9000:9999",
    "-p tcp -m multiport ! --dports 22,443",
    "-p udp",
    "! -p tcp",
    "-i eth0",
    "! -i eth+",
    "! -i lo",
    "-m conntrack --ctstate NEW",
    "-m conntrack ! --ctstate NEW",
    "-m conntrack --ctstate RELATED,ESTABLISHED",
    "-m state --state INVALID",
    "-m addrtype --dst-type LOCAL",
    "-m addrtype ! --dst-type LOCAL",
    "-p tcp --syn",
    "-p tcp ! --syn",
    "-m rpfilter",
    "-m rpfilter --invert",
    "-m limit --limit 1000/s",
    '-m comment --comment "x -j DROP"',
    "-m mark --mark 0",
    "-p tcp -m tcp --dport 1:1024 --sport 1:65535",
)
TARGETS = ("-j ACCEPT", "-j ACCEPT", "-j DROP", "-j DROP", "-j RETURN", "-j one", "-g two", "-j REJECT", "-j LOG", "")


def nft(chance):
    def rules(ends):
        lines = []
        for _count in range(chance.randint(1, 5)):
            lines.append(" ".join([chance.choice(MATCHES), chance.choice(TRANSPORT), chance.choice(ends)]))
        return "\n".join(lines)

    policy = chance.choice(("accept", "drop"))
    priority = chance.choice((-10, 0, 10))
    hook = chance.choice(("input", "input", "prerouting"))
    plain = tuple(end for end in ENDS if not end.startswith(("jump", "goto", "reject")))
    return f"""table inet r {{
chain two {{\n{rules(plain)}\n}}
chain one {{\n{rules((*plain, "goto two"))}\n}}
chain base {{\ntype filter hook {hook} priority {priority}; policy {policy};\nct state established accept
{rules(ENDS if hook == "input" else (*plain, "jump one", "goto two"))}\n}}
}}"""


def iptables(chance, family):
    def rules(chain, targets):
        for _count in range(chance.randint(1, 5)):
            options = chance.choice(OPTIONS)
            if "rpfilter" in options:
                continue
            yield f"-A {chain} {options} {chance.choice(targets)}"

    plain = tuple(target for target in TARGETS if target not in ("-j one", "-g two"))
    lines = [
        *("*filter", f":INPUT {chance.choice(('ACCEPT', 'DROP'))}", ":OUTPUT ACCEPT", ":one -", ":two -"),
        "-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT",
        *rules("INPUT", TARGETS),
        *rules("one", (*plain, "-g two")),
        *rules("two", plain),
        "COMMIT",
        *("*raw", ":PREROUTING ACCEPT"),
    ]
    if chance.random() < 0.3:
        lines.append(f"-A PREROUTING {chance.choice([one for one in OPTIONS if 'rpfilter' in one])} -j DROP")
    return (family, "\n".join([*lines, "COMMIT", ""]))


@pytest.mark.parametrize("seed", SEEDS)
def test_no_verdict_is_wrong(seed):
    chance = random.Random(seed)
    rules = [("nft", nft(chance))] if seed % 2 else []
    if not rules or chance.random() < 0.4:
        legacy = chance.random() < 0.4
        rules += [iptables(chance, "legacy4" if legacy else "ipv4"), iptables(chance, "legacy6" if legacy else "ipv6")]
    with bed() as ground:
        ground.load(rules)
        audit, _ruleset = ground.audit()
        verdicts = {what: audit.verdict(what[1], what[2], ground.link, what[0]) for what in WANTED}
        opened = ground.probe(WANTED)
        doubted = [what for what in WANTED if verdicts[what].verdict == "accept" and what not in opened]
        if doubted:
            opened |= ground.probe(doubted, MORE_PATIENCE)
    print([verdict.verdict for verdict in verdicts.values()].count("unknown"), "unknown of", len(verdicts))
    wrong = {
        what: verdict
        for what, verdict in verdicts.items()
        if verdict.verdict != "unknown" and (verdict.verdict == "accept") != (what in opened)
    }
    assert not wrong, rules
