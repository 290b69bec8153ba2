"""Containers get out and their ports stay closed beside firewalld and ufw, started before or after docker."""

from __future__ import annotations

import os
import subprocess

import pytest
from conftest import start_firewalld

testinfra_hosts = ["ansible://bullseye", "ansible://trixie", "ansible://forky"]
INTERNET = "2001:db8:dead::1"
OUT = """\
import socket
try:
    socket.create_connection(("2001:db8:dead::1", 9), 3)
except ConnectionRefusedError:
    print("refused")
"""
SERVER = "import socket, time; server = socket.create_server(('::', 80), family=socket.AF_INET6); time.sleep(3600)"
START = {"firewalld": start_firewalld, "ufw": lambda host: host.check_output("ufw --force enable")}


@pytest.fixture(name="firewall", params=["firewalld", "ufw"])
def _firewall(host, request):
    yield request.param
    host.check_output("ufw disable; systemctl stop firewalld")
    host.check_output("systemctl reset-failed docker; systemctl restart docker")


@pytest.fixture(name="closed")
def _closed(host, name, run_container):
    """A function that tells whether a neighbour, the router, fails to reach a port that is not published."""
    link_local = host.check_output("ip -6 -oneline address show dev eth0 scope link").split()[3].split("/")[0]
    router = ["docker", "exec", os.environ.get("LAB", "v6ops-lab") + "-router"]

    def closed():
        assert run_container("--detach --name hidden", SERVER).rc == 0
        address = host.check_output("docker inspect --format '{{.NetworkSettings.GlobalIPv6Address}}' hidden")
        open_here = ["timeout", "5", "bash", "-c", f"until (: </dev/tcp/{address}/80); do :; done"]
        subprocess.run([*router, "ip", "-6", "route", "replace", address, "via", link_local, "dev", "eth0"], check=True)
        try:
            subprocess.run(["docker", "exec", f"{router[2].removesuffix('router')}{name}", *open_here], check=True)
            return subprocess.run([*router, *open_here], check=False, capture_output=True).returncode != 0
        finally:
            subprocess.run([*router, "ip", "-6", "route", "delete", address], check=True)
            host.check_output("docker rm --force hidden")

    return closed


def test_started_before_docker(host, firewall, run_module, run_container, ping_from_container, closed):
    START[firewall](host)
    host.check_output("systemctl restart docker")
    result = run_module("ip6tables_nat")
    assert "firewalld" not in str(result.get("warnings", []))
    assert ping_from_container(INTERNET).rc == 0
    assert run_container("--rm", OUT).stdout == "refused\n"
    assert closed()


def test_started_after_docker(host, name, firewall, run_module, run_container, ping_from_container, closed):
    """firewalld rejects what it does not know: that is named, and so is the remedy."""
    START[firewall](host)
    result = run_module("ip6tables_nat")
    if firewall == "firewalld":
        zones = host.run("firewall-cmd --get-active-zones")
        assert "firewalld has docker0 in none of its zones" in str(result.get("warnings")), zones
        assert "Run 'systemctl restart docker'" in str(result["warnings"])
        assert run_container("--rm", OUT).stdout != "refused\n"
        # firewalld 0.9 lets pings out.
        if name != "bullseye":
            check = run_module("docker_ipv6_check", targets=[INTERNET])
            assert "firewalld has docker0 in none of its zones" in check["msg"]
        host.check_output("systemctl restart docker")
    assert ping_from_container(INTERNET).rc == 0
    assert run_container("--rm", OUT).stdout == "refused\n"
    assert closed()
