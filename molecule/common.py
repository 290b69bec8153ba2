"""What tests import; molecule/conftest.py holds the fixtures that all of them share."""

from __future__ import annotations

import time

SLEEP = "import time; time.sleep(3600)"
# ADDRESS PORT: "open" where the port answers, "refused" where nobody listens there, "silent" where nothing comes back.
CONNECT = """\
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), 2).close()
    print("open")
except ConnectionRefusedError:
    print("refused")
except OSError:
    print("silent")
"""


def wait_until(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, condition
        time.sleep(0.1)
