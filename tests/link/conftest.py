from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from beds import Link

RUN_MODULE = """\
import json, sys
from ansible.module_utils.testing import patch_module_args
from ansible_collections.v6ops.docker.plugins.modules import linklocal_probe
with patch_module_args(json.loads(sys.argv[1])):
    linklocal_probe.main()
"""
NOBODY = 65534


@pytest.fixture(name="link")
def _link():
    with Link() as link:
        yield link


@pytest.fixture(name="probe", scope="session")
def _probe():
    """A function that runs the module in a process of its own and returns its result, failed or not.

    as_user: without root, and without any capability.
    """
    collections = Path(__file__).parents[2] / ".collections"

    def run(as_user=False, **options):
        options = {**options, "_ansible_remote_tmp": "/tmp"}
        drop = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"] if as_user else []
        done = subprocess.run(
            [*drop, sys.executable, "-c", RUN_MODULE, json.dumps(options)],
            check=False,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(collections)},
        )
        assert done.returncode in (0, 1), done
        return {"failed": False, **json.loads(done.stdout)}

    return run
