from __future__ import annotations

import random
import socket
import struct
import threading
from contextlib import suppress

import pytest

from ansible_collections.v6ops.docker.plugins.module_utils import _mdns
from ansible_collections.v6ops.docker.plugins.module_utils._mdns import Malformed, host_name, names, parse, query

ADDRESS, IDENTIFIER = "fe80::1", b"\x12\x34"


def answer(asked, name, kind=_mdns.PTR, network=_mdns.IN):
    """What a responder makes of a query, with the question's name by a pointer."""
    data = b"".join(bytes([len(label)]) + label for label in name) + b"\0"
    record = struct.pack("!HHHIH", 0xC00C, kind, network, 10, len(data)) + data
    return asked[:2] + struct.pack("!5H", 0x8400, 1, 1, 0, 0) + asked[12:] + record


def test_a_name():
    asked = query(IDENTIFIER, ADDRESS)
    assert parse(answer(asked, [b"trixie", b"local"]), IDENTIFIER, ADDRESS) == "trixie.local"
    assert parse(answer(asked, [b"trixie", b"local"], network=0x8001), IDENTIFIER, ADDRESS) == "trixie.local"


def test_answers_to_something_else():
    asked = query(IDENTIFIER, ADDRESS)
    assert parse(asked, IDENTIFIER, ADDRESS) is None
    assert parse(answer(asked, [b"a"]), b"\0\0", ADDRESS) is None
    assert parse(answer(asked, [b"a"]), IDENTIFIER, "fe80::2") is None
    assert parse(answer(asked, [b"a"], kind=16), IDENTIFIER, ADDRESS) is None


@pytest.mark.parametrize(
    ("label", "name"),
    [
        (b"Web-1", "web-1.local"),
        (b"{{ lookup('pipe', 'id') }}", "lookup-pipe-id.local"),
        (b"a.example.com", "a-example-com.local"),
        (b"../../etc", "etc.local"),
        (b"-oProxyCommand=x", "oproxycommand-x.local"),
        ("Ⅷ\u202eb".encode(), "b.local"),
        (b"\x1b[2J", "2j.local"),
        (b"\xff", None),
        (b"", None),
    ],
)
def test_a_name_is_made_one_that_a_host_may_have(label, name):
    assert host_name([label, b"local"]) == name


def test_no_message_does_harm():
    chance = random.Random(6762)
    valid = answer(query(IDENTIFIER, ADDRESS), [b"trixie", b"local"])
    for __ in range(20000):
        message = bytearray(valid[: chance.randrange(1, len(valid) + 1)])
        for __ in range(chance.randrange(4)):
            message[chance.randrange(len(message))] = chance.randrange(256)
        with suppress(Malformed):
            name = parse(bytes(message), IDENTIFIER, ADDRESS)
            assert name is None or name.endswith(".local")


@pytest.mark.parametrize(
    "tail", [b"\xc0\x0c", b"\xc0\x0e\xc0\x0c", b"\xc0\xff", b"\x80", b"\x3f", b"\x01a" * 200 + b"\0"]
)
def test_names_without_an_end(tail):
    with pytest.raises(Malformed):
        parse(IDENTIFIER + struct.pack("!5H", 0x8400, 1, 0, 0, 0) + tail, IDENTIFIER, ADDRESS)


def test_a_responder_that_lies_first_and_misses_one_query(monkeypatch):
    """On loopback, on a port of its own."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as responder:
        responder.bind(("::1", 0))
        monkeypatch.setattr(_mdns, "PORT", responder.getsockname()[1])

        def respond():
            responder.recvfrom(9000)
            asked, sender = responder.recvfrom(9000)
            for reply in (b"", b"\0" * 40, answer(b"\0\0" + asked[2:], [b"bad"]), answer(asked, [b"good", b"local"])):
                responder.sendto(reply, sender)

        thread = threading.Thread(target=respond)
        thread.start()
        assert names(["::1"], 0) == {"::1": "good.local"}
        thread.join()
