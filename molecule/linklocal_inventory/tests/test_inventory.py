"""Hosts without a configured address are found, are the hosts that they are said to be, and get what site.yml gives."""

from __future__ import annotations

import json
import re
import subprocess

import pytest
from conftest import NAMES

# The hosts share a link, so the tests take turns: all of them are those of one host.
testinfra_hosts = ["ansible://trixie"]
pytestmark = pytest.mark.usefixtures("host")


def hostnames(printed):
    """What ``hostname`` said on each host."""
    return dict(re.findall(r"^(\S+) \| CHANGED \| rc=0 >>\n(\S+)", printed, re.MULTILINE))


def test_site_runs_on_hosts_without_a_configured_address(interface, bare, on, ansible, inventory, fingerprints):
    links = [{"interface": interface}]
    hosts, groups = inventory(links=links)
    keys = fingerprints()
    names = {keys[found["linklocal_host_key"]]: name for name, found in hosts.items()}
    assert sorted(names) == sorted(NAMES)
    for name, address in bare.items():
        found = hosts[names[name]]
        assert re.fullmatch("ssh-[0-9a-f]{12}", names[name])
        assert found["ansible_host"] == f"{address}%{interface}"
        assert found["ansible_ssh_common_args"].startswith(f"-o HostKeyAlias={names[name]} ")
    assert groups["linklocal_neighbours"] == groups["linklocal_mac_local"] == set(hosts)
    assert groups[f"linklocal_{interface}".replace("-", "_")] == set(hosts)
    assert "conflict" not in groups

    # There is no uplink, so verification can but tell.
    site = ["playbooks/site.yml", "--extra-vars", json.dumps({"docker_ipv6_verify_report_only": True})]
    first = ansible("ansible-playbook", *site, links=links)
    assert set(re.findall(r"^(\S+) +: ok=\d+ +changed=[1-9]", first, re.MULTILINE)) == set(hosts), first
    again = ansible("ansible-playbook", *site, links=links)
    assert set(re.findall(r"^(\S+) +: ok=\d+ +changed=0 +unreachable=0 +failed=0", again, re.MULTILINE)) == set(hosts)


def test_its_containers_have_ipv6(host, on, run_container, ping_script):
    for name in NAMES:
        assert json.loads(on(name, "docker network inspect bridge"))[0]["EnableIPv6"]
    bridge = host.check_output("ip -6 -o address show dev docker0 scope global").split()[3]
    assert bridge.startswith("fd")
    assert run_container("--rm", ping_script, bridge.partition("/")[0]).rc == 0


def test_hosts_with_one_address_on_two_links_are_never_mixed_up(
    interface, bare, hidden, ansible, inventory, fingerprints
):
    links = [{"interface": "lan0", "jump_host": f"root@{address}%{interface}"} for address in bare.values()]
    hosts, __ = inventory(links=links)
    keys = fingerprints("/root/hidden.pub")
    expected = {name: f"hidden-{keys[found['linklocal_host_key']]}" for name, found in hosts.items()}
    assert sorted(expected.values()) == [f"hidden-{name}" for name in NAMES]
    assert {found["ansible_host"] for found in hosts.values()} == {"fe80::7%lan0"}
    # The second time over the masters of the first.
    for __ in range(2):
        assert hostnames(ansible("ansible", "all", "-m", "command", "-a", "hostname", links=links)) == expected
    # With the path of Ansible's own making one master serves both, and nobody notices.
    shared = ["-e", json.dumps({"ansible_control_path": "%(directory)s/%%h-%%p-%%r"}), "--forks=1"]
    mixed = hostnames(ansible("ansible", "all", "-m", "command", "-a", "hostname", *shared, links=links))
    assert len(set(mixed.values())) == 1


def test_a_host_is_called_what_names_says_and_else_what_it_says(interface, bare, inventory, fingerprints):
    key = next(key for key, name in fingerprints().items() if name == "bullseye")
    hosts, __ = inventory(links=[{"interface": interface}], names={"web1": key}, mdns=True)
    assert {name: found["linklocal_address"] for name, found in hosts.items()} == {
        "web1": bare["bullseye"],
        "trixie.local": bare["trixie"],
    }


def test_a_cloned_host_key_is_a_conflict(interface, bare, on, host_key, inventory):
    host_key("bullseye", on("trixie", "cat /etc/ssh/ssh_host_ed25519_key") + "\n")
    hosts, groups = inventory(links=[{"interface": interface}])
    assert groups["conflict"] == set(hosts)
    assert [name for name in groups if name.startswith("linklocal_")] == []
    assert {found["linklocal_address"] for found in hosts.values()} == set(bare.values())
    assert all(re.fullmatch("conflict-ssh-[0-9a-f]{12}-[0-9a-f]{12}", name) for name in hosts)
    assert all("the same host key is at" in found["linklocal_conflict"] for found in hosts.values())


def test_a_changed_host_key_is_a_conflict_and_ssh_refuses_it(interface, bare, host_key, ansible, inventory, tmp_path):
    options = {"links": [{"interface": interface}], "names": {"web1": bare["bullseye"], "web2": bare["trixie"]}}
    printed = ansible("ansible", "all", "-m", "command", "-a", "hostname", **options)
    assert hostnames(printed) == {"web1": "bullseye", "web2": "trixie"}
    key = tmp_path / "another"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    host_key("bullseye", key.read_text(encoding="ascii"))
    hosts, groups = inventory(**options)
    (name,) = groups["conflict"]
    assert name.startswith("conflict-web1-")
    assert set(hosts) == {name, "web2"}
    assert "ssh knows another key of web1" in hosts[name]["linklocal_conflict"]
    printed = ansible("ansible", "conflict", "-m", "command", "-a", "hostname", succeeds=False, **options)
    assert "REMOTE HOST IDENTIFICATION HAS CHANGED" in printed


def test_without_root_on_a_jump_host(interface, bare, on, plain_user, ansible, inventory):
    links = [{"interface": "eth0", "jump_host": f"{plain_user}@{bare['trixie']}%{interface}"}]
    hosts, __ = inventory(links=links)
    assert [found["linklocal_address"] for found in hosts.values()] == [bare["bullseye"]]
    assert hosts.popitem()[1]["linklocal_found_by"] == ["echo"]
    on("trixie", "echo '1 0' >/proc/sys/net/ipv4/ping_group_range")
    refusal = ansible("ansible-inventory", "--list", succeeds=False, links=links)
    on("trixie", "echo '0 2147483647' >/proc/sys/net/ipv4/ping_group_range")
    assert "have this user's group within net.ipv4.ping_group_range." in refusal


def test_what_cannot_be_used_is_said_in_a_sentence(interface, bare, ansible):
    jump_host = f"root@{bare['trixie']}%{interface}"
    for options, sentence in (
        ({"links": [{"interface": "nowhere"}]}, "Cannot use nowhere: this host has no such interface. It has "),
        (
            {"links": [{"interface": "nowhere", "jump_host": jump_host}]},
            f"On the jump host {bare['trixie']}%{interface}: Cannot use nowhere: this host has no such interface.",
        ),
        (
            {"links": [{"interface": "eth0", "jump_host": f"root@[{bare['trixie']}%{interface}]:9"}]},
            f"Cannot log in to the jump host {bare['trixie']}%{interface}: ssh: connect to host",
        ),
        ({"links": [{"interface": interface}], "port": 70000}, "Cannot use port 70000. Give 1 to 65535."),
    ):
        assert sentence in ansible("ansible-inventory", "--list", succeeds=False, **options)
