"""What the tests of all scenarios share: modules run by Ansible itself, and a container apart from the collection's."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).parent.parent
INVENTORY = ROOT / "tests/lab/inventory.py"
SYSTEM_DIRECTORIES = ("/usr", "/bin", "/lib", "/lib64")
PING = """\
import os, socket, struct, sys
echo = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
echo.settimeout(1)
for attempt in range(5):
    echo.sendto(struct.pack("!BBHHH", 128, 0, 0, os.getpid() % 65536, attempt), (sys.argv[1], 0))
    try:
        while echo.recv(1500)[0] != 129: pass
        sys.exit()
    except socket.timeout: pass
sys.exit("no reply")
"""


class HostScheduling(LoadScopeScheduling):
    """Hosts side by side, the tests of one host in turn."""

    def _split_scope(self, nodeid):
        return re.search(r"\[(\w+://[^\]-]+)", nodeid)[1]


def pytest_xdist_make_scheduler(config, log):
    return HostScheduling(config, log)


@pytest.fixture(name="name")
def _name(host):
    return host.check_output("hostname")


@pytest.fixture(name="run_module")
def _run_module(name):
    """A function that runs a module of the collection on the host and returns its result, failed or not."""

    def run(module, check=False, **options):
        command = ["ansible", "--inventory", INVENTORY, name, "--module-name", f"v6ops.docker.{module}"]
        command += (["--args", json.dumps(options)] if options else []) + (["--check"] if check else [])
        environment = {"ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json", "ANSIBLE_LOAD_CALLBACK_PLUGINS": "true"}
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, cwd=ROOT, env={**os.environ, **environment}
        )
        return json.loads(done.stdout)["plays"][0]["tasks"][0]["hosts"][name]

    return run


@pytest.fixture(name="run_container")
def _run_container(host):
    """A function that runs the host's Python in a container, without the collection's own code."""
    host.check_output("tar -cT /dev/null | docker import - lab-empty")
    mounts = " ".join(f"-v {directory}:{directory}:ro" for directory in SYSTEM_DIRECTORIES)

    def run(options, script, *arguments):
        spelt = " ".join(["%s"] * (1 + len(arguments)))
        return host.run(f"docker run {options} {mounts} lab-empty /usr/bin/python3 -c {spelt}", script, *arguments)

    return run


@pytest.fixture(name="ping_from_container")
def _ping_from_container(run_container):
    return lambda target: run_container("--rm", PING, target)
