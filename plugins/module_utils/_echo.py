# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ICMPv6 echo to many targets over one socket, with the statistics of ping(8) for each.

Addresses that nobody has must not fill the kernel's neighbour table, which has room for some thousand, nor the socket
with packets that wait for them. So only a few may be silent at first, until it is known which of all are there.
"""

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
# So many targets may be silent, for so many seconds, before all are solicited.
SILENT, PATIENCE = 128, 0.1
# The kernel has no room now, in the socket, in a queue or (EINVAL) in its neighbour table.
NO_ROOM = (errno.EAGAIN, errno.ENOBUFS, errno.ENOMEM, errno.EINVAL)
ROOM_INTERVAL = 0.005  # seconds
NOBODY = "no neighbour answers a solicitation for it"


def echo(targets, count, interval, timeout, absent):
    """Ask every target as many times.

    :param interval: seconds between two echo requests to one target.
    :param timeout: seconds to wait for the last replies.
    :param absent: a function that tells which of some targets nobody has, as ``_sweep.absent``. Those have the error
                   :data:`NOBODY`.
    :returns: statistics as of :func:`statistics`, in the order of the targets.
    """
    tallies = [_Tally(target, number, count) for number, target in enumerate(targets)]
    if tallies:
        with IcmpSocket(KINDS) as icmp:
            _Pinger(icmp, tallies, absent).run(count, interval, timeout)
    return [statistics(str(one.target), one.sent, one.times, one.duplicates, one.error) for one in tallies]


class _Tally:
    def __init__(self, target, number, count):
        self.target, self.number = target, number
        self.address = str(target.address)
        self.sent = [None] * count
        # In nanoseconds, by sequence number.
        self.times = {}
        self.duplicates, self.error = 0, None

    def is_open(self):
        """Whether there is an answer to wait for."""
        return self.error != NOBODY and len(self.times) < len(self.sent)


class _Pinger:
    def __init__(self, icmp, tallies, absent):
        self.icmp, self.tallies, self.absent = icmp, tallies, absent
        # Those who have been asked and have never answered.
        self.silent, self.is_swept = set(), False

    def run(self, count, interval, timeout):
        due = time.monotonic()
        for sequence in range(count):
            self._hear(self.icmp.receive_until(due))
            due = self._send(sequence, timeout) + interval
        deadline = time.monotonic() + timeout
        self._wait(PATIENCE, lambda: self.silent)
        self._sweep()
        self._wait(deadline - time.monotonic(), lambda: any(one.is_open() for one in self.tallies))

    def _send(self, sequence, timeout):
        """One echo request to each.

        :returns: when it began, or went on after a sweep.
        """
        begin = time.monotonic()
        waiting, deadline = deque(one for one in self.tallies if one.error != NOBODY), begin + timeout
        while waiting:
            pause = 0
            for __ in range(min(BURST, len(waiting))):
                tally = waiting.popleft()
                try:
                    self._ask(tally, sequence)
                except OSError as error:
                    if error.errno in NO_ROOM and time.monotonic() < deadline:
                        waiting.append(tally)
                        pause = ROOM_INTERVAL
                    else:
                        tally.error = f"this host cannot send: {os.strerror(error.errno)}"
            self._hear(self.icmp.receive(pause))
            if waiting and not self.is_swept:
                self._wait(PATIENCE, lambda: len(self.silent) > SILENT)
                if len(self.silent) > SILENT:
                    self.is_swept = True
                    self._sweep(waiting)
                    waiting = deque(one for one in waiting if one.error != NOBODY)
                    begin = time.monotonic()
                    deadline = begin + timeout
        return begin

    def _ask(self, tally, sequence):
        payload = self.icmp.token + struct.pack("!I", tally.number) + PADDING
        message = _icmpv6.echo_request(self.icmp.identifier, sequence, payload)
        tally.sent[sequence] = self.icmp.send(message, tally.address, tally.target.index)
        if not tally.times:
            self.silent.add(tally)

    def _sweep(self, others=()):
        """Find out whom nobody answers for, of the silent ones and of others."""
        asked = {one.target: one for one in (*self.silent, *others)}
        for target in self.absent(list(asked)) if asked else ():
            asked[target].error = NOBODY
            self.silent.discard(asked[target])

    def _wait(self, seconds, is_needed):
        deadline = time.monotonic() + seconds
        while is_needed() and time.monotonic() < deadline:
            self._hear(self.icmp.receive(deadline - time.monotonic()))

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
            tally.error = tally.error or f"{error} (from {packet.source})"
        elif packet.source == tally.target.address and packet.index == tally.target.index:
            if sequence in tally.times:
                tally.duplicates += 1
            else:
                tally.times[sequence] = max(packet.time_ns - tally.sent[sequence], 0)
                self.silent.discard(tally)
                if tally.error == NOBODY:
                    tally.error = None


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
