"""Uplinks of the kernel: the default route is there at every moment, and it is our doing."""

from __future__ import annotations

import json
import subprocess
import time

import pytest
from conftest import INTERNET, LAB, LIFETIME

testinfra_hosts = ["ansible://bullseye", "ansible://trixie", "ansible://forky"]
OVER_SSH = """\
import os, select, socket, sys
far = socket.socket(socket.AF_INET6)
far.bind((sys.argv[2], 0))
far.connect((sys.argv[1], 22))
while True:
    for ready in select.select([0, far], [], [])[0]:
        data = os.read(0, 65536) if ready == 0 else far.recv(65536)
        if not data:
            sys.exit()
        far.sendall(data) if ready == 0 else os.write(1, data)
"""


def reaches_internet(host):
    return host.run(
        "/usr/bin/python3 -c %s %s",
        "import socket, sys; socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).connect((sys.argv[1], 9))",
        INTERNET,
    ).succeeded


def test_the_route_is_there_at_every_moment_and_after_a_reboot(host, configure, watch, reboot, await_route):
    watching = watch()
    assert configure()["changed"]
    time.sleep(3 * LIFETIME)
    assert not configure()["changed"]
    seen = watching.end()
    assert seen["samples"] > 3 * LIFETIME * 50
    assert (seen["gaps"], seen["events"]) == ([], [])
    reboot()
    await_route()
    watching = watch()
    time.sleep(LIFETIME + 3)
    assert watching.end()["gaps"] == []
    assert not configure()["changed"]
    watching = watch()
    assert configure(state="absent")["changed"]
    time.sleep(LIFETIME + 3)
    assert watching.end()["gaps"] == []


def test_without_protection_it_is_lost(host, configure, watch):
    watching = watch()
    configure(protect_uplinks=False)
    time.sleep(LIFETIME + 3)
    assert watching.end()["gaps"]
    assert not reaches_internet(host)


def test_a_host_that_was_broken_by_hand_is_mended(host, configure, await_route):
    host.check_output("echo 1 > /proc/sys/net/ipv6/conf/all/forwarding")
    assert "proto ra" not in host.check_output("ip -6 route show default")
    assert configure()["before"]["endangered_interfaces"] == ["default", "eth0"]
    await_route()
    assert reaches_internet(host)
    # What had lost the route is not given back.
    assert configure(state="absent")["changed"]
    time.sleep(LIFETIME + 3)
    assert reaches_internet(host)
    host.check_output(
        "echo 0 > /proc/sys/net/ipv6/conf/all/forwarding; echo 1 > /proc/sys/net/ipv6/conf/eth0/accept_ra"
    )


def test_a_router_is_left_to_be_one(host, configure):
    """It forwards, takes no advertisements, and has a default route of its own."""
    host.check_output(
        "echo 1 > /proc/sys/net/ipv6/conf/all/forwarding; ip -6 address flush dev eth0 scope global;"
        " ip -6 address add 2001:db8:1::99/64 dev eth0; ip -6 route add default via 2001:db8:1::1"
    )
    try:
        assert configure()["before"]["endangered_interfaces"] == ["default"]
        assert host.file("/proc/sys/net/ipv6/conf/eth0/accept_ra").content_string == "1\n"
    finally:
        host.check_output("ip -6 address del 2001:db8:1::99/64 dev eth0; ip -6 route del default via 2001:db8:1::1")
        configure(state="absent")
        host.check_output("echo 0 > /proc/sys/net/ipv6/conf/all/forwarding")


def test_a_file_that_overrules_ours_is_refused(host, configure):
    path = "/etc/sysctl.d/99-mine.conf"
    host.check_output("printf 'net.ipv6.conf.eth0.accept_ra=1\\n' > %s", path)
    try:
        result = configure()
        assert result["failed"]
        assert f"{path} sets net/ipv6/conf/eth0/accept_ra to 1 at every boot" in result["msg"]
        host.check_output("printf 'net/ipv6/conf/eth0/accept_ra = 2\\n' > %s", path)
        assert configure()["changed"]
    finally:
        host.check_output("rm %s", path)


def test_a_route_that_is_lost_takes_everything_back(host, configure, write_unit):
    """Something else of the host's that undoes the protection while dockerd starts."""
    write_unit("[Service]\nExecStartPost=/bin/sh -c 'echo 1 > /proc/sys/net/ipv6/conf/eth0/accept_ra'\n")
    result = configure()
    assert result["failed"]
    assert "Cannot keep the default route via fe80::" in result["msg"]
    assert "dockerd runs with them again" in result["msg"]
    assert not json.loads(host.check_output("docker network inspect bridge"))[0]["EnableIPv6"]
    assert host.file("/proc/sys/net/ipv6/conf/all/forwarding").content_string == "0\n"
    assert not host.file("/var/lib/v6ops-docker").exists


@pytest.fixture(name="write_unit")
def _write_unit(host):
    directory = "/etc/systemd/system/docker.service.d"

    def write(text):
        host.check_output("mkdir -p %s; printf %%s %s > %s/a.conf; systemctl daemon-reload", directory, text, directory)

    yield write
    host.check_output("rm %s/a.conf; rmdir %s; systemctl daemon-reload", directory, directory)


def test_another_uplink(host, name, configure, outer):
    """A laptop's next network: an interface that appears later, with a router of its own, and the first one gone."""
    network, ipv4_route = f"{LAB}-{name}-next", host.check_output("ip -4 route show default")
    outer("network", "create", "--label", "v6ops-lab", network)
    outer(
        "run",
        "--detach",
        "--label",
        "v6ops-lab",
        "--name",
        network,
        "--network",
        network,
        "--cap-add=ALL",
        "--cap-drop=SYS_RESOURCE",
        "--security-opt=seccomp=unconfined",
        "v6ops-lab/router:bookworm",
    )
    try:
        configure()
        outer("network", "connect", network, f"{LAB}-{name}")
        host.check_output("ip link set eth0 down; echo 0 > /proc/sys/net/ipv6/conf/eth1/disable_ipv6")
        host.check_output("timeout 30 sh -c 'until ip -6 route show default | grep -q eth1; do sleep 0.1; done'")
        time.sleep(LIFETIME + 3)
        assert reaches_internet(host)
        assert not configure()["changed"]
    finally:
        host.check_output(f"ip link set eth0 up; ip -4 route replace {ipv4_route}")
        outer("network", "disconnect", network, f"{LAB}-{name}")
        outer("rm", "--force", network)
        outer("network", "rm", network)


def test_several_uplinks_dots_in_names_and_interfaces_that_are_down(host, configure, watch):
    conf = "/proc/sys/net/ipv6/conf"
    host.check_output(
        "ip link add link eth0 name eth0.100 type macvlan mode bridge; ip link add link eth0 name spare type macvlan;"
        f" echo 0 | tee {conf}/eth0.100/disable_ipv6 > {conf}/spare/disable_ipv6; ip link set eth0.100 up"
    )
    host.check_output("timeout 30 sh -c 'until ip -6 route show default | grep -q eth0.100; do sleep 0.1; done'")
    routes = "ip -6 route show default proto ra | grep -o 'dev [^ ]*' | sort"
    try:
        before = host.check_output(routes)
        assert before.split() == ["dev", "eth0", "dev", "eth0.100"]
        watching = watch()
        assert configure()["before"]["endangered_interfaces"] == ["default", "eth0", "eth0.100", "spare"]
        time.sleep(LIFETIME + 3)
        assert watching.end()["gaps"] == []
        assert host.check_output(routes) == before
        file = host.file("/etc/sysctl.d/90-v6ops-docker.conf").content_string
        assert all(f"net/ipv6/conf/{name}/accept_ra = 2\n" in file for name in ("eth0", "eth0.100", "spare"))
        host.check_output("ip link set spare up")
        host.check_output("timeout 30 sh -c 'until ip -6 route show default | grep -q spare; do sleep 0.1; done'")
    finally:
        configure(state="absent")
        host.check_output("ip link del eth0.100; ip link del spare")


@pytest.fixture(name="ssh")
def _ssh(host, name, outer, tmp_path):
    """Options of ssh for a connection to the host through the very default route, from beyond the router."""
    address = host.check_output("ip -6 -o address show dev eth0 scope global").split()[3].partition("/")[0]
    key, proxy = tmp_path / "key", "/over-ssh.py"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    host.check_output(
        "mkdir -p /root/.ssh; printf %%s %s > /root/.ssh/authorized_keys",
        key.with_suffix(".pub").read_text(encoding="ascii"),
    )
    host.check_output("systemctl start ssh")
    outer("exec", "--interactive", f"{LAB}-router", "sh", "-c", f"cat > {proxy}", content=OVER_SSH)
    yield (
        f"-i {key} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ServerAliveInterval=2"
        f" -o ServerAliveCountMax=3 -o ControlMaster=no"
        f" -o 'ProxyCommand=docker exec -i {LAB}-router python3 {proxy} {address} {INTERNET}'"
    )
    host.check_output("rm -r /root/.ssh")


def test_a_play_over_the_very_route(host, name, configure, ssh, ansible_over_ssh, watch):
    """site.yml over ssh over IPv6, from beyond the router: it would cut itself off."""
    watching = watch()
    done = ansible_over_ssh(ssh, "playbooks/site.yml")
    assert f"{name} " in done
    time.sleep(LIFETIME + 3)
    assert watching.end()["gaps"] == []
    assert "changed=0" in ansible_over_ssh(ssh, "playbooks/site.yml")
    ansible_over_ssh(ssh, "playbooks/remove.yml")
