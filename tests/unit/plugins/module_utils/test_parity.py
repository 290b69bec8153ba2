from __future__ import annotations

import pytest

from ansible_collections.v6ops.docker.plugins.module_utils import _parity
from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal
from ansible_collections.v6ops.docker.plugins.module_utils._links import Link
from ansible_collections.v6ops.docker.plugins.module_utils._netfilter import applied, chain_of, plan
from ansible_collections.v6ops.docker.plugins.module_utils._parity import (
    CHAIN,
    HOOKS,
    Port,
    judged,
    own_connection,
    parse_ports,
    refuse_own_connection,
    rules,
)
from ansible_collections.v6ops.docker.plugins.module_utils._verdict import Verdict

ETH0 = Link("eth0", [], [], False, False)


def port(rule, number=80, protocol="tcp"):
    return Port(protocol, number, "eth0", rule, Verdict("drop", "r", True), Verdict("accept", None, False))


class FakeAudit:
    def __init__(self, ipv4, link_local, on_link):
        self.verdicts = {"ipv4": ipv4, "link_local": link_local, "on_link": on_link}

    def verdict(self, protocol, number, link, way):
        assert (protocol, number, link) == ("tcp", 80, ETH0)
        return Verdict(self.verdicts[way], "a rule", True)


@pytest.mark.parametrize(
    ("ipv4", "link_local", "on_link", "rule"),
    [
        ("drop", "accept", "accept", "DROP"),
        ("drop", "unknown", "unknown", "DROP"),
        ("drop", "drop", "accept", "DROP"),
        ("drop", "drop", "drop", None),
        ("accept", "drop", "drop", "ACCEPT"),
        ("accept", "accept", "accept", None),
        ("accept", "unknown", "unknown", None),
        ("unknown", "accept", "accept", None),
        ("unknown", "drop", "drop", None),
    ],
)
def test_what_is_sure_is_mirrored(ipv4, link_local, on_link, rule):
    assert judged(FakeAudit(ipv4, link_local, on_link), "tcp", 80, ETH0).rule == rule


def test_ports_are_sorted_and_each_there_once():
    assert parse_ports(["udp/53", "tcp/22", " 22", "80"]) == [("tcp", 22), ("tcp", 80), ("udp", 53)]


@pytest.mark.parametrize("text", ["", "0", "65536", "ssh", "sctp/22", "22/tcp", "-1", "1-3", "٢٢"])
def test_what_is_no_port_is_refused(text):
    with pytest.raises(Refusal, match=r"it is no port\. Write 22, tcp/22 or udp/53\.$"):
        parse_ports([text])


def test_icmpv6_and_open_connections_come_before_what_is_closed():
    lines = rules([port("DROP", 80), port("ACCEPT", 22), port(None, 443), port("DROP", 53, "udp")])
    targets = [line.rpartition(" ")[2] for line in lines]
    assert [line.split(" -m comment")[0].partition(f"-A {CHAIN} ")[2] for line in lines[-4:]] == [
        "-s fe80::/10 -i eth0 -p tcp -m tcp --dport 22",
        "-m conntrack --ctstate RELATED,ESTABLISHED",
        "-i eth0 -p tcp -m tcp --dport 80",
        "-i eth0 -p udp -m udp --dport 53",
    ]
    assert targets[-4:] == ["ACCEPT", "RETURN", "DROP", "DROP"]
    assert set(targets[:-4]) == {"ACCEPT"}
    for needed in (1, 2, 3, 4, 128, 129, 130, 131, 132, 133, 134, 135, 136, 143):
        assert any(f"--icmpv6-type {needed} " in line for line in lines)
    assert not any("--icmpv6-type 137 " in line for line in lines)


def test_the_chain_fits_the_kernel_and_is_no_set_of_nat_rules():
    assert len(CHAIN) <= 28
    with pytest.raises(Refusal):
        chain_of(CHAIN.partition("-")[2])


def test_the_jump_is_first_and_stays_the_only_one():
    wanted = {"filter": rules([port("DROP")])}
    jump = f"INPUT -m comment --comment {CHAIN} -j {CHAIN}"
    saved = {"filter": [":INPUT ACCEPT [0:0]", "-A INPUT -j ACCEPT"]}
    assert plan(saved, CHAIN, wanted, HOOKS)[:3] == ["*filter", f":{CHAIN} - [0:0]", f"-I {jump}"]
    after = applied(saved, CHAIN, wanted, HOOKS)
    assert after["filter"].index(f"-A {jump}") < after["filter"].index("-A INPUT -j ACCEPT")
    assert plan(after, CHAIN, wanted, HOOKS) == []
    overtaken = {"filter": [*after["filter"][:2], "-A INPUT -i wg0 -j ACCEPT", *after["filter"][2:]]}
    assert plan(overtaken, CHAIN, wanted, HOOKS) == ["*filter", f"-D {jump}", f"-I {jump}", "COMMIT"]
    assert plan(after, CHAIN, {}, HOOKS) == ["*filter", f"-D {jump}", f"-F {CHAIN}", f"-X {CHAIN}", "COMMIT"]


@pytest.mark.parametrize(
    "connection",
    [
        None,
        "192.0.2.1 50000 192.0.2.2 80",
        "fe80::1%eth0 50000 fe80::2%eth0 22",
    ],
)
def test_other_connections_are_no_obstacle(connection):
    refuse_own_connection([port("DROP", 80), port("ACCEPT", 22), port("DROP", 22, "udp")], connection)


def test_the_own_connection_is_never_closed():
    with pytest.raises(
        Refusal, match=r"^Cannot close tcp/80 over IPv6 as over IPv4: by it Ansible comes from fe80::1%e"
    ):
        refuse_own_connection([port("DROP", 80)], "fe80::1%eth0 50000 fe80::2%eth0 80")


def test_the_own_connection_is_found_beyond_sudo(monkeypatch):
    files = {
        "/proc/9/environ": "HOME=/root\0SUDO_UID=1\0",
        "/proc/9/status": "Name:\tpython3\nPPid:\t8\n",
        "/proc/8/environ": "A=b\0SSH_CONNECTION=2001:db8::1 5 2001:db8::2 22\0",
    }
    monkeypatch.setattr(_parity.os, "getpid", lambda: 9)
    monkeypatch.setattr(_parity, "read_text", files.get)
    assert own_connection() == "2001:db8::1 5 2001:db8::2 22"
    files["/proc/8/environ"] = None
    assert own_connection() is None
