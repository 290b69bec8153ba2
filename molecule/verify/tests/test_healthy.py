"""A healthy host passes, every time, and the check leaves nothing behind."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from common import SLEEP
from conftest import ABSENT, FAR, INTERNET, SPEAKER

ROOT = Path(__file__).parents[3]
testinfra_hosts = ["ansible://bullseye", "ansible://bookworm", "ansible://trixie", "ansible://forky"]
TRANSLATOR = {"forky": "dockerd's own rule"}


def by_name(result):
    return {one["name"]: one for one in result["checks"]}


def test_twenty_times_straight_after_the_first_converge(check):
    """Begins with a bridge that no container has been on since, but the one of site.yml."""
    for __ in range(20):
        result = check(INTERNET, "2001:db8:1::1", FAR)
        assert not result["failed"], result
        assert {one["status"] for one in result["checks"]} == {"passed"}


def test_every_check_gives_evidence(name, host, check):
    result = check(INTERNET)
    found = by_name(result)
    names = ["address", "route", "gateway", "uplink", "nat66", "family", "inbound", "target", "source", "mtu"]
    assert list(found) == names
    assert found["inbound"]["evidence"].startswith("new connections from eth0 to ports not published are dropped")
    assert TRANSLATOR.get(name, "rules of this collection") in found["nat66"]["evidence"]
    uplink = host.check_output("ip -6 -o address show dev eth0 scope global").split()[3].partition("/")[0]
    assert found["source"]["evidence"] == f"leaves eth0 as {uplink}, an address of this host"
    assert found["family"]["evidence"].startswith("IPv4 comes first")
    assert found["mtu"]["evidence"] == f"1500 bytes get to {INTERNET} and back"
    assert result["broken"] == []


def test_packet_too_big_gets_through(check):
    assert by_name(check(FAR))["mtu"]["evidence"] == f"1300 bytes get to {FAR} and back"


def test_a_port_and_its_banner(check):
    found = check(f"[{INTERNET}]:{SPEAKER}")
    assert by_name(found)["tcp"]["evidence"] == f"[{INTERNET}]:{SPEAKER} is open: 220 ?[31mhello"
    refused = check(f"[{INTERNET}]:8")
    assert f"[{INTERNET}]:8 does not accept a connection: refused. Nothing listens there." in refused["msg"]


def test_a_name(host, check, run_container):
    """By dockerd's own server, which knows the containers of a network."""
    host.check_output("docker network create --ipv6 named")
    web = run_container("--detach --network named --name web --stop-timeout 1", SLEEP)
    found, unknown = check("web", network="named"), check("nowhere.invalid", network="named")
    host.check_output("docker rm --force web; docker network rm named")
    assert web.rc == 0
    assert not found["failed"], found
    assert by_name(found)["name"]["evidence"].startswith("web is fd")
    assert "nowhere.invalid has no AAAA record that a container can see" in unknown["msg"]


def test_a_gateway_that_does_not_answer_may_forward(host, check):
    rule = "INPUT -i docker0 -p icmpv6 --icmpv6-type echo-request -j DROP"
    host.check_output(f"ip6tables -I {rule}")
    result = check(INTERNET, timeout=2)
    host.check_output(f"ip6tables -D {rule}")
    assert not result["failed"], result
    assert by_name(result)["gateway"]["status"] == "skipped"


def test_a_user_network(host, check):
    host.check_output("docker network create --ipv6 shop")
    result = check(INTERNET, network="shop")
    host.check_output("docker network rm shop")
    assert not result["failed"], result


def test_the_prefix_that_was_requested(check):
    assert check(INTERNET, prefix="host")["passed"]
    other = check(INTERNET, prefix="fd00:1::/64")
    assert "A container gets no IPv6 address of fd00:1::/64." in other["msg"]


def test_an_image_of_the_users(host, check):
    missing = check(INTERNET, image="no-such-image")
    assert "Run 'docker pull no-such-image'" in missing["msg"]
    libraries = "/lib/*/libgcc_s.so.1 $(ldd /usr/bin/python3 | grep -o '/[^ ]*')"
    files = f"/usr/bin/python3 {libraries} $(python3 -c 'import os; print(os.path.dirname(os.__file__))')"
    host.check_output(f"tar -ch --exclude=dist-packages --exclude=test {files} | docker import - own-image")
    result = check(INTERNET, image="own-image")
    # The check removes images that earlier ones have left, and no others.
    host.check_output("docker rmi own-image")
    assert not result["failed"], result


def leftovers(host):
    return host.check_output("docker ps --all --quiet --filter label=v6ops-docker/probe") + host.check_output(
        "docker image ls --quiet v6ops-docker/probe"
    )


def test_what_a_killed_run_has_left_is_removed_by_the_next(host, check):
    kill = """
import os, signal
from docker import APIClient
start = APIClient.start
def start_and_die(self, *arguments, **options):
    start(self, *arguments, **options)
    os.kill(os.getpid(), signal.SIGKILL)
APIClient.start = start_and_die
"""
    assert leftovers(host) == ""
    assert check(INTERNET, prelude=kill) is None
    assert leftovers(host) != ""
    assert check(INTERNET)["passed"]
    assert leftovers(host) == ""


def test_with_user_namespaces(host, check):
    """Mapped to another user, the probe has no right on the host, and needs none."""
    restart = "systemctl reset-failed docker; systemctl restart docker"
    # A host of the lab is a container, and what hides a part of /proc or /sys from it keeps others from mounting them.
    hiding = "grep -oE ' (/proc/|/sys/firmware)[^ ]*' /proc/mounts | sort --reverse"
    host.check_output(f"umount --lazy $({hiding}); test ! -e /etc/docker/daemon.json && mkdir -p /etc/docker")
    host.check_output(f"""echo '{{"userns-remap": "default"}}' > /etc/docker/daemon.json; {restart}""")
    try:
        result = check(INTERNET)
    finally:
        host.check_output(f"rm /etc/docker/daemon.json; {restart}")
    assert not result["failed"], result


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"targets": ["192.0.2.1"]}, "neither an IPv6 address nor a name"),
        ({"targets": ["fe80::1"]}, "not a unicast address that can be routed to"),
        ({"targets": ["[2001:db8::1]:99999"]}, "there is no port 99999"),
        ({"targets": ["-rf"]}, "neither an IPv6 address nor a name"),
        ({"network": "nowhere"}, "Cannot find the Docker network 'nowhere'"),
        ({"network": "host"}, "its driver is host, not bridge"),
    ],
)
def test_bad_input(run_module, options, words):
    assert words in run_module("docker_ipv6_check", **options)["msg"]


def test_check_mode_probes_nothing(check):
    assert check(INTERNET, check=True)["skipped"]


def test_the_playbook_changes_nothing(name, host):
    def play(target, **variables):
        variables = json.dumps({**variables, "docker_ipv6_verify_targets": [target]})
        command = ["ansible-playbook", "--inventory", "tests/lab/inventory", "--limit", name, "playbooks/verify.yml"]
        done = subprocess.run(
            [*command, "--extra-vars", variables],
            check=False,
            capture_output=True,
            text=True,
            cwd=ROOT,
            # Molecule asks for colours, and the tests read what is printed.
            env={**os.environ, "ANSIBLE_FORCE_COLOR": "0"},
        )
        return done.returncode, done.stdout

    def state():
        return host.check_output(
            "ip6tables-save | sed 's,[[#].*,,'; ip -6 -o address show scope global | awk '{ print $2, $4 }'; "
            "ls /sys/class/net; docker image ls --quiet; docker ps --all --quiet; "
            "find /etc /var/lib/v6ops-docker -newer /root/before"
        ).splitlines()

    host.check_output("touch /root/before")
    before = state()
    code, printed = play(INTERNET)
    assert (code, "changed=0" in printed) == (0, True), printed
    assert f"passed  target   {INTERNET}" in printed
    assert state() == before
    assert play(ABSENT)[0] == 2
    assert play(ABSENT, docker_ipv6_verify_report_only=True)[0] == 0


def test_report_only(check):
    result = check(ABSENT, report_only=True)
    assert not result["failed"]
    assert not result["passed"]
    assert result["broken"][0]["hop"] == "target"
