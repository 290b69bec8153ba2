"""The reason for NAT66: a container that runs has the internet, whatever becomes of the uplink, without a play."""

from __future__ import annotations

import os
import subprocess

import pytest
from common import wait_until
from conftest import address
from scripts import TUNNEL

# By our rule and by the engine's.
testinfra_hosts = ["ansible://trixie", "ansible://forky"]
INTERNET = "2001:db8:dead::1"
BEHIND_THE_TUNNEL = "2001:db8:dead:2::1"


@pytest.fixture(name="number", scope="module")
def _number(host):
    return int(ipv4(host).split(".")[3])


def ipv4(host):
    return host.check_output("ip -4 -oneline address show dev eth0").split()[3].split("/")[0]


def test_the_uplink_is_renumbered(host, number, roamer, ping, uplink):
    router = os.environ.get("LAB", "v6ops-lab") + "-router"
    subprocess.run(f"docker exec {router} ip -6 address replace 2001:db8:2::1/64 dev eth0 nodad".split(), check=True)
    assert ping(roamer, INTERNET)
    host.check_output("echo 0 > /proc/sys/net/ipv6/conf/eth0/accept_ra_pinfo")
    host.check_output(f"ip -6 address delete {uplink}/64 dev eth0")
    try:
        assert not ping(roamer, INTERNET, attempts=2)
        host.check_output(f"ip -6 address add 2001:db8:2::{number:x}/64 dev eth0 nodad")
        assert ping(roamer, INTERNET)
    finally:
        host.run(f"ip -6 address delete 2001:db8:2::{number:x}/64 dev eth0")
        host.check_output("echo 1 > /proc/sys/net/ipv6/conf/eth0/accept_ra_pinfo")
        wait_until(lambda: uplink in host.check_output("ip -6 -oneline address show dev eth0 scope global"))
    # A flow that begins while the address is tentative keeps the wrong one; the next has the right one.
    wait_until(lambda: ping(roamer, INTERNET), 15)


def tunnel(host, name, port, peer, peer_port, prefix, own):
    host.run("mkdir -p /dev/net; mknod /dev/net/tun c 10 200")
    host.check_output(f"systemd-run --unit lab-{name} /usr/bin/python3 -c %s {name} {port} {peer} {peer_port}", TUNNEL)
    wait_until(lambda: host.run(f"ip link set {name} up").rc == 0)
    host.check_output(f"echo 0 > /proc/sys/net/ipv6/conf/{name}/disable_ipv6")
    host.check_output(f"ip -6 address add {prefix}{own}/64 dev {name} nodad")


def test_the_default_route_moves_to_a_tun_device_and_back(host, neighbour, number, roamer, ping):
    here, there = ipv4(host), ipv4(neighbour)
    prefix, name = f"2001:db8:3:{number:x}::", f"vpn{number}"
    neighbour.run(f"ip -6 address add {BEHIND_THE_TUNNEL}/128 dev lo")
    assert ping(roamer, INTERNET)
    assert not ping(roamer, BEHIND_THE_TUNNEL, attempts=2)
    try:
        tunnel(neighbour, name, 5000 + number, here, 5000, prefix, 1)
        tunnel(host, "vpn", 5000, there, 5000 + number, prefix, 2)
        host.check_output("ip -6 route add default dev vpn metric 1")
        assert ping(roamer, BEHIND_THE_TUNNEL)
    finally:
        host.run("systemctl stop lab-vpn")
        neighbour.run(f"systemctl stop lab-{name}")
    assert ping(roamer, INTERNET)


def test_the_uplink_goes_down_and_comes_back(host, roamer, ping):
    default = host.check_output("ip -4 route show default")
    assert ping(roamer, INTERNET)
    host.check_output("ip link set eth0 down")
    assert not ping(roamer, INTERNET, attempts=2)
    host.check_output("ip link set eth0 up")
    host.check_output(f"ip -4 route replace {default}")
    wait_until(lambda: "proto ra" in host.check_output("ip -6 route show default"), 20)
    wait_until(lambda: ping(roamer, INTERNET), 20)
    assert address(host, "global")
