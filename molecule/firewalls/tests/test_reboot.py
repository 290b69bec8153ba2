"""Our rules are there after a reboot, whatever other firewall is started meanwhile."""

from __future__ import annotations

import os
import subprocess

import pytest
from common import wait_until
from conftest import rules

testinfra_hosts = ["ansible://bullseye", "ansible://trixie", "ansible://forky"]
SECONDS = 5
INTERNET = "2001:db8:dead::1"


@pytest.mark.parametrize("firewall", ["nothing", "nftables", "firewalld", "ufw"])
def test_rules_are_there_after_a_reboot(host, name, expected, firewall, run_module, ping_from_container):
    if firewall == "ufw":
        host.check_output("systemctl enable ufw")
        host.check_output("ufw --force enable")
    elif firewall != "nothing":
        host.check_output(f"systemctl enable {firewall}")
    subprocess.run(["docker", "restart", f"{os.environ.get('LAB', 'v6ops-lab')}-{name}"], check=True)
    wait_until(lambda: host.run("systemctl is-active docker.service").rc == 0, 60)
    wait_until(lambda: rules(host) == expected, SECONDS)
    wait_until(lambda: "proto ra" in host.check_output("ip -6 route show default"), 20)
    if firewall == "firewalld":
        wait_until(lambda: host.run("firewall-cmd --state").rc == 0, 30)
        if "docker0" not in host.check_output("firewall-cmd --get-active-zones"):
            # forky starts firewalld as Type=simple, so dockerd does not wait until it answers.
            assert name == "forky"
            check = run_module("docker_ipv6_check", targets=[INTERNET])
            assert "firewalld has docker0 in none of its zones" in check["msg"]
            host.check_output("systemctl restart docker")
    wait_until(lambda: ping_from_container(INTERNET).rc == 0, 30)
    host.check_output("systemctl disable firewalld nftables ufw")
