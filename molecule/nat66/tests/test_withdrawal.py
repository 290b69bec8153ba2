"""There and back: remove.yml gives the host back as it was, and neither it nor site.yml opens a container on the way.

Last, as it takes all away.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from common import CONNECT, wait_until
from conftest import INVENTORY, ROOT, subnet
from scripts import KNOCK

testinfra_hosts = ["ansible://bullseye", "ansible://trixie", "ansible://forky"]
INTERNET = "2001:db8:dead::1"
# Engines that let in whatever comes, if nobody else prevents it.
OPEN_ENGINES = {"bullseye", "trixie"}
SNAPSHOT = (Path(__file__).parent / "snapshot.sh").read_text()


@pytest.fixture(name="play")
def _play(name):
    """A function that runs a playbook on the host alone, and returns how many of its tasks changed something."""

    def play(playbook):
        command = ["ansible-playbook", "--inventory", str(INVENTORY), "--limit", name, f"playbooks/{playbook}"]
        done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
        assert done.returncode == 0, done.stdout + done.stderr
        return int(re.search(r"changed=(\d+)", done.stdout)[1])

    return play


@pytest.fixture(name="shop")
def _shop(host, neighbour, route, link_local):
    """A network that dockerd has given its subnet, with a route to it at the neighbour."""
    host.check_output("docker network create --ipv6 lab-shop")
    prefix = subnet(host, "lab-shop")
    neighbour.check_output(f"ip -6 route replace {prefix} via {link_local} dev eth0")
    yield "lab-shop"
    neighbour.check_output(f"ip -6 route delete {prefix}")


@pytest.fixture(name="knocking")
def _knocking(neighbour, name):
    """A function that has the neighbour knock at addresses, and returns one that tells which of them have answered."""
    unit = f"lab-knock-{name}"
    # As long as docker0 has no address the host sends on to its router what goes there, and tells so (RFC 4861, 8.2).
    neighbour.check_output("echo 0 > /proc/sys/net/ipv6/conf/eth0/accept_redirects")

    def knock(*targets):
        neighbour.check_output(f"systemd-run --unit {unit} /usr/bin/python3 -c %s 80 {' '.join(targets)}", KNOCK)

        def heard():
            return neighbour.check_output(f"journalctl --output cat _SYSTEMD_INVOCATION_ID={invocation}").splitlines()

        invocation = neighbour.check_output(f"systemctl show --value --property InvocationID {unit}")
        wait_until(lambda: "knocking" in heard())
        return lambda: {line for line in heard() if line.startswith("open ")}

    yield knock
    neighbour.check_output(f"systemctl stop {unit}")
    neighbour.check_output("echo 1 > /proc/sys/net/ipv6/conf/eth0/accept_redirects")


def test_remove_gives_the_host_back(host, shop, start, knocking, play, ping):
    """A network with IPv6 that stays keeps its rules, as long as it is there."""
    containers = [start("plain", "--restart always"), start("shopper", f"--restart always --network {shop}")]
    answered = knocking(*containers)
    assert play("remove.yml")
    wait_until(lambda: ping("shopper", INTERNET))
    assert host.check_output("python3 -c %s %s 80", CONNECT, containers[1]) == "open"
    assert answered() == set()
    host.check_output("docker rm --force plain shopper")
    host.check_output(f"docker network rm {shop}")
    play("remove.yml")
    assert host.check_output("sh -c %s", SNAPSHOT) == host.check_output("cat /root/untouched")
    assert play("remove.yml") == 0


def test_site_opens_no_container_on_the_way(host, name, prefix, route, start, knocking, play, run_module, standard):
    """A container that dockerd starts has its address at once, whoever closes it."""
    play("remove.yml")
    assert start("plain", "--restart always") == ""
    # The first container of the bridge, by its MAC address up to 26, and by its number later.
    known = {str(prefix[0x242_AC11_0002]), str(prefix[2])}
    answered = knocking(*known)
    assert play("site.yml")
    (address,) = known & set(host.check_output("docker inspect plain").replace('"', " ").split())
    assert host.check_output("python3 -c %s %s 80", CONNECT, address) == "open"
    assert answered() == set()
    if name in OPEN_ENGINES:
        assert run_module("ip6tables_nat", forward="open")["changed"]
        wait_until(lambda: answered() == {f"open {address}"})
