from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LAB = os.environ.get("LAB", "v6ops-lab")
INTERNET = "2001:db8:dead::1"
LIFETIME = 12  # seconds, of the router's advertisements
WATCH = (Path(__file__).parent / "watch.py").read_text(encoding="utf-8")


class Watch:
    """The default route, watched by a unit of the host's own, which outlives a lost connection."""

    def __init__(self, host):
        self.host = host
        host.check_output("systemctl stop watch; systemctl reset-failed; rm -f /run/watch.json")
        host.check_output(
            "systemd-run --quiet --unit=watch --property=StandardOutput=file:/run/watch.json /usr/bin/python3 -c %s %s",
            WATCH.replace("%", "%%"),
            INTERNET,
        )

    def end(self):
        self.host.check_output("systemctl stop watch")
        return json.loads(self.host.file("/run/watch.json").content_string)


@pytest.fixture(name="watch")
def _watch(host):
    return lambda: Watch(host)


@pytest.fixture(name="await_route")
def _await_route(host):
    """A function that waits for a default route that is new, as one that was spared before dies in another way."""

    def wait(fresh=False):
        if fresh:
            host.check_output("ip -6 route flush default proto ra")
        host.check_output(
            "timeout 30 sh -c 'until ip -6 route show default | grep -q \"proto ra\"; do sleep 0.1; done'"
        )

    return wait


@pytest.fixture(name="configure")
def _configure(run_module, host, await_route):
    """docker_ipv6_daemon, and the host as it was after the test."""
    await_route(fresh=True)
    yield lambda **options: run_module("docker_ipv6_daemon", **options)
    result = run_module("docker_ipv6_daemon", state="absent")
    if result["failed"] or result["pending"]:
        raise AssertionError(result)


@pytest.fixture(name="outer")
def _outer():
    """A function that runs a docker command of the machine that the lab is on."""

    def run(*arguments, content=None):
        done = subprocess.run(["docker", *arguments], check=False, capture_output=True, text=True, input=content)
        assert done.returncode == 0, done
        return done.stdout.strip()

    return run


@pytest.fixture(name="reboot")
def _reboot(host, name, outer):
    """Nothing but files survives: a new network namespace, and systemd from its beginning."""

    def reboot():
        outer("restart", f"{LAB}-{name}")
        deadline = time.monotonic() + 60
        while host.run("systemctl is-active docker.service").failed and time.monotonic() < deadline:
            time.sleep(0.5)

    return reboot


@pytest.fixture(name="ansible_over_ssh")
def _ansible_over_ssh(name, tmp_path):
    """A function that runs a playbook on the host with these options of ssh, and returns what it prints."""

    def run(options, playbook):
        variables = {
            "ansible_connection": "ansible.builtin.ssh",
            "ansible_user": "root",
            "ansible_ssh_common_args": options,
            "ansible_control_path_dir": str(tmp_path),
        }
        command = ["ansible-playbook", "--inventory", ROOT / "tests/lab/inventory", "--limit", name, ROOT / playbook]
        done = subprocess.run(
            [*command, "--extra-vars", json.dumps(variables)],
            check=False,
            capture_output=True,
            text=True,
            cwd=ROOT,
            # Molecule asks for colours, and the tests read what is printed.
            env={**os.environ, "ANSIBLE_FORCE_COLOR": "0"},
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run
