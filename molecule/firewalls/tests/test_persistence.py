"""Our rules are there again within seconds of whatever flushes them, without a play."""

from __future__ import annotations

import pytest
from common import wait_until
from conftest import rules

# The oldest and the newest of everything, where the rules are ours by default.
testinfra_hosts = ["ansible://bullseye", "ansible://trixie"]
SECONDS = 5


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
    host.check_output("systemctl stop v6ops-natflush-docker.path; systemctl disable v6ops-natflush-docker.service")
    host.check_output("systemctl stop nftables; systemctl start nftables")
    lost = rules(host)
    host.check_output("systemctl enable v6ops-natflush-docker.service; systemctl start v6ops-natflush-docker.path")
    host.check_output("systemctl restart v6ops-nat-docker")
    assert lost == []
    assert rules(host) == expected
