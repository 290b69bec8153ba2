"""After site.yml: what the host and its containers have, and that it is our rule which carries the traffic."""

from __future__ import annotations

import ipaddress
import json

import pytest

testinfra_hosts = ["ansible://all"]
INTERNET = "2001:db8:dead::1"
DROP_IN = "/etc/systemd/system/docker.service.d/zz-v6ops-docker.conf"
ENGINE_MASQUERADES = {"forky"}


@pytest.fixture(name="bridge", scope="module")
def _bridge(host):
    return json.loads(host.check_output("docker network inspect bridge"))[0]


@pytest.fixture(name="prefix", scope="module")
def _prefix(bridge):
    return next(config["Subnet"] for config in bridge["IPAM"]["Config"] if ":" in config["Subnet"])


def test_bridge_has_ipv6_with_a_prefix_of_the_hosts_own(bridge, prefix):
    assert bridge["EnableIPv6"]
    network = ipaddress.ip_network(prefix)
    assert network.prefixlen == 64
    assert network.subnet_of(ipaddress.ip_network("fd00::/8"))


def test_command_line_keeps_its_arguments(host, name, prefix):
    pid = host.check_output("systemctl show --value --property MainPID docker.service")
    argv = host.file(f"/proc/{pid}/cmdline").content_string.split("\0")[:-1]
    assert argv[:6] == [
        "/usr/sbin/dockerd",
        "-H",
        "fd://",
        "--containerd=/run/containerd/containerd.sock",
        "--ipv6",
        f"--fixed-cidr-v6={prefix}",
    ]
    # Older engines hand out IPv6 to user networks only from a pool, beside those that are built in.
    pools = [argument for argument in argv[6:] if argument.startswith("--default-address-pool=")]
    assert (len(argv[6:]), len(pools)) == ((0, 0) if name in ENGINE_MASQUERADES else (8, 8))
    assert "$DOCKER_OPTS --ipv6" in host.file(DROP_IN).content_string


def test_host_keeps_its_default_route(host):
    assert host.file("/proc/sys/net/ipv6/conf/all/forwarding").content_string == "1\n"
    assert "proto ra" in host.check_output("ip -6 route show default")


def test_rules_are_there_once(host, name, prefix):
    saved = host.check_output("ip6tables-save -t nat").splitlines()
    pool = ipaddress.ip_network(prefix).supernet(new_prefix=48)
    ours = [
        "-A POSTROUTING -m comment --comment V6OPS-docker -j V6OPS-docker",
        f"-A V6OPS-docker -d {pool} -m comment --comment V6OPS-docker -j RETURN",
        f"-A V6OPS-docker -s {pool} -m comment --comment V6OPS-docker -j MASQUERADE",
    ]
    engines = [f"-A POSTROUTING -s {prefix} ! -o docker0 -j MASQUERADE"]
    found = [line for line in saved if line.startswith("-A") and ("V6OPS" in line or line.endswith("MASQUERADE"))]
    assert found == (engines if name in ENGINE_MASQUERADES else ours)


def test_container_reaches_the_internet_by_one_owners_rules_alone(name, run_module, ping_from_container):
    if name in ENGINE_MASQUERADES:
        assert not run_module("ip6tables_nat", state="absent")["changed"]
        assert ping_from_container(INTERNET).rc == 0
        return
    assert ping_from_container(INTERNET).rc == 0
    assert run_module("ip6tables_nat", state="absent")["changed"]
    without = ping_from_container(INTERNET)
    check = run_module("docker_ipv6_check", targets=[INTERNET])
    assert run_module("ip6tables_nat")["changed"]
    assert without.rc != 0
    assert check["failed"]
    assert ping_from_container(INTERNET).rc == 0


def test_verification_without_targets_asks_the_uplinks_router(run_module):
    checks = run_module("docker_ipv6_check")["checks"]
    assert (checks[-1]["name"], checks[-1]["status"]) == ("router", "passed")
    assert checks[-1]["evidence"].startswith("2001:db8:1::1, ")


def test_verification_leaves_nothing_behind(host):
    assert host.check_output("docker ps --all --quiet") == ""
    assert "v6ops-docker/probe" not in host.check_output("docker image ls")
