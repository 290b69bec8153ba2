from __future__ import annotations

import dataclasses
import ipaddress
import json

import pytest

from ansible_collections.v6ops.docker.plugins.module_utils._daemon import GivingBack, findings, plan
from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal
from ansible_collections.v6ops.docker.plugins.module_utils._options import BUILT_IN_POOLS, masquerades
from ansible_collections.v6ops.docker.plugins.module_utils._preflight import DROP_IN
from ansible_collections.v6ops.docker.plugins.module_utils._record import RECORD_FILE
from ansible_collections.v6ops.docker.plugins.module_utils._state import ConfigFile, Have, Want, engine_facts
from ansible_collections.v6ops.docker.plugins.module_utils._sysctl import SYSCTL_FILE

PREFIX = ipaddress.ip_network("fd00:1::/64")
WANT = Want(prefix=PREFIX, pool=ipaddress.ip_network("fd00:1::/48"))
ARGV = ["/usr/sbin/dockerd", "-H", "fd://", "$DOCKER_OPTS"]
FLAGS = ["--ipv6", "--fixed-cidr-v6=fd00:1::/64"]
VENDOR = ("/lib/systemd/system/docker.service", "[Service]\nExecStart=/usr/sbin/dockerd -H fd:// $DOCKER_OPTS\n")
PATH = "/etc/docker/daemon.json"
WITHOUT = {"name": "bridge", "interface": "docker0", "ipv6": False, "subnets": []}
INFO = {"version": "28.5.2", "live_restore": False, "running": False, "pools": [], "firewall_backend": "iptables"}
UNTOUCHED = Have(
    version="28.5.2",
    argv=ARGV,
    units=[VENDOR],
    running_argv=ARGV[:-1],
    started=10.0,
    info=INFO,
    networks=[WITHOUT],
    endangered=["eth0"],
    accept_ra={"eth0": "1"},
    forwarding={"all": "0", "default": "0", "eth0": "0"},
    forward_policy="ACCEPT",
    bridge_disabled="1",
    missing_directories=["/var/lib/v6ops-docker"],
)
OLD = {"version": "26.1.5", "info": {**INFO, "version": "26.1.5"}}


def have(state=UNTOUCHED, **changes):
    return dataclasses.replace(state, **changes)


def want(**changes):
    return dataclasses.replace(WANT, **changes)


def with_config(text, state=UNTOUCHED, **changes):
    """A state with a daemon.json that the running dockerd has read."""
    return have(state, config_file=ConfigFile(PATH, text, 1.0), **changes)


def carried_out(state, todo):
    """The state after a plan was carried out: a host with just what matters here."""
    files = {change.path: change.after for change in todo.files + todo.last_files}
    record = files.get(RECORD_FILE, json.dumps(state.record) if state.record else None)
    state = have(
        state,
        argv=ARGV + todo.flags,
        drop_in=files.get(DROP_IN, state.drop_in),
        sysctl=files.get(SYSCTL_FILE, state.sysctl),
        config_file=ConfigFile(PATH, files.get(PATH, state.config_file.text), 1.0),
        record=json.loads(record) if record else None,
        endangered=[],
        accept_ra={**state.accept_ra, **dict.fromkeys(todo.accept_ra, "2"), **todo.giving_back.accept_ra},
        stopped=[],
    )
    if todo.restart:
        target = todo.target
        pools = {"pools": target["default-address-pools"] or []} if "default-address-pools" in target else {}
        on = bool(target.get("ipv6"))
        subnets = [target["fixed-cidr-v6"]] if on else []
        others = [network for network in state.networks if network["name"] != "bridge"]
        state = have(
            state,
            running_argv=todo.command,
            info={**INFO, **(state.info or {}), **pools},
            networks=[{**WITHOUT, "ipv6": on, "subnets": subnets}, *others],
            forwarding=dict.fromkeys(state.forwarding, "1") if on else state.forwarding,
            bridge_disabled="0" if on else state.bridge_disabled,
            forward_policy="DROP" if on and masquerades(state.version, target) else state.forward_policy,
        )
    back = todo.giving_back
    return have(
        state,
        forwarding={**state.forwarding, **back.forwarding},
        forward_policy=back.forward_policy or state.forward_policy,
        bridge_disabled=back.bridge_disabled or state.bridge_disabled,
    )


def done(state=UNTOUCHED, wanted=WANT):
    return carried_out(state, plan(state, wanted))


def texts(todo):
    return {change.path: change.after for change in todo.files if change.path != RECORD_FILE}


def test_untouched_host():
    todo = plan(UNTOUCHED, WANT)
    assert [(change.path, change.before) for change in todo.files] == [
        (RECORD_FILE, None),
        (SYSCTL_FILE, None),
        (DROP_IN, None),
    ]
    assert texts(todo)[SYSCTL_FILE].endswith("\nnet/ipv6/conf/eth0/accept_ra = 2\n")
    assert texts(todo)[DROP_IN].endswith("ExecStart=/usr/sbin/dockerd -H fd:// $DOCKER_OPTS " + " ".join(FLAGS) + "\n")
    assert (todo.accept_ra, todo.reload, todo.restart, todo.stop, todo.pending) == (["eth0"], True, True, False, [])


PRESENT = [
    WANT,
    want(config="daemon_json"),
    want(config="systemd", ip6tables=True, default_networks=True),
    want(config="daemon_json", ip6tables=False, default_networks=True, pool_is_asked_for=True),
    want(pool=None),
]
STATES = [
    UNTOUCHED,
    have(**OLD),
    with_config('{"debug": true}', **OLD),
    with_config(
        '{"ipv6": false, "default-address-pools": [{"base": "10.9.0.0/16", "size": 24}]}',
        version="26.1.5",
        info={**OLD["info"], "pools": [{"base": "10.9.0.0/16", "size": 24}]},
    ),
]


@pytest.mark.parametrize(
    ("state", "wanted"),
    # In daemon.json as a drop-in is refused, see REFUSALS.
    [
        (state, wanted)
        for state in STATES
        for wanted in PRESENT
        if wanted.config != "systemd" or "ipv6" not in (state.config_file.text or "")
    ],
)
def test_there_and_back(state, wanted):
    """A second run changes nothing, absent gives back what was there, and has nothing to do after that."""
    after = done(state, wanted)
    assert not plan(after, wanted).changed
    gone = done(after, want(state="absent"))
    assert not plan(gone, want(state="absent")).changed
    expected = have(state, endangered=[], running_argv=gone.running_argv)
    assert have(gone, config_file=gone.config_file._replace(changed=state.config_file.changed)) == expected


@pytest.mark.parametrize("state", STATES[:3])
def test_moving_between_the_places_leaves_one(state):
    in_unit = done(state, want(config="systemd"))
    in_file = done(in_unit, want(config="daemon_json"))
    assert in_file.drop_in is None
    assert {"ipv6", "fixed-cidr-v6"} <= json.loads(in_file.config_file.text).keys()
    assert not plan(in_file, WANT).changed
    back = done(in_file, want(config="systemd"))
    assert (back.drop_in, back.config_file.text) == (in_unit.drop_in, state.config_file.text)


def test_older_engines_get_pools_and_keep_those_that_are_built_in():
    target = plan(have(**OLD), WANT).target["default-address-pools"]
    assert target == [*BUILT_IN_POOLS, {"base": "fd00:1:0:1::/64", "size": 80}]
    assert "default-address-pools" not in plan(UNTOUCHED, WANT).target


def test_an_engine_that_does_not_manage_ipv6_rules_gets_pools_in_any_version():
    todo = plan(
        have(running_argv=[*ARGV[:-1], "--ip6tables=false"], environment={"DOCKER_OPTS": "--ip6tables=false"}), WANT
    )
    assert todo.target["default-address-pools"][-1] == {"base": "fd00:1::/48", "size": 64}


def test_pools_of_the_user_get_one_more():
    pools = [{"base": "10.0.0.0/8", "size": 24}]
    todo = plan(with_config(json.dumps({"default-address-pools": pools}), **OLD), WANT)
    assert json.loads(texts(todo)[PATH])["default-address-pools"] == [*pools, {"base": "fd00:1:0:1::/64", "size": 80}]
    options = {"environment": {"DOCKER_OPTS": "--default-address-pool base=10.0.0.0/8,size=24"}}
    assert plan(have(**OLD, **options), WANT).flags == [*FLAGS, "--default-address-pool=base=fd00:1:0:1::/64,size=80"]


def test_a_pool_of_the_user_that_has_ipv6_is_enough():
    pools = [{"base": "fd00:9::/48", "size": 64}]
    todo = plan(with_config(json.dumps({"default-address-pools": pools}), **OLD), WANT)
    assert json.loads(texts(todo)[PATH])["default-address-pools"] == pools


def test_experimental_where_ip6tables_needs_it():
    assert plan(have(**OLD), want(pool=None, ip6tables=True)).flags == [*FLAGS, "--ip6tables", "--experimental"]
    assert plan(UNTOUCHED, want(pool=None, ip6tables=True)).flags == FLAGS
    assert plan(UNTOUCHED, want(pool=None, ip6tables=False)).flags == [*FLAGS, "--ip6tables=false"]


def test_default_networks_where_the_engine_can():
    opt = "--default-network-opt=bridge=com.docker.network.enable_ipv6=true"
    assert opt in plan(UNTOUCHED, want(default_networks=True)).flags
    assert opt not in plan(have(**OLD), want(default_networks=True)).flags


@pytest.mark.parametrize(
    ("cut_off", "expected"),
    [
        ({"argv": ARGV, "networks": [WITHOUT]}, (True, True)),  # before systemd read the drop-in
        ({"networks": [WITHOUT]}, (False, True)),  # before the restart
        ({"networks": [], "info": None, "running_argv": None}, (False, True)),  # while dockerd was down
    ],
)
def test_a_run_that_was_cut_off_is_finished(cut_off, expected):
    todo = plan(have(done(), **cut_off), WANT)
    assert not todo.files
    assert (todo.reload, todo.restart) == expected


def test_another_prefix_replaces_ours():
    state = done()
    todo = plan(state, want(prefix=ipaddress.ip_network("fd00:2::/64")))
    assert texts(todo)[DROP_IN] == state.drop_in.replace("fd00:1::", "fd00:2::")
    assert todo.restart


def test_a_new_vendor_command_is_followed_without_a_restart():
    upgraded = (VENDOR[0], VENDOR[1].replace("fd://", "fd:// --containerd=/run/containerd/containerd.sock"))
    todo = plan(have(done(), units=[upgraded]), WANT)
    assert "--containerd" in texts(todo)[DROP_IN]
    assert (todo.reload, todo.restart) == (True, False)


def test_an_interface_more_is_added_to_the_others():
    state = have(done(), endangered=["eth0.100"])
    todo = plan(state, WANT)
    assert texts(todo)[SYSCTL_FILE] == state.sysctl.replace("net/", "net/ipv6/conf/eth0.100/accept_ra = 2\nnet/")
    assert not todo.restart


def test_an_interface_that_had_lost_its_route_is_not_given_back_to_that():
    forwarding = {"all": "1", "default": "1", "eth0": "1"}
    state = done(have(endangered=["default", "eth0"], forwarding=forwarding, accept_ra={"default": "1", "eth0": "1"}))
    assert plan(state, want(state="absent")).giving_back.accept_ra == {"default": "1"}


def test_a_damaged_sysctl_file_is_written_anew():
    todo = plan(have(done(), sysctl="net/ipv6/conf/eth0/acc", endangered=["eth0"]), WANT)
    assert texts(todo)[SYSCTL_FILE].endswith("\nnet/ipv6/conf/eth0/accept_ra = 2\n")


def test_containers_that_a_killed_run_had_stopped_are_started():
    container = {"id": "c", "name": "db", "paused": False, "auto_remove": False}
    todo = plan(have(done(), stopped=[container]), WANT)
    assert (todo.start, todo.restart, todo.changed) == ([container], False, True)


def test_an_empty_daemon_json_is_none_where_the_engine_takes_it():
    assert plan(with_config("\n"), WANT).restart


def test_options_that_stand_elsewhere_are_left_there():
    on = {**WITHOUT, "ipv6": True, "subnets": [str(PREFIX)]}
    vendor = (VENDOR[0], VENDOR[1].replace("$DOCKER_OPTS", " ".join(FLAGS)))
    assert not plan(have(units=[vendor], networks=[on], endangered=[]), WANT).changed
    text = '{"ipv6": true, "fixed-cidr-v6": "FD00:1:0::/64"}'
    assert not plan(with_config(text, networks=[on], endangered=[]), WANT).changed


def test_a_daemon_json_that_others_changed_since_keeps_their_change():
    state = done(with_config('{"ipv6": false}'))
    edited = state.config_file.text.replace("{", '{"debug": true, ', 1)
    todo = plan(with_config(edited, state), want(state="absent"))
    assert texts(todo)[PATH] == '{"debug": true, "ipv6": false}'
    assert not plan(with_config(edited, state), WANT).changed


@pytest.mark.parametrize(
    ("wanted", "info", "pending", "stop"),
    [
        ({"restart": "never"}, {}, "dockerd has to be restarted", False),
        ({"live_restore": "defer"}, {"live_restore": True, "running": True}, "while no container runs", False),
        ({"live_restore": "defer"}, {"live_restore": True}, None, False),
        ({"live_restore": "stop_containers"}, {"live_restore": True, "running": True}, None, True),
        ({"live_restore": "stop_containers"}, {"running": True}, None, False),
    ],
)
def test_what_becomes_of_the_restart(wanted, info, pending, stop):
    state = have(info={**INFO, **info})
    todo = plan(state, want(**wanted))
    assert (bool(todo.files), todo.restart, todo.stop) == (True, pending is None, stop)
    assert pending is None or pending in todo.pending[0]
    if pending:
        again = plan(carried_out(state, todo), want(**wanted))
        assert (again.changed, again.pending) == (False, todo.pending)


def test_absent_waits_with_the_kernel_until_dockerd_was_restarted():
    state = done()
    todo = plan(state, want(state="absent", restart="never"))
    assert (todo.giving_back, todo.last_files, todo.restart) == (GivingBack(), [], False)
    later = have(carried_out(state, todo), networks=[WITHOUT])
    assert plan(later, want(state="absent")).giving_back.forwarding == UNTOUCHED.forwarding


def test_absent_keeps_forwarding_for_networks_that_stay():
    other = {"name": "shop", "interface": "br-1", "ipv6": True, "subnets": ["fd00:5::/64"]}
    state = done()
    state = have(state, networks=[*state.networks, other])
    todo = plan(state, want(state="absent"))
    assert texts(todo) == {DROP_IN: None}
    assert (todo.giving_back, todo.last_files, todo.restart) == (GivingBack(), [], True)


def test_live_restore_matters_only_where_dockerd_must_restart():
    assert not plan(have(done(), info={**INFO, "live_restore": True, "running": True}), WANT).changed


LATER = "/etc/systemd/system/docker.service.d/zzz.conf"
REFUSALS = [
    (with_config('{"ipv6": false}'), {"config": "systemd"}, f"{PATH} already sets ipv6"),
    (with_config('{"fixed-cidr-v6": "fd00:2::/64"}'), {"config": "systemd"}, "already sets fixed-cidr-v6"),
    (have(environment={"DOCKER_OPTS": "--ipv6=false"}), {"config": "daemon_json"}, "Cannot set ipv6 in"),
    (
        with_config('{"ipv6": true}', environment={"DOCKER_OPTS": "--ipv6 --fixed-cidr-v6 fd00:3::/64"}),
        {},
        f"{PATH} sets ipv6, which its command line sets, too",
    ),
    (with_config('{"hosts": ["fd://"]}'), {}, f"{PATH} sets hosts, which its command line sets, too"),
    (
        with_config('{"insecure-registries": []}', environment={"DOCKER_OPTS": "--insecure-registry=a"}),
        {},
        "sets insec",
    ),
    (with_config('{"debug": true'), {}, "is not a JSON object"),
    (with_config("[]"), {}, "is not a JSON object"),
    (with_config("", version="20.10.24"), {}, "is not a JSON object"),
    (have(environment={"DOCKER_OPTS": "--config-file /srv/none.json"}), {}, "which does not exist"),
    (have(info={**INFO, "live_restore": True, "running": True}), {}, "live-restore is on"),
    (have(units=[("u", "[Service]\nExecStart=/usr/local/bin/start-docker\n")]), {}, "starts start-docker, not dockerd"),
    (have(units=[("u", "[Service]\nExecStart=/bin/sh -c 'exec dockerd'\n")]), {}, "starts sh, not dockerd"),
    (have(units=[("u", "[Service]\nType=notify\n")]), {}, "has 0 ExecStart= commands"),
    (have(units=[VENDOR, ("o", VENDOR[1])]), {}, "has 2 ExecStart= commands"),
    (have(units=[VENDOR, (LATER, "[Service]\nExecStart=\nExecStart=/sbin/dockerd\n")]), {}, f"{LATER} sorts behind"),
    (have(networks=[]), {}, "dockerd runs without one"),
    (have(in_use=[(ipaddress.ip_network("fd00::/16"), "a route to tun0")]), {}, "overlaps fd00::/16, a route to tun0"),
    (
        have(networks=[WITHOUT, {"name": "shop", "interface": "br-1", "ipv6": True, "subnets": ["fd00:1::/80"]}]),
        {},
        "overlaps fd00:1::/80, the Docker network shop",
    ),
    (have(), {"pool": ipaddress.ip_network("fd00:1::/32")}, "a length of /48 to /64"),
    (have(), {"pool": PREFIX}, "takes all of it"),
    (have(**OLD, environment={"DOCKER_OPTS": "--ip6tables"}), {}, "26.1.5 takes it only with experimental on"),
    *((have(), {"prefix": ipaddress.ip_network(prefix)}, "/48 to /126") for prefix in ("fd00::/47", "fd00:1::/127")),
]


@pytest.mark.parametrize(("state", "wanted", "cause"), REFUSALS)
def test_refusals(state, wanted, cause):
    with pytest.raises(Refusal, match=cause):
        plan(state, want(**wanted))


def test_all_that_is_in_the_way_is_found_at_once():
    state = with_config('{"hosts": []}', units=[VENDOR, (LATER, "[Service]\nExecStart=\nExecStart=dockerd -H fd://\n")])
    assert len(findings(have(state, info={**INFO, "live_restore": True, "running": True}), WANT)) == 3


def test_absent_refuses_what_would_not_start_without_us():
    state = done(with_config('{"ipv6": true}', **OLD))
    with pytest.raises(Refusal, match="ipv6 is on without fixed-cidr-v6, and 26"):
        plan(state, want(state="absent"))


def test_a_later_drop_in_that_leaves_the_command_alone_is_none_of_ours():
    plan(have(units=[VENDOR, (LATER, "[Service]\nLimitNOFILE=1\n")]), WANT)


@pytest.mark.parametrize(
    "command", ["/usr/bin/env -S dockerd", "-/usr/bin/dockerd", "@/usr/bin/dockerd docker", '"/sbin/dockerd"']
)
def test_other_ways_to_start_dockerd(command):
    assert plan(have(units=[("u", f"[Service]\nExecStart={command} -H fd://\n")]), WANT).restart


def test_edits_of_the_admin_between_runs_are_kept():
    """Also where a run in between changed something else of ours."""
    state = done(with_config('{"debug": true}'), want(config="daemon_json"))
    edited = state.config_file.text.replace("{", '{"data-root": "/srv", ', 1)
    state = done(with_config(edited, state), want(prefix=ipaddress.ip_network("fd00:2::/64")))
    for later in (want(config="systemd"), want(state="absent")):
        assert json.loads(texts(plan(state, later))[PATH]) == {"data-root": "/srv", "debug": True}


def test_another_config_file_is_not_taken_for_the_recorded_one():
    state = done(wanted=want(config="daemon_json"))
    other = ConfigFile("/etc/docker/other.json", '{"data-root": "/srv"}', 1.0)
    options = {"environment": {"DOCKER_OPTS": "--config-file=/etc/docker/other.json"}, "config_file": other}
    moved = have(state, former_config=state.config_file, networks=[WITHOUT], **options)
    todo = plan(moved, want(config="daemon_json"))
    assert texts(todo)[PATH] is None
    assert json.loads(texts(todo)[other.path])["data-root"] == "/srv"
    assert texts(plan(moved, want(state="absent"))) == {PATH: None}


def test_absent_while_dockerd_is_down_gives_back_later():
    down = have(done(), info=None, networks=[], running_argv=None, forwarding=UNTOUCHED.forwarding)
    todo = plan(down, want(state="absent"))
    assert (todo.giving_back, todo.last_files) == (GivingBack(), [])
    assert "once more when dockerd runs" in todo.pending[0]


def test_what_a_restart_may_change_once_more_is_given_back_whole():
    todo = plan(have(done(), forwarding=UNTOUCHED.forwarding), want(state="absent"))
    assert todo.restart
    assert todo.giving_back.forwarding == UNTOUCHED.forwarding


def test_a_host_that_forwarded_before_is_given_back_although_networks_stay():
    forwarding = {"all": "1", "default": "1", "eth0": "1"}
    on = {**WITHOUT, "ipv6": True, "subnets": ["fd00:7::/64"]}
    state = with_config('{"ipv6": true, "fixed-cidr-v6": "fd00:7::/64"}', forwarding=forwarding, networks=[on])
    todo = plan(done(state), want(state="absent"))
    assert RECORD_FILE in {change.path for change in todo.last_files}


def test_forwarding_that_a_file_of_the_host_asks_for_stays():
    files = [("/etc/sysctl.d/99-router.conf", "net.ipv6.conf.all.forwarding = 1")]
    assert plan(have(done(), sysctl_files=files), want(state="absent")).giving_back.forwarding == {}


@pytest.mark.parametrize("pools", ["[]", "null"])
def test_pools_that_are_none_do_not_cost_the_built_in_ones(pools):
    todo = plan(with_config(f'{{"default-address-pools": {pools}}}', **OLD), WANT)
    assert todo.target["default-address-pools"][:-1] == BUILT_IN_POOLS


def test_absent_where_the_engine_has_a_prefix_by_itself():
    automatic = {**WITHOUT, "ipv6": True, "subnets": ["fd22::/64"]}
    state = done(with_config('{"ipv6": true}', networks=[automatic]))
    assert plan(state, want(state="absent")).target["fixed-cidr-v6"] is None


def test_engine_facts_after_ip6tables_was_dropped():
    state = have(running_argv=[*ARGV[:-1], "--ip6tables=false"])
    assert not engine_facts(state, {})["ip6tables"]
    assert engine_facts(state, {"ip6tables": None})["ip6tables"]


def test_engine_facts_do_not_depend_on_when_daemon_json_was_touched():
    text = '{"ip6tables": true, "experimental": true}'
    assert engine_facts(have(config_file=ConfigFile(PATH, text, 99.0), **OLD), {})["ip6tables"]
