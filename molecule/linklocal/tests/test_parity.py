"""Over IPv6 as over IPv4: proven by a neighbour, and gone without a trace. Last, as a reboot is among it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from common import wait_until

testinfra_hosts = ["ansible://bullseye", "ansible://trixie", "ansible://forky"]
SNAPSHOT = (Path(__file__).parent / "snapshot.sh").read_text()
UNITS_ACTIVE = "systemctl is-active lab-server.service lab-firewall.service v6ops-linklocal-parity.service"


@pytest.fixture(name="parity")
def _parity(run_module):
    def parity(*ports, **options):
        result = run_module("linklocal_parity", ports=list(ports), **options)
        assert not result["failed"], result
        return result

    yield parity
    parity(state="absent")


@pytest.fixture(name="rule")
def _rule(host):
    """A function that adds a rule to INPUT, as an administrator does."""
    added = []

    def add(program, rule):
        host.check_output(f"{program} -I INPUT {rule}")
        added.append(f"{program} -D INPUT {rule}")

    yield add
    for command in reversed(added):
        host.check_output(command)


@pytest.fixture(name="findings")
def _findings(run_module):
    return lambda: {one["name"] for one in run_module("linklocal_probe", exposure=True)["exposure"]["findings"]}


def snapshot(host):
    return host.check_output("sh -c %s", SNAPSHOT)


def test_there_and_back(host, parity, connect, ping):
    before = snapshot(host)
    assert connect(8080) == "open"
    predicted = parity("8080", "8022", check=True)
    assert snapshot(host) == before
    applied = parity("8080", "8022")
    assert {key: applied[key] for key in ("changed", "after", "commands", "diff")} == {
        key: predicted[key] for key in ("changed", "after", "commands", "diff")
    }
    assert applied["changed"]
    assert {one["port"]: one["rule"] for one in applied["ports"]} == {8080: "DROP", 8022: None}
    assert (connect(8080), connect(8022), ping()) == ("silent", "open", "answers")
    assert not parity("8080", "8022")["changed"]
    assert parity(state="absent")["changed"]
    assert snapshot(host) == before
    assert connect(8080) == "open"
    assert not parity(state="absent")["changed"]


def test_a_rule_that_accepts_comes_after_ours(parity, rule, connect):
    parity("8080")
    rule("ip6tables", "-p tcp --dport 8080 -j ACCEPT")
    assert connect(8080) == "open"
    assert parity("8080")["changed"]
    assert connect(8080) == "silent"


def test_what_ipv4_accepts_is_opened_on_the_link(parity, rule, connect):
    rule("ip6tables", "-p tcp --dport 8022 -j DROP")
    assert connect(8022) == "silent"
    (port,) = parity("8022")["ports"]
    assert port["rule"] == "ACCEPT"
    assert connect(8022) == "open"
    assert not parity("8022")["changed"]


def test_what_is_not_sure_is_left_alone_and_named(parity, rule, connect):
    rule("iptables", "-p tcp --dport 8080 -m statistic --mode random --probability 0.5 -j ACCEPT")
    result = parity("8080")
    assert [one["rule"] for one in result["ports"]] == [None]
    assert "Left tcp/8080 on eth0 alone: what IPv4 decides is not sure" in str(result["warnings"])
    assert connect(8080) == "open"


def test_neighbour_discovery_is_kept_alive(parity, rule, ping, findings):
    rule("ip6tables", "-p ipv6-icmp -j DROP")
    assert "nd_dropped" in findings()
    assert ping() == "silent"
    parity("8080")
    assert ping() == "answers"
    assert "nd_dropped" not in findings()


def test_the_role(play, connect):
    wanted = {"linklocal_parity_ports": [8080], "linklocal_firewall_parity": "apply"}
    assert (play(**wanted), play(**wanted)) == (1, 0)
    assert connect(8080) == "silent"
    assert (play(linklocal_state="absent"), play(linklocal_state="absent")) == (1, 0)
    assert connect(8080) == "open"


def test_a_reboot(host, name, parity, connect, ping):
    parity("8080")
    subprocess.run(["docker", "restart", f"{os.environ.get('LAB', 'v6ops-lab')}-{name}"], check=True)
    wait_until(lambda: host.run(UNITS_ACTIVE).rc == 0, 60)
    wait_until(lambda: connect(8022) == "open", 20)
    assert (connect(8080), ping()) == ("silent", "answers")
    wait_until(lambda: host.run("systemctl is-active docker.service").rc == 0, 60)
    assert not parity("8080")["changed"]
