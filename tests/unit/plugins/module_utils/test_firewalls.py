from __future__ import annotations

import pytest

from ansible_collections.v6ops.docker.plugins.module_utils._firewalls import decided, elsewhere, outside_of_firewalld

# firewall-cmd 0.9.3, 2.3.1 and 2.5.2 with docker0 in its zone.
ZONES = ["docker\n  interfaces: docker0\n", "docker\n  interfaces: docker0\npublic (default)\n"]


@pytest.mark.parametrize(
    ("rule", "meaning"),
    [
        ("-A FORWARD -j ACCEPT", "ports that are not published are open"),
        ("-A FORWARD -j DROP", "containers do not get out"),
        ('-A FORWARD -m comment --comment "the rest" -j DROP', "containers do not get out"),
        ("-A FORWARD -j REJECT --reject-with icmp6-adm-prohibited", "containers do not get out"),
    ],
)
def test_a_rule_that_decides_everything_is_told(rule, meaning):
    (sentence,) = decided({"filter": ["-A FORWARD -i lo -j ACCEPT", rule]})
    assert f"'{rule}'" in sentence
    assert meaning in sentence


@pytest.mark.parametrize("rule", ["-A FORWARD -i wg0 -j ACCEPT", "-A FORWARD -j DOCKER-USER", "-A INPUT -j DROP"])
def test_a_rule_that_leaves_something_is_not(rule):
    assert decided({"filter": [rule]}) == []
    assert decided({}) == []


def test_rules_in_the_other_backend_are_told():
    (sentence,) = elsewhere({"filter": [":FORWARD DROP [0:0]"]}, "ip6tables-legacy")
    assert "ip6tables-legacy holds rules too, such as ':FORWARD DROP [0:0]'" in sentence
    assert elsewhere({"filter": [":FORWARD ACCEPT [0:0]", ":MINE - [0:0]"]}, "ip6tables-legacy") == []


@pytest.mark.parametrize("zones", ZONES)
def test_bridges_outside_of_every_zone_are_told(zones):
    assert outside_of_firewalld(zones, ["docker0"]) == []
    assert outside_of_firewalld(zones.replace("docker0", "docker0 br-+"), ["br-0123456789ab", "docker0"]) == []
    (sentence,) = outside_of_firewalld(zones, ["br-0123456789ab", "docker0"])
    assert "firewalld has br-0123456789ab in none" in sentence
    assert "systemctl restart docker" in sentence
