"""docker_ipv6_daemon where it must refuse before anything is changed."""

from __future__ import annotations

import pytest
from common import SLEEP
from hosts import CONFIG, DROP_IN, DROP_IN_DIRECTORY, dockerd_pid, snapshot

testinfra_hosts = ["ansible://bullseye", "ansible://trixie", "ansible://forky"]
PREFIX = "fd00:6::/64"
OPTIONS = "/etc/default/docker"


@pytest.fixture(name="refused")
def _refused(host, run_module):
    """A function that runs the module, which must refuse and leave everything as it is; its message."""

    def refused(**options):
        before, pid = snapshot(host), dockerd_pid(host)
        result = run_module("docker_ipv6_daemon", **options)
        assert result["failed"]
        assert (snapshot(host), dockerd_pid(host)) == (before, pid)
        return result["msg"]

    return refused


@pytest.mark.parametrize(
    ("prefix", "cause"),
    [
        ("fe80::/64", "it is link-local"),
        ("2001:db8:1::/64", "it overlaps 2001:db8:1::/64, an address on eth0 of this host"),
        ("2001:db8:1:0:8000::/66", "it overlaps 2001:db8:1::/64, an address on eth0 of this host"),
        ("fd00::/16", "/48 to /126"),
    ],
)
def test_an_unfit_prefix(refused, prefix, cause):
    message = refused(fixed_cidr_v6=prefix)
    assert message.startswith("Cannot use the prefix")
    assert cause in message


COMMAND = "[Service]\nExecStart=\nExecStart="
FAULTS = [
    pytest.param(
        {CONFIG: '{"ipv6": false}'},
        {"config": "systemd"},
        f"{CONFIG} already sets ipv6, and dockerd refuses to start",
        id="key that would be an option too",
    ),
    pytest.param(
        {OPTIONS: "DOCKER_OPTS='--ipv6=false'"},
        {"config": "daemon_json"},
        f"Cannot set ipv6 in {CONFIG}: the command line of docker.service already has the option",
        id="option hidden in an environment file",
    ),
    pytest.param(
        {CONFIG: '{"hosts": ["unix:///run/other.sock"]}'},
        {},
        f"{CONFIG} sets hosts, which its command line sets, too",
        id="dormant clash",
    ),
    pytest.param(
        {OPTIONS: 'DOCKER_OPTS="--debug --label a=b"', CONFIG: '{"debug": true, "labels": ["c=d"]}'},
        {},
        f"{CONFIG} sets debug and labels, which its command line sets, too",
        id="dormant clash with hidden options",
    ),
    pytest.param({CONFIG: '{"ipv6":'}, {}, f"{CONFIG} is not a JSON object", id="invalid file"),
    pytest.param({CONFIG: '{"bip7": "x"}'}, {}, "bip7", id="key that no engine knows"),
    pytest.param(
        {CONFIG: '{"ip6tables": true}'}, {}, "takes it only with experimental on", id="ip6tables without experimental"
    ),
    pytest.param(
        {f"{DROP_IN_DIRECTORY}/zzz.conf": f"{COMMAND}/usr/sbin/dockerd -H fd://\n"},
        {},
        f"{DROP_IN_DIRECTORY}/zzz.conf sorts behind {DROP_IN}",
        id="later drop-in",
    ),
    pytest.param(
        {f"{DROP_IN_DIRECTORY}/a.conf": f"{COMMAND}/bin/sh -c dockerd\n"}, {}, "it starts sh, not dockerd", id="wrapper"
    ),
    pytest.param(
        {OPTIONS: "DOCKER_OPTS=--config-file=/srv/gone.json"},
        {},
        "--config-file names /srv/gone.json, which does not exist",
        id="file that is gone",
    ),
]


@pytest.mark.parametrize(("files", "options", "cause"), FAULTS)
def test_a_configuration_that_dockerd_would_not_start_with(host, name, refused, write, files, options, cause):
    if name == "forky" and "experimental" in cause:
        # From 27 on it needs no more than this, and works.
        return
    for path, text in files.items():
        write(path, text)
    host.check_output("systemctl daemon-reload")
    assert cause in refused(fixed_cidr_v6=PREFIX, **options)


def test_an_empty_file_where_the_engine_does_not_take_it(name, refused, run_module, write):
    write(CONFIG, "")
    if name == "bullseye":
        assert "is not a JSON object" in refused(fixed_cidr_v6=PREFIX)
    else:
        assert run_module("docker_ipv6_daemon", fixed_cidr_v6=PREFIX)["changed"]


def test_a_key_of_newer_engines(name, refused, write):
    write(CONFIG, '{"firewall-backend": "iptables"}')
    message = refused(fixed_cidr_v6=PREFIX)
    assert "firewall-backend" in message
    assert message.startswith("Cannot restart dockerd")


def test_live_restore_with_running_containers(host, refused, run_container, write, restart_docker):
    write(CONFIG, '{"live-restore": true}')
    restart_docker()
    container = run_container("--detach --stop-timeout 1", SLEEP).stdout.strip()
    assert "live-restore is on and containers are running" in refused(fixed_cidr_v6=PREFIX)
    assert host.check_output("docker inspect --format '{{.State.Running}}' %s", container) == "true"


def test_a_container_that_would_be_removed(host, refused, run_container):
    container = run_container("--detach --rm --name job --stop-timeout 1", SLEEP).stdout.strip()
    assert "it would remove the running container job" in refused(fixed_cidr_v6=PREFIX)
    assert host.check_output("docker ps --quiet --no-trunc") == container


def test_a_unit_that_is_not_there(host, run_module, refused):
    unit = host.check_output("systemctl show --value --property FragmentPath docker.service")
    # An init script, where there is one, would become a unit of that name.
    move = "mv %s /srv/docker.service; if [ -e /etc/init.d/docker ]; then mv /etc/init.d/docker /srv/init; fi"
    host.check_output(f"{move}; systemctl daemon-reload", unit)
    try:
        assert "Install Docker as a package that systemd starts" in refused(fixed_cidr_v6=PREFIX)
        problems = run_module("docker_ipv6_info")["problems"]
        assert len(problems) == 1
        assert "systemd says" in problems[0]
    finally:
        back = "mv /srv/docker.service %s; if [ -e /srv/init ]; then mv /srv/init /etc/init.d/docker; fi"
        host.check_output(f"{back}; systemctl daemon-reload", unit)


def test_everything_in_the_way_is_told_at_once(host, run_module, write):
    write(CONFIG, '{"hosts": ["unix:///run/other.sock"]}')
    write(f"{DROP_IN_DIRECTORY}/zzz.conf", f"{COMMAND}/usr/sbin/dockerd -H fd://\n")
    host.check_output("systemctl daemon-reload")
    before = snapshot(host)
    info = run_module("docker_ipv6_info")
    assert not info["changed"]
    assert [problem.partition(":")[0] for problem in info["problems"]] == [
        "Cannot extend docker.service",
        "Cannot restart dockerd",
    ]
    assert info["unit"]["exec_start"] == "/usr/sbin/dockerd -H fd://"
    assert info["engine"]["version"] in host.check_output("docker version")
    assert snapshot(host) == before
