from __future__ import annotations

import ipaddress

import pytest

from ansible_collections.v6ops.docker.plugins.module_utils._exposure import Audit, reachable, unfiltered, weaker
from ansible_collections.v6ops.docker.plugins.module_utils._iptables_rules import read
from ansible_collections.v6ops.docker.plugins.module_utils._links import Host, Link
from ansible_collections.v6ops.docker.plugins.module_utils._sockets import Socket
from ansible_collections.v6ops.docker.plugins.module_utils._verdict import Filter


def interfaces(*texts):
    return [ipaddress.ip_interface(text) for text in texts]


HOST = Host(
    {
        "lo": interfaces("127.0.0.1/8", "::1/128"),
        "eth0": interfaces("10.0.0.1/24", "fe80::1/64", "fd00::1/64"),
        "docker0": interfaces("172.17.0.1/16", "fd17::1/64"),
    }
)
ETH0 = Link("eth0", HOST.addresses["eth0"], [], False, False)
BARE = Link("eth1", interfaces("fe80::5/64"), [], False, False)


def listener(address, families, device=None, port=22, protocol="tcp"):
    return Socket(protocol, ipaddress.ip_address(address), port, device, families, 0, "sshd", 1, "ssh.service")


@pytest.mark.parametrize(
    ("one", "link", "ways"),
    [
        (listener("::", (4, 6)), ETH0, {"link_local", "on_link", "ipv4"}),
        (listener("::", (6,)), ETH0, {"link_local", "on_link"}),
        (listener("::", (4, 6)), BARE, {"link_local"}),
        (listener("0.0.0.0", (4,)), ETH0, {"ipv4"}),
        (listener("fe80::1", (6,), "eth0"), ETH0, {"link_local"}),
        (listener("fe80::1", (6,), "eth0"), BARE, set()),
        (listener("fd00::1", (6,)), ETH0, {"on_link"}),
        (listener("fd17::1", (6,)), ETH0, {"on_link"}),
        (listener("::1", (6,)), ETH0, set()),
        (listener("127.0.0.1", (4,)), ETH0, set()),
        (listener("::", (4, 6), "docker0"), ETH0, set()),
        (listener("ff02::fb", (6,)), ETH0, {"link_local"}),
    ],
)
def test_reachable(one, link, ways):
    assert {way for way, open_to in reachable(one, link, HOST).items() if open_to} == ways


def table(policy, *rules):
    return "\n".join(["*filter", f":INPUT {policy} [0:0]", *rules, "COMMIT"])


EVERYWHERE = listener("::", (4, 6))


def entry(v4, v6, one=EVERYWHERE):
    chains = read(v4, "iptables-save", "ip") + read(v6, "ip6tables-save", "ip6")
    return Audit(HOST, Filter(chains, HOST)).socket(one, ETH0)


SSH = "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT"


def test_weaker_is_dropped_by_ipv4_and_open_to_ipv6():
    (finding,) = weaker(entry(table("DROP"), ""))
    assert finding["name"] == "v6_weaker"
    assert finding["sentence"].startswith(
        "tcp/22 (sshd) on eth0 is dropped over IPv4, by 'policy drop of iptables-save"
    )
    assert not weaker(entry(table("DROP"), table("DROP")))
    assert not weaker(entry(table("ACCEPT"), ""))
    assert not weaker(entry(table("DROP"), table("DROP", "-A INPUT -m time --timestart 1:00 -j ACCEPT")))
    assert not weaker(entry(table("DROP"), "", listener("::", (6,), port=546, protocol="udp")))


def test_more_open_of_two_ways_counts():
    only_neighbours = table("DROP", f"-A INPUT -s fe80::/10 {SSH[9:]}")
    (found,) = entry(table("DROP"), only_neighbours)
    assert found["verdicts"]["ipv6"]["verdict"] == "accept"
    (bound,) = entry(table("DROP"), only_neighbours, listener("fd00::1", (6,)))
    assert bound["verdicts"]["ipv6"]["verdict"] == "drop"


def test_open_is_where_no_rule_decides():
    (finding,) = unfiltered(entry("", ""))
    assert "there are no rules at all" in finding["sentence"]
    assert "IPv4 is as open: equal is not safe." in finding["sentence"]
    assert "IPv4 is as open" not in unfiltered(entry(table("DROP"), ""))[0]["sentence"]
    assert unfiltered(entry("", table("ACCEPT", "-A INPUT -p tcp -m tcp --dport 23 -j DROP")))
    assert not unfiltered(entry("", table("ACCEPT", SSH)))
    assert not unfiltered(entry("", table("DROP")))
    assert not unfiltered(entry("", "", listener("0.0.0.0", (4,))))
