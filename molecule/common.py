"""What tests import; molecule/conftest.py holds the fixtures that all of them share."""

from __future__ import annotations

import time

SLEEP = "import time; time.sleep(3600)"


def wait_until(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, condition
        time.sleep(0.1)
