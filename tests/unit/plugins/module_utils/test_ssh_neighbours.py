from __future__ import annotations

import base64
import subprocess

import pytest

from ansible_collections.v6ops.docker.plugins.module_utils import _ssh_neighbours
from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal
from ansible_collections.v6ops.docker.plugins.module_utils._ssh_neighbours import (
    fingerprint,
    host_keys,
    read_keyscan,
    ssh_neighbours,
)

BLOB = "AAAAC3NzaC1lZDI1NTE5AAAAIGNDLE1f1d5P70ow27+HLUQqZ6ycxs/U2XZ3BmeTDkEi"


class Keyscan:
    """Neighbours with keys of some types, None for a port that answers nothing, as ssh-keyscan shows them."""

    def __init__(self, **types):
        self.types = {f"fe80::{name}%eth0": several for name, several in types.items()}
        self.asked = []

    def __call__(self, zoned, port, timeout, key_type):
        self.asked.append((key_type, sorted(zoned)))
        lines = []
        for one in zoned:
            if self.types[one] is not None:
                lines.append(f"# {one}:{port} SSH-2.0-Fake")
                if key_type in self.types[one]:
                    lines.append(f"{one} ssh-{key_type} {base64.b64encode(f'{one} {key_type}'.encode()).decode()}")
        return "\n".join(lines).encode()


def test_most_get_one_connection(monkeypatch):
    scan = Keyscan(a=["ed25519", "rsa"], b=["rsa"], c=None)
    monkeypatch.setattr(_ssh_neighbours, "_keyscan", scan)
    keys = host_keys(list(scan.types), 22, 2)
    assert {address: key_type for address, (key_type, __) in keys.items()} == {
        "fe80::a%eth0": "ssh-ed25519",
        "fe80::b%eth0": "ssh-rsa",
    }
    assert scan.asked == [("ed25519", sorted(scan.types)), ("ecdsa", ["fe80::b%eth0"]), ("rsa", ["fe80::b%eth0"])]


def test_only_who_answers_on_ssh_counts(monkeypatch):
    neighbours = [{"zoned": f"fe80::{one}%eth0", "address": f"fe80::{one}"} for one in "ac"]
    monkeypatch.setattr(_ssh_neighbours, "discover", lambda interface: neighbours)
    monkeypatch.setattr(_ssh_neighbours, "_keyscan", Keyscan(a=["ed25519"], c=None))
    (found,) = ssh_neighbours("eth0", 22, 2, False)
    assert (found["address"], found["mdns_name"], found["host_key"][:7]) == ("fe80::a", None, "SHA256:")


def test_other_ports():
    output = f"# fe80::1%br-1a:2222 SSH-2.0-X\n[fe80::1%br-1a]:2222 ssh-ed25519 {BLOB}".encode()
    assert read_keyscan(output) == ({"fe80::1%br-1a": ("ssh-ed25519", fingerprint(BLOB))}, {"fe80::1%br-1a"})


@pytest.mark.parametrize("end_of_line", ["\r", "\v", "\f", "\x1c", "\x85", "\u2028"])
def test_a_banner_brings_no_key_of_another_host(end_of_line):
    forged = f"# fe80::bad%eth0:22 SSH-2.0-X{end_of_line}fe80::1%eth0 ssh-ed25519 {BLOB}"
    assert read_keyscan(forged.encode())[0] == {}


def test_a_fingerprint_is_as_ssh_prints_it(tmp_path):
    path = tmp_path / "key.pub"
    path.write_text(f"ssh-ed25519 {BLOB}\n", encoding="ascii")
    printed = subprocess.run(["ssh-keygen", "-l", "-f", path], check=True, capture_output=True, text=True).stdout
    assert fingerprint(BLOB) == printed.split()[1]


def test_without_ssh_keyscan(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Refusal, match="there is no ssh-keyscan"):
        host_keys(["fe80::1%eth0"], 22, 1)
