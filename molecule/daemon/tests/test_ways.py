"""Both ways to configure dockerd, there and back, and what user networks get."""

from __future__ import annotations

import ipaddress
import json

import pytest
from common import SLEEP
from hosts import CONFIG, DROP_IN, OURS, bridge, dockerd_pid, snapshot

testinfra_hosts = ["ansible://bullseye", "ansible://bookworm", "ansible://trixie", "ansible://forky"]
FOREIGN = '{\n\t"log-opts": {"max-size": "1m"},\n\t"debug": true\n}'
HANDS_OUT_IPV6 = {"forky"}


@pytest.fixture(name="configure")
def _configure(run_module):
    return lambda **options: run_module("docker_ipv6_daemon", **options)


@pytest.mark.parametrize(("config", "text"), [("systemd", None), ("daemon_json", None), ("daemon_json", FOREIGN)])
def test_there_and_back(host, configure, write, restart_docker, config, text):
    if text:
        write(CONFIG, text)
        host.check_output("chmod 640 %s; chgrp adm %s", CONFIG, CONFIG)
        restart_docker()
    before = snapshot(host)
    result = configure(config=config)
    assert bridge(host) == (True, [result["fixed_cidr_v6"]])
    assert host.file(DROP_IN).exists == (config == "systemd")
    if text:
        assert host.check_output("stat -c '%%a %%G' %s", CONFIG) == "640 adm"
        assert host.file(CONFIG).content_string.startswith(FOREIGN[:-2])
    pid = dockerd_pid(host)
    assert not configure(config=config)["changed"]
    assert not configure()["changed"]
    assert dockerd_pid(host) == pid
    assert configure(state="absent")["changed"]
    assert snapshot(host) == before
    assert "proto ra" in host.check_output("ip -6 route show default")
    assert not configure(state="absent")["changed"]


def test_moving_leaves_no_clash(host, configure):
    configure(config="systemd")
    for config in ("daemon_json", "systemd"):
        assert configure(config=config)["changed"]
        assert host.file(DROP_IN).exists == (config == "systemd")
        assert host.file(CONFIG).exists == (config == "daemon_json")
        host.check_output("systemctl restart docker.service")
        assert bridge(host)[0]
        assert not configure(config=config)["changed"]


def test_keys_of_the_user_are_followed_into_the_file_and_given_back(host, configure, write, restart_docker):
    text = '{"ipv6": false, "default-address-pools": [{"base": "10.99.0.0/16", "size": 24}]}'
    write(CONFIG, text)
    restart_docker()
    result = configure()
    assert not host.file(DROP_IN).exists
    assert bridge(host) == (True, [result["fixed_cidr_v6"]])
    assert not configure()["changed"]
    configure(state="absent")
    assert host.file(CONFIG).content_string == text


def test_user_networks(host, name, configure):
    pool = ipaddress.ip_network(configure()["fixed_cidr_v6"]).supernet(new_prefix=48)
    subnets = []
    for network in ("one", "two"):
        host.check_output("docker network create --ipv6 %s", network)
        found = json.loads(host.check_output("docker network inspect %s", network))[0]["IPAM"]["Config"]
        subnets.append(next(ipaddress.ip_network(one["Subnet"]) for one in found if ":" in one["Subnet"]))
        assert any(one["Subnet"].startswith(("172.", "192.168.")) for one in found)
    assert not subnets[0].overlaps(subnets[1])
    if name not in HANDS_OUT_IPV6:
        assert all(subnet.subnet_of(pool) for subnet in subnets)
    stays = configure(state="absent")
    assert "one, two" in str(stays["warnings"])
    assert host.file("/proc/sys/net/ipv6/conf/all/forwarding").content_string == "1\n"
    host.check_output("docker network rm one two")
    assert configure(state="absent")["changed"]
    assert host.file("/proc/sys/net/ipv6/conf/all/forwarding").content_string == "0\n"


@pytest.mark.parametrize("config", ["systemd", "daemon_json"])
def test_default_networks_where_the_engine_can(host, name, configure, config):
    host.check_output("docker network create before")
    result = configure(default_networks=True, config=config)
    assert result["networks_without_ipv6"] == ["before"]
    host.check_output("docker network create after")
    networks = json.loads(host.check_output("docker network inspect before after"))
    assert [network["EnableIPv6"] for network in networks] == [False, name in HANDS_OUT_IPV6]
    assert not configure(default_networks=True, config=config)["changed"]


def test_ip6tables_of_the_engine(host, name, configure):
    result = configure(ip6tables=True)
    assert result["engine"]["ip6tables"]
    assert f"-s {result['fixed_cidr_v6']} ! -o docker0 -j MASQUERADE" in host.check_output("ip6tables-save -t nat")
    assert not configure(ip6tables=True)["changed"]
    assert configure()["engine"]["ip6tables"] == (name in HANDS_OUT_IPV6)


def test_a_restart_left_to_others(host, configure):
    pid = dockerd_pid(host)
    result = configure(restart="never")
    assert (result["changed"], result["restarted"], dockerd_pid(host)) == (True, False, pid)
    assert "systemctl restart docker" in result["pending"][0]
    again = configure(restart="never")
    assert (again["changed"], again["pending"]) == (False, result["pending"])
    host.check_output("systemctl restart docker.service")
    done = configure(restart="never")
    assert (done["changed"], done["pending"]) == (False, [])
    assert bridge(host) == (True, [done["fixed_cidr_v6"]])
    assert "proto ra" in host.check_output("ip -6 route show default")


@pytest.fixture(name="live_restore")
def _live_restore(write, restart_docker):
    write(CONFIG, '{"live-restore": true}')
    restart_docker()


def test_live_restore_defers(host, configure, run_container, live_restore):
    container = run_container("--detach --stop-timeout 1", SLEEP).stdout.strip()
    pid = dockerd_pid(host)
    result = configure(live_restore="defer")
    assert (result["changed"], dockerd_pid(host)) == (True, pid)
    assert "live-restore is on" in result["pending"][0]
    assert not configure(live_restore="defer")["changed"]
    host.check_output("docker rm --force %s", container)
    assert configure(live_restore="defer")["restarted"]
    assert bridge(host)[0]


def test_live_restore_stops_containers_and_starts_just_those(host, configure, run_container, live_restore):
    run_container("--detach --name idle --stop-timeout 1", SLEEP)
    host.check_output("docker kill idle")
    for name in ("one", "two"):
        run_container(f"--detach --name {name} --stop-timeout 1", SLEEP)
    result = configure(live_restore="stop_containers")
    assert result["started_containers"] == ["one", "two"]
    assert bridge(host)[0]
    assert sorted(host.check_output("docker ps --format '{{.Names}}'").split()) == ["one", "two"]
    assert not configure(live_restore="stop_containers")["changed"]


def test_info_tells_of_a_configured_host(host, configure, run_module):
    result = configure()
    info = run_module("docker_ipv6_info")
    assert (info["changed"], info["configured"], info["problems"]) == (False, True, [])
    assert info["prefix"] == result["fixed_cidr_v6"]
    assert info["networks"][0] == result["after"]["bridge"]
    assert info["unit"]["running"] == info["unit"]["arguments"]
    assert all(host.file(path).exists for path in OURS)
