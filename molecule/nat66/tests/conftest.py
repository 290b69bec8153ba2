from __future__ import annotations

import ipaddress
import json
import subprocess
from pathlib import Path

import pytest
import testinfra
from common import SLEEP, wait_until
from scripts import SERVER

ROOT = Path(__file__).parents[3]
INVENTORY = ROOT / "tests/lab/inventory"


@pytest.fixture(name="neighbour", scope="module")
def _neighbour():
    return testinfra.get_host("ansible://bookworm", ansible_inventory=str(INVENTORY))


def address(host, scope):
    """The host's first address on the link, of a scope."""
    return host.check_output(f"ip -6 -oneline address show dev eth0 scope {scope}").split()[3].split("/")[0]


@pytest.fixture(name="link_local", scope="module")
def _link_local(host):
    return address(host, "link")


@pytest.fixture(name="uplink", scope="module")
def _uplink(host):
    return address(host, "global")


def subnet(host, network):
    """The IPv6 subnet of a network."""
    subnets = host.check_output(
        f"docker network inspect {network} --format '{{{{range .IPAM.Config}}}}{{{{.Subnet}}}} {{{{end}}}}'"
    )
    return next(ipaddress.ip_network(subnet) for subnet in subnets.split() if ":" in subnet)


@pytest.fixture(name="prefix", scope="module")
def _prefix(host):
    return subnet(host, "bridge")


@pytest.fixture(name="pool", scope="module")
def _pool(prefix):
    return prefix.supernet(new_prefix=48)


@pytest.fixture(name="route")
def _route(neighbour, pool, link_local):
    neighbour.check_output(f"ip -6 route replace {pool} via {link_local} dev eth0")
    yield
    neighbour.check_output(f"ip -6 route delete {pool}")


@pytest.fixture(name="user_network")
def _user_network(host, pool):
    """A network with another subnet of the pool, which no rule names."""
    host.check_output(f"docker network create --ipv6 --subnet {pool[7 << 64]}/64 lab-user")
    yield "lab-user"
    host.check_output("docker network rm lab-user")


@pytest.fixture(name="start")
def _start(host, run_container):
    """A function that starts a container and returns its IPv6 address."""
    names = []

    def start(name, options="", script=SERVER):
        assert run_container(f"--detach --name {name} {options}", script).rc == 0
        names.append(name)
        if script == SERVER:
            wait_until(lambda: "ready" in host.check_output("docker logs %s", name))
        form = "{{range .NetworkSettings.Networks}}{{.GlobalIPv6Address}}{{end}}"
        return host.check_output("docker inspect --format %s %s", form, name)

    yield start
    host.check_output("docker rm --force " + " ".join(names or ["none"]))


@pytest.fixture(name="execute")
def _execute(host):
    """A function that runs Python in a container that runs, and returns what it prints, or "failed"."""

    def execute(container, script, *arguments):
        spelt = " ".join(["%s"] * (1 + len(arguments)))
        done = host.run(f"docker exec {container} /usr/bin/python3 -c {spelt}", script, *arguments)
        return done.stdout.strip() if done.rc == 0 else "failed"

    return execute


@pytest.fixture(name="ping")
def _ping(execute, ping_script):
    """A function that tells whether an address answers a container that runs, after how many attempts at most."""
    return lambda container, target, attempts=5: execute(container, ping_script, target, str(attempts)) == ""


@pytest.fixture(name="roamer")
def _roamer(start):
    start("roamer", script=SLEEP)
    return "roamer"


@pytest.fixture(name="run_role")
def _run_role(name):
    """A function that runs one role alone, and returns Ansible's exit status and what it prints."""

    def run(role="docker_ipv6_nat66", **variables):
        command = ["ansible", "--inventory", str(INVENTORY), name, "--module-name", "include_role"]
        command += ["--args", f"name=v6ops.docker.{role}", "--extra-vars", json.dumps(variables)]
        done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
        return done.returncode, done.stdout + done.stderr

    return run


@pytest.fixture(name="standard")
def _standard(run_module, name):
    """Give the host back the rules that site.yml gave it."""
    yield
    state = "absent" if name == "forky" else "present"
    assert not run_module("ip6tables_nat", state=state).get("failed")
