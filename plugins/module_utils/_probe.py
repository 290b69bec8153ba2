# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a container sees of IPv6. Runs as a script inside one, so it needs nothing but Python's standard library.

Its one argument is a JSON object with ``targets`` (literal IPv6 addresses) and ``timeout`` (seconds to wait for an
address, a route and the gateway). It prints a JSON object on one line, and below it what ``ip -6 address`` says, where
the host has iproute2. Without targets it asks the router of the host's uplink, by a packet whose hop limit ends there.
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
from contextlib import suppress

ECHO_REQUEST, ECHO_REPLY = 128, 129  # RFC 4443, section 4
ERRORS = {1: "destination unreachable", 2: "packet too big", 3: "time exceeded", 4: "parameter problem"}
IFA_F_DADFAILED, IFA_F_TENTATIVE = 0x08, 0x40  # linux/if_addr.h
RTF_GATEWAY, RTF_REJECT = 0x0002, 0x0200  # linux/route.h, linux/ipv6_route.h
COUNT = 3
REPLY_TIMEOUT = 1.0
# The host is the first hop of a container's packet, the router of its uplink the second.
ROUTER_HOP = 2
BEYOND_ROUTER = "2000::1"


def addresses():
    """The container's addresses, loopback left out, from /proc/net/if_inet6."""
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
    """ICMPv6 echo (RFC 4443) over one raw socket, each instance a flow of its own to connection tracking."""

    def __init__(self):
        self.identifier = int.from_bytes(os.urandom(2), "big")
        self.sequence = 0
        self.socket = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)

    def ask(self, target, timeout, hop_limit=64):
        """Send one echo request.

        :returns: None where nothing came back, else ``from``, ``rtt_ms`` and, for anything but a reply, ``error``.
        """
        self.sequence += 1
        ours = struct.pack("!HH", self.identifier, self.sequence)
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, hop_limit)
        sent = time.monotonic()
        try:
            self.socket.sendto(struct.pack("!BBH", ECHO_REQUEST, 0, 0) + ours + bytes(56), (target, 0))
        except OSError as error:
            return {"from": None, "rtt_ms": None, "error": f"cannot send: {error.strerror}"}
        while True:
            left = sent + timeout - time.monotonic()
            if left <= 0:
                return None
            self.socket.settimeout(left)
            try:
                packet, sender = self.socket.recvfrom(2048)
            except socket.timeout:
                return None
            answer = {"from": sender[0], "rtt_ms": round((time.monotonic() - sent) * 1000, 3), "error": None}
            if packet[0] == ECHO_REPLY and packet[4:8] == ours:
                return answer
            # An error carries the packet it is about: 8 bytes of its own, the IPv6 header, the echo request.
            if packet[0] in ERRORS and packet[48:49] == bytes([ECHO_REQUEST]) and packet[52:56] == ours:
                return {**answer, "error": f"{ERRORS[packet[0]]}, code {packet[1]}"}

    def ping(self, target):
        """The statistics of a few echo requests, named as ping(8) does; times in milliseconds."""
        answers = [self.ask(target, REPLY_TIMEOUT) for __ in range(COUNT)]
        times = [answer["rtt_ms"] for answer in answers if answer and not answer["error"]]
        errors = {(answer["from"], answer["error"]) for answer in answers if answer and answer["error"]}
        statistics = {
            "target": target,
            "transmitted": len(answers),
            "received": len(times),
            "loss_percent": round(100 * (1 - len(times) / len(answers))),
            "errors": [{"from": sender, "error": error} for sender, error in sorted(errors, key=str)],
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


def probe(targets, timeout):
    deadline = time.monotonic() + timeout
    awaited(usable_addresses, deadline)
    route = awaited(default_route, deadline)
    result = {"addresses": addresses(), "route": route, "gateway": None, "router": None, "pings": []}
    if route:
        pinger = Pinger()
        # The bridge's own address is tentative until a first container gives the bridge carrier.
        result["gateway"] = awaited(lambda: pinger.ask(route["gateway"], 0.2), deadline, is_reply)
    if is_reply(result["gateway"]):
        result["pings"] = [Pinger().ping(target) for target in targets]
        if not targets:
            deadline = time.monotonic() + COUNT * REPLY_TIMEOUT
            result["router"] = awaited(lambda: Pinger().ask(BEYOND_ROUTER, REPLY_TIMEOUT, ROUTER_HOP), deadline)
    return result


def is_reply(answer):
    return bool(answer) and not answer["error"]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(probe(**json.loads(sys.argv[1]))) + "\n")
    sys.stdout.flush()
    with suppress(FileNotFoundError):
        os.execvp("ip", ["ip", "-6", "address"])
