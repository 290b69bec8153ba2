from __future__ import annotations

import time

import pytest


def wait_until(condition, seconds):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, condition
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
