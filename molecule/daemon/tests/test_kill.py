"""docker_ipv6_daemon killed before each of its steps in turn: docker runs, no file is half-written, the next run finishes.

The module runs on the host by itself, under a hook of the interpreter that sees every change to a file or a switch of the
kernel and every command, and sends SIGKILL before the one whose number is given.
"""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import ansible.module_utils
import pytest
from conftest import ROOT
from hosts import CONFIG, DROP_IN, SYSCTL, bridge, snapshot

testinfra_hosts = ["ansible://bullseye", "ansible://trixie", "ansible://forky"]
SLEEP = "import time; time.sleep(3600)"
# The ways to configure dockerd, side by side.
CONFIGS = {"bullseye": "systemd", "trixie": "daemon_json", "forky": "systemd"}
DIRECTORY = "/srv/killed"
RUN = """\
import json, os, signal, sys
sys.path.insert(0, "/srv/killed")
from ansible.module_utils.testing import patch_module_args
from ansible_collections.v6ops.docker.plugins.modules import docker_ipv6_daemon
options, fatal = json.loads(sys.argv[1]), int(sys.argv[2])
steps = []
def see(event, arguments):
    if event in ("os.rename", "os.remove", "os.mkdir", "os.rmdir"):
        path = arguments[1] if event == "os.rename" else arguments[0]
        step = event if str(path).startswith(("/etc", "/var/lib/v6ops", "/run/v6ops")) else None
    elif event == "open":
        step = event if str(arguments[0]).startswith("/proc/sys") and arguments[2] & os.O_WRONLY else None
    else:
        command = " ".join(map(str, arguments[1])) if event == "subprocess.Popen" else ""
        step = command if command.startswith(("systemctl", "/usr/bin/systemctl", "/bin/systemctl")) else None
    if step:
        steps.append(step)
        if len(steps) == fatal:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(see)
with patch_module_args(options):
    docker_ipv6_daemon.main()
"""


@pytest.fixture(name="run_killed")
def _run_killed(host):
    """A function that runs the module until the step with a number, and returns its result where it ended before that."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        tar.add(Path(ansible.module_utils.__file__).parent, "ansible/module_utils")
        tar.add(ROOT / "plugins", "ansible_collections/v6ops/docker/plugins")
    host.backend.run_local("true")
    host.check_output("mkdir -p %s/ansible_collections", DIRECTORY)
    encoded = archive.getvalue().hex()
    for begin in range(0, len(encoded), 100_000):
        host.check_output("printf %%s %s >> /srv/killed.hex", encoded[begin : begin + 100_000])
    host.check_output(
        "/usr/bin/python3 -c %s; tar -C %s -xzf /srv/killed.tgz; touch %s/ansible/__init__.py; rm /srv/killed.*",
        "open('/srv/killed.tgz', 'wb').write(bytes.fromhex(open('/srv/killed.hex').read()))",
        DIRECTORY,
        DIRECTORY,
    )

    def run(step, **options):
        done = host.run("/usr/bin/python3 -c %s %s %s", RUN, json.dumps(options), step)
        return json.loads(done.stdout) if done.rc in (0, 1) else None

    yield run
    host.check_output("rm -rf %s", DIRECTORY)


@pytest.fixture(name="texts")
def _texts(host):
    return lambda: {path: host.run("cat %s", path).stdout for path in (DROP_IN, SYSCTL, CONFIG)}


def test_killed_before_every_step(host, name, run_module, run_killed, run_container, texts):
    run_container("--detach --name db --restart no", SLEEP)
    ways = {
        "present": {"state": "present", "config": CONFIGS[name]},
        "absent": {"state": "absent"},
    }
    untouched = snapshot(host)
    before = texts()
    run_killed(0, **ways["present"])
    prefix, after = bridge(host)[1], texts()
    run_killed(0, **ways["absent"])
    assert snapshot(host) == untouched
    step, unkilled = 0, set()
    while len(unkilled) < len(ways):
        step += 1
        for state, options in ways.items():
            result = run_killed(step, **options)
            if result is not None:
                unkilled.add(state)
                assert "failed" not in result, (step, state, result)
            for path, text in texts().items():
                assert text in (before[path], after[path]), (step, state, path)
            host.check_output("timeout 20 sh -c 'until docker info >/dev/null 2>&1; do sleep 0.2; done'")
            again = run_killed(0, **options)
            assert "failed" not in again, (step, state, again)
            assert host.check_output("docker ps --format '{{.Names}}'") == "db", (step, state)
            assert not run_killed(0, **options)["changed"], (step, state)
            if state == "present":
                assert (texts(), bridge(host)) == (after, (True, prefix)), step
            else:
                assert snapshot(host) == untouched, step
            assert "proto ra" in host.check_output("ip -6 route show default"), (step, state)
    assert step > len(OURS := (DROP_IN, SYSCTL)), OURS
