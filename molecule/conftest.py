"""What the tests of all scenarios share: modules run by Ansible itself, and a container apart from the collection's."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import tarfile
from pathlib import Path

import ansible.module_utils
import pytest
from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).parent.parent
MODULES = "/srv/modules"
RUN_MODULE = """
import importlib, json, sys
sys.path.insert(0, sys.argv[1])
from ansible.module_utils.testing import patch_module_args
module = importlib.import_module(f"ansible_collections.v6ops.docker.plugins.modules.{sys.argv[2]}")
with patch_module_args(json.loads(sys.argv[3])):
    module.main()
"""
SYSTEM_DIRECTORIES = ("/usr", "/bin", "/lib", "/lib64")
PING = """\
import os, socket, struct, sys
echo = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
echo.settimeout(1)
# Process numbers come again in the next container, and conntrack remembers flows.
flow = os.urandom(2)
for attempt in range(int((sys.argv[2:] or [5])[0])):
    echo.sendto(struct.pack("!BBH2sH", 128, 0, 0, flow, attempt), (sys.argv[1], 0))
    try:
        # The socket hears the replies to all pings of this host.
        while True:
            reply = echo.recv(1500)
            if reply[0] == 129 and reply[4:6] == flow: sys.exit()
    except socket.timeout: pass
sys.exit("no reply")
"""


class HostScheduling(LoadScopeScheduling):
    """Hosts side by side, the tests of one host in turn."""

    def _split_scope(self, nodeid):
        return re.search(r"\w+://[^\]-]+", nodeid)[0]


def pytest_xdist_make_scheduler(config, log):
    return HostScheduling(config, log)


def pytest_terminal_summary(terminalreporter):
    """Keep what failed for the end of ``make test``, where other checks print below this scenario."""
    failed = [*terminalreporter.getreports("failed"), *terminalreporter.getreports("error")]
    if failed:
        log = ROOT / ".cache/failed.log"
        log.parent.mkdir(exist_ok=True)
        with log.open("a", encoding="utf-8") as file:
            file.writelines(f"==> {report.nodeid}\n{report.longreprtext}\n" for report in failed)


@pytest.fixture(name="name")
def _name(host):
    return host.check_output("hostname")


@pytest.fixture(name="in_lab", scope="module")
def _in_lab(host):
    """A function that runs a command on the host with bytes for its input, which testinfra cannot."""
    container = host.backend.get_pytest_id().rpartition("/")[2]
    container = f"{os.environ.get('LAB', 'v6ops-lab')}-{container}"

    def run(*command, content=b""):
        return subprocess.run(
            ["docker", "exec", "--interactive", container, *command], check=False, capture_output=True, input=content
        )

    return run


@pytest.fixture(name="on_host", scope="module")
def _on_host(in_lab):
    """The modules on the host, to be run there without Ansible in between, which saves a second each time."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.add(Path(ansible.module_utils.__file__).parent, "ansible/module_utils")
        tar.add(ROOT / "plugins", "ansible_collections/v6ops/docker/plugins")
        tar.addfile(tarfile.TarInfo("ansible/__init__.py"))
    assert in_lab("mkdir", "-p", MODULES).returncode == 0
    assert in_lab("tar", "-C", MODULES, "-xf", "-", content=archive.getvalue()).returncode == 0
    yield in_lab
    in_lab("rm", "-r", MODULES)


@pytest.fixture(name="run_module")
def _run_module(on_host):
    """A function that runs a module of the collection on the host and returns its result, failed or not.

    prelude: Python to run before it; a module that is killed returns None.
    """

    def run(module, check=False, prelude="", **options):
        options = {**options, "_ansible_check_mode": check, "_ansible_remote_tmp": "/tmp"}
        done = on_host("/usr/bin/python3", "-c", prelude + RUN_MODULE, MODULES, module, json.dumps(options))
        if done.returncode in (-9, 137):
            return None
        assert done.returncode in (0, 1), done
        return {"failed": False, **json.loads(done.stdout)}

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


@pytest.fixture(name="ping_script")
def _ping_script():
    """Python that ends without an error when the address it is given answers one of five pings, or of that many."""
    return PING
