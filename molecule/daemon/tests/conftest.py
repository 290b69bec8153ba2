from __future__ import annotations

import pytest
from hosts import CONFIG, DROP_IN, DROP_IN_DIRECTORY, RECORD_DIRECTORY, SYSCTL, bridge, dockerd_pid


@pytest.fixture(name="write")
def _write(host):
    def write(path, text):
        host.check_output("mkdir -p $(dirname %s); printf %%s %s > %s", path, text, path)

    return write


@pytest.fixture(name="restart_docker")
def _restart_docker(host):
    return lambda: host.check_output(
        "systemctl daemon-reload; systemctl reset-failed docker.service; systemctl restart docker.service"
    )


@pytest.fixture(name="untouched", autouse=True)
def _untouched(host):
    """Give the host back as it was before a test."""
    pid, defaults = dockerd_pid(host), host.file("/etc/default/docker").content_string
    yield
    host.check_output("systemctl start docker.service")
    host.check_output("rm -rf %s %s %s %s", DROP_IN_DIRECTORY, SYSCTL, RECORD_DIRECTORY, CONFIG)
    host.check_output("printf %%s %s > /etc/default/docker; systemctl daemon-reload", defaults)
    host.check_output(
        "docker ps --all --quiet | xargs --no-run-if-empty docker rm --force; docker network prune --force"
    )
    if dockerd_pid(host) != pid:
        # An engine that is told to have no rules leaves those that it had.
        # The first start without IPv6 brings the stored bridge up once more, and forwards.
        host.check_output(
            "systemctl stop docker.socket docker.service;"
            " for table in nat filter; do ip6tables -t $table -F; ip6tables -t $table -X; done;"
            " systemctl reset-failed docker.service; systemctl start docker.service;"
            " echo 1 > /proc/sys/net/ipv6/conf/docker0/disable_ipv6; ip6tables -P FORWARD ACCEPT;"
            " echo 0 > /proc/sys/net/ipv6/conf/all/forwarding; echo 1 > /proc/sys/net/ipv6/conf/eth0/accept_ra"
        )
        host.check_output("timeout 20 sh -c 'until ip -6 route show default | grep -q ra; do sleep 0.2; done'")
    assert bridge(host) == (False, [])


@pytest.fixture(name="doomed")
def _doomed(host, write):
    """A guard of the host's own, as dockerd itself is asked before: no start with an IPv6 prefix."""
    guard = f"! grep -rqs fixed-cidr-v6 {DROP_IN} {CONFIG}"
    write(
        f"{DROP_IN_DIRECTORY}/guard.conf",
        f"[Service]\nExecStartPre=/bin/sh -c '{guard} || {{ echo not here; exit 1; }}'\n",
    )
    host.check_output("systemctl daemon-reload")
