"""Who does NAT66: the role leaves it to the engine that does, and a change of hands leaves nothing behind."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

testinfra_hosts = ["ansible://trixie", "ansible://forky"]
ROOT = Path(__file__).parents[3]
INTERNET = "2001:db8:dead::1"


@pytest.fixture(name="run_role")
def _run_role(name):
    def run(**variables):
        """The role used alone; what Ansible prints."""
        command = ["ansible", "--inventory", "tests/lab/inventory", name, "--module-name", "include_role"]
        command += ["--args", "name=v6ops.docker.docker_ipv6_nat66", "--extra-vars", json.dumps(variables)]
        done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
        return done.returncode, done.stdout + done.stderr

    return run


def owners(host):
    saved = host.check_output("ip6tables-save -t nat")
    return {"collection": "-j V6OPS-docker" in saved, "engine": "! -o docker0 -j MASQUERADE" in saved}


def test_owners(host, name, run_role, ping_from_container):
    engine = name == "forky"
    assert owners(host) == {"collection": not engine, "engine": engine}
    for owner in ("collection", "auto"):
        code, printed = run_role(docker_ipv6_nat_owner=owner)
        assert code == 0, printed
        assert owners(host) == {"collection": owner == "collection" or not engine, "engine": engine}
        assert ping_from_container(INTERNET).rc == 0
    units = host.run("ls /etc/systemd/system | grep v6ops-nat").stdout
    assert bool(units) == (not engine)


def test_an_engine_that_does_not_masquerade_is_not_relied_on(host, name, run_role):
    if name == "forky":
        host.check_output("ip6tables -t nat -F POSTROUTING")
    code, printed = run_role(docker_ipv6_nat_owner="engine")
    if name == "forky":
        host.check_output("systemctl restart docker")
    assert code != 0
    assert "Cannot leave NAT66 to dockerd" in printed
    code, printed = run_role()
    assert code == 0, printed


def test_production_refuses_nat66(host, run_role):
    before = host.check_output("ip6tables-save | sed 's/ \\[.*//; /^#/d'")
    code, printed = run_role(docker_ipv6_environment="production")
    assert code != 0
    assert "Cannot set up NAT66 in production" in printed
    assert host.check_output("ip6tables-save | sed 's/ \\[.*//; /^#/d'") == before
    assert run_role(docker_ipv6_environment="production", docker_ipv6_allow_nat66_in_production=True)[0] == 0


def test_absent_takes_the_set_away(host, name, run_role):
    assert run_role(docker_ipv6_state="absent")[0] == 0
    assert not owners(host)["collection"]
    assert run_role()[0] == 0
    assert owners(host)["collection"] == (name == "trixie")
