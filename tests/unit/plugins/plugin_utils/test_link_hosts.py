from __future__ import annotations

import pytest
from neighbours import ssh_neighbour

from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal
from ansible_collections.v6ops.docker.plugins.plugin_utils._link_hosts import (
    JumpHost,
    Link,
    parse_jump_host,
    parse_links,
    parse_names,
    plan,
)

KEY_A, KEY_B = f"SHA256:{'A' * 43}", f"SHA256:{'B' * 43}"
MAC = "52:54:00:12:34:56"


def neighbour(address="fe80::1", key=KEY_A, interface="eth0", **others):
    return ssh_neighbour(address, key, interface, **{"jump_host": None, **others})


class KnownHosts:
    """What ssh knows, and for which names it was asked."""

    def __init__(self, **keys):
        self.keys, self.asked = keys, []

    def __call__(self, name):
        self.asked.append(name)
        return self.keys.get(name, set())


def hosts(*found, names=None, known=None, others=None, **options):
    return plan(found, parse_names(names or {}), known or KnownHosts(), others or {}, **options)


def test_a_host_is_named_by_its_key_and_keeps_the_name_when_its_address_changes():
    (before,) = hosts(neighbour("fe80::1"))
    (after,) = hosts(neighbour("fe80::2", interface="eth1"))
    assert before.name == after.name == "ssh-568af50282cc"
    assert before.variables["ansible_control_path"] != after.variables["ansible_control_path"]


@pytest.mark.parametrize("identity", [KEY_A, MAC, "52-54-00-12-34-56", "fe80::1", "fe80:0::1%eth0", [KEY_B, KEY_A]])
def test_names_come_first(identity):
    (host,) = hosts(neighbour(mac=MAC, mdns_name="other.local"), names={"web1": identity})
    assert (host.name, host.conflict) == ("web1", None)


def test_an_address_on_another_link_is_not_recognised():
    (host,) = hosts(neighbour(interface="eth1"), names={"web1": "fe80::1%eth0"})
    assert host.name.startswith("ssh-")


def test_what_a_host_calls_itself_comes_before_its_key():
    (host,) = hosts(neighbour(mdns_name="trixie.local"))
    assert host.name == "trixie.local"


def test_ssh_is_told_to_look_for_the_key_of_the_name():
    (host,) = hosts(neighbour(), port=2222, known_hosts="/a b/known_hosts", names={"web1": KEY_A})
    assert host.variables["ansible_host"] == "fe80::1%eth0"
    assert host.variables["ansible_port"] == 2222
    assert host.variables["ansible_ssh_common_args"] == (
        "-o HostKeyAlias=web1 -o 'UserKnownHostsFile=\"/a b/known_hosts\"'"
    )
    assert "ansible_port" not in hosts(neighbour())[0].variables


def test_one_address_behind_two_jump_hosts_is_two_hosts():
    first, second = hosts(
        neighbour(jump_host="root@a"), neighbour(key=KEY_B, jump_host="root@fe80::9%eth3"), names={"web1": KEY_A}
    )
    assert first.variables["ansible_host"] == second.variables["ansible_host"]
    assert first.variables["ansible_control_path"] != second.variables["ansible_control_path"]
    assert first.variables["ansible_ssh_common_args"] == "-o HostKeyAlias=web1 -o ProxyJump=root@a"
    assert second.variables["ansible_ssh_common_args"].endswith("-o 'ProxyJump=root@[fe80::9%%eth3]'")
    assert [first.conflict, second.conflict] == [None, None]


def test_groups():
    def groups(**about):
        return hosts(neighbour(**about))[0].groups

    assert groups() == ["linklocal_eth0", "linklocal_neighbours"]
    assert groups(router=True, mac=MAC, mac_universal=False, interface="br-1a.2") == [
        "linklocal_br_1a_2",
        "linklocal_routers",
        "linklocal_mac_local",
    ]
    assert groups(router=None, mac="00:16:3e:00:00:01", mac_universal=True, jump_host="root@gw.example.com:22") == [
        "linklocal_root_gw_example_com_22_eth0",
        "linklocal_neighbours",
        "linklocal_mac_universal",
    ]


def conflicts(*found, **options):
    """The reasons; who is in conflict is in no other group, and has a name that nobody else has."""
    planned = hosts(*found, **options)
    assert len({host.name for host in planned}) == len(found)
    for host in planned:
        assert (host.groups == ["conflict"]) is bool(host.conflict)
        assert host.name.startswith("conflict-") is bool(host.conflict)
        assert host.variables["linklocal_conflict"] == host.conflict
    return [host.conflict for host in planned]


def test_one_key_at_two_addresses_is_a_conflict_whatever_the_hosts_are_called():
    first, second = neighbour("fe80::1"), neighbour("fe80::1", jump_host="gw")
    assert conflicts(first, second, names={"web1": "fe80::1"}) == [
        "the same host key is at fe80::1%eth0 behind gw",
        "the same host key is at fe80::1%eth0",
    ]


def test_two_keys_with_one_name_are_a_conflict():
    both = [neighbour("fe80::1", mdns_name="a.local"), neighbour("fe80::2", KEY_B, mdns_name="a.local")]
    assert conflicts(*both) == ["others call themselves a.local, too"] * 2
    assert conflicts(*both, neighbour("fe80::3", f"SHA256:{'C' * 43}"))[2] is None


def test_a_changed_key_is_a_conflict():
    (reason,) = conflicts(neighbour(mac=MAC, key=KEY_B), names={"web1": [KEY_A, MAC]})
    assert reason == f"it shows {KEY_B}, which 'names' does not have for web1"
    known = KnownHosts(web1={("ssh-ed25519", KEY_A)})
    assert conflicts(neighbour(key=KEY_B), names={"web1": "fe80::1"}, known=known) == [
        f"it shows {KEY_B}, and ssh knows another key of web1"
    ]
    assert known.asked == ["web1"]
    assert conflicts(neighbour(key=KEY_A), names={"web1": "fe80::1"}, known=known) == [None]
    # Of another type: what ssh itself finds will tell.
    other = KnownHosts(web1={("ssh-rsa", KEY_A)})
    assert conflicts(neighbour(key=KEY_B), names={"web1": "fe80::1"}, known=other) == [None]


def test_two_names_for_one_host_are_a_conflict():
    (reason,) = conflicts(neighbour(mac=MAC), names={"web1": KEY_A, "web2": MAC})
    assert reason == "by its key or its addresses it is web1 and web2"


def test_a_neighbour_does_not_become_a_host_of_another_source_by_itself():
    static, linklocal = {"ansible_password": "secret"}, {"linklocal_address": "fe80::2"}
    assert conflicts(neighbour(mdns_name="db.local"), others={"db.local": static}) == [
        "another inventory source has a host db.local"
    ]
    assert conflicts(neighbour(), names={"db": KEY_A}, others={"db": static}) == [None]
    assert conflicts(neighbour(), names={"db": KEY_A}, others={"db": linklocal}) == [
        "another inventory source has a host db"
    ]


@pytest.mark.parametrize(
    ("text", "arguments", "proxy_jump"),
    [
        ("gw", ["gw"], "gw"),
        ("root@gw.example.com:2222", ["-p", "2222", "root@gw.example.com"], "root@gw.example.com:2222"),
        ("root@fe80::1%eth0", ["root@fe80::1%eth0"], "root@[fe80::1%%eth0]"),
        ("root@[fe80::1%eth0]:22", ["-p", "22", "root@fe80::1%eth0"], "root@[fe80::1%%eth0]:22"),
        ("2001:db8::1", ["2001:db8::1"], "[2001:db8::1]"),
        ("192.0.2.1:22", ["-p", "22", "192.0.2.1"], "192.0.2.1:22"),
    ],
)
def test_jump_hosts_are_spelt_as_each_wants_them(text, arguments, proxy_jump):
    jump_host = parse_jump_host(text)
    assert isinstance(jump_host, JumpHost)
    assert (jump_host.arguments, jump_host.proxy_jump) == (arguments, proxy_jump)


@pytest.mark.parametrize("text", ["", "-oProxyCommand=x", "a b", "root@", "a;b", "$(id)", "a@b@c", "[::1"])
def test_what_is_no_jump_host_is_refused(text):
    with pytest.raises(Refusal, match="it is no jump host"):
        parse_links([{"interface": "eth0", "jump_host": text}])


def test_links():
    one = {"interface": "eth0"}
    assert parse_links([one, one, {"interface": "eth0", "jump_host": "gw"}]) == [Link("eth0", None), Link("eth0", "gw")]


@pytest.mark.parametrize(
    ("links", "sentence"),
    [
        ([], "Cannot look for hosts: there are no links."),
        ([{}], "'' is no interface"),
        ([{"interface": "eth0 -oX"}], "is no interface"),
        ([{"interface": "eth0", "port": 22}], "Cannot look at a link by its port."),
    ],
)
def test_what_is_no_link_is_refused(links, sentence):
    with pytest.raises(Refusal) as refused:
        parse_links(links)
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        ({"web 1": KEY_A}, "Cannot call a host 'web 1'."),
        ({"-oProxyCommand=x": KEY_A}, "Cannot call a host"),
        ({"web1": "SHA256:short"}, "Cannot recognise web1 by 'SHA256:short'"),
        ({"web1": "2001:db8::1"}, "Cannot recognise web1 by '2001:db8::1'"),
        ({"web1": 12}, "Cannot recognise web1 by '12'"),
        ({"web1": KEY_A, "web2": [KEY_A]}, "Cannot call one host web1 and web2"),
    ],
)
def test_names_that_cannot_be_used_are_refused(names, sentence):
    with pytest.raises(Refusal) as refused:
        parse_names(names)
    assert sentence in str(refused.value)
