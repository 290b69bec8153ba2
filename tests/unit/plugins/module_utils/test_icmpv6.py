"""What is built reads back, what is invalid is told, and nothing that a neighbour sends breaks a parser."""

from __future__ import annotations

import ipaddress
import struct
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.v6ops.docker.plugins.module_utils import _icmpv6
from ansible_collections.v6ops.docker.plugins.module_utils._icmpv6 import Malformed

SOURCE = ipaddress.IPv6Address("fe80::1")
HEADER = struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0)
PREFIX = struct.pack("!BBBBIII", 3, 4, 64, 0xC0, 3600, 1800, 0) + ipaddress.IPv6Address("2001:db8::").packed
DNSSL = struct.pack("!BBHI", 31, 2, 0, 600) + b"\x03lan\x00\x00\x00\x00"
# What a switch, a router or an attacker may put together: options of all kinds, with right and wrong lengths.
OPTION = st.builds(
    lambda kind, length, body: bytes([kind, length]) + body,
    st.one_of(st.sampled_from([1, 2, 3, 5, 24, 25, 31]), st.integers(0, 255)),
    st.integers(0, 6),
    st.binary(max_size=40),
)
MESSAGE = st.one_of(
    st.binary(max_size=200),
    st.builds(
        lambda start, options: start + b"".join(options),
        st.sampled_from([HEADER, b"\x88\0\0\0\xe0\0\0\0" + SOURCE.packed, b"\x04\x02\0\0\0\0\0\x2a"]),
        st.lists(OPTION, max_size=8),
    ),
)


def parse(options, hop_limit=255, source=SOURCE, header=HEADER):
    return _icmpv6.parse_router_advertisement(header + options, hop_limit, source)


@settings(max_examples=2000, deadline=None)
@given(MESSAGE)
def test_any_packet_is_parsed_or_malformed(message):
    for parser in (
        _icmpv6.kind_of,
        _icmpv6.parse_echo,
        _icmpv6.parse_error,
        lambda packet: _icmpv6.parse_neighbour_advertisement(packet, 255),
        lambda packet: _icmpv6.parse_router_advertisement(packet, 255, SOURCE),
    ):
        with suppress(Malformed):
            parser(message)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_every_cut_of_a_valid_advertisement_is_parsed_or_malformed(data):
    whole = HEADER + PREFIX + DNSSL
    cut = whole[: data.draw(st.integers(0, len(whole)))]
    position = data.draw(st.integers(0, max(len(cut) - 1, 0)))
    changed = cut[:position] + bytes([data.draw(st.integers(0, 255))]) + cut[position + 1 :]
    for packet in (cut, changed):
        with suppress(Malformed):
            _icmpv6.parse_router_advertisement(packet, 255, SOURCE)


@given(st.integers(0, 0xFFFF), st.integers(0, 0xFFFF), st.binary(max_size=64))
def test_an_echo_reads_back(identifier, sequence, payload):
    message = _icmpv6.echo_request(identifier, sequence, payload)
    assert _icmpv6.parse_echo(message) == (identifier, sequence, payload)


@pytest.mark.parametrize("option", [b"", b"\x3a\x00" + bytes(6), b"\x3a\x01" + bytes(14)])
def test_an_error_tells_which_echo_it_is_about(option):
    echo = _icmpv6.echo_request(7, 3, b"ours")
    next_header = 60 if option else 58
    packet = struct.pack("!IHBB", 6 << 28, len(echo), next_header, 64) + bytes(32) + option + echo
    text, about = _icmpv6.parse_error(struct.pack("!BBHI", 1, 1, 0, 0) + packet)
    assert text == "destination unreachable: administratively prohibited"
    assert about == (7, 3, b"ours")


def test_an_error_about_something_else_is_not_ours():
    packet = struct.pack("!IHBB", 6 << 28, 8, 6, 64) + bytes(32) + bytes(20)
    with pytest.raises(Malformed, match="not about an echo request"):
        _icmpv6.parse_error(struct.pack("!BBHI", 1, 4, 0, 0) + packet)


def test_a_solicitation_is_a_packet_that_a_receiver_takes():
    packet = _icmpv6.neighbour_solicitation(SOURCE, ipaddress.IPv6Address("fe80::12:3456"), "02:00:00:00:00:01")
    assert packet[4:8] == struct.pack("!HBB", 32, 58, 255)
    assert ipaddress.IPv6Address(packet[24:40]) == ipaddress.IPv6Address("ff02::1:ff12:3456")
    summed = packet[8:40] + struct.pack("!II", 32, 58) + packet[40:]
    assert _icmpv6._checksum(summed) == 0
    assert packet[64:] == bytes.fromhex("0101020000000001")


def test_addresses():
    # The example of RFC 4291, appendix A.
    assert _icmpv6.eui64_address("34:56:78:9a:bc:de") == ipaddress.IPv6Address("fe80::3656:78ff:fe9a:bcde")
    assert _icmpv6.multicast_mac(ipaddress.IPv6Address("ff02::1:ff12:3456")) == bytes.fromhex("3333ff123456")
    assert _icmpv6.is_universal("52:54:00:00:00:01") is False
    assert _icmpv6.is_universal("00:16:3e:00:00:01") is True


def test_a_neighbour_advertisement():
    message = b"\x88\0\0\0\xe0\0\0\0" + SOURCE.packed
    assert _icmpv6.parse_neighbour_advertisement(message, 255) == (SOURCE, None, True)
    with_mac = message + b"\x02\x01\x02\0\0\0\0\x01"
    assert _icmpv6.parse_neighbour_advertisement(with_mac, 255) == (SOURCE, "02:00:00:00:00:01", True)
    with pytest.raises(Malformed, match="hop limit is 64"):
        _icmpv6.parse_neighbour_advertisement(message, 64)


def test_all_of_an_advertisement():
    route = struct.pack("!BBBBI", 24, 1, 0, 0x18, 0xFFFFFFFF)
    found = parse(PREFIX + DNSSL + route)
    assert found["prefixes"][0]["prefix"] == "2001:db8::/64"
    assert (found["prefixes"][0]["valid_lifetime"], found["prefixes"][0]["preferred_lifetime"]) == (3600, 1800)
    assert found["dnssl"] == [{"domains": [b"lan"], "lifetime": 600}]
    assert found["routes"] == [{"prefix": "::/0", "preference": "low", "lifetime": None}]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (b"\x01\x00", "the length 0"),
        (b"\x01", "the length 0"),
        (b"\x03\x04" + bytes(8), "longer than the packet"),
        (b"\x03\x01" + bytes(6), "prefix information has 8 octets instead of 32"),
        (PREFIX[:2] + b"\x81" + PREFIX[3:], "a prefix has the length 129"),
        (b"\x05\x02" + bytes(14), "MTU has 16 octets"),
        (b"\x18\x01\x40\x00" + bytes(4), "too few for a prefix of 64 bits"),
        (b"\x18\x04" + bytes(30), "route has 32 octets"),
        (b"\x19\x02" + bytes(14), "DNS servers has 16 octets"),
        (b"\x1f\x01" + bytes(6), "search domains has 8 octets"),
        (b"\x1f\x02" + bytes(6) + b"\x40" + bytes(7), "not encoded"),
        (b"\x1f\x02" + bytes(6) + b"\xc0\x00" + bytes(6), "not encoded"),
        (b"\x1f\x02" + bytes(6) + b"\x07example", "has no end"),
        (b"\x1f\x02" + bytes(6) + b"\x03lan\x20abc", "not encoded"),
    ],
)
def test_options_that_are_invalid(options, reason):
    with pytest.raises(Malformed, match=reason):
        parse(options)


def test_what_is_no_valid_advertisement():
    for arguments, reason in (
        ({"hop_limit": 254}, "hop limit is 254"),
        ({"source": ipaddress.IPv6Address("2001:db8::1")}, "not a link-local address"),
        ({"header": b"\x86\x01" + HEADER[2:]}, "code is 1"),
        ({"header": HEADER[:15]}, "15 octets"),
    ):
        with pytest.raises(Malformed, match=reason):
            parse(b"", **arguments)
