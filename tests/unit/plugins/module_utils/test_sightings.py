from __future__ import annotations

from ipaddress import IPv6Address

from ansible_collections.v6ops.docker.plugins.module_utils._sightings import Sighting, read

COOKIE = bytes(range(8))
SOURCE, DESTINATION = "fd00::2", "2001:db8::1"


def packet(data, kind=128):
    addresses = IPv6Address(SOURCE).packed + IPv6Address(DESTINATION).packed
    return b"\x60\0\0\0\0\0\x3a\x40" + addresses + bytes([kind, 0]) + bytes(6) + data


def test_a_packet_with_the_mark():
    assert read(packet(COOKIE + b"\x05"), COOKIE, "eth0", True) == Sighting(5, "eth0", True, SOURCE, DESTINATION, 128)


def test_an_error_that_quotes_it():
    assert read(packet(packet(COOKIE + b"\x05"), kind=1), COOKIE, "eth0", False).type == 1


def test_other_packets():
    for data in (b"", b"\0" * 64, COOKIE, COOKIE[:7] + b"\x05"):
        assert read(packet(data), COOKIE, "eth0", True) is None
    assert read(b"", COOKIE, "eth0", True) is None
