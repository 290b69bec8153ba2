"""Each fault is provoked and named; the host is healthy before and after, or the test proves nothing."""

from __future__ import annotations

import pytest
from common import SLEEP, wait_until
from conftest import ABSENT, FAR, INTERNET, ON_LINK, SILENT, SPEAKER

testinfra_hosts = ["ansible://bullseye", "ansible://trixie", "ansible://forky"]
# What dockerd and the collection have put into the filter is there again after both.
RESTART = "systemctl reset-failed docker; systemctl restart docker; systemctl restart v6ops-nat-docker || :"
FAULTS = {
    "forwarding is off": (
        "echo 0 > /proc/sys/net/ipv6/conf/all/forwarding",
        "echo 1 > /proc/sys/net/ipv6/conf/all/forwarding",
        "forward",
        "The host does not forward IPv6 (net.ipv6.conf.all.forwarding = 0).",
    ),
    "a rule drops requests": (
        "ip6tables -I FORWARD -o eth0 -j DROP",
        "ip6tables -D FORWARD -o eth0 -j DROP",
        "forward",
        "'-A FORWARD -o eth0 -j DROP'",
    ),
    "a rule rejects requests": (
        "ip6tables -I FORWARD -o eth0 -j REJECT --reject-with icmp6-adm-prohibited",
        "ip6tables -D FORWARD -o eth0 -j REJECT --reject-with icmp6-adm-prohibited",
        "forward",
        "'-A FORWARD -o eth0 -j REJECT --reject-with icmp6-adm-prohibited'",
    ),
    "a rule drops replies": (
        "ip6tables -I FORWARD -i eth0 -j DROP",
        "ip6tables -D FORWARD -i eth0 -j DROP",
        "forward",
        "An answer arrives at eth0 and does not get to docker0: '-A FORWARD -i eth0 -j DROP'",
    ),
    "a rule rejects in the usual way": (
        "ip6tables -I FORWARD -o eth0 -j REJECT",
        "ip6tables -D FORWARD -o eth0 -j REJECT",
        "forward",
        "--reject-with icmp6-port-unreachable' dropped",
    ),
    "a rule drops before FORWARD": (
        "ip6tables -t raw -I PREROUTING -i docker0 -p icmpv6 -d 2000::/3 -j DROP",
        "ip6tables -t raw -D PREROUTING -i docker0 -p icmpv6 -d 2000::/3 -j DROP",
        "forward",
        "'-A PREROUTING -d 2000::/3 -i docker0 -p ipv6-icmp -j DROP'",
    ),
    "the policy drops": (
        "ip6tables -F FORWARD; ip6tables -P FORWARD DROP",
        f"ip6tables -P FORWARD ACCEPT; {RESTART}",
        "forward",
        "':FORWARD DROP'",
    ),
    "nftables drops": (
        "nft 'add table inet strict; add chain inet strict f { type filter hook forward priority 0; policy drop; }'",
        "nft delete table inet strict",
        "forward",
        "nft list ruleset",
    ),
    "the rule of NAT66 is deleted": (
        "ip6tables -t nat -F POSTROUTING",
        RESTART,
        "nat",
        "Nobody translates",
    ),
    "the route is lost": (
        "echo 0 > /proc/sys/net/ipv6/conf/eth0/accept_ra; ip -6 route flush default",
        "echo 2 > /proc/sys/net/ipv6/conf/eth0/accept_ra",
        "route",
        "The host itself has no IPv6 default route.",
    ),
    "there is no route to the target": (
        f"ip -6 route add unreachable {INTERNET}",
        f"ip -6 route del unreachable {INTERNET}",
        "route",
        f"The host has no route to {INTERNET}.",
    ),
    "the next hop does not resolve": (
        f"ip -6 route add {INTERNET} via fe80::dead dev eth0",
        f"ip -6 route del {INTERNET}",
        "neighbour",
        "fe80::dead on eth0 does not answer neighbour solicitations.",
    ),
    "the next hop is gone since": (
        f"ip -6 neigh replace fe80::dead lladdr 02:00:00:00:de:ad dev eth0 nud permanent; "
        f"ip -6 route add {INTERNET} via fe80::dead dev eth0",
        f"ip -6 route del {INTERNET}; ip -6 neigh del fe80::dead dev eth0",
        "neighbour",
        "fe80::dead on eth0 does not answer neighbour solicitations.",
    ),
}


def await_health(host, check):
    wait_until(lambda: "proto ra" in host.check_output("ip -6 route show default"), 30)
    result = check(INTERNET)
    assert not result["failed"], result


@pytest.mark.parametrize("fault", FAULTS)
def test_the_broken_hop_is_named(host, check, fault):
    provoke, mend, hop, words = FAULTS[fault]
    await_health(host, check)
    host.check_output(provoke)
    try:
        result = check(INTERNET)
    finally:
        host.check_output(mend)
    assert [(one["target"], one["hop"]) for one in result["broken"]] == [(INTERNET, hop)]
    assert words in result["msg"]
    await_health(host, check)


def test_without_targets_it_is_named_too(host, check):
    await_health(host, check)
    host.check_output("ip6tables -t nat -F POSTROUTING")
    result = check()
    host.check_output(RESTART)
    assert [(one["target"], one["hop"]) for one in result["broken"]] == [("the router of the uplink", "nat")]


def test_the_bridges_address_is_tentative(host, check):
    address = host.check_output("ip -6 -o address show dev docker0 scope global").split()[3]
    await_health(host, check)
    host.check_output(
        f"echo 100 > /proc/sys/net/ipv6/conf/docker0/dad_transmits; ip -6 address del {address} dev docker0"
    )
    host.check_output(f"ip -6 address add {address} dev docker0")
    result = check(INTERNET, timeout=2)
    host.check_output(
        f"echo 1 > /proc/sys/net/ipv6/conf/docker0/dad_transmits; ip -6 address del {address} dev docker0"
    )
    host.check_output(f"ip -6 address add {address} dev docker0 nodad")
    gateway = address.partition("/")[0]
    assert f"The container's gateway {gateway} does not answer: it is still tentative" in result["msg"]
    await_health(host, check)


def test_the_bridge_lost_its_address(host, check):
    address = host.check_output("ip -6 -o address show dev docker0 scope global").split()[3]
    host.check_output(f"ip -6 address del {address} dev docker0")
    result = check(INTERNET, timeout=2)
    host.check_output(f"ip -6 address add {address} dev docker0 nodad")
    assert "does not answer: the bridge has not this address. Restart docker" in result["msg"]
    await_health(host, check)


def test_a_rejected_connection_is_no_answer(host, check):
    rule = "FORWARD -o eth0 -j REJECT"
    host.check_output(f"ip6tables -I {rule}")
    result = check(f"[{INTERNET}]:{SPEAKER}")
    host.check_output(f"ip6tables -D {rule}")
    assert [one["hop"] for one in result["broken"]] == ["forward"]
    assert "Nothing listens there" not in result["msg"]


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (ON_LINK, "2001:db8:1::1 says: address unreachable"),
        (ABSENT, "2001:db8:1::1 says: no route to destination"),
        (SILENT, "and nothing comes back"),
    ],
)
def test_the_target_is_down(check, target, words):
    result = check(target, INTERNET)
    assert [(one["target"], one["hop"]) for one in result["broken"]] == [(target, "target")]
    assert words in result["msg"]
    assert [one["status"] for one in result["checks"] if one["name"] == "target"] == ["failed", "passed"]


def test_containers_are_open(host, check, run_container):
    """Where others publish ports, too, whose rules have to do with their addresses alone."""
    assert run_container("--detach --name shop --stop-timeout 1 --publish [::]:8080:80", SLEEP).rc == 0
    closed = check(INTERNET)
    rule = "FORWARD -i eth0 -o docker0 -j ACCEPT"
    host.check_output(f"ip6tables -I {rule}")
    result = check(INTERNET)
    host.check_output(f"ip6tables -D {rule}; docker rm --force shop")
    assert {one["status"] for one in closed["checks"]} == {"passed"}
    assert "Containers are open: new connections from eth0 reach ports that are not published: '" in result["msg"]
    assert 'iifname "eth0" oifname "docker0"' in result["msg"]


def test_mtu_black_hole(host, check):
    rule = "FORWARD -p icmpv6 --icmpv6-type packet-too-big -j DROP"
    host.check_output(f"ip6tables -I {rule}")
    result = check(FAR)
    host.check_output(f"ip6tables -D {rule}")
    assert "Packets of 1500 bytes to 2001:db8:5::2 vanish" in result["msg"]
    assert "(MTU black hole)" in result["msg"]
    assert check(FAR)["passed"]
