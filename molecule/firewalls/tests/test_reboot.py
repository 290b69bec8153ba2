"""Our rules are there after a reboot, whatever other firewall is started meanwhile."""

from __future__ import annotations

import os
import subprocess

import pytest
from conftest import rules, wait_until

testinfra_hosts = ["ansible://bullseye", "ansible://trixie", "ansible://forky"]
SECONDS = 5
INTERNET = "2001:db8:dead::1"


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
