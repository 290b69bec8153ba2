"""What the internet sees of a container, where no engine masquerades before we do."""

from __future__ import annotations

import ipaddress

import pytest
from common import wait_until
from scripts import ASK, SERVER

testinfra_hosts = ["ansible://bullseye"]


@pytest.fixture(name="seen")
def _seen(neighbour, start, execute):
    """A function that tells the address that the neighbour sees a container come from."""
    start("sender")
    near = neighbour.check_output("ip -6 -oneline address show dev eth0 scope global").split()[3].split("/")[0]
    neighbour.run("systemd-run --unit lab-server /usr/bin/python3 -c %s", SERVER)
    wait_until(lambda: "ready" in neighbour.check_output("journalctl --unit lab-server"))
    return lambda attempts=4: execute("sender", ASK, near, "who am I?", str(attempts))


def test_masquerade(seen, uplink):
    assert seen() == uplink


def test_to_source(host, seen, run_module, standard, uplink):
    fixed = str(ipaddress.ip_address(uplink) + 0x5000000)
    host.check_output(f"ip -6 address add {fixed}/64 dev eth0 nodad preferred_lft 0")
    result = run_module("ip6tables_nat", to_source=fixed)
    assert result["after"][-2].endswith(f"-j SNAT --to-source {fixed}")
    assert not run_module("ip6tables_nat", to_source=fixed)["changed"]
    assert seen() == fixed
    host.check_output(f"ip -6 address delete {fixed}/64 dev eth0")


def test_to_prefix(host, neighbour, seen, run_module, standard, prefix, link_local):
    outside = ipaddress.ip_network(f"2001:db8:7:{ord(host.check_output('hostname')[0]):x}::/64")
    options = {"sources": [str(prefix)], "to_prefix": str(outside)}
    assert run_module("ip6tables_nat", **options)["after"][-2].endswith(f"-j NETMAP --to {outside}")
    assert not run_module("ip6tables_nat", **options)["changed"]
    neighbour.check_output(f"ip -6 route replace {outside} via {link_local} dev eth0")
    inside = host.check_output("docker inspect --format '{{.NetworkSettings.GlobalIPv6Address}}' sender")
    assert ipaddress.ip_address(seen()) == outside[int(ipaddress.ip_address(inside)) - int(prefix[0])]


def test_destinations_and_interfaces(seen, run_module, standard):
    for options in ({"destinations": ["2001:db8:dead::/48"]}, {"out_interfaces": ["tun+"]}):
        assert not run_module("ip6tables_nat", **options).get("failed")
        assert not run_module("ip6tables_nat", **options)["changed"]
        assert seen(attempts=2) == "failed"
    assert not run_module("ip6tables_nat", destinations=["::/0"], out_interfaces=["eth+"]).get("failed")
    assert not run_module("ip6tables_nat", destinations=["::/0"], out_interfaces=["eth+"])["changed"]
    assert seen() != "failed"
