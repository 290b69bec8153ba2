from __future__ import annotations

import pytest
from ansible.errors import AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader
from ansible.template import trust_as_template
from neighbours import ssh_neighbour

from ansible_collections.v6ops.docker.plugins.inventory import linklocal
from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal

OPTIONS = {
    "links": [{"interface": "eth0"}],
    "port": 22,
    "timeout": 2,
    "names": {},
    "mdns": False,
    "known_hosts": "/nonexistent",
    "strict": True,
    "compose": {},
    "groups": {},
    "keyed_groups": [],
    "use_extra_vars": False,
}


class Net:
    """The links, with who is on them, and how often anybody looked."""

    def __init__(self):
        self.on, self.looks = {}, []

    def add(self, interface, address, letter, **about):
        found = ssh_neighbour(address, f"SHA256:{letter * 43}", interface, **about)
        self.on.setdefault(interface, []).append(found)

    def __call__(self, interface, **__):
        self.looks.append(interface)
        if interface not in self.on:
            raise Refusal(f"Cannot use {interface}: this host has no such interface.", "It has eth0.")
        return self.on[interface]


@pytest.fixture(name="net")
def _net(monkeypatch):
    net = Net()
    net.add("eth0", "fe80::1", "A")
    monkeypatch.setattr(linklocal, "ssh_neighbours", net)
    return net


@pytest.fixture(name="parse")
def _parse(monkeypatch):
    """A function that runs the plugin with these options and returns the inventory."""
    # What a cache plugin has outlives the inventory plugin.
    kept = {}

    def run(cache=True, inventory=None, use_cache=False, **options):
        plugin = linklocal.InventoryModule()
        monkeypatch.setattr(plugin, "_read_config_data", lambda path: None)
        monkeypatch.setattr(plugin, "get_option", {**OPTIONS, "cache": use_cache, **options}.__getitem__)
        monkeypatch.setattr(plugin, "get_cache_key", lambda path: path)
        plugin._cache = kept
        inventory = inventory or InventoryData()
        plugin.parse(inventory, DataLoader(), "lan.linklocal.yml", cache)
        return inventory

    return run


def test_files_that_are_its_own(tmp_path):
    plugin = linklocal.InventoryModule()
    for name, is_own in (("lan.linklocal.yml", True), ("linklocal.yaml", True), ("hosts.yml", False)):
        (tmp_path / name).touch()
        assert plugin.verify_file(str(tmp_path / name)) is is_own
    assert not plugin.verify_file(str(tmp_path / "absent.linklocal.yml"))


def test_hosts_groups_and_what_is_constructed(net, parse):
    net.add("eth0", "fe80::2", "B")
    net.add("eth0", "fe80::3", "B")
    inventory = parse(
        names={"web1": f"SHA256:{'A' * 43}"},
        compose={"ansible_user": trust_as_template("'admin'")},
        groups={"web": trust_as_template("inventory_hostname is match('.*')")},
        keyed_groups=[{"key": trust_as_template("linklocal_interface"), "prefix": "on"}],
    )
    web1 = inventory.hosts["web1"]
    assert (web1.vars["ansible_host"], web1.vars["ansible_user"]) == ("fe80::1%eth0", "admin")
    assert {group.name for group in web1.get_groups()} >= {"linklocal_eth0", "web", "on_eth0"}
    # A condition of the user's own brings nobody in conflict into a group.
    assert [host.name for host in inventory.groups["web"].get_hosts()] == ["web1"]
    assert len(inventory.groups["conflict"].get_hosts()) == 2


def test_all_links_are_looked_at(net, parse):
    net.add("eth1", "fe80::1", "B")
    inventory = parse(links=[{"interface": "eth0"}, {"interface": "eth1"}])
    assert sorted(host.vars["ansible_host"] for host in inventory.hosts.values()) == ["fe80::1%eth0", "fe80::1%eth1"]


def test_the_cache_spares_a_look_and_not_the_names(net, parse):
    def names(cache=True, **options):
        return list(parse(cache, **{"use_cache": True, **options}).hosts)

    first = names()
    net.add("eth0", "fe80::2", "B")
    assert names() == first
    assert names(names={"web1": f"SHA256:{'A' * 43}"}) == ["web1"]
    assert net.looks == ["eth0"]
    # As meta: refresh_inventory, or --flush-cache, has it.
    assert len(names(cache=False)) == 2
    # Other questions are not answered by it.
    assert len(names(port=2222)) == 2
    assert net.looks == ["eth0"] * 3
    parse()
    assert net.looks == ["eth0"] * 4


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"links": [{"interface": "eth9"}]}, "Cannot use eth9: this host has no such interface. It has eth0."),
        ({"port": 0}, "Cannot use port 0. Give 1 to 65535."),
        ({"timeout": 0}, "Cannot use timeout 0. Give 1 to 60."),
        ({"names": {"web1": "somewhere"}}, "Cannot recognise web1 by 'somewhere'"),
    ],
)
def test_what_cannot_be_used_is_said_in_a_sentence(net, parse, options, sentence):
    with pytest.raises(AnsibleParserError) as error:
        parse(**options)
    assert sentence in str(error.value)
    assert net.looks in ([], ["eth9"])


def test_a_host_of_another_source_is_not_taken_over(net, parse):
    net.on["eth0"][0]["mdns_name"] = "db.local"
    inventory = InventoryData()
    inventory.add_host("db.local")
    inventory.set_variable("db.local", "ansible_password", "secret")
    parse(inventory=inventory)
    assert "ansible_host" not in inventory.hosts["db.local"].vars
    assert len(inventory.groups["conflict"].get_hosts()) == 1
