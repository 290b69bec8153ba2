# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""TCP connections to many ports side by side, and the first line that each server says."""

from __future__ import annotations

import errno
import os
import selectors
import socket
import time
from collections import deque
from contextlib import ExitStack

from ansible_collections.v6ops.docker.plugins.module_utils._clean import LIMIT, clean
from ansible_collections.v6ops.docker.plugins.module_utils._echo import NOBODY

AT_ONCE = 256
STATES = {errno.ECONNREFUSED: "refused", errno.EHOSTUNREACH: "unreachable", errno.ENETUNREACH: "unreachable"}


def connect(targets, ports, timeout, nobody=()):
    """Connect to every port of every target.

    :param timeout: seconds to wait for a connection, and again for a banner.
    :param nobody: those of the targets that are known not to be there.
    :returns: for each target a list of dicts with ``port``, ``state``, ``banner`` and ``reason``.
    """
    attempts = {target: [_Attempt(target, port) for port in ports] for target in targets}
    waiting = deque(one for target, several in attempts.items() if target not in nobody for one in several)
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        while waiting or selector.get_map():
            while waiting and len(selector.get_map()) < AT_ONCE:
                _begin(waiting.popleft(), selector, stack, timeout)
            _proceed(selector, timeout)
    return [[one.result() for one in several] for several in attempts.values()]


class _Attempt:
    def __init__(self, target, port):
        self.target, self.port = target, port
        self.state, self.reason, self.said, self.deadline = "unreachable", NOBODY, b"", None

    def result(self):
        line = self.said.splitlines()[0] if self.said else b""
        return {"port": self.port, "state": self.state, "banner": clean(line) or None, "reason": self.reason}

    def end(self, number):
        self.state = STATES.get(number, "filtered")
        self.reason = os.strerror(number)


def _begin(attempt, selector, stack, timeout):
    one = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    stack.callback(one.close)
    one.setblocking(False)
    attempt.deadline = time.monotonic() + timeout
    number = one.connect_ex((str(attempt.target.address), attempt.port, 0, attempt.target.index))
    if number in (0, errno.EINPROGRESS):
        selector.register(one, selectors.EVENT_WRITE, attempt)
    else:
        attempt.end(number)
        one.close()


def _proceed(selector, timeout):
    now = time.monotonic()
    nearest = min((key.data.deadline for key in selector.get_map().values()), default=now)
    for key, __ in selector.select(max(nearest - now, 0)):
        if _is_over(key, selector, timeout):
            _end(key, selector)
    now = time.monotonic()
    for key in list(selector.get_map().values()):
        if now >= key.data.deadline:
            if key.events == selectors.EVENT_WRITE:
                key.data.state, key.data.reason = "filtered", "no answer"
            _end(key, selector)


def _is_over(key, selector, timeout):
    """Take a step of an attempt: it is connected or not, or something is said."""
    attempt = key.data
    if key.events == selectors.EVENT_WRITE:
        number = key.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number:
            attempt.end(number)
            return True
        attempt.state, attempt.reason, attempt.deadline = "open", None, time.monotonic() + timeout
        selector.modify(key.fileobj, selectors.EVENT_READ, attempt)
        return False
    try:
        said = key.fileobj.recv(LIMIT)
    except OSError:
        return True
    attempt.said += said
    return not said or b"\n" in attempt.said or len(attempt.said) >= LIMIT


def _end(key, selector):
    selector.unregister(key.fileobj)
    key.fileobj.close()
