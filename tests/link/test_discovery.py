"""Nobody on the link is overlooked, whatever he answers."""

from __future__ import annotations

import subprocess

import pytest
from beds import PROBER, ip, link_local, set_switches, within
from fakes import address, mac

from ansible_collections.v6ops.docker.plugins.module_utils._discovery import discover


def by_address(neighbours):
    return {one["address"]: one for one in neighbours}


def set_icmp(namespace, key):
    command = ["sh", "-ec", f"echo 1 >/proc/sys/net/ipv6/icmp/{key}"]
    subprocess.run(within(namespace, *command), check=True)


def test_real_neighbours(link):
    plain, deaf, router = link.add("plain"), link.add("deaf"), link.add("router")
    set_icmp("deaf", "echo_ignore_multicast")
    set_switches("router", "eth0", forwarding=1)
    found = by_address(discover(PROBER))
    assert set(found) == {plain, deaf, router}
    assert found[plain]["found_by"] == ["echo", "option", "solicitation"]
    assert found[deaf]["found_by"] == ["option", "solicitation"]
    assert {name: found[name]["router"] for name in found} == {plain: False, deaf: False, router: True}
    assert found[plain]["zoned"] == f"{plain}%{PROBER}"
    assert found[plain]["mac"] == ip("-br", "link", "show", "eth0", namespace="plain").split()[2]
    assert (found[plain]["hop_limit"], found[plain]["mac_universal"]) == (64, False)
    assert 0 < found[plain]["rtt_ms"] < 100


def test_this_host_is_no_neighbour(link):
    link_local(PROBER)
    ip("address", "add", "fe80::2/64", "dev", PROBER, "nodad")
    assert discover(PROBER) == []


def test_a_host_that_lets_in_neighbour_discovery_alone_is_found_by_its_ethernet_address(link):
    link_local(PROBER)
    with link.fakes("--answers", "solicitation"):
        assert discover(PROBER) == []
        ip("address", "add", "192.0.2.1/24", "dev", PROBER)
        ip("neigh", "add", "192.0.2.9", "lladdr", mac(0).hex(":"), "dev", PROBER, "nud", "stale")
        (found,) = discover(PROBER)
    assert (found["address"], found["found_by"], found["router"]) == (str(address(0)), ["solicitation"], True)
    assert (found["mac"], found["hop_limit"]) == (mac(0).hex(":"), None)


def test_mld_finds_too(link):
    neighbour = link.add("plain")
    assert by_address(discover(PROBER, mld=True))[neighbour]["found_by"] == ["echo", "mld", "option", "solicitation"]


def test_as_a_user_where_the_system_allows_it(link, probe):
    neighbour = link.add("plain")
    with open("/proc/sys/net/ipv4/ping_group_range", "w", encoding="ascii") as file:
        file.write("0 65535")
    result = probe(as_user=True, interfaces=[PROBER], discover=True)
    assert [(one["address"], one["found_by"]) for one in result["neighbours"]] == [(neighbour, ["echo"])]


def test_all_of_512(link):
    link_local(PROBER)
    everybody = {str(address(number)) for number in range(512)}
    with link.fakes("--count", "512", "--jitter", "0.05"):
        for __ in range(3):
            found = by_address(discover(PROBER))
            assert set(found) == everybody
            assert [one["address"] for one in found.values() if one["router"]] == [str(address(0))]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nearly_all_of_512_where_every_twentieth_packet_is_lost(link, seed):
    link_local(PROBER)
    with link.fakes("--count", "512", "--jitter", "0.05", "--loss", "0.05", "--seed", str(seed)):
        assert len(discover(PROBER)) >= 0.995 * 512
