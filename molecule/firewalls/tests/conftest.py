from __future__ import annotations

import pytest
from common import wait_until


def rules(host):
    return [line for line in host.check_output("ip6tables-save").splitlines() if "V6OPS" in line]


def start_firewalld(host):
    """Start it and wait until it answers: forky's is "started" before (Type=simple)."""
    host.check_output("systemctl start firewalld")
    wait_until(lambda: host.run("firewall-cmd --state").rc == 0, 30)


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
