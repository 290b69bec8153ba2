"""docker_ipv6_daemon where it must refuse before anything is changed; what it reads is the same on every engine."""

from __future__ import annotations

import pytest
from hosts import DROP_IN, DROP_IN_DIRECTORY, dockerd_pid, snapshot

testinfra_hosts = ["ansible://trixie"]


@pytest.mark.parametrize(
    ("prefix", "cause"),
    [
        ("fe80::/64", "it is link-local"),
        ("2001:db8:1::/64", "it overlaps 2001:db8:1::/64, an address on eth0 of this host"),
        ("2001:db8:1:0:8000::/66", "it overlaps 2001:db8:1::/64, an address on eth0 of this host"),
        ("fd00::/16", "/48 to /126"),
    ],
)
def test_an_unfit_prefix_is_refused(host, run_module, prefix, cause):
    before, pid = snapshot(host), dockerd_pid(host)
    result = run_module("docker_ipv6_daemon", fixed_cidr_v6=prefix)
    assert result["failed"]
    assert result["msg"].startswith("Cannot use the prefix")
    assert cause in result["msg"]
    assert (snapshot(host), dockerd_pid(host)) == (before, pid)


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        ("printf '{\"ipv6\": false}' > /etc/docker/daemon.json", "/etc/docker/daemon.json already sets ipv6"),
        ("printf '{\"ipv6\":' > /etc/docker/daemon.json", "/etc/docker/daemon.json is not a JSON object"),
        (
            "systemctl cat docker.service | sed -n 's/^ExecStart/[Service]\\nExecStart=\\n&/p' > zzz.conf",
            f"{DROP_IN_DIRECTORY}/zzz.conf sorts behind {DROP_IN}",
        ),
        ("printf '[Service]\\nExecStart=\\nExecStart=/bin/sh -c dockerd\\n' > a.conf", "it starts sh, not dockerd"),
    ],
)
def test_a_configuration_that_would_clash_is_refused(host, run_module, fault, cause):
    host.check_output(
        f"mkdir -p /etc/docker {DROP_IN_DIRECTORY}; cd {DROP_IN_DIRECTORY}; {fault}; systemctl daemon-reload"
    )
    before, pid = snapshot(host), dockerd_pid(host)
    result = run_module("docker_ipv6_daemon", fixed_cidr_v6="fd00:6::/64")
    assert result["failed"]
    assert cause in result["msg"]
    assert (snapshot(host), dockerd_pid(host)) == (before, pid)
