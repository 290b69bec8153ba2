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
        ([ARRIVED], [], {"drops": [DROP]}, "forward", DROP),
        ([ARRIVED], [error(GATEWAY, "administratively prohibited")], {"neighbour": False}, "forward", "nft list"),
        ([ARRIVED], [], {"obstacles": ["firewalld."]}, "forward", "firewalld"),
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
        ([ARRIVED, LEFT, REPLIED, DELIVERED], [], {}, "bridge", "not heard"),
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
    after = {
        ("filter", ":FORWARD DROP"): 7,
        ("filter", DROP): 4,
        ("filter", "-A INPUT -j DROP"): 9,
        ("filter", "-A FORWARD -j ACCEPT"): 9,
        ("raw", "-A PREROUTING -j REJECT --reject-with icmp6-no-route"): 5,
    }
    assert drops(before, after, 3) == ["-A PREROUTING -j REJECT --reject-with icmp6-no-route", DROP]
