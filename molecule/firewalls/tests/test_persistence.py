"""Our rules are there again within seconds of whatever flushes them, without a play."""

from __future__ import annotations

import os
import subprocess
import time

import pytest

testinfra_hosts = ["ansible://bullseye", "ansible://trixie", "ansible://forky"]
SECONDS = 5
INTERNET = "2001:db8:dead::1"


def wait_until(condition, seconds):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def rules(host):
    return [line for line in host.check_output("ip6tables-save").splitlines() if "V6OPS" in line]


@pytest.fixture(name="expected", scope="module")
def _expected(host):
    expected = rules(host)
    assert len(expected) == 14
    return expected


@pytest.fixture(name="quiet", autouse=True)
def _quiet(host):
    yield
    host.check_output("ufw disable; systemctl stop firewalld; systemctl disable nftables")
    host.check_output("sed -i 's/^FirewallBackend=.*/FirewallBackend=nftables/' /etc/firewalld/firewalld.conf")
    host.check_output("systemctl reset-failed docker; systemctl restart docker")


@pytest.mark.parametrize(
    "events",
    [
        ["systemctl start nftables", "systemctl restart nftables", "systemctl reload nftables"],
        ["systemctl restart docker"],
        [
            "systemctl start firewalld",
            "firewall-cmd --reload",
            "systemctl restart firewalld",
            "systemctl stop firewalld",
        ],
        [
            "sed -i s/=nftables/=iptables/ /etc/firewalld/firewalld.conf; systemctl start firewalld",
            "firewall-cmd --reload",
            "systemctl stop firewalld",
        ],
        ["ufw --force enable", "ufw reload", "systemctl restart ufw", "ufw disable"],
    ],
    ids=["nftables", "docker", "firewalld", "firewalld with iptables", "ufw"],
)
def test_rules_are_there_again(host, expected, events):
    for event in events:
        host.check_output(event)
        wait_until(lambda: rules(host) == expected, SECONDS)


def test_nftables_really_flushes(host, expected):
    """Else the test before proves nothing."""
    host.check_output(
        "systemctl stop v6ops-natflush-docker.path; systemctl mask --runtime v6ops-natflush-docker.service"
    )
    host.check_output("systemctl stop nftables; systemctl start nftables")
    lost = rules(host)
    host.check_output(
        "systemctl unmask --runtime v6ops-natflush-docker.service; systemctl start v6ops-natflush-docker.path"
    )
    host.check_output("systemctl restart v6ops-nat-docker")
    assert lost == []
    assert rules(host) == expected


@pytest.mark.parametrize("firewall", ["nothing", "nftables", "firewalld", "ufw"])
def test_rules_are_there_after_a_reboot(host, name, expected, firewall, ping_from_container):
    if firewall == "ufw":
        host.check_output("systemctl enable ufw")
        host.check_output("ufw --force enable")
    elif firewall != "nothing":
        host.check_output(f"systemctl enable {firewall}")
    subprocess.run(["docker", "restart", f"{os.environ.get('LAB', 'v6ops-lab')}-{name}"], check=True)
    wait_until(lambda: host.run("systemctl is-active docker.service").rc == 0, 60)
    wait_until(lambda: rules(host) == expected, SECONDS)
    wait_until(lambda: "proto ra" in host.check_output("ip -6 route show default"), 20)
    wait_until(lambda: ping_from_container(INTERNET).rc == 0, 30)
    host.check_output("systemctl disable firewalld nftables ufw")
