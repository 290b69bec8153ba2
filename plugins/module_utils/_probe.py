# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a container sees of IPv6. Runs as a script inside one, so it needs nothing but Python's standard library.

Its one argument is a JSON object, the arguments of :func:`probe`. It prints a JSON object on one line, and below it
what ``ip -6 address`` says, where there is iproute2.
"""

from __future__ import annotations

import ipaddress
import json
import math
import os
import socket
import struct
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

ECHO_REQUEST, ECHO_REPLY = 128, 129  # RFC 4443, section 4
PACKET_TOO_BIG = 2
ERRORS = {  # RFC 4443, section 3
    (1, 0): "no route to destination",
    (1, 1): "administratively prohibited",
    (1, 2): "beyond scope of source address",
    (1, 3): "address unreachable",
    (1, 4): "port unreachable",
    (1, 5): "source address failed policy",
    (1, 6): "reject route",
    (2, 0): "packet too big",
    (3, 0): "hop limit exceeded",
}
IFA_F_DADFAILED, IFA_F_TENTATIVE = 0x08, 0x40  # linux/if_addr.h
RTF_GATEWAY, RTF_REJECT = 0x0002, 0x0200  # linux/route.h, linux/ipv6_route.h
IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE = 23, 3  # linux/in6.h
COUNT = 3
GRACE = 0.5
REPLY_TIMEOUT = 1.0
CONNECT_TIMEOUT = 3.0
# Servers that speak first do so at once, the others not at all.
BANNER_TIMEOUT = 0.3
BANNER_SIZE = 120
IPV6_HEADER, HEADERS = 40, 48  # in bytes, without and with that of ICMPv6
SMALLEST_MTU = 1280  # RFC 8200, section 5
# The host is the first hop of a container's packet, the router of its uplink the second.
ROUTER_HOP = 2
BEYOND_ROUTER = "2000::1"


def addresses():
    """The addresses of this network namespace, loopback left out, from /proc/net/if_inet6."""
    found = []
    for line in _lines("/proc/net/if_inet6"):
        raw, _index, length, _scope, flags, interface = line.split()
        address = ipaddress.IPv6Address(bytes.fromhex(raw))
        if not address.is_loopback:
            found.append(
                {
                    "address": str(address),
                    "prefixlen": int(length, 16),
                    "interface": interface,
                    "tentative": bool(int(flags, 16) & IFA_F_TENTATIVE),
                    "dadfailed": bool(int(flags, 16) & IFA_F_DADFAILED),
                }
            )
    return found


def default_route():
    """The container's default route from /proc/net/ipv6_route, or None."""
    for line in _lines("/proc/net/ipv6_route"):
        destination, length, _src, _srclen, gateway, _metric, _ref, _use, flags, interface = line.split()
        if (
            int(destination, 16) == int(length, 16) == 0
            and int(flags, 16) & RTF_GATEWAY
            and not int(flags, 16) & RTF_REJECT
        ):
            return {"gateway": str(ipaddress.IPv6Address(bytes.fromhex(gateway))), "interface": interface}
    return None


def _lines(path):
    try:
        with open(path, encoding="ascii") as file:
            return file.read().splitlines()
    except FileNotFoundError:
        return []


class Pinger:
    """ICMPv6 echo (RFC 4443) over one raw socket, each instance a flow of its own to connection tracking.

    :param mark: bytes at the beginning of the data, by which others recognise the packet, translated or quoted.
    """

    def __init__(self, mark=b""):
        self.mark = mark
        self.identifier = int.from_bytes(os.urandom(2), "big")
        self.sequence = 0
        self.socket = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
        # Never a fragment, and never smaller for what an earlier packet taught the kernel.
        self.socket.setsockopt(socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE)

    def ask(self, target, timeout, hop_limit=64, size=104):
        """Send one echo request.

        :param size: of the packet, headers included.
        :returns: None where nothing came back, else ``from``, ``rtt_ms`` and, for anything but a reply, ``error`` and
            the ``mtu`` that a packet too big tells.
        """
        self.sequence += 1
        ours = struct.pack("!HH", self.identifier, self.sequence)
        data = self.mark.ljust(size - HEADERS, b"\0")
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, hop_limit)
        sent = time.monotonic()
        try:
            self.socket.sendto(struct.pack("!BBH", ECHO_REQUEST, 0, 0) + ours + data, (target, 0))
        except OSError as error:
            return {"from": None, "rtt_ms": None, "error": f"cannot send: {error.strerror}"}
        return self._hear(sent, sent + timeout, size)

    def _hear(self, sent, deadline, size):
        """The reply to the last echo request, or an error about it or an earlier one: routers take seconds for some."""
        ours = struct.pack("!HH", self.identifier, self.sequence)
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            self.socket.settimeout(left)
            try:
                packet, sender = self.socket.recvfrom(65536)
            except socket.timeout:
                return None
            answer = {"from": sender[0], "rtt_ms": round((time.monotonic() - sent) * 1000, 3), "error": None}
            if packet[0] == ECHO_REPLY and packet[4:8] == ours and len(packet) >= size - IPV6_HEADER:
                return answer
            # An error carries the packet it is about: 8 bytes of its own, the IPv6 header, the echo request.
            if packet[0] < ECHO_REQUEST and packet[48:49] == bytes([ECHO_REQUEST]) and packet[52:54] == ours[:2]:
                kind = ERRORS.get((packet[0], packet[1]), f"ICMPv6 error {packet[0]}, code {packet[1]}")
                mtu = int.from_bytes(packet[4:8], "big") if packet[0] == PACKET_TOO_BIG else None
                return {**answer, "error": kind, "mtu": mtu}

    def hear_late(self):
        """What is said after all: a router gives an address up when three solicitations had a second each."""
        return self._hear(time.monotonic(), time.monotonic() + GRACE, size=0)

    def ping(self, target):
        """The statistics of a few echo requests, named as ping(8) does; times in milliseconds."""
        answers = [self.ask(target, REPLY_TIMEOUT) for __ in range(COUNT)]
        if not any(answers):
            answers[-1] = self.hear_late()
        times = [answer["rtt_ms"] for answer in answers if is_reply(answer)]
        errors = {(answer["from"], answer["error"]) for answer in answers if answer and answer["error"]}
        statistics = {
            "transmitted": len(answers),
            "received": len(times),
            "loss_percent": round(100 * (1 - len(times) / len(answers))),
            "errors": [{"from": sender, "error": error} for sender, error in sorted(errors, key=str)],
            "rtt_ms": None,
        }
        if times:
            mean = sum(times) / len(times)
            mdev = math.sqrt(sum((one - mean) ** 2 for one in times) / len(times))
            statistics["rtt_ms"] = {
                "min": min(times),
                "avg": round(mean, 3),
                "max": max(times),
                "mdev": round(mdev, 3),
            }
        return statistics

    def path_mtu(self, target, mtu):
        """Find the largest packet that gets to a target which answers smaller ones (RFC 8201).

        :param mtu: of the interface.
        :returns: ``mtu``, None where packets of ``tried`` bytes vanish and nobody says that they are too big.
        """
        silent = 0
        while silent < 2:
            answer = self.ask(target, REPLY_TIMEOUT, size=mtu)
            if is_reply(answer):
                return {"mtu": mtu, "tried": mtu}
            told = answer and answer.get("mtu")
            if told and told < mtu and mtu > SMALLEST_MTU:
                mtu = max(told, SMALLEST_MTU)
            else:
                silent += 1
        return {"mtu": None, "tried": mtu}


def is_reply(answer):
    return bool(answer) and not answer["error"]


def connect(address, port):
    """Open a TCP connection.

    :returns: ``state``: open, refused, filtered (no answer) or the error; and the first line of the ``banner``.
    """
    try:
        with socket.create_connection((address, port), CONNECT_TIMEOUT) as connection:
            connection.settimeout(BANNER_TIMEOUT)
            banner = b""
            with suppress(OSError):
                banner = connection.recv(BANNER_SIZE)
    except socket.timeout:
        return {"state": "filtered", "banner": ""}
    except ConnectionRefusedError:
        return {"state": "refused", "banner": ""}
    except OSError as error:
        return {"state": error.strerror or str(error), "banner": ""}
    line = (banner.splitlines() or [b""])[0]
    # A stranger wrote it, and it goes to terminals.
    return {"state": "open", "banner": "".join(chr(byte) if 32 <= byte < 127 else "?" for byte in line)}


def look_up(name):
    """The addresses of a name's AAAA records, in the order of RFC 6724, and the cause where there are none."""
    try:
        found = socket.getaddrinfo(name, None, socket.AF_INET6, socket.SOCK_DGRAM)
    except OSError as error:
        return [], error.strerror or str(error)
    return [sockaddr[0] for *__, sockaddr in found], None


def preferred_family(name):
    """The family that the C library prefers for a name with addresses of both (RFC 6724): 6, 4, or None."""
    with suppress(OSError):
        family = socket.getaddrinfo(name, 80, type=socket.SOCK_STREAM)[0][0]
        return 6 if family == socket.AF_INET6 else 4
    return None


def interface_mtu(interface):
    with open(f"/sys/class/net/{interface}/mtu", encoding="ascii") as file:
        return int(file.read())


def awaited(look, deadline, good=bool):
    """What a look shows as soon as it is good, or what the last one showed at the deadline."""
    while True:
        value = look()
        if good(value) or time.monotonic() > deadline:
            return value
        time.sleep(0.05)


def usable_addresses():
    return [
        one
        for one in addresses()
        if not (one["tentative"] or one["dadfailed"] or ipaddress.IPv6Address(one["address"]).is_link_local)
    ]


def probe_target(target, mark, mtu):
    resolved, error = ([], None) if target["address"] else look_up(target["name"])
    address = target["address"] or (resolved or [None])[0]
    seen = {"target": target["target"], "address": address, "resolved": resolved, "error": error}
    if not address:
        return {**seen, "ping": None, "path_mtu": None, "tcp": None}
    pinger = Pinger(mark)
    ping = pinger.ping(address)
    path_mtu = pinger.path_mtu(address, mtu) if ping["received"] else None
    tcp = connect(address, target["port"]) if target["port"] else None
    return {**seen, "ping": ping, "path_mtu": path_mtu, "tcp": tcp}


def probe(targets, timeout, cookie, dual):
    """Look, and ask what is on the way.

    :param targets: dicts with ``target`` (as the user spelt it), ``address`` or ``name``, and ``port`` or None. Without
        any, the router of the host's uplink is asked, by a packet whose hop limit ends there.
    :param timeout: seconds to wait for an address, a route and the gateway.
    :param cookie: hexadecimal bytes for the mark of every echo request; the number of its target (of the router: one
        more) follows as one byte.
    :param dual: a name with addresses of both families.
    """
    deadline = time.monotonic() + timeout
    awaited(usable_addresses, deadline)
    route = awaited(default_route, deadline)
    result = {"addresses": addresses(), "route": route, "gateway": None, "router": None, "targets": []}
    if route:
        pinger = Pinger()
        # The bridge's own address is tentative until a first container gives the bridge carrier.
        result["gateway"] = awaited(lambda: pinger.ask(route["gateway"], 0.2), deadline, is_reply)
        # A gateway may forward and not answer.
        marks = [bytes.fromhex(cookie) + bytes([index]) for index in range(len(targets) + 1)]
        mtu = interface_mtu(route["interface"])
        if targets:
            with ThreadPoolExecutor(len(targets)) as pool:
                jobs = [pool.submit(probe_target, target, mark, mtu) for target, mark in zip(targets, marks)]
                result["targets"] = [job.result() for job in jobs]
        else:
            asked = time.monotonic() + COUNT * REPLY_TIMEOUT
            ask = Pinger(marks[-1]).ask
            result["router"] = awaited(lambda: ask(BEYOND_ROUTER, REPLY_TIMEOUT, ROUTER_HOP), asked)
    result["preferred_family"] = preferred_family(dual)
    return result


if __name__ == "__main__":
    os.environ["RES_OPTIONS"] = "timeout:2 attempts:2"
    sys.stdout.write(json.dumps(probe(**json.loads(sys.argv[1]))) + "\n")
    sys.stdout.flush()
    with suppress(FileNotFoundError):
        os.execvp("ip", ["ip", "-6", "address"])
