from __future__ import annotations

import pytest

from ansible_collections.v6ops.docker.plugins.module_utils._checks import Unanswered
from ansible_collections.v6ops.docker.plugins.module_utils._path import HOPS, Host, drops, walk
from ansible_collections.v6ops.docker.plugins.module_utils._sightings import Sighting

TARGET, CONTAINER, HOST, ROUTER = "2001:db8:dead::1", "fd00:1::2", "2001:db8:1::2", "2001:db8:1::1"
GATEWAY = "fd00:1::1"
OWN = {HOST, GATEWAY}
HEALTHY = Host(True, {"interface": "eth0", "gateway": "fe80::1"}, True, [], [])

ARRIVED = Sighting(0, "docker0", False, CONTAINER, TARGET, 128)
LEFT = Sighting(0, "eth0", True, HOST, TARGET, 128)
REPLIED = Sighting(0, "eth0", False, TARGET, HOST, 129)
DELIVERED = Sighting(0, "docker0", True, TARGET, CONTAINER, 129)
REFUSED = Sighting(0, "docker0", True, ROUTER, CONTAINER, 1)
DROP = "-A FORWARD -j DROP"


def error(sender, text):
    return {"from": sender, "error": text}


@pytest.mark.parametrize(
    ("sightings", "errors", "host", "hop", "words"),
    [
        ([], [error(None, "cannot send: Network is unreachable")], {}, "container", "cannot send"),
        ([], [], {}, "bridge", "Nothing arrives at docker0"),
        ([ARRIVED], [], {"forwards": False}, "forward", "does not forward"),
        ([ARRIVED], [], {"drops": [(DROP, 3)]}, "forward", DROP),
        ([ARRIVED], [error(GATEWAY, "administratively prohibited")], {"neighbour": False}, "forward", "nft list"),
        ([ARRIVED], [], {"obstacles": ["firewalld."]}, "forward", "firewalld"),
        ([ARRIVED], [], {"obstacles": ["firewalld."], "neighbour": False}, "neighbour", "fe80::1 on eth0"),
        ([ARRIVED], [error(GATEWAY, "port unreachable")], {}, "forward", "nft list"),
        ([ARRIVED, LEFT], [], {"route": None, "neighbour": False}, "route", "no route to"),
        ([ARRIVED, LEFT, REFUSED], [], {}, "target", f"{ROUTER} says: ICMPv6 error 1"),
        ([ARRIVED], [], {}, "forward", "does not leave eth0"),
        ([ARRIVED, LEFT, REPLIED], [], {}, "forward", "does not get to docker0"),
        ([ARRIVED, LEFT._replace(source=CONTAINER)], [], {}, "nat", "untranslated"),
        ([ARRIVED, LEFT._replace(source="fd99::1")], [], {}, "nat", "untranslated"),
        ([ARRIVED], [error(GATEWAY, "no route to destination")], {"route": None}, "route", "no route to"),
        ([ARRIVED], [error(GATEWAY, "address unreachable")], {"neighbour": False}, "neighbour", "fe80::1 on eth0"),
        ([ARRIVED, LEFT], [], {"neighbour": False}, "neighbour", "fe80::1 on eth0"),
        ([ARRIVED, LEFT], [], {}, "target", "nothing comes back"),
        (
            [ARRIVED, LEFT, REFUSED],
            [error(ROUTER, "no route to destination")],
            {},
            "target",
            f"{ROUTER} says: no route",
        ),
        ([ARRIVED, LEFT, REPLIED, DELIVERED], [], {}, "container", "too late"),
    ],
)
def test_the_first_broken_hop(sightings, errors, host, hop, words):
    unanswered = Unanswered(0, TARGET, TARGET, CONTAINER, errors, 3)
    others = [one._replace(number=1) for one in (ARRIVED, LEFT, REPLIED, DELIVERED)]
    found = walk(unanswered, "docker0", sightings + others, OWN, HEALTHY._replace(**host))
    assert (found["target"], found["hop"]) == (TARGET, hop)
    assert words in found["evidence"] + found["remedy"]
    assert found["remedy"]
    assert hop in HOPS


def test_the_hosts_own_address_may_be_the_one_that_nobody_answers():
    left = LEFT._replace(source="fd77::1")
    unanswered = Unanswered(0, TARGET, TARGET, CONTAINER, [], 3)
    found = walk(unanswered, "docker0", [ARRIVED, left], {*OWN, "fd77::1"}, HEALTHY)
    assert found["hop"] == "nat"
    assert found["remedy"] == "Give eth0 a global address."


def test_drops():
    before = {("filter", ":FORWARD DROP"): 5, ("filter", DROP): 1, ("filter", "-A INPUT -j DROP"): 0}
    ufw = "-A ufw6-skip-to-policy-input -j DROP"
    after = {
        ("filter", ":FORWARD DROP"): 7,
        ("filter", DROP): 4,
        ("filter", "-A INPUT -j DROP"): 9,
        ("filter", "-A FORWARD -j ACCEPT"): 9,
        ("filter", "-A FORWARD -p tcp -j DROP"): 9,
        ("filter", "-A INPUT -j ufw6-skip-to-policy-input"): 9,
        ("filter", ufw): 9,
        ("filter", "-A FORWARD -j one"): 9,
        ("filter", "-A one -g two"): 9,
        ("filter", "-A two -p ipv6-icmp -j DROP"): 4,
        ("raw", "-A PREROUTING -j REJECT --reject-with icmp6-no-route"): 5,
    }
    assert drops(before, after, 3) == [
        ("-A PREROUTING -j REJECT --reject-with icmp6-no-route", 5),
        ("-A two -p ipv6-icmp -j DROP", 4),
        (DROP, 3),
    ]


def test_a_global_prefix_that_is_not_translated_may_be_routed():
    left = LEFT._replace(source="2001:db8:77::2")
    unanswered = Unanswered(0, TARGET, TARGET, "2001:db8:77::2", [], 3)
    found = walk(unanswered, "docker0", [ARRIVED, left], OWN, HEALTHY)
    assert found["hop"] == "nat"
    assert "unless that prefix is routed to this host" in found["evidence"]


def test_a_unique_local_target_answers_unique_local_addresses():
    left = LEFT._replace(source="fd77::1")
    unanswered = Unanswered(0, "fd88::1", "fd88::1", CONTAINER, [], 3)
    assert walk(unanswered, "docker0", [ARRIVED, left], {*OWN, "fd77::1"}, HEALTHY)["hop"] == "target"
