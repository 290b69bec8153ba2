from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

INTERNET = "2001:db8:dead::1"
# Behind a link of 1,300 bytes, see far.sh.
FAR = "2001:db8:5::2"
SILENT = "2001:db8:b1ac::1"
ABSENT = "2001:db8:dead::2"
# On the link behind the router, where nobody has it.
ON_LINK = "2001:db8:5::dead"
# A port of INTERNET where a server speaks first, and colourfully.
SPEAKER = 7777


@pytest.fixture(name="router", scope="session")
def _router():
    """A function that runs a shell script on the router."""

    def run(script):
        command = ["docker", "exec", "--interactive", f"{os.environ.get('LAB', 'v6ops-lab')}-router", "sh", "-s"]
        return subprocess.run(command, check=True, input=script, text=True, capture_output=True).stdout

    return run


@pytest.fixture(name="far", scope="session", autouse=True)
def _far(router):
    """Hosts are tested side by side and share the router: the first one prepares it."""
    router((Path(__file__).parent / "far.sh").read_text(encoding="utf-8"))


@pytest.fixture(name="check")
def _check(run_module):
    def check(*targets, **options):
        return run_module("docker_ipv6_check", targets=list(targets), **options)

    return check
