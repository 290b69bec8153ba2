"""What hosts on one link tell and prove of each other."""

from __future__ import annotations

import json

import pytest
from conftest import link_local

testinfra_hosts = ["ansible://bullseye", "ansible://trixie", "ansible://forky"]
HOSTS = {"bullseye", "bookworm", "trixie", "forky"}


@pytest.fixture(name="audit")
def _audit(host):
    return json.loads(host.file("/root/audit.json").content_string)


@pytest.fixture(name="sockets")
def _sockets(audit):
    return {one["port"]: one for one in audit["exposure"]["sockets"] if one["protocol"] == "tcp"}


def test_the_hosts_of_the_play_find_each_other(audit, name, neighbour):
    assert {one["name"] for one in audit["peers"]} == HOSTS - {name}
    named = {one["address"]: one["peer"] for one in audit["neighbours"]}
    assert named[link_local(neighbour)] == "bookworm"


def test_the_router_is_found_twice(audit):
    (router,) = audit["routers"]
    assert [prefix["prefix"] for prefix in router["prefixes"]] == ["2001:db8:1::/64"]
    (seen,) = [one for one in audit["neighbours"] if one["router"]]
    assert (seen["zoned"], seen["peer"]) == (router["zoned"], None)


def test_what_ipv4_hides_neighbours_reach(audit, sockets, name):
    hidden = sockets[8080]
    assert (hidden["process"], hidden["unit"]) == ("python3", "lab-server.service")
    assert {way: one["verdict"] for way, one in hidden["verdicts"].items()} == {"ipv4": "drop", "ipv6": "accept"}
    assert (hidden["proven"], hidden["banner"]) == ("open", "hello")
    assert set(hidden["proven_by"]) == HOSTS - {name}
    (finding,) = [one for one in audit["findings"] if one["name"] == "v6_weaker"]
    assert (finding["port"], finding["proven"]) == (8080, "open")


def test_what_is_equal_is_no_finding(audit, sockets):
    assert {one["verdict"] for one in sockets[8022]["verdicts"].values()} == {"accept"}
    assert sockets[8022]["proven"] == "open"
    assert not [one for one in audit["findings"] if one.get("port") == 8022]


def test_the_report_tells_it(audit, name):
    report = audit["report"]
    assert report[0].startswith(f"{name}: fe80::")
    assert any(line.startswith("tcp/8080 (python3) on eth0") and "proven open by" in line for line in report)
    assert any(line.startswith("v6_weaker: tcp/8080 (python3) on eth0 is dropped over IPv4") for line in report)


def test_to_report_changes_nothing(host, play):
    assert play(linklocal_parity_ports=[8080]) == 0
    assert "V6OPS" not in host.check_output("ip6tables-save")
    assert not host.file("/etc/v6ops-docker").exists
