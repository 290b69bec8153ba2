from __future__ import annotations

import pytest
from hosts import DROP_IN_DIRECTORY, SYSCTL, bridge, dockerd_pid


@pytest.fixture(name="untouched", autouse=True)
def _untouched(host):
    """Give the host back as it was before a test."""
    pid = dockerd_pid(host)
    yield
    host.check_output("rm -rf %s %s /etc/docker/daemon.json; systemctl daemon-reload", DROP_IN_DIRECTORY, SYSCTL)
    host.check_output("docker ps --all --quiet | xargs --no-run-if-empty docker rm --force")
    if dockerd_pid(host) != pid:
        host.check_output(
            "echo 1 > /proc/sys/net/ipv6/conf/eth0/accept_ra; echo 0 > /proc/sys/net/ipv6/conf/all/forwarding;"
            " systemctl reset-failed docker.service; systemctl restart docker.service;"
            " ip -6 address flush dev docker0 scope global"
        )
    assert bridge(host) == (False, [])
