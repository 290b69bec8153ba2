from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import testinfra
from common import CONNECT

ROOT = Path(__file__).parents[3]
INVENTORY = ROOT / "tests/lab/inventory"
# Whether an address answers a ping, with nothing known of it before.
PING = """\
import os, socket, struct, subprocess, sys
subprocess.run(["ip", "-6", "neigh", "flush", "dev", "eth0"], check=True)
target = socket.getaddrinfo(sys.argv[1], None)[0][4]
echo = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
echo.settimeout(1.5)
echo.sendto(struct.pack("!BBH2sH", 128, 0, 0, os.urandom(2), 1), target)
try:
    while True:
        reply, peer = echo.recvfrom(1500)
        if reply[0] == 129 and peer[0].partition("%")[0] == target[0].partition("%")[0]:
            print("answers")
            break
except socket.timeout:
    print("silent")
"""


def link_local(host):
    return host.check_output("ip -6 -oneline address show dev eth0 scope link").split()[3].split("/")[0]


@pytest.fixture(name="neighbour", scope="module")
def _neighbour():
    return testinfra.get_host("ansible://bookworm", ansible_inventory=str(INVENTORY))


@pytest.fixture(name="address", scope="module")
def _address(host):
    return f"{link_local(host)}%eth0"


@pytest.fixture(name="connect")
def _connect(neighbour, address):
    """A function by which the neighbour connects to a port of the host."""
    return lambda port: neighbour.check_output("python3 -c %s %s %s", CONNECT, address, str(port))


@pytest.fixture(name="ping")
def _ping(neighbour, address):
    """A function by which the neighbour pings the host, after it has solicited its Ethernet address."""
    return lambda: neighbour.check_output("python3 -c %s %s", PING, address)


@pytest.fixture(name="play")
def _play(name):
    """A function that runs the playbook on the host alone, and returns how many tasks changed something."""

    def play(**variables):
        command = ["ansible-playbook", "--inventory", str(INVENTORY), "--limit", name, "playbooks/linklocal.yml"]
        command += ["--extra-vars", json.dumps(variables)]
        done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
        assert done.returncode == 0, done.stdout + done.stderr
        return int(re.search(r"changed=(\d+)", done.stdout)[1])

    return play
