from __future__ import annotations

import ipaddress
import os
import socket
import struct

import pytest

from ansible_collections.v6ops.docker.plugins.module_utils._netlink import attributes
from ansible_collections.v6ops.docker.plugins.module_utils._sockets import parse, unit_of, waiting


def message(family, address, port, *, only_v6=None, index=0, uid=0, inode=7):
    """As struct inet_diag_msg of linux/inet_diag.h has it."""
    raw = socket.inet_pton(family, address).ljust(16, b"\0")
    head = struct.pack("=BBBB", family, 10, 0, 0) + struct.pack(">HH", port, 0) + raw + bytes(16)
    tail = struct.pack("=III", index, 0, 0) + struct.pack("=IIIII", 0, 0, 0, uid, inode)
    return head + tail + (b"" if only_v6 is None else struct.pack("=HHB3x", 5, 11, only_v6))


@pytest.mark.parametrize(
    ("family", "address", "only_v6", "expected", "families"),
    [
        (socket.AF_INET, "0.0.0.0", None, "0.0.0.0", (4,)),
        (socket.AF_INET6, "::", 0, "::", (4, 6)),
        (socket.AF_INET6, "::", 1, "::", (6,)),
        (socket.AF_INET6, "fe80::1", 0, "fe80::1", (6,)),
        (socket.AF_INET6, "::ffff:192.0.2.1", 0, "192.0.2.1", (4,)),
    ],
)
def test_families_that_reach_a_socket(family, address, only_v6, expected, families):
    found, inode = parse("tcp", message(family, address, 22, only_v6=only_v6, uid=5))
    assert (found.address, found.families) == (ipaddress.ip_address(expected), families)
    assert (found.port, found.uid, found.device, inode) == (22, 5, None, 7)


def test_bound_device():
    index = socket.if_nametoindex("lo")
    assert parse("udp", message(socket.AF_INET6, "::", 1, index=index))[0].device == "lo"
    assert parse("udp", message(socket.AF_INET6, "::", 1, index=2**30))[0].device == f"interface {2**30}"


def test_own_socket_is_found_with_its_process():
    with socket.socket(socket.AF_INET6) as server:
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        server.bind(("::1", 0))
        server.listen()
        (found,) = [one for one in waiting() if (one.protocol, one.port) == ("tcp", server.getsockname()[1])]
    assert (found.pid, found.uid, str(found.address)) == (os.getpid(), os.geteuid(), "::1")
    assert found.process


@pytest.mark.parametrize(
    ("groups", "unit"),
    [
        ("0::/system.slice/ssh.service\n", "ssh.service"),
        ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/app.service\n", "app.service"),
        ("0::/user.slice/user-0.slice/session-3.scope\n", "session-3.scope"),
        ("12:pids:/system.slice/other.service\n1:name=systemd:/system.slice/cron.service\n", "cron.service"),
        ("0::/system.slice/docker.service/payload\n", "docker.service"),
        ("0::/../../x\n", None),
        ("", None),
    ],
)
def test_unit(groups, unit):
    assert unit_of(groups) == unit


def test_attributes_that_are_cut_short_end_the_list():
    assert attributes(struct.pack("=HHBxxx", 5, 1, 9) + struct.pack("=HH", 0, 2) + b"\1") == {1: b"\x09"}
    assert attributes(b"\1\2\3") == {}
