from __future__ import annotations

import base64

import pytest

from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal
from ansible_collections.v6ops.docker.plugins.module_utils._ssh_neighbours import fingerprint
from ansible_collections.v6ops.docker.plugins.plugin_utils._link_hosts import JumpHost
from ansible_collections.v6ops.docker.plugins.plugin_utils._ssh import known_keys, ssh_neighbours_from

# An ssh-ed25519 key: two strings, each behind its length.
BLOB = base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + bytes(32)).decode()
JUMP_HOST = JumpHost("root", "gw", None)


@pytest.fixture(name="ssh")
def _ssh(tmp_path, monkeypatch):
    """A function that puts a script in the place of ssh; its last argument is the command."""

    def put(script):
        (tmp_path / "ssh").write_text(f'#!/bin/sh\nfor command in "$@"; do :; done\n{script}\n', encoding="ascii")
        (tmp_path / "ssh").chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    return put


def refusal(**options):
    with pytest.raises(Refusal) as refused:
        ssh_neighbours_from(JUMP_HOST, port=22, timeout=1, mdns=False, **options)
    return str(refused.value)


def test_a_jump_host_needs_nothing_but_python(ssh):
    """All of the sources get there and work: they tell which interfaces it has."""
    ssh('echo Welcome; cd /; env -i PATH=/usr/bin:/bin LC_ALL=C sh -c "$command"')
    assert refusal(interface="nowhere").startswith(
        "On the jump host gw: Cannot use nowhere: this host has no such interface. It has "
    )


def test_what_a_jump_host_found_comes_back(ssh):
    ssh("""cat >/dev/null; echo '{"found": [{"address": "fe80::1"}]}'""")
    assert ssh_neighbours_from(JUMP_HOST, interface="eth0") == [{"address": "fe80::1"}]


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        (
            "printf 'a\\nPermission denied (publickey).\\n' >&2; exit 255",
            "Cannot log in to the jump host gw: Permission",
        ),
        (
            "printf 'sh: python3: \\033[31mnot found\\n' >&2; exit 127",
            "sh: python3: ?[31mnot found. It needs Python 3.9",
        ),
        ("exit 3", "Cannot look around from the jump host gw: exit code 3."),
        ("cat >/dev/null; echo hello", "Cannot read what the jump host gw answers."),
    ],
)
def test_a_jump_host_that_does_not_do_it(ssh, script, sentence):
    ssh(script)
    assert sentence in refusal(interface="eth0")


def test_keys_that_ssh_knows(tmp_path):
    path = tmp_path / "known_hosts"
    assert known_keys(str(path), "web1") == set()
    path.write_text(f"# web1\nweb1 ssh-ed25519 {BLOB}\n@revoked web1 ssh-ed25519 {BLOB}\nweb2 ssh-ed25519 {BLOB}\n")
    assert known_keys(str(path), "web1") == {("ssh-ed25519", fingerprint(BLOB))}
    assert known_keys(str(path), "web3") == set()


def test_known_hosts_that_cannot_be_read(tmp_path, monkeypatch):
    """Root, who may run the tests, can read all; this is what ssh-keygen says to others."""
    program = tmp_path / "ssh-keygen"
    program.write_text("#!/bin/sh\necho 'do_known_hosts: hostkeys_foreach: Permission denied' >&2; exit 255\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Refusal, match=f"Cannot read {tmp_path}: do_known_hosts: hostkeys_foreach: Permission denied"):
        known_keys(str(tmp_path), "web1")
