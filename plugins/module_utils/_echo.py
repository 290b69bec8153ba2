# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ICMPv6 echo to many targets over one socket, with the statistics of ping(8) for each."""

from __future__ import annotations

import errno
import math
import os
import struct
import time
from collections import deque
from contextlib import suppress

from ansible_collections.v6ops.docker.plugins.module_utils import _icmpv6
from ansible_collections.v6ops.docker.plugins.module_utils._icmp_socket import IcmpSocket

KINDS = (_icmpv6.ECHO_REPLY, *_icmpv6.ERRORS)
PADDING = bytes(44)  # 56 octets in all, as ping sends
# After as many the replies are read, so that no buffer overflows.
BURST = 32
# The kernel has no room now, in the socket, in a queue or (EINVAL) in its neighbour table.
NO_ROOM = (errno.EAGAIN, errno.ENOBUFS, errno.ENOMEM, errno.EINVAL)
ROOM_INTERVAL = 0.005  # seconds
NOBODY = "no neighbour answers a solicitation for it"


def echo(targets, count, interval, timeout, nobody=()):
    """Ask every target as many times.

    :param interval: seconds between two echo requests to one target.
    :param timeout: seconds to wait for the last replies.
    :param nobody: those of the targets that are known not to be there, which are not asked.
    :returns: statistics as of :func:`statistics`, in the order of the targets.
    """
    tallies = [_Tally(target, number, count) for number, target in enumerate(targets)]
    asked = [one for one in tallies if one.target not in nobody]
    for one in tallies:
        if one.target in nobody:
            one.error = NOBODY
    if asked:
        with IcmpSocket(KINDS) as icmp:
            _Pinger(icmp, tallies).run(asked, count, interval, timeout)
    return [statistics(str(one.target), one.sent, one.times, one.duplicates, one.error) for one in tallies]


class _Tally:
    def __init__(self, target, number, count):
        self.target, self.number = target, number
        self.address = str(target.address)
        self.sent = [None] * count
        # In nanoseconds, by sequence number.
        self.times = {}
        self.duplicates, self.error = 0, None

    def is_complete(self):
        return len(self.times) == len(self.sent)


class _Pinger:
    def __init__(self, icmp, tallies):
        self.icmp, self.tallies = icmp, tallies

    def run(self, asked, count, interval, timeout):
        begin = time.monotonic()
        for sequence in range(count):
            self._hear(self.icmp.receive_until(begin + sequence * interval))
            self._send(asked, sequence, timeout)
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline and not all(one.is_complete() for one in asked):
            self._hear(self.icmp.receive(deadline - time.monotonic()))

    def _send(self, asked, sequence, timeout):
        waiting, deadline = deque(asked), time.monotonic() + timeout
        while waiting:
            pause = 0
            for __ in range(min(BURST, len(waiting))):
                tally = waiting.popleft()
                payload = self.icmp.token + struct.pack("!I", tally.number) + PADDING
                message = _icmpv6.echo_request(self.icmp.identifier, sequence, payload)
                try:
                    tally.sent[sequence] = self.icmp.send(message, tally.address, tally.target.index)
                except OSError as error:
                    if error.errno in NO_ROOM and time.monotonic() < deadline:
                        waiting.append(tally)
                        pause = ROOM_INTERVAL
                    else:
                        tally.error = f"this host cannot send: {os.strerror(error.errno)}"
            self._hear(self.icmp.receive(pause))

    def _hear(self, packets):
        for packet in packets:
            with suppress(_icmpv6.Malformed):
                self._count(packet)

    def _count(self, packet):
        error = None
        if _icmpv6.kind_of(packet.message) == _icmpv6.ECHO_REPLY:
            __, sequence, payload = _icmpv6.parse_echo(packet.message)
        else:
            error, (__, sequence, payload) = _icmpv6.parse_error(packet.message)
        if len(payload) < 12 or not payload.startswith(self.icmp.token):
            return
        (number,) = struct.unpack_from("!I", payload, 8)
        tally = self.tallies[number] if number < len(self.tallies) else None
        if tally is None or sequence >= len(tally.sent) or tally.sent[sequence] is None:
            return
        if error:
            tally.error = f"{error} (from {packet.source})"
        elif packet.source == tally.target.address and packet.index == tally.target.index:
            if sequence in tally.times:
                tally.duplicates += 1
            else:
                tally.times[sequence] = max(packet.time_ns - tally.sent[sequence], 0)


def statistics(target, sent, times, duplicates, error):
    """The statistics of one target, in the terms of ping(8), the times in milliseconds.

    :param sent: when each echo request was sent, None where it was not.
    :param times: by sequence number, in nanoseconds.
    """
    transmitted, received = sum(one is not None for one in sent), len(times)
    loss = 100 * (1 - received / transmitted) if transmitted else 100.0
    found = {
        "target": target,
        "transmitted": transmitted,
        "received": received,
        "duplicates": duplicates,
        "loss_percent": round(loss, 4),
        "rtt_ms": None,
        "error": error,
    }
    words = [f"{transmitted} packets transmitted, {received} received"]
    if duplicates:
        words.append(f"+{duplicates} duplicates")
    words.append(f"{loss:g}% packet loss")
    if times:
        ms = [one / 1e6 for one in times.values()]
        mean = sum(ms) / len(ms)
        mdev = math.sqrt(sum((one - mean) ** 2 for one in ms) / len(ms))
        values = {"min": min(ms), "avg": mean, "max": max(ms), "mdev": mdev}
        found["rtt_ms"] = {name: round(value, 3) for name, value in values.items()}
        words.append(f"rtt min/avg/max/mdev = {'/'.join(f'{value:.3f}' for value in values.values())} ms")
    return {**found, "summary": ", ".join(words)}
