"""Every command and every task of the guide does what the guide says."""

from __future__ import annotations

import json
import re
import textwrap

import pytest
import yaml
from conftest import ROOT, link_local

testinfra_hosts = ["ansible://trixie"]
NEIGHBOUR = "fe80::821f:2ff:fed6:5f08"
BLOCK = re.compile(r"^\.\. code-block:: (console|yaml)\n\n((?:(?:   .*)?\n)+)", re.MULTILINE)
# What differs from host to host and from one time to another.
VARIES = [
    (r"fe80::[0-9a-f:]+", "ADDRESS"),
    (r"[0-9a-f]{2}(:[0-9a-f]{2}){5}", "MAC"),
    (r"SSH-2\.0-[^\"\n]*", "BANNER"),
    (r"\d+\.\d+", "TIME"),
    (r"time \d+ms", "TIME"),
]


def blocks():
    text = (ROOT / "docs/docsite/rst/guide_linklocal.rst").read_text(encoding="utf-8")
    return [(kind, textwrap.dedent(block)) for kind, block in BLOCK.findall(text)]


def examples():
    """The page's blocks by threes: a command with its output, a task, and what that returns."""
    found = blocks()
    assert [kind for kind, __ in found] == ["console", "yaml", "yaml"] * 6
    texts = [text for __, text in found]
    return list(zip(texts[::3], texts[1::3], texts[2::3]))


def same(text):
    for pattern, name in VARIES:
        text = re.sub(pattern, name, text)
    return text


def part_of(shown, real):
    """Whether what the page shows is in what is returned; a list is shown from its beginning."""
    if isinstance(shown, dict):
        return isinstance(real, dict) and all(key in real and part_of(shown[key], real[key]) for key in shown)
    if isinstance(shown, list):
        return len(real) >= len(shown) and all(map(part_of, shown, real))
    return same(json.dumps(shown)) == same(json.dumps(real))


@pytest.fixture(name="known", scope="module", autouse=True)
def _known(host, neighbour):
    """The host has confirmed the neighbour's key before, as a user does once."""
    key = neighbour.file("/etc/ssh/ssh_host_ed25519_key.pub").content_string
    host.check_output("echo %s >/root/.ssh/known_hosts", f"{link_local(neighbour)}%eth0 {key.strip()}")


@pytest.mark.parametrize("number", range(6))
def test_the_page(host, neighbour, run_module, number):
    command, task, returned = (text.replace(NEIGHBOUR, link_local(neighbour)) for text in examples()[number])
    prompt, *shown = command.strip().splitlines()
    # telnet ends with its input.
    printed = host.run("sh -c %s", f"sleep 1 | {prompt.removeprefix('$ ')} 2>&1").stdout
    lines = [same(line).strip() for line in printed.splitlines()]
    assert [one for one in shown if not any(line.startswith(same(one).strip()) for line in lines)] == [], printed
    ((module, options),) = [(key, value) for key, value in yaml.safe_load(task)[0].items() if key != "name"]
    result = run_module(module.rpartition(".")[2], **options)
    assert part_of(yaml.safe_load(returned), result), result
