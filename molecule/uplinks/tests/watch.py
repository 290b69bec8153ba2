"""Watch the way to an address, every 5 ms: a lookup that sends nothing, and what the kernel says of default routes.

A route may be listed and dead, so the lookup counts. Prints a JSON object when it is ended by SIGTERM.
"""

from __future__ import annotations

import errno
import json
import signal
import socket
import subprocess
import sys
import threading
import time

samples, gaps, events = 0, [], []


def usable():
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as udp:
        try:
            udp.connect((sys.argv[1], 9))
        except OSError as error:
            return errno.errorcode[error.errno]
    return None


def listen():
    monitor = subprocess.Popen(["ip", "-6", "monitor", "route"], stdout=subprocess.PIPE, universal_newlines=True)
    events.extend(line.strip() for line in monitor.stdout if "default" in line)


def end(*__):
    print(json.dumps({"samples": samples, "gaps": gaps, "events": list(events)}), flush=True)
    raise SystemExit


signal.signal(signal.SIGTERM, end)
threading.Thread(target=listen, daemon=True).start()
while True:
    begin, cause = time.monotonic(), usable()
    samples += 1
    time.sleep(0.005)
    if cause:
        gaps.append([cause, round(time.monotonic() - begin, 3)])
