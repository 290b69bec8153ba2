"""docker_ipv6_daemon killed before each of its steps: docker runs, no file is half-written, the next run finishes.

The module runs under a hook of the interpreter that sees every change to a file or a switch of the kernel and every
systemctl, and sends SIGKILL before the one whose number is given.
"""

from __future__ import annotations

import pytest
from common import SLEEP
from hosts import CONFIG, DROP_IN, SYSCTL, bridge, snapshot

testinfra_hosts = ["ansible://bullseye", "ansible://trixie", "ansible://forky"]
# Where the options go, and which steps: two hosts share those of the drop-in.
CONFIGS = {"bullseye": "systemd", "forky": "systemd", "trixie": "daemon_json"}
MODULES = {"bullseye": "docker_ipv6_daemon", "forky": "docker_ipv6_daemon", "trixie": "docker_ipv6"}
STEPS = {"bullseye": range(1, 99, 2), "forky": range(2, 99, 2), "trixie": range(1, 99)}
KILL = """
import os, signal, sys
steps = []
def see(event, arguments):
    if event in ("os.rename", "os.remove", "os.mkdir", "os.rmdir"):
        path = arguments[1] if event == "os.rename" else arguments[0]
        step = str(path).startswith(("/etc", "/var/lib/v6ops", "/run/v6ops"))
    elif event == "open":
        step = str(arguments[0]).startswith("/proc/sys") and arguments[2] & os.O_WRONLY
    else:
        step = event == "subprocess.Popen" and str(arguments[0]).endswith("systemctl")
    if step:
        steps.append(event)
        if len(steps) == FATAL:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(see)
"""


@pytest.fixture(name="texts")
def _texts(host):
    return lambda: {path: host.run("cat %s", path).stdout for path in (DROP_IN, SYSCTL, CONFIG)}


def test_killed_before_every_step(host, name, run_module, run_container, texts):
    run_container("--detach --name db --stop-timeout 1", SLEEP)
    ways = {"present": {"config": CONFIGS[name]}, "absent": {}}

    def run(state, fatal=0):
        return run_module(MODULES[name], prelude=f"FATAL = {fatal}{KILL}", state=state, **ways[state])

    untouched, before = snapshot(host), texts()
    run("present")
    prefix, after = bridge(host)[1], texts()
    run("absent")
    assert snapshot(host) == untouched
    survived = set()
    for step in STEPS[name]:
        for state in ways:
            if run(state, step):
                survived.add(state)
            assert all(text in (before[path], after[path]) for path, text in texts().items()), (step, state)
            host.check_output("timeout 20 sh -c 'until docker info >/dev/null 2>&1; do sleep 0.2; done'")
            assert not run(state)["failed"], (step, state)
            assert host.check_output("docker ps --format '{{.Names}}'") == "db", (step, state)
            if state == "present":
                assert (texts(), bridge(host)) == (after, (True, prefix)), step
            else:
                assert snapshot(host) == untouched, step
            assert "proto ra" in host.check_output("ip -6 route show default"), (step, state)
        if len(survived) == len(ways):
            break
    assert not run("absent")["changed"]
    # A record, a sysctl file, a switch, a configuration, a list of containers, two commands: fewer were not seen.
    assert 7 < step < STEPS[name].stop - 1
