"""The set of rules itself: refusals that leave everything as it was, other backends, and an end without a trace."""

from __future__ import annotations

import pytest

testinfra_hosts = ["ansible://trixie"]
FILES = "find /etc/systemd /etc/v6ops-docker -exec ls -ld --time-style=+ {} + 2>/dev/null | grep -v /etc/systemd$"


def snapshot(host):
    """The rules of both backends without counters and times, and the files, links and units."""
    rules = "ip6tables-save; ip6tables-legacy-save 2>/dev/null"
    return {
        "rules": host.check_output(f"({rules}) | sed 's/ \\[.*//; /^#/d'"),
        "files": host.run(FILES).stdout,
        "units": host.check_output("systemctl list-units --all --plain --no-legend 'v6ops*'"),
    }


@pytest.mark.parametrize(
    ("options", "cause"),
    [
        ({"sources": ["fd00:1::/64", "fd00:1::/48"]}, "they overlap. Name the larger one alone."),
        ({"to_source": "2001:db8::5"}, "2001:db8::5: it is no address of this host"),
        ({"to_source": "2001:db8::5", "to_prefix": "2001:db8:7::/64"}, "mutually exclusive"),
    ],
)
def test_bad_input_changes_nothing(host, run_module, options, cause):
    before = snapshot(host)
    result = run_module("ip6tables_nat", **options)
    assert result["failed"]
    assert cause in result["msg"]
    assert snapshot(host) == before


@pytest.fixture(name="without_ip6tables")
def _without_ip6tables(host):
    host.check_output("mkdir /root/away; mv /usr/sbin/ip6tables* /root/away")
    yield
    host.check_output("mv /root/away/* /usr/sbin; rmdir /root/away")


def test_a_missing_ip6tables_is_told(run_module, without_ip6tables):
    result = run_module("ip6tables_nat")
    assert "ip6tables-save is not installed. Install the package iptables." in result["msg"]
    predicted = run_module("ip6tables_nat", check=True)
    assert predicted["changed"] is False or predicted["commands"]
    assert "is not installed" in str(predicted["warnings"])


def test_a_lock_that_is_held_is_waited_for_and_then_told(host, run_module):
    before = snapshot(host)
    host.check_output("systemd-run --unit lab-lock flock /run/xtables.lock sleep 60")
    result = run_module("ip6tables_nat", backend="legacy", sources=["fd00:5::/64"], persist=False, name="locked")
    host.check_output("systemctl stop lab-lock")
    assert "another program held the xtables lock for 10 s" in result["msg"]
    assert snapshot(host)["files"] == before["files"]
    assert "locked" not in snapshot(host)["rules"]


def test_a_table_that_the_kernel_refuses_leaves_the_other_as_it_was(host, run_module):
    """As on a kernel without a target: what ip6tables-restore is given for the second table cannot be applied."""
    before = snapshot(host)
    fake = "case $1 in --noflush) sed 's/ctstate DNAT/ctstate NONE/' | /usr/sbin/ip6tables-nft-restore $@ ;; esac"
    host.check_output("mkdir /root/fake; printf '#!/bin/sh\\n%%s\\n' %s > /root/fake/ip6tables-restore", fake)
    host.check_output("chmod +x /root/fake/ip6tables-restore; mv /usr/sbin/ip6tables-restore /root/fake/real")
    host.check_output("ln -s /root/fake/ip6tables-restore /usr/sbin/ip6tables-restore")
    try:
        result = run_module("ip6tables_nat", sources=["fd00:5::/64"], forward="open")
        assert not result.get("failed")
        result = run_module("ip6tables_nat", sources=["fd00:6::/64"])
    finally:
        host.check_output("mv -f /root/fake/real /usr/sbin/ip6tables-restore; rm -r /root/fake")
    assert "Cannot change the IPv6 packet filter" in result["msg"]
    assert "fd00:6::" not in snapshot(host)["rules"]
    assert "fd00:5::" in snapshot(host)["rules"]
    assert run_module("ip6tables_nat")["changed"]
    assert snapshot(host) == before


def test_a_set_in_the_other_backend_is_named_and_moved(host, run_module):
    """As after update-alternatives."""
    before = snapshot(host)
    moved = run_module("ip6tables_nat", backend="legacy")
    assert "ip6tables-nft holds the set V6OPS-docker too" in str(moved["warnings"])
    assert "V6OPS" not in host.check_output("ip6tables-nft-save")
    assert "V6OPS" in host.check_output("ip6tables-legacy-save")
    assert "/usr/sbin/ip6tables-legacy-restore" in host.check_output("systemctl cat v6ops-nat-docker")
    back = run_module("ip6tables_nat")
    assert "ip6tables-legacy holds the set V6OPS-docker too" in str(back["warnings"])
    assert "V6OPS" not in host.check_output("ip6tables-legacy-save")
    assert [line for line in snapshot(host)["rules"].splitlines() if "V6OPS" in line] == [
        line for line in before["rules"].splitlines() if "V6OPS" in line
    ]


def test_a_rule_of_others_that_leads_to_our_chain_is_named(host, run_module):
    rule = "FORWARD -s fd00:bad::/64 -j V6OPS-docker"
    host.check_output(f"ip6tables -I {rule}")
    before = snapshot(host)
    result = run_module("ip6tables_nat", state="absent")
    assert f"a rule that is not ours leads to it, '-A {rule}'" in result["msg"]
    assert snapshot(host) == before
    host.check_output(f"ip6tables -D {rule}")


def test_check_mode_predicts_and_touches_nothing(host, run_module):
    for options in ({"state": "absent"}, {}):
        before = snapshot(host)
        predicted = run_module("ip6tables_nat", check=True, **options)
        assert predicted["changed"]
        assert snapshot(host) == before
        real = run_module("ip6tables_nat", **options)
        assert {key: real[key] for key in ("before", "after", "commands", "translated_by")} == {
            key: predicted[key] for key in ("before", "after", "commands", "translated_by")
        }


def test_the_service_renews_the_rules_without_a_gap(host):
    jumps = [f"-A {hook} -m comment --comment V6OPS-docker -j V6OPS-docker" for hook in ("POSTROUTING", "FORWARD")]
    watch = 'while saved=$(ip6tables-save); [[ $saved == *"$0"*"$1"* || $saved == *"$1"*"$0"* ]]; do :; done'
    host.check_output("systemd-run --unit lab-watch bash -c %s %s %s", watch, *jumps)
    for __ in range(10):
        host.check_output("systemctl restart v6ops-nat-docker")
        host.check_output("systemctl reload v6ops-nat-docker")
    host.check_output("systemctl is-active lab-watch")
    host.check_output("systemctl stop lab-watch")
    assert [host.check_output("ip6tables-save").count(jump) for jump in jumps] == [1, 1]


def test_absent_leaves_no_trace(host, run_module):
    """Engines up to 26 have no IPv6 rules of their own: an untouched host has no table at all."""
    assert run_module("ip6tables_nat", state="absent")["changed"]
    before = snapshot(host)
    assert "V6OPS" not in before["rules"]
    assert "v6ops-nat" not in before["files"] + before["units"]
    assert host.check_output("ip6tables-nft-save | sed '/^#/d'") == ""
    assert run_module("ip6tables_nat")["changed"]
    assert not run_module("ip6tables_nat")["changed"]
    assert run_module("ip6tables_nat", state="absent")["changed"]
    assert snapshot(host) == before
    assert not run_module("ip6tables_nat", state="absent")["changed"]
    assert run_module("ip6tables_nat")["changed"]


def test_no_mode_but_nat66_is_taken_for_it(host, run_role):
    before = snapshot(host)
    code, printed = run_role("docker_ipv6", docker_ipv6_mode="routed")
    assert code != 0
    assert "value of docker_ipv6_mode must be one of: nat66, got: routed" in printed
    assert snapshot(host) == before


def test_the_role_refuses_production_and_takes_the_set_away(host, run_role):
    before = snapshot(host)
    code, printed = run_role(docker_ipv6_environment="production")
    assert code != 0
    assert "Cannot set up NAT66 in production" in printed
    assert snapshot(host) == before
    assert run_role(docker_ipv6_state="absent")[0] == 0
    assert "V6OPS" not in snapshot(host)["rules"]
    assert run_role(docker_ipv6_environment="production", docker_ipv6_allow_nat66_in_production=True)[0] == 0
    assert snapshot(host) == before
