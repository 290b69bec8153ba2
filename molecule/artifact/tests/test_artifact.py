"""v6ops.docker as a user gets it: installed, far from the checkout, its playbook run by name."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

testinfra_hosts = ["ansible://trixie"]
ROOT = Path(__file__).parents[3]


@pytest.fixture(name="site")
def _site(tmp_path, name):
    config = tmp_path / "ansible.cfg"
    config.touch()
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(config),
        "ANSIBLE_HOME": str(tmp_path / "home"),
        "ANSIBLE_COLLECTIONS_PATH": str(tmp_path / "collections"),
    }

    def run(*command, cwd=tmp_path):
        done = subprocess.run(command, check=False, cwd=cwd, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run("ansible-galaxy", "collection", "build", "--output-path", str(tmp_path), cwd=ROOT)
    artefact = next(tmp_path.glob("v6ops-docker-*.tar.gz"))
    run("ansible-galaxy", "collection", "install", "--offline", str(artefact))
    inventory = ROOT / "tests/lab/inventory"
    return lambda: run("ansible-playbook", "--inventory", str(inventory), "--limit", name, "v6ops.docker.site")


def test_site_runs_by_name_and_then_changes_nothing(site):
    assert "failed=0" in site()
    assert "changed=0" in site()
