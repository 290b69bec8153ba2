from __future__ import annotations

import pytest

from ansible_collections.v6ops.docker.plugins.module_utils._persistence import Have, nat_persistence

KEPT = nat_persistence("docker")
RULES = {"nat": ["-A V6OPS-docker -j RETURN"], "filter": ["-A V6OPS-docker -j DROP"]}
FILES = KEPT.files("V6OPS-docker", RULES, "/usr/sbin/ip6tables")
NOTHING = Have(dict.fromkeys(KEPT.paths), [], [], False)
ALL_WELL = Have(FILES, KEPT.links, KEPT.lasting, False)


def test_files_are_written_before_systemd_is_told():
    change = KEPT.plan(NOTHING, FILES)
    assert change.before == []
    assert change.files == FILES
    assert [command[0] for command in change.after] == ["daemon-reload", "reenable", "restart"]


def test_nothing_is_done_where_all_is_well():
    assert not any(KEPT.plan(ALL_WELL, FILES))
    assert not any(KEPT.plan(NOTHING, {}))


def test_new_rules_need_no_word_to_systemd():
    other = KEPT.files("V6OPS-docker", {**RULES, "nat": ["-A V6OPS-docker -j MASQUERADE"]}, "/usr/sbin/ip6tables")
    change = KEPT.plan(ALL_WELL, other)
    assert list(change.files) == ["/etc/v6ops-docker/nat-docker.rules"]
    assert change.before + change.after == []


@pytest.mark.parametrize(
    ("have", "after"),
    [
        (ALL_WELL._replace(outdated=True), [["daemon-reload"]]),
        (ALL_WELL._replace(links=KEPT.links[:-2]), [["reenable", *list(KEPT.wanted_by)[1:]]]),
        (ALL_WELL._replace(active=KEPT.lasting[:1]), [["restart", "v6ops-natflush-docker.path"]]),
    ],
)
def test_what_is_missing_is_mended(have, after):
    assert KEPT.plan(have, FILES) == ([], {}, after)


def test_units_are_stopped_before_their_files_go():
    change = KEPT.plan(ALL_WELL, {})
    assert change.before == [["stop", *KEPT.lasting]]
    assert change.files == dict.fromkeys([*KEPT.paths, *KEPT.links])
    assert change.after == [["daemon-reload"]]


@pytest.mark.parametrize("gone", range(len(KEPT.paths)))
def test_a_removal_that_was_cut_off_is_finished(gone):
    left = {path: text if number > gone else None for number, (path, text) in enumerate(FILES.items())}
    change = KEPT.plan(Have(left, KEPT.links, [], False), {})
    assert change.before == []
    assert {path for path, text in left.items() if text} | set(KEPT.links) == set(change.files)


def test_the_service_touches_only_tables_with_rules_and_never_lacks_a_jump():
    files = KEPT.files("V6OPS-docker", {"nat": RULES["nat"], "filter": []}, "/usr/sbin/ip6tables")
    service = files["/etc/systemd/system/v6ops-nat-docker.service"]
    starts = [line.rpartition(" ")[2] for line in service.splitlines() if line.startswith("ExecStart=")]
    assert starts == ["/etc/v6ops-docker/nat-docker.rules", "/etc/v6ops-docker/nat-docker.jumps"]
    assert [line[:2] for line in files[starts[1]].splitlines()] == ["*n", "-D", "-D", "-A", "CO"]
    assert "*filter" not in "".join(files.values())
    assert "FORWARD" not in "".join(files.values())


def test_no_two_sets_share_a_file():
    names = ["docker", "docker-2", "natflush-docker", "nat-docker", "flush-docker"]
    paths = [path for name in names for path in nat_persistence(name).paths]
    assert len(set(paths)) == len(paths)
