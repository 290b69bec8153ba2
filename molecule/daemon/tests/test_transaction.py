"""docker_ipv6_daemon where it has to go all the way, or back. Docker must run after every one of them."""

from __future__ import annotations

import pytest
from common import SLEEP
from hosts import DROP_IN, DROP_IN_DIRECTORY, bridge, dockerd_pid, snapshot

testinfra_hosts = ["ansible://bullseye", "ansible://trixie", "ansible://forky"]
PREFIX = "fd00:6::/64"


@pytest.mark.parametrize("config", ["systemd", "daemon_json"])
def test_a_failed_start_is_rolled_back(host, run_module, run_container, doomed, config):
    container = run_container("--detach --stop-timeout 1", SLEEP).stdout.strip()
    before = snapshot(host)
    result = run_module("docker_ipv6_daemon", fixed_cidr_v6=PREFIX, config=config)
    assert result["failed"]
    assert "not here" in result["msg"]
    assert any("not here" in line for line in result["log"])
    assert result["msg"].endswith("The files are as they were, and dockerd runs with them again.")
    assert snapshot(host) == before
    assert "proto ra" in host.check_output("ip -6 route show default")
    assert host.check_output("docker inspect --format '{{.State.Running}}' %s", container) == "true"


def test_a_drop_in_that_a_killed_run_left_broken_is_removed(host, run_module, doomed):
    files = run_module("docker_ipv6_daemon", check=True, fixed_cidr_v6=PREFIX)["after"]["files"]
    host.check_output("mkdir %s; printf %s > %s", DROP_IN_DIRECTORY, files[DROP_IN], DROP_IN)
    assert host.run("systemctl daemon-reload; systemctl restart docker.service").failed
    result = run_module("docker_ipv6_daemon", fixed_cidr_v6=PREFIX)
    assert result["failed"]
    assert f"but for {DROP_IN}: dockerd starts only without it, and runs so now." in result["msg"]
    assert bridge(host) == (False, [])


@pytest.mark.parametrize("reached", ["true", "systemctl daemon-reload", "systemctl stop docker.service docker.socket"])
def test_a_run_that_was_killed_is_finished_by_the_next(host, run_module, reached):
    """A killed run leaves its files, and systemd and dockerd somewhere behind them."""
    files = run_module("docker_ipv6_daemon", check=True, fixed_cidr_v6=PREFIX)["after"]["files"]
    for path, text in files.items():
        host.check_output("mkdir -p $(dirname %s); printf %s > %s", path, text, path)
    host.check_output(reached)
    result = run_module("docker_ipv6_daemon", fixed_cidr_v6=PREFIX)
    assert result["changed"]
    assert bridge(host) == (True, [PREFIX])
    assert not run_module("docker_ipv6_daemon", fixed_cidr_v6=PREFIX)["changed"]


def test_check_mode_predicts_and_touches_nothing(host, run_module):
    before, pid = snapshot(host), dockerd_pid(host)
    predicted = run_module("docker_ipv6_daemon", check=True, fixed_cidr_v6=PREFIX)
    assert predicted["changed"]
    assert (snapshot(host), dockerd_pid(host)) == (before, pid)
    real = run_module("docker_ipv6_daemon", fixed_cidr_v6=PREFIX)
    assert {key: real[key] for key in ("before", "after", "restarted")} == {
        key: predicted[key] for key in ("before", "after", "restarted")
    }


def test_options_of_the_users_own_drop_in_stay(host, run_module):
    override = "[Service]\nExecStart=\nExecStart=/usr/sbin/dockerd -H fd:// \\\n    --label 'a=b c' \\\n    --debug\n"
    host.check_output("mkdir -p %s; printf %s > %s/override.conf", DROP_IN_DIRECTORY, override, DROP_IN_DIRECTORY)
    assert run_module("docker_ipv6_daemon", fixed_cidr_v6=PREFIX)["changed"]
    argv = host.check_output("tr '\\0' '\\n' < /proc/%s/cmdline", dockerd_pid(host)).splitlines()
    assert argv[1:8] == ["-H", "fd://", "--label", "a=b c", "--debug", "--ipv6", f"--fixed-cidr-v6={PREFIX}"]


def test_the_blogs_override_is_left_alone(host, run_module):
    override = f'[Service]\nExecStart=\nExecStart=/usr/sbin/dockerd --ipv6 --fixed-cidr-v6="{PREFIX}" -H fd://\n'
    host.check_output("mkdir -p %s; printf %s > %s/override.conf", DROP_IN_DIRECTORY, override, DROP_IN_DIRECTORY)
    host.check_output("systemctl daemon-reload; systemctl restart docker.service")
    result = run_module("docker_ipv6_daemon", fixed_cidr_v6=PREFIX, protect_uplinks=False, user_networks=False)
    assert not result["changed"]
    other = run_module("docker_ipv6_daemon", fixed_cidr_v6="fd00:7::/64", protect_uplinks=False)
    assert other["changed"]
    assert bridge(host) == (True, ["fd00:7::/64"])


def test_containers_that_ran_run_again_whatever_becomes_of_one(host, run_module, run_container):
    host.check_output("mkdir /srv/gone")
    lost = run_container(
        "--detach --name lost --stop-timeout 1 --mount type=bind,src=/srv/gone,dst=/mnt", SLEEP
    ).stdout.strip()
    slow = run_container("--detach --name slow --stop-timeout 6", SLEEP).stdout.strip()
    paused = run_container("--detach --name paused --stop-timeout 1", SLEEP).stdout.strip()
    stopped = run_container("--detach --name stopped", "").stdout.strip()
    host.check_output("docker pause paused; docker wait stopped; rmdir /srv/gone")
    result = run_module("docker_ipv6_daemon", fixed_cidr_v6=PREFIX, timeout=5)
    assert result["started_containers"] == ["slow", "paused"]
    states = host.check_output("docker ps --all --no-trunc --format '{{.ID}} {{.State}}'").splitlines()
    assert set(states) == {f"{lost} exited", f"{slow} running", f"{paused} paused", f"{stopped} exited"}


def test_docker_that_does_not_run_is_not_touched(host, run_module):
    host.check_output("systemctl stop docker.service docker.socket")
    result = run_module("docker_ipv6_daemon", fixed_cidr_v6=PREFIX)
    assert result["failed"]
    assert "systemctl start docker" in result["msg"]
    assert not host.file(DROP_IN).exists
