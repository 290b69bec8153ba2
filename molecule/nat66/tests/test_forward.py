"""Where FORWARD is left to our rules and the user's, on engines that have none of their own there."""

from __future__ import annotations

from common import CONNECT
from scripts import ASK

testinfra_hosts = ["ansible://bullseye"]
INTERNET = "2001:db8:dead::1"


def test_networks_of_one_pool_see_each_other_without_nat(user_network, start, execute):
    one, two = start("one"), start("two", f"--network {user_network}")
    assert execute("one", ASK, two, "hello") == one
    assert execute("two", ASK, one, "hello") == two


def test_rules_of_the_user_keep_their_meaning(host, neighbour, route, start, execute, ping, run_module):
    hidden = start("hidden")
    allow = (
        f"FORWARD -s {neighbour.check_output('ip -6 -oneline address show dev eth0 scope global').split()[3]} -j ACCEPT"
    )
    deny = f"FORWARD -d {INTERNET} -j DROP"
    command = ("python3 -c %s %s 80", CONNECT, hidden)
    assert neighbour.check_output(*command) == "silent"
    host.check_output(f"ip6tables -A {allow}; ip6tables -A {deny}")
    try:
        assert run_module("ip6tables_nat")["changed"]
        assert neighbour.check_output(*command) == "open"
        assert not ping("hidden", INTERNET, attempts=2)
        saved = host.check_output("ip6tables-save -t filter")
        assert saved.index("-d 2001:db8:dead::1") < saved.index("-j V6OPS-docker")
    finally:
        host.check_output(f"ip6tables -D {allow}; ip6tables -D {deny}")


def test_a_forward_policy_of_drop_does_not_cut_containers_off(host, start, ping, execute):
    other = start("other")
    start("one")
    host.check_output("ip6tables -P FORWARD DROP")
    try:
        assert ping("one", INTERNET)
        assert execute("one", CONNECT, other, "80") == "open"
    finally:
        host.check_output("ip6tables -P FORWARD ACCEPT")
