"""Echo on a fake socket that knows what was sent: what the kernel refuses is no loss, and only answers count."""

from __future__ import annotations

import errno
import ipaddress
import itertools

import pytest

from ansible_collections.v6ops.docker.plugins.module_utils import _echo
from ansible_collections.v6ops.docker.plugins.module_utils._echo import echo, statistics
from ansible_collections.v6ops.docker.plugins.module_utils._icmp_socket import Packet
from ansible_collections.v6ops.docker.plugins.module_utils._targets import Target

MS = 1_000_000


class FakeSocket:
    """A link on which every neighbour answers after a millisecond, and the tests' hooks."""

    def __init__(self):
        self.identifier, self.token = 7, b"8 octets"
        self.refuse, self.answers, self.queue, self.clock = (lambda address, attempt: None), self.reply, [], 0
        self.attempts = itertools.count()

    def __enter__(self):
        return self

    def __exit__(self, *__):
        pass

    def reply(self, packet):
        return [packet]

    def send(self, message, address, index):
        number = self.refuse(address, next(self.attempts))
        if number:
            raise OSError(number, "")
        self.clock += MS
        packet = Packet(ipaddress.IPv6Address(address), index, 64, self.clock + MS, b"\x81" + message[1:])
        self.queue += self.answers(packet)
        return self.clock

    def receive(self, timeout):
        queue, self.queue = self.queue, []
        return queue

    def receive_until(self, deadline):
        return self.receive(0)


@pytest.fixture(name="fake")
def _fake(monkeypatch):
    fake = FakeSocket()
    monkeypatch.setattr(_echo, "IcmpSocket", lambda kinds: fake)
    return fake


def targets(count):
    return [Target(ipaddress.IPv6Address(f"fe80::{number + 1:x}"), "eth0", 2) for number in range(count)]


def run(count=1, timeout=0.05, absent=lambda targets: ()):
    return echo(targets(count), 3, 0, timeout, absent)


def counts(results):
    return [(one["transmitted"], one["received"], one["duplicates"]) for one in results]


def test_every_answer_counts_once(fake):
    fake.answers = lambda packet: [packet, packet]
    (one,) = run()
    assert counts([one]) == [(3, 3, 3)]
    assert one["rtt_ms"] == {"min": 1.0, "avg": 1.0, "max": 1.0, "mdev": 0.0}


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOBUFS, errno.EAGAIN])
def test_what_the_kernel_has_no_room_for_is_sent_again_and_is_no_loss(fake, number):
    fake.refuse = lambda address, attempt: number if attempt % 3 else None
    assert counts(run(100, timeout=5)) == [(3, 3, 0)] * 100


def test_what_the_kernel_never_takes_is_told_and_is_no_loss_of_a_neighbour(fake):
    fake.refuse = lambda address, attempt: errno.EINVAL if address == "fe80::1" else None
    first, second = run(2)
    assert (first["transmitted"], first["error"]) == (0, "this host cannot send: Invalid argument")
    assert counts([second]) == [(3, 3, 0)]


def test_a_packet_filter_of_this_host_is_told(fake):
    fake.refuse = lambda address, attempt: errno.EPERM
    (one,) = run()
    assert (one["transmitted"], one["error"]) == (0, "this host cannot send: Operation not permitted")


def test_only_the_target_answers_for_itself(fake):
    fake.answers = lambda packet: [
        packet._replace(source=ipaddress.IPv6Address("fe80::bad")),
        packet._replace(index=9),
        packet._replace(message=packet.message[:8] + b"not ours" + packet.message[16:]),
        packet._replace(message=packet.message[:6] + b"\xff\xff" + packet.message[8:]),
        packet._replace(message=packet.message[:16] + b"\xff\xff\xff\xff"),
        packet._replace(message=packet.message[:12]),
        packet._replace(message=b""),
    ]
    assert counts(run()) == [(3, 0, 0)]


def test_an_error_is_told_with_who_sent_it(fake):
    def prohibit(packet):
        header = bytes([0x60, 0, 0, 0, 0, 0, 58, 64]) + bytes(32)
        message = b"\x01\x01" + bytes(6) + header + b"\x80" + packet.message[1:]
        return [packet._replace(message=message)]

    fake.answers = prohibit
    (one,) = run()
    assert one["received"] == 0
    assert one["error"] == "destination unreachable: administratively prohibited (from fe80::1)"


def test_of_many_dead_ones_only_a_few_are_asked(fake):
    everybody = targets(1000)
    dead = set(everybody[::2])
    spelt = {str(one.address) for one in dead}
    fake.answers = lambda packet: [] if str(packet.source) in spelt else [packet]
    results = echo(everybody, 3, 0, 0.05, dead.intersection)
    assert counts(results[1::2]) == [(3, 3, 0)] * 500
    assert {(one["received"], one["error"]) for one in results[::2]} == {(0, _echo.NOBODY)}
    assert sum(one["transmitted"] > 0 for one in results[::2]) <= _echo.SILENT + _echo.BURST


def test_many_that_are_silent_but_there_are_all_asked(fake):
    fake.answers = lambda packet: []
    assert counts(run(300)) == [(3, 0, 0)] * 300


def test_statistics_are_those_of_ping():
    # The second of the pings in "Using the Link-Local Address of IPv6".
    assert statistics("fe80::1%eth0", [1, 2], {0: 566_000, 1: 612_000}, 0, None) == {
        "target": "fe80::1%eth0",
        "transmitted": 2,
        "received": 2,
        "duplicates": 0,
        "loss_percent": 0.0,
        "rtt_ms": {"min": 0.566, "avg": 0.589, "max": 0.612, "mdev": 0.023},
        "error": None,
        "summary": "2 packets transmitted, 2 received, 0% packet loss, "
        "rtt min/avg/max/mdev = 0.566/0.589/0.612/0.023 ms",
    }
    lossy = statistics("fe80::1%eth0", [1, 2, 3], {0: MS, 2: MS}, 1, None)
    assert lossy["summary"].startswith("3 packets transmitted, 2 received, +1 duplicates, 33.3333% packet loss, rtt")
    assert lossy["loss_percent"] == 33.3333
