"""What a neighbour reaches who has a route for the containers' prefix by the host's link-local address."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from common import CONNECT, SLEEP
from conftest import subnet
from scripts import ASK, PATH_MTU, SPOOF

testinfra_hosts = ["ansible://bullseye", "ansible://trixie", "ansible://forky"]
INTERNET = "2001:db8:dead::1"
# Engines that let in whatever comes, if nobody else prevents it.
OPEN_ENGINES = {"bullseye", "trixie"}


@pytest.fixture(name="network", params=["bridge", "lab-shop"])
def _network(request, host, neighbour, route, link_local):
    """The default bridge, or a network that was created after site.yml, and its subnet."""
    name = request.param
    if name != "bridge":
        host.check_output(f"docker network create --ipv6 {name}")
    prefix = subnet(host, name)
    neighbour.check_output(f"ip -6 route replace {prefix} via {link_local} dev eth0")
    yield name, prefix
    neighbour.check_output(f"ip -6 route delete {prefix}")
    if name != "bridge":
        host.check_output(f"docker network rm {name}")


@pytest.fixture(name="attack")
def _attack(host, neighbour, network, start, uplink, pool, ping_script):
    """A function that tells what answers the neighbour, each by a new flow."""
    name, prefix = network
    published = start("published", f"--network {name} --publish 8080:80")
    hidden = start("hidden", f"--network {name}")

    def connects(target, port):
        return neighbour.check_output("python3 -c %s %s %s", CONNECT, target, str(port)) == "open"

    def pings():
        return neighbour.run("python3 -c %s %s 2", ping_script, hidden).rc == 0

    def received(source, text):
        neighbour.check_output("python3 -c %s %s %s %s", SPOOF, str(source), hidden, text)
        # What the host itself sends then arrives, and arrives later.
        host.check_output("python3 -c %s %s %s", ASK, hidden, f"after {text}")
        return text in host.check_output("docker logs hidden").splitlines()

    def attack():
        with ThreadPoolExecutor(3) as threads:
            answers = {
                "published": threads.submit(connects, uplink, 8080),
                "around the published port": threads.submit(connects, published, 80),
                "unpublished": threads.submit(connects, hidden, 80),
                "ICMP": threads.submit(pings),
                "with the address of a container": threads.submit(received, prefix[0xBAD], "container"),
                "with another address of the pool": threads.submit(received, pool[0xBAD << 64], "pool"),
            }
            return {what for what, answer in answers.items() if answer.result()}, set(answers)

    return attack


def test_only_what_is_published_answers_a_neighbour(attack):
    answered, __ = attack()
    assert answered == {"published"}


def test_without_protection_everything_does(attack, run_module, standard, name):
    assert not run_module("ip6tables_nat", forward="open").get("failed")
    answered, asked = attack()
    assert "published" in answered
    assert (answered == asked) == (name in OPEN_ENGINES)


@pytest.mark.parametrize("network", ["lab-shop"], indirect=True)
def test_a_network_that_is_created_later_has_the_internet(name, pool, network, start, execute, ping):
    start("shopper", f"--network {network[0]}", SLEEP)
    assert ping("shopper", INTERNET)
    assert execute("shopper", CONNECT, INTERNET, "9") == "refused"
    if name in OPEN_ENGINES:
        assert network[1].subnet_of(pool)


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
