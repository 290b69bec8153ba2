"""What a neighbour reaches who has a route for the containers' prefix by the host's link-local address."""

from __future__ import annotations

import pytest
from scripts import ASK, CONNECT, PATH_MTU, SPOOF

testinfra_hosts = ["ansible://bullseye", "ansible://trixie", "ansible://forky"]
INTERNET = "2001:db8:dead::1"
# Engines that let in whatever comes, if nobody else prevents it.
OPEN_ENGINES = {"bullseye", "trixie"}


@pytest.fixture(name="attack")
def _attack(host, neighbour, route, start, uplink, pool, prefix, ping_script):
    """A function that tells what answers the neighbour, each by a new flow."""
    published, hidden = start("published", "--publish 8080:80"), start("hidden")

    def connects(target, port):
        return neighbour.check_output("python3 -c %s %s %s", CONNECT, target, str(port)) == "open"

    def received(source, text):
        neighbour.check_output("python3 -c %s %s %s %s", SPOOF, str(source), hidden, text)
        # What the host itself sends then arrives, and arrives later.
        host.check_output("python3 -c %s %s %s", ASK, hidden, f"after {text}")
        return text in host.check_output("docker logs hidden").splitlines()

    return lambda: {
        "published": connects(uplink, 8080),
        "around the published port": connects(published, 80),
        "unpublished": connects(hidden, 80),
        "ICMP": neighbour.run("python3 -c %s %s", ping_script, hidden).rc == 0,
        "with the address of a container": received(prefix[0xBAD], "container"),
        "with another address of the pool": received(pool[0xBAD << 64], "pool"),
    }


def test_only_what_is_published_answers_a_neighbour(attack):
    answers = attack()
    assert [what for what, answered in answers.items() if answered] == ["published"]


def test_without_protection_everything_does(attack, run_module, standard, name):
    assert not run_module("ip6tables_nat", forward="open").get("failed")
    answers = attack()
    assert answers["published"]
    assert all(answers.values()) == (name in OPEN_ENGINES)


def test_what_goes_out_and_around_works_as_before(host, user_network, start, execute, ping):
    one, two, three = start("one"), start("two"), start("three", f"--network {user_network}")
    for container in ("one", "three"):
        assert ping(container, INTERNET)
        assert execute(container, CONNECT, INTERNET, "9") == "refused"
    assert execute("one", CONNECT, two, "80") == "open"
    for address in (one, three):
        assert host.check_output("python3 -c %s %s 80", CONNECT, address) == "open"


def test_packet_too_big_passes(host, neighbour, start, execute):
    """The neighbour is the router of a path with a smaller MTU."""
    name = host.check_output("hostname")
    far = f"2001:db8:beef:{ord(name[0]):x}::1"
    router = neighbour.check_output("ip -6 route show default").split()[2]
    neighbour.check_output("echo 2 > /proc/sys/net/ipv6/conf/eth0/accept_ra")
    neighbour.check_output("echo 1 > /proc/sys/net/ipv6/conf/all/forwarding")
    neighbour.check_output(f"ip -6 route replace {far} via {router} dev eth0 mtu 1280")
    near = neighbour.check_output("ip -6 -oneline address show dev eth0 scope link").split()[3].split("/")[0]
    host.check_output(f"ip -6 route replace {far} via {near} dev eth0")
    start("sender")
    assert execute("sender", PATH_MTU, far) == "1280"
