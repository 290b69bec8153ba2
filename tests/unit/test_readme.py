"""Every command of the README is one that a test runs."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
# The command, and where a test runs it, in which words.
RUN_BY = {
    "make demo": ("Makefile", "demo clean"),
    "make test": (".ci/run", "make test"),
    "ansible-playbook --inventory INVENTORY playbooks/site.yml": (
        "tests/lab/demo",
        'ansible-playbook --inventory "$inventory" --limit "$hosts" playbooks/site.yml',
    ),
    "ansible-galaxy collection build": (
        "molecule/artifact/tests/test_artifact.py",
        '"ansible-galaxy", "collection", "build"',
    ),
    "ansible-galaxy collection install v6ops-docker-0.1.0.tar.gz": (
        "molecule/artifact/tests/test_artifact.py",
        '"ansible-galaxy", "collection", "install"',
    ),
    "ansible-playbook --inventory INVENTORY v6ops.docker.site": (
        "molecule/artifact/tests/test_artifact.py",
        '"ansible-playbook", "--inventory", str(inventory), "--limit", name, "v6ops.docker.site"',
    ),
}


def read(path):
    return (ROOT / path).read_text(encoding="utf-8")


def test_every_command_is_run_by_a_test():
    commands = [line.split("#")[0].strip() for line in re.findall(r"^\$ (.*)$", read("README.md"), re.MULTILINE)]
    assert commands == list(RUN_BY)
    for path, words in RUN_BY.values():
        assert words in read(path)


def test_the_version_is_that_of_the_collection():
    version = re.search(r"^version: (.*)$", read("galaxy.yml"), re.MULTILINE)[1]
    assert f"v6ops-docker-{version}.tar.gz" in read("README.md")
