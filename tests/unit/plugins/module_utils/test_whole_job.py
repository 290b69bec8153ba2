from __future__ import annotations

from ipaddress import IPv6Network
from types import SimpleNamespace

import pytest
from packet_filter import FakeModule, FakeNetfilter, FakeSystemd

from ansible_collections.v6ops.docker.plugins.module_utils import _nat66_set, _owned_rules, _whole_job
from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal
from ansible_collections.v6ops.docker.plugins.module_utils._nat66_set import Nat66Set

OLD, OLD_POOL, OLD_SHOP = "fd00:1::/64", "fd00:1::/48", "fd00:1:0:1::/64"
NEW, POOL = "fd00:2::/64", "fd00:2::/48"
BY_DOCKERD = f"-A POSTROUTING -s {NEW} ! -o docker0 -j MASQUERADE"
PARAMETERS = {"fixed_cidr_v6": NEW, "pool": POOL, "nat_owner": "auto", "targets": [], "report_only": False}


class Host:
    """A Docker host: what dockerd runs with, its networks, and what it is to run with."""

    def __init__(self, netfilter):
        self.netfilter = netfilter
        self.engine = {"ip6tables": False, "firewall_backend": "iptables"}
        self.shop = []
        self.bridge = []
        self.restarts, self.pending, self.fails, self.sets_rules = True, [], None, False
        self.covered_at_restart = None
        self.passes = True

    def networks(self):
        return [
            {"name": "bridge", "ipv6": bool(self.bridge), "subnets": self.bridge},
            {"name": "shop", "ipv6": bool(self.shop), "subnets": self.shop},
        ]

    def covered(self):
        rules = self.netfilter.save().get("nat", [])
        return sorted(rule.split()[3] for rule in rules if rule.startswith("-A V6OPS-docker -s "))


class FakeConfiguration:
    def __init__(self, host, state):
        self._host = host
        self._prefixes = [NEW] if state == "present" else []
        self.networks = host.networks()
        self.engine = self.next_engine = host.engine
        self.restarts, self.pending, self.carried_out = host.restarts, host.pending, False
        self.want = SimpleNamespace(prefix=IPv6Network(NEW))

    def carry_out(self):
        if self.restarts:
            self._host.covered_at_restart = self._host.covered()
        if self._host.fails:
            raise self._host.fails
        self.carried_out = True
        if self.restarts:
            self._host.bridge = self._prefixes
            if self._host.sets_rules:
                self._host.netfilter.rules["nat"].append(BY_DOCKERD)

    def result(self):
        return {
            "changed": self.restarts,
            "before": {"files": {"daemon.json": "secret"}},
            "after": {"files": {"daemon.json": "secret"}},
            "diff": ["secret"],
        }


@pytest.fixture(name="host")
def _host(monkeypatch):
    netfilter, systemd = FakeNetfilter({"nat": [":POSTROUTING ACCEPT [0:0]"]}), FakeSystemd()
    host = Host(netfilter)
    monkeypatch.setattr(_owned_rules, "Netfilter", lambda *arguments: netfilter)
    monkeypatch.setattr(_owned_rules, "Systemd", lambda module: systemd)
    monkeypatch.setattr(_nat66_set, "firewalld", lambda *arguments: [])
    monkeypatch.setattr(_whole_job, "Engine", lambda: host)
    monkeypatch.setattr(
        _whole_job, "Configuration", lambda module, asked, missing: FakeConfiguration(host, asked["state"])
    )
    checks = [{"name": "address", "evidence": "No address.", "remedy": ""}]
    monkeypatch.setattr(
        _whole_job,
        "verify",
        lambda *arguments: {
            "passed": host.passes,
            "checks": [{**one, "status": "passed" if host.passes else "failed"} for one in checks],
        },
    )
    return host


def present(module=None, **parameters):
    return _whole_job.present(module or FakeModule(), {**PARAMETERS, "state": "present", **parameters}, [])


def absent(module=None):
    return _whole_job.absent(module or FakeModule(), {**PARAMETERS, "state": "absent"}, [])


@pytest.fixture(name="translated_before")
def _translated_before(host):
    """The set as a former run left it."""
    defaults = {option: spec.get("default") for option, spec in _nat66_set.NAT66_OPTIONS.items()}
    Nat66Set(FakeModule(), {**defaults, "sources": [OLD_POOL]}).carry_out()
    host.bridge = [OLD]


@pytest.mark.parametrize(
    ("requested", "masquerades", "owner"),
    [
        ("auto", True, "engine"),
        ("auto", False, "collection"),
        ("engine", False, "engine"),
        ("collection", True, "collection"),
    ],
)
def test_the_engine_masquerades_where_it_does_so_by_itself_or_is_told_to(requested, masquerades, owner):
    assert _whole_job.owner_of(requested, {"ip6tables": masquerades}) == owner


def test_rules_are_there_before_dockerd_gives_addresses(host):
    result = present()
    assert host.covered_at_restart == [POOL]
    assert result["changed"]
    assert result["passed"]


def test_rules_alone_are_set_once(host, monkeypatch):
    host.restarts = False
    changes = []
    restore = host.netfilter.restore
    monkeypatch.setattr(host.netfilter, "restore", lambda lines: [changes.append(lines), restore(lines)])
    assert present()["changed"]
    assert host.covered() == [POOL]
    assert len(changes) == 1
    assert not present()["changed"]


def test_rules_go_again_where_dockerd_does_not_start(host):
    host.fails = Refusal("Cannot start docker.service.", "")
    with pytest.raises(Refusal, match=r"^Cannot start docker.service\.$") as refused:
        present()
    assert host.covered_at_restart == [POOL]
    assert host.covered() == []
    assert "changed" not in refused.value.details


def test_rules_that_cannot_be_taken_back_are_told(host, monkeypatch):
    def undo(rules):
        raise OSError(28, "No space left on device")

    host.fails = Refusal("Cannot start docker.service.", "")
    monkeypatch.setattr(Nat66Set, "undo", undo)
    with pytest.raises(Refusal, match=r"service\. The rules could not be taken back: .*No space left"):
        present()


@pytest.mark.usefixtures("translated_before")
def test_a_former_prefix_is_closed_as_long_as_dockerd_has_it(host):
    result = present()
    assert host.covered_at_restart == [OLD, POOL]
    assert host.covered() == [POOL]
    assert result["before"]["rules"] != result["after"]["rules"]


@pytest.mark.usefixtures("translated_before")
def test_a_network_of_a_former_pool_is_translated_until_it_is_gone(host):
    host.shop = [OLD_SHOP]
    present()
    assert host.covered() == [OLD_SHOP, POOL]
    host.restarts = False
    assert not present()["changed"]
    host.shop = []
    assert present()["changed"]
    assert host.covered() == [POOL]


def test_a_network_that_was_never_translated_is_left_alone(host):
    host.shop = ["2001:db8:1::/64"]
    present()
    assert host.covered() == [POOL]


@pytest.mark.usefixtures("translated_before")
@pytest.mark.parametrize("check_mode", [False, True])
def test_no_rules_go_while_a_restart_is_pending(host, check_mode):
    host.restarts, host.pending = False, ["restart dockerd"]
    before = host.covered()
    result = present(FakeModule(check_mode), nat_owner="engine")
    assert not result["changed"]
    assert result["before"]["rules"] == result["after"]["rules"]
    assert host.covered() == before
    assert "passed" not in present(FakeModule(check_mode), nat_owner="collection")
    assert host.covered() == (before if check_mode else [OLD, POOL])


@pytest.mark.usefixtures("translated_before")
def test_rules_stay_where_the_engine_does_not_masquerade(host):
    before = host.covered()
    with pytest.raises(Refusal, match=r"^Cannot leave NAT66 to dockerd: ") as refused:
        present(nat_owner="engine")
    assert host.covered() == before
    assert refused.value.details["changed"]
    assert refused.value.details["commands"] == []


@pytest.mark.usefixtures("translated_before")
def test_rules_go_once_the_engine_masquerades(host):
    host.sets_rules = True
    result = present(nat_owner="engine")
    assert host.covered_at_restart == [OLD_POOL]
    assert host.covered() == []
    assert result["translated_by"] == {POOL: "engine"}
    assert result["commands"].count("-X V6OPS-docker") == len(("nat", "filter"))


def test_a_verification_that_fails_tells_what_was_changed_but_no_texts(host):
    host.passes = False
    with pytest.raises(Refusal, match=r"What was set up stays; 'state: absent' takes it back\.$") as refused:
        present()
    assert refused.value.details["changed"]
    assert not refused.value.details["passed"]
    assert refused.value.details["after"]["rules"]
    assert "secret" not in str(refused.value.details)
    assert not present(report_only=True)["passed"]


@pytest.mark.usefixtures("translated_before")
def test_nothing_is_left_of_what_was_taken_back(host):
    result = absent()
    assert host.covered_at_restart == [OLD_POOL]
    assert host.covered() == []
    assert result["after"]["rules"] == []


@pytest.mark.usefixtures("translated_before")
@pytest.mark.parametrize(("pending", "shop"), [(["restart dockerd"], []), ([], [OLD_SHOP])])
@pytest.mark.parametrize("check_mode", [False, True])
def test_rules_stay_as_long_as_something_keeps_its_addresses(host, pending, shop, check_mode):
    module = FakeModule(check_mode)
    host.restarts, host.pending, host.shop = False, pending, shop
    result = absent(module)
    assert host.covered() == [OLD_POOL]
    assert result["before"]["rules"] == result["after"]["rules"] != []
    assert not result["changed"]
    (warning,) = module.warnings
    assert warning.startswith("The rules of NAT66 stay, as ")


@pytest.mark.parametrize("shop", [[], [OLD_SHOP]])
def test_where_there_are_no_rules_none_stay(host, shop):
    module = FakeModule()
    host.pending, host.shop = ["restart dockerd"], shop
    absent(module)
    assert module.warnings == []


@pytest.mark.usefixtures("translated_before")
def test_networks_with_prefixes_of_others_do_not_hold_rules_back(host):
    host.shop = ["2001:db8:1::/64"]
    absent()
    assert host.covered() == []
