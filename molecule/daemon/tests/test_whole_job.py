"""docker_ipv6, all of it in one call: what it leaves where one part fails, and that nothing of it stays with absent."""

from __future__ import annotations

import pytest
from hosts import bridge, dockerd_pid, snapshot

testinfra_hosts = ["ansible://bullseye", "ansible://trixie", "ansible://forky"]
PREFIX = "fd00:6::/64"
INTERNET = "2001:db8:dead::1"
NOBODY = "2001:db8:dead::bad"
ENGINE_MASQUERADES = {"forky"}


@pytest.fixture(name="no_rules", autouse=True)
def _no_rules(untouched, run_module):
    yield
    assert not run_module("ip6tables_nat", state="absent")["failed"]


def rules(host):
    return [line for line in host.check_output("ip6tables-save").splitlines() if "V6OPS" in line]


def kept(host):
    return host.run("ls -A /etc/v6ops-docker; ls /etc/systemd/system /etc/systemd/system/*.wants | grep v6ops").stdout


def test_there_and_back(host, name, run_module):
    before, pid = snapshot(host), dockerd_pid(host)
    predicted = run_module("docker_ipv6", check=True, targets=[INTERNET])
    assert (snapshot(host), rules(host), kept(host), dockerd_pid(host)) == (before, [], "", pid)
    assert predicted["changed"]
    assert "passed" not in predicted
    real = run_module("docker_ipv6", targets=[INTERNET])
    assert real["passed"], real["checks"]
    alike = ("before", "after", "restarted", "commands", "engine", "fixed_cidr_v6")
    assert {key: real[key] for key in alike} == {key: predicted[key] for key in alike}
    assert set(real["translated_by"].values()) >= {"engine" if name in ENGINE_MASQUERADES else "collection"}
    assert bool(rules(host)) == bool(kept(host)) == (name not in ENGINE_MASQUERADES)

    again = run_module("docker_ipv6", targets=[INTERNET])
    assert again["passed"]
    assert [again[key] for key in ("changed", "restarted", "commands")] == [False, False, []]
    assert not run_module("docker_ipv6", state="absent", check=True)["failed"]
    assert bridge(host)[0]
    assert run_module("docker_ipv6", state="absent")["changed"]
    assert (snapshot(host), rules(host), kept(host)) == (before, [], "")
    assert not run_module("docker_ipv6", state="absent")["changed"]


def test_rules_of_a_start_that_failed_go_again(host, run_module, doomed):
    before = snapshot(host)
    result = run_module("docker_ipv6", fixed_cidr_v6=PREFIX, nat_owner="collection")
    assert result["failed"]
    assert "not here" in result["msg"]
    assert result["msg"].endswith("The files are as they were, and dockerd runs with them again.")
    assert (snapshot(host), rules(host), kept(host)) == (before, [], "")


def test_rules_that_were_there_before_stay_as_they_were(host, run_module, doomed):
    assert run_module("ip6tables_nat", sources=["fd00:5::/64"])["changed"]
    before, units = rules(host), kept(host)
    assert run_module("docker_ipv6", fixed_cidr_v6=PREFIX, nat_owner="collection")["failed"]
    assert (rules(host), kept(host)) == (before, units)


@pytest.fixture(name="without_program")
def _without_program(host):
    host.check_output("mv /usr/sbin/ip6tables-save /root")
    yield
    host.check_output("mv /root/ip6tables-save /usr/sbin")


def test_where_no_rules_can_be_set_dockerd_is_not_touched(host, run_module, without_program):
    before, pid = snapshot(host), dockerd_pid(host)
    result = run_module("docker_ipv6", nat_owner="collection")
    assert result["failed"]
    assert result["msg"].endswith("ip6tables-save is not installed. Install the package iptables.")
    assert (snapshot(host), dockerd_pid(host)) == (before, pid)


def test_what_was_set_up_stays_where_the_verification_fails(host, run_module):
    result = run_module("docker_ipv6", targets=[NOBODY])
    assert result["failed"]
    assert result["changed"]
    assert NOBODY in result["msg"]
    assert result["broken"][0]["target"] == NOBODY
    assert bridge(host)[0]
    reported = run_module("docker_ipv6", targets=[NOBODY], report_only=True)
    assert [reported[key] for key in ("failed", "changed", "passed")] == [False, False, False]


def test_nothing_is_verified_as_long_as_a_restart_is_pending(host, run_module):
    result = run_module("docker_ipv6", targets=[INTERNET], restart="never")
    assert not result["failed"]
    assert result["pending"]
    assert "passed" not in result
    assert not bridge(host)[0]


def test_what_dockerd_runs_with_stays_closed(host, run_module):
    """A former prefix until dockerd has given it up, and a network of a former pool until it is removed."""
    former = {"fixed_cidr_v6": "fd00:5::/64", "pool": "fd00:5::/48", "nat_owner": "collection"}
    new = {"fixed_cidr_v6": PREFIX, "pool": "fd00:6::/48", "nat_owner": "collection"}
    shop = "fd00:5:0:7::/64"

    def dropped():
        return {line.split()[3] for line in rules(host) if line.endswith("-j DROP") and " -o " not in line}

    assert run_module("docker_ipv6", **former)["passed"]
    host.check_output(f"docker network create --ipv6 --subnet {shop} shop")
    assert dropped() == {former["pool"]}
    assert run_module("docker_ipv6", **new, restart="never")["pending"]
    assert dropped() == {new["pool"], former["fixed_cidr_v6"], shop}
    assert run_module("docker_ipv6", **new)["passed"]
    assert dropped() == {new["pool"], shop}
    assert not run_module("docker_ipv6", **new)["changed"]
    host.check_output("docker network rm shop")
    assert run_module("docker_ipv6", **new)["changed"]
    assert dropped() == {new["pool"]}


@pytest.mark.parametrize("options", [{"targets": ["fe80::1"]}, {"fixed_cidr_v6": "fd00::/129"}, {"pool": "nonsense"}])
def test_bad_input_is_refused_before_anything_is_changed(host, run_module, options):
    before = snapshot(host)
    assert run_module("docker_ipv6", **options)["msg"].startswith("Cannot ")
    assert (snapshot(host), rules(host)) == (before, [])


def test_the_engine_is_relied_on_as_long_as_it_masquerades(host, run_module):
    result = run_module("docker_ipv6", nat_owner="engine", targets=[INTERNET])
    assert result["passed"], result
    assert "engine" in result["translated_by"].values()
    assert rules(host) == []
    host.check_output("ip6tables -t nat -F POSTROUTING")
    assert run_module("docker_ipv6", nat_owner="engine")["msg"].startswith("Cannot leave NAT66 to dockerd: ")
    host.check_output("systemctl restart docker")
    assert not run_module("docker_ipv6", nat_owner="engine")["changed"]


def test_the_rules_change_hands(host, run_module):
    for owner in ("collection", "engine", "collection"):
        result = run_module("docker_ipv6", nat_owner=owner, targets=[INTERNET])
        assert result["passed"], result
        assert bool(rules(host)) == bool(kept(host)) == (owner == "collection")
        assert not run_module("docker_ipv6", nat_owner=owner)["changed"]
