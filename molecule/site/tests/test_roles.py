"""The three roles one by one, as in playbooks of users: they come to what the whole job came to."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

testinfra_hosts = ["ansible://trixie", "ansible://forky"]
ROOT = Path(__file__).parents[3]
ROLES = ("docker_ipv6_daemon", "docker_ipv6_nat66", "docker_ipv6_verify")


def test_they_install_what_is_missing_and_change_nothing_else(host, name, tmp_path):
    play = {"hosts": "all", "gather_facts": False, "roles": [f"v6ops.docker.{role}" for role in ROLES]}
    playbook = tmp_path / "roles.yml"
    playbook.write_text(json.dumps([play]))
    host.check_output("apt-get --yes remove python3-docker python3-pyroute2")
    command = ["ansible-playbook", "--inventory", "tests/lab/inventory", "--limit", name, str(playbook)]
    for changed in (1, 0):
        done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"changed={changed} " in done.stdout
