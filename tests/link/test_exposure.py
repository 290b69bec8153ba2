"""What exposure tells of a host with real sockets and rules, against a neighbour's attempts to reach them."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys

import pytest
from exposure_bed import CONTAINER, HOST, PORTS, PREFIX, bed, inside, run
from exposure_rules import RULESETS, WITH_CONTAINER

# As on the host: with its own /sys and /proc/net.
_EXPOSURE = """
import json, sys
sys.path[:0] = sys.argv[1:3]
from exposure_bed import Module
from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal
from ansible_collections.v6ops.docker.plugins.module_utils._exposure import exposure
try:
    print(json.dumps(exposure(Module, sys.argv[3:])))
except Refusal as refusal:
    print(json.dumps({"refusal": str(refusal)}))
"""
_HERE = os.path.dirname(os.path.abspath(__file__))
_COLLECTIONS = os.path.join(os.path.dirname(os.path.dirname(_HERE)), ".collections")


def exposure(*interfaces, user=()):
    command = [*user, sys.executable, "-c", _EXPOSURE, _HERE, _COLLECTIONS, *interfaces]
    return json.loads(run("ip", "netns", "exec", f"{PREFIX}host", *command))


def entries(told, protocol, port):
    return [entry for entry in told["sockets"] if (entry["protocol"], entry["port"]) == (protocol, port)]


def findings(told):
    return sorted({finding["name"] for finding in told["findings"]})


def listen(family, address, port, *, device=None, only_v6=None, scope=0, kind=socket.SOCK_STREAM):
    server = socket.socket(family, kind)
    if device:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
    if only_v6 is not None:
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, only_v6)
    server.bind((address, port) if family == socket.AF_INET else (address, port, 0, scope))
    if kind == socket.SOCK_STREAM:
        server.listen()
    return server


def connects(way, port, address=None, patience=0.5):
    with inside("neighbour"):
        family = socket.AF_INET if way == "ipv4" else socket.AF_INET6
        scope = socket.if_nametoindex("eth0") if way == "link_local" else 0
        with socket.socket(family, socket.SOCK_STREAM) as client:
            client.settimeout(patience)
            target = (address or HOST[way], port)
            try:
                client.connect(target if way == "ipv4" else (*target, 0, scope))
            except OSError:
                return False
            return True


def test_reachable_sockets_are_those_a_neighbour_reaches():
    v4, v6 = socket.AF_INET, socket.AF_INET6
    with bed() as ground:
        run("ip", "-n", f"{PREFIX}host", "link", "add", "br0", "type", "bridge")
        for words in (
            "link set br0 up",
            "address add fd99::1/64 dev br0 nodad",
            "address add 10.99.0.1/24 dev br0",
        ):
            run("ip", "-n", f"{PREFIX}host", *words.split())
        for words in ("route add fd99::/64 via fe80::1 dev eth0", "route add 10.99.0.0/24 via 10.77.0.1"):
            run("ip", "-n", f"{PREFIX}neighbour", *words.split())
        with inside("host"):
            eth0 = socket.if_nametoindex("eth0")
            servers = [
                listen(v6, "::", 1001, only_v6=0),
                listen(v6, "::", 1002, only_v6=1),
                listen(v4, "0.0.0.0", 1003),
                listen(v6, "fe80::1", 1004, scope=eth0),
                listen(v6, "fd77::1", 1005),
                listen(v4, "10.77.0.1", 1006),
                listen(v6, "::1", 1007),
                listen(v4, "127.0.0.1", 1008),
                listen(v6, "::", 1009, device="br0", only_v6=0),
                listen(v6, "::", 1010, device="eth0", only_v6=0),
                listen(v6, "::ffff:10.77.0.1", 1011, only_v6=0),
                listen(v6, "fd99::1", 1012),
                listen(v4, "10.99.0.1", 1013),
            ]
        told = exposure("eth0")
        other = {1012: "fd99::1", 1013: "10.99.0.1"}
        for port in range(1001, 1014):
            real = {way: connects(way, port) for way in HOST}
            if port in other:
                real["ipv4" if port == 1013 else "on_link"] = connects(
                    "ipv4" if port == 1013 else "on_link", port, other[port]
                )
            found = entries(told, "tcp", port)
            assert real == (found[0]["reachable"] if found else dict.fromkeys(HOST, False)), port
            assert all(entry["pid"] == os.getpid() and entry["process"] and entry["uid"] == 0 for entry in found)
        assert {entry["interface"] for entry in told["sockets"]} == {"eth0"}
        assert len({(entry["protocol"], entry["port"]) for entry in told["sockets"]}) >= len(PORTS) + 10
        for server in servers:
            server.close()
        assert ground.link.addresses


def test_groups_count_as_reachable_datagrams():
    with bed():
        with inside("host"):
            servers = [
                listen(socket.AF_INET6, "ff02::fb", 2001, scope=socket.if_nametoindex("eth0"), kind=socket.SOCK_DGRAM),
                listen(socket.AF_INET, "224.0.0.251", 2002, kind=socket.SOCK_DGRAM),
                listen(socket.AF_INET, "10.77.0.255", 2003, kind=socket.SOCK_DGRAM),
            ]
            connected = listen(socket.AF_INET, "10.77.0.1", 2004, kind=socket.SOCK_DGRAM)
            connected.connect(("10.77.0.2", 5))
        told = exposure("eth0")
        for server in [*servers, connected]:
            server.close()
    assert entries(told, "udp", 2001)[0]["reachable"] == {"link_local": True, "on_link": False, "ipv4": False}
    for port in (2002, 2003):
        assert entries(told, "udp", port)[0]["reachable"] == {"link_local": False, "on_link": False, "ipv4": True}
    assert not entries(told, "udp", 2004)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("none at all", ["v6_open"]),
        ("workstation", []),
        ("IPv4 alone, nft", ["v6_open", "v6_weaker"]),
        ("IPv4 alone, iptables-nft", ["v6_open", "v6_weaker"]),
        ("IPv4 alone, iptables-legacy", ["v6_open", "v6_weaker"]),
        ("IPv6 alone, iptables-legacy", []),
        ("a role, no neighbour discovery", ["nd_dropped"]),
        ("ufw", []),
        ("firewalld", []),
        ("bans", ["v6_open"]),
        ("bridges, which this is not", ["v6_open"]),
    ],
)
def test_findings(name, expected):
    with bed() as ground:
        ground.load(RULESETS[name])
        told = exposure("eth0")
    assert findings(told) == expected
    for finding in told["findings"]:
        assert re.search(r"eth0.*\. [A-Z].*\.$", finding["sentence"]), finding["sentence"]
    equal = [finding for finding in told["findings"] if "equal is not safe" in finding["sentence"]]
    assert bool(equal) == (name in ("none at all", "bans", "bridges, which this is not"))


@pytest.mark.parametrize("name", ["none at all", "docker publishes"])
def test_networks_behind_the_host(name):
    with bed(container=True) as ground:
        run("ip", "-n", f"{PREFIX}neighbour", "route", "add", "fd17::/64", "via", "fd77::1")
        ground.load(WITH_CONTAINER.get(name, []))
        told = exposure("eth0")
        entered = connects("on_link", 81, CONTAINER["on_link"], patience=3)
    assert entered is (name == "none at all")
    assert ("forward_open" in findings(told)) is entered
    opened = [finding for finding in told["findings"] if finding["name"] == "forward_open"]
    assert all("fd17::/64" in finding["sentence"] and finding["to"] == "docker0" for finding in opened)


def test_published_port_is_judged_where_nat_sends_it():
    with bed(container=True) as ground:
        ground.load(WITH_CONTAINER["docker publishes, input is strict"])
        verdicts = entries(exposure("eth0"), "tcp", 8080)[0]["verdicts"]
    assert verdicts["ipv4"]["verdict"] == "drop"
    assert "policy drop" in verdicts["ipv4"]["rule"]


def test_all_backends_are_read():
    with bed() as ground:
        ground.load(RULESETS["legacy and nft"])
        told = exposure("eth0")
    assert told["sources"] == {
        "nft": ["inet filter"],
        "iptables-legacy-save": ["filter"],
        "ip6tables-legacy-save": ["filter"],
    }


def test_nothing_is_told_without_root_or_of_no_interface():
    with bed():
        assert "only root" in exposure("eth0", user=["setpriv", "--reuid", "65534", "--clear-groups"])["refusal"]
        assert "'eth7'" in exposure("eth7")["refusal"]


def test_nothing_is_changed():
    shown = ["sh", "-c", "nft list ruleset; cat /proc/net/ip6_tables_names /proc/net/ip_tables_names"]
    with bed():
        before = run("ip", "netns", "exec", f"{PREFIX}host", *shown)
        exposure("eth0")
        after = subprocess.run(
            ["ip", "netns", "exec", f"{PREFIX}host", *shown], capture_output=True, text=True, check=True
        )
    assert before == after.stdout
