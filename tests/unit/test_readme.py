"""Every command of the README is one that a test runs."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
RUN_BY = {
    "make demo": "the target 'readme'",
    "make test": "itself",
    "ansible-playbook --inventory INVENTORY playbooks/site.yml": "tests/lab/demo",
    "ansible-galaxy collection build": "molecule/artifact",
    "ansible-galaxy collection install v6ops-docker-0.1.0.tar.gz": "molecule/artifact",
    "ansible-playbook --inventory INVENTORY v6ops.docker.site": "molecule/artifact",
}


def test_every_command_is_run_by_a_test():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = [match.split("#")[0].strip() for match in re.findall(r"^\$ (.*)$", readme, re.MULTILINE)]
    assert commands == list(RUN_BY)


def test_the_version_is_that_of_the_collection():
    galaxy = (ROOT / "galaxy.yml").read_text(encoding="utf-8")
    version = re.search(r"^version: (.*)$", galaxy, re.MULTILINE)[1]
    assert f"v6ops-docker-{version}.tar.gz" in (ROOT / "README.md").read_text(encoding="utf-8")
