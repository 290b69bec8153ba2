from __future__ import annotations

import dataclasses
import ipaddress

import pytest

from ansible_collections.v6ops.docker.plugins.module_utils._daemon import DROP_IN, Have, config_path, plan
from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal
from ansible_collections.v6ops.docker.plugins.module_utils._uplink import SYSCTL_FILE

PREFIX = ipaddress.ip_network("fd00:1::/64")
ARGV = ["/usr/sbin/dockerd", "-H", "fd://", "$DOCKER_OPTS"]
FLAGS = ["--ipv6", "--fixed-cidr-v6=fd00:1::/64"]
VENDOR = ("/lib/systemd/system/docker.service", "[Service]\nExecStart=/usr/sbin/dockerd -H fd:// $DOCKER_OPTS\n")
WITHOUT = {"name": "docker0", "ipv6": False, "subnets": []}
WITH = {"name": "docker0", "ipv6": True, "subnets": ["fd00:1::/64"]}
UNTOUCHED = Have(
    argv=ARGV,
    units=[VENDOR],
    drop_in=None,
    sysctl=None,
    config_file=("/etc/docker/daemon.json", None),
    bridge=WITHOUT,
    info={"version": "26.1.5", "live_restore": False, "running": False},
    endangered=["eth0"],
)


def have(**changes):
    return dataclasses.replace(UNTOUCHED, **changes)


def carried_out(state, todo):
    """The state after a plan was carried out."""
    files = {change.path: change.after for change in todo.files}
    return dataclasses.replace(
        state,
        argv=ARGV + todo.flags,
        drop_in=files.get(DROP_IN, state.drop_in),
        sysctl=files.get(SYSCTL_FILE, state.sysctl),
        bridge=WITH,
        endangered=[],
    )


def test_untouched_host():
    todo = plan(UNTOUCHED, PREFIX)
    assert {change.path: change.before for change in todo.files} == {SYSCTL_FILE: None, DROP_IN: None}
    assert todo.files[0].after.endswith("\nnet/ipv6/conf/eth0/accept_ra = 2\n")
    assert todo.files[1].after.endswith("ExecStart=/usr/sbin/dockerd -H fd:// $DOCKER_OPTS " + " ".join(FLAGS) + "\n")
    assert (todo.accept_ra, todo.reload, todo.restart) == (["eth0"], True, True)


def test_a_second_run_changes_nothing():
    assert not plan(carried_out(UNTOUCHED, plan(UNTOUCHED, PREFIX)), PREFIX).changed


@pytest.mark.parametrize(
    ("cut_off", "expected"),
    [
        ({"argv": ARGV, "bridge": WITHOUT}, (True, True)),  # before systemd read the drop-in
        ({"bridge": WITHOUT}, (False, True)),  # before the restart
        ({"bridge": None, "info": None}, (False, True)),  # while dockerd was down
    ],
)
def test_a_run_that_was_cut_off_is_finished(cut_off, expected):
    state = dataclasses.replace(carried_out(UNTOUCHED, plan(UNTOUCHED, PREFIX)), **cut_off)
    todo = plan(state, PREFIX)
    assert not todo.files
    assert (todo.reload, todo.restart) == expected


def test_another_prefix_replaces_ours():
    state = carried_out(UNTOUCHED, plan(UNTOUCHED, PREFIX))
    todo = plan(state, ipaddress.ip_network("fd00:2::/64"))
    assert todo.files[0].after == state.drop_in.replace("fd00:1::", "fd00:2::")
    assert todo.restart


def test_a_new_vendor_command_is_followed_without_a_restart():
    state = carried_out(UNTOUCHED, plan(UNTOUCHED, PREFIX))
    upgraded = (VENDOR[0], VENDOR[1].replace("fd://", "fd:// --containerd=/run/containerd/containerd.sock"))
    todo = plan(dataclasses.replace(state, units=[upgraded]), PREFIX)
    assert "--containerd" in todo.files[0].after
    assert (todo.reload, todo.restart) == (True, False)


def test_an_interface_more_is_added_to_the_others():
    state = dataclasses.replace(carried_out(UNTOUCHED, plan(UNTOUCHED, PREFIX)), endangered=["eth0.100"])
    todo = plan(state, PREFIX)
    assert todo.files[0].after == state.sysctl + "net/ipv6/conf/eth0.100/accept_ra = 2\n"
    assert not todo.restart


def test_a_damaged_sysctl_file_is_written_anew():
    state = dataclasses.replace(carried_out(UNTOUCHED, plan(UNTOUCHED, PREFIX)), sysctl="net/ipv6/conf/eth0/acc")
    todo = plan(dataclasses.replace(state, endangered=["eth0"]), PREFIX)
    assert todo.files[0].after.endswith("\nnet/ipv6/conf/eth0/accept_ra = 2\n")


def test_containers_that_a_killed_run_had_stopped_are_started():
    container = {"id": "c", "name": "db", "paused": False, "auto_remove": False}
    todo = plan(dataclasses.replace(carried_out(UNTOUCHED, plan(UNTOUCHED, PREFIX)), stopped=[container]), PREFIX)
    assert (todo.start, todo.restart, todo.changed) == ([container], False, True)


def test_an_empty_daemon_json_is_none_where_the_engine_takes_it():
    assert plan(have(config_file=("d.json", "\n")), PREFIX).restart


@pytest.mark.parametrize("prefix", ["fd00::/16", "fd00:1::/47", "fd00:1::/127", "fd00:1::/128"])
def test_a_prefix_that_is_no_subnet_for_a_bridge_is_refused(prefix):
    with pytest.raises(Refusal, match="/48 to /126"):
        plan(UNTOUCHED, ipaddress.ip_network(prefix))


def test_options_that_stand_elsewhere_are_left_there():
    by_hand = have(argv=ARGV + FLAGS, bridge=WITH, endangered=[])
    assert not plan(by_hand, PREFIX).changed
    in_file = have(
        config_file=("daemon.json", '{"ipv6": true, "fixed-cidr-v6": "FD00:1:0::/64"}'), bridge=WITH, endangered=[]
    )
    assert not plan(in_file, PREFIX).changed


def test_our_drop_in_gives_way_to_daemon_json():
    state = carried_out(UNTOUCHED, plan(UNTOUCHED, PREFIX))
    file = ("daemon.json", '{"ipv6": true, "fixed-cidr-v6": "fd00:1::/64"}')
    todo = plan(dataclasses.replace(state, config_file=file), PREFIX)
    assert [(change.path, change.after) for change in todo.files] == [(DROP_IN, None)]
    assert (todo.reload, todo.flags) == (True, [])


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"config_file": ("/etc/docker/daemon.json", '{"ipv6": false}')}, "/etc/docker/daemon.json already sets ipv6"),
        ({"config_file": ("d.json", '{"fixed-cidr-v6": "fd00:2::/64"}')}, "d.json already sets fixed-cidr-v6"),
        (
            {"config_file": ("d.json", '{"ipv6": true, "fixed-cidr-v6": 1}')},
            "d.json already sets ipv6 and fixed-cidr-v6",
        ),
        ({"config_file": ("d.json", '{"debug": true')}, "d.json is not a JSON object"),
        (
            {"config_file": ("d.json", ""), "info": {**UNTOUCHED.info, "version": "20.10.24"}},
            "d.json is not a JSON object",
        ),
        ({"config_file": ("d.json", "[]")}, "d.json is not a JSON object"),
        ({"info": {"version": "", "live_restore": True, "running": True}}, "live-restore is on"),
        ({"units": [("u", "[Service]\nExecStart=/usr/local/bin/start-docker\n")]}, "starts start-docker, not dockerd"),
        ({"units": [("u", "[Service]\nExecStart=/bin/sh -c 'exec dockerd'\n")]}, "starts sh, not dockerd"),
        ({"units": [("u", "[Service]\nType=notify\n")]}, "has 0 ExecStart= commands"),
        ({"units": [VENDOR, ("o", VENDOR[1])]}, "has 2 ExecStart= commands"),
        ({"in_use": [(ipaddress.ip_network("fd00::/16"), "a route to tun0")]}, "overlaps fd00::/16, a route to tun0"),
    ],
)
def test_refusals(changes, cause):
    with pytest.raises(Refusal, match=cause):
        plan(have(**changes), PREFIX)


def test_a_later_drop_in_is_named():
    later = "/etc/systemd/system/docker.service.d/zzz.conf"
    units = [VENDOR, (later, "[Service]\nExecStart=\nExecStart=/usr/sbin/dockerd\n")]
    with pytest.raises(Refusal, match=f"{later} sorts behind {DROP_IN}"):
        plan(have(units=units), PREFIX)
    plan(have(units=[VENDOR, (later, "[Service]\nLimitNOFILE=1\n")]), PREFIX)


def test_live_restore_matters_only_where_dockerd_must_restart():
    state = carried_out(UNTOUCHED, plan(UNTOUCHED, PREFIX))
    assert not plan(
        dataclasses.replace(state, info={"version": "", "live_restore": True, "running": True}), PREFIX
    ).changed


@pytest.mark.parametrize(
    ("argv", "path"),
    [
        (ARGV, "/etc/docker/daemon.json"),
        ([*ARGV, "--config-file=/srv/docker.json"], "/srv/docker.json"),
        ([*ARGV, "--config-file", "/srv/docker.json", "--debug"], "/srv/docker.json"),
    ],
)
def test_config_path(argv, path):
    assert config_path(argv) == path
