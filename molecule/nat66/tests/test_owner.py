"""Who does NAT66: the role leaves it to the engine that does, and a change of hands leaves nothing behind."""

from __future__ import annotations

testinfra_hosts = ["ansible://trixie", "ansible://forky"]
INTERNET = "2001:db8:dead::1"


def owners(host):
    saved = host.check_output("ip6tables-save -t nat")
    return {"collection": "-j V6OPS-docker" in saved, "engine": "! -o docker0 -j MASQUERADE" in saved}


def test_owners(host, name, run_role, ping_from_container):
    engine = name == "forky"
    assert owners(host) == {"collection": not engine, "engine": engine}
    for owner in ("collection", "auto") if engine else ("auto",):
        code, printed = run_role(docker_ipv6_nat_owner=owner)
        assert code == 0, printed
        assert owners(host) == {"collection": owner == "collection" or not engine, "engine": engine}
        assert ping_from_container(INTERNET).rc == 0
    units = host.run("ls /etc/systemd/system | grep v6ops-nat").stdout
    assert bool(units) == (not engine)


def test_an_engine_that_does_not_masquerade_is_not_relied_on(host, name, run_role):
    if name == "forky":
        host.check_output("ip6tables -t nat -F POSTROUTING")
    code, printed = run_role(docker_ipv6_nat_owner="engine")
    if name == "forky":
        host.check_output("systemctl restart docker")
    assert code != 0
    assert "Cannot leave NAT66 to dockerd" in printed
    assert owners(host)["collection"] == (name != "forky")
    code, printed = run_role()
    assert code == 0, printed
