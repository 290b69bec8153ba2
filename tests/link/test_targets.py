"""Ping and TCP: what arrives is counted, what does not is told apart."""

from __future__ import annotations

import random

import pytest
from beds import PROBER, ip, link_local, running, table_overflows
from fakes import address

from ansible_collections.v6ops.docker.plugins.module_utils import _rtnetlink
from ansible_collections.v6ops.docker.plugins.module_utils._echo import NOBODY

SERVERS = """
import socket, time
def listen(port):
    one = socket.socket(socket.AF_INET6); one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.bind(("::", port)); one.listen(); return one
polite, silent, hostile = listen(22), listen(80), listen(666)
print("ready", flush=True)
kept = []
import selectors
selector = selectors.DefaultSelector()
for one in (polite, silent, hostile): selector.register(one, selectors.EVENT_READ)
while True:
    for key, _ in selector.select():
        connection, _ = key.fileobj.accept(); kept.append(connection)
        if key.fileobj is polite: connection.sendall(b"SSH-2.0-OpenSSH_9.2p1 Debian\\r\\nmore")
        if key.fileobj is hostile: connection.sendall(b"\\x1b]0;owned\\x07\\xe2\\x80\\xae\\xff" + b"A" * 100000)
"""


def zoned(number):
    return f"{address(number)}%{PROBER}"


def test_ping_and_tcp_to_a_real_neighbour(link, probe):
    neighbour = link.add("plain")
    with running("plain", "-c", SERVERS):
        result = probe(interfaces=[PROBER], targets=[neighbour], ports=[22, 23, 80, 666], timeout=0.5)
    (target,) = result["targets"]
    assert (target["target"], target["error"]) == (f"{neighbour}%{PROBER}", None)
    assert (target["transmitted"], target["received"], target["duplicates"], target["loss_percent"]) == (3, 3, 0, 0)
    assert 0 < target["rtt_ms"]["min"] <= target["rtt_ms"]["avg"] <= target["rtt_ms"]["max"] < 100
    assert target["summary"].startswith("3 packets transmitted, 3 received, 0% packet loss, rtt min/avg/max/mdev = ")
    ssh, telnet, http, hostile = target["ports"]
    assert ssh == {"port": 22, "state": "open", "banner": "SSH-2.0-OpenSSH_9.2p1 Debian", "reason": None}
    assert telnet == {"port": 23, "state": "refused", "banner": None, "reason": "Connection refused"}
    assert (http["state"], http["banner"]) == ("open", None)
    assert hostile["banner"].isprintable()
    assert hostile["banner"].startswith("?]0;owned??")
    assert len(hostile["banner"]) <= 255


def test_filtered_is_not_refused_and_nobody_is_neither(link, probe):
    link_local(PROBER)
    # The fakes know nothing of TCP.
    with link.fakes():
        result = probe(targets=[zoned(0), "fe80::dead%link0"], ports=[22], timeout=0.3)
    silent, nobody = result["targets"]
    assert (silent["received"], silent["ports"][0]["state"]) == (3, "filtered")
    assert (nobody["received"], nobody["loss_percent"]) == (0, 100)
    assert nobody["ports"][0]["state"] == "unreachable"
    assert nobody["error"] == nobody["ports"][0]["reason"] == NOBODY


def test_as_a_user_where_the_system_allows_it(link, probe):
    neighbour = link.add("plain")
    with open("/proc/sys/net/ipv4/ping_group_range", "w", encoding="ascii") as file:
        file.write("0 65535")
    result = probe(as_user=True, targets=[f"{neighbour}%{PROBER}", "fe80::dead%link0"], timeout=0.3)
    assert [one["received"] for one in result["targets"]] == [3, 0]


def test_this_host_itself_answers(link, probe):
    own = link_local(PROBER)
    (target,) = probe(targets=[f"{own}%{PROBER}"])["targets"]
    assert target["received"] == 3


def test_duplicates_are_counted_and_are_no_answers(link, probe):
    link_local(PROBER)
    with link.fakes("--duplicates", "1"):
        (target,) = probe(targets=[zoned(0)])["targets"]
    # That of the last answer is not waited for.
    assert (target["received"], target["duplicates"]) in ((3, 2), (3, 3))
    assert f"3 received, +{target['duplicates']} duplicates, 0% packet loss" in target["summary"]


def test_no_false_loss_where_half_of_512_are_dead(link, probe):
    link_local(PROBER)
    targets = [zoned(number) for number in range(512)]
    with link.fakes("--count", "256"):
        result = probe(targets=targets)
    assert {(one["transmitted"], one["received"]) for one in result["targets"][:256]} == {(3, 3)}
    assert {(one["received"], one["error"]) for one in result["targets"][256:]} == {(0, NOBODY)}


def test_the_neighbour_table_does_not_overflow_by_2000_dead_addresses(link, probe):
    link_local(PROBER)
    before = table_overflows()
    targets = [zoned(number) for number in range(2512)]
    # The dead ones come first, too.
    random.Random(1).shuffle(targets)
    with link.fakes("--count", "512", "--jitter", "0.01"):
        result = probe(targets=targets)
    assert table_overflows() == before
    found = {one["target"]: one for one in result["targets"]}
    assert {(found[zoned(one)]["transmitted"], found[zoned(one)]["received"]) for one in range(512)} == {(3, 3)}
    assert {(found[zoned(one)]["received"], found[zoned(one)]["error"]) for one in range(512, 2512)} == {(0, NOBODY)}
    entries = {line.split()[0] for line in ip("-6", "neigh", "show", "nud", "all", "dev", PROBER).splitlines()}
    assert len(entries & {str(address(number)) for number in range(512, 2512)}) < 200


def test_a_neighbour_that_the_kernel_knows_is_asked_even_if_it_answers_no_solicitation(link, probe):
    link_local(PROBER)
    ip("neigh", "add", str(address(0)), "lladdr", "02:fa:00:00:00:00", "dev", PROBER, "nud", "permanent")
    with link.fakes("--answers", "unicast"):
        (target,) = probe(targets=[zoned(0)])["targets"]
    assert target["received"] == 3


@pytest.mark.parametrize("kind", ["links", "addresses", "neighbours"])
def test_the_kernel_lists_what_ip_shows(link, kind):
    link.add("plain")
    shown = {
        "links": lambda: len(ip("-br", "link").splitlines()),
        "addresses": lambda: len(ip("-br", "-o", "-6", "address").split("/")) - 1,
        "neighbours": lambda: len([one for one in ip("neigh").splitlines() if "lladdr" in one]),
    }
    assert len(getattr(_rtnetlink, kind)()) == shown[kind]()
