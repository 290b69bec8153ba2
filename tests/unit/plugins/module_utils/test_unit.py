from __future__ import annotations

import pytest

from ansible_collections.v6ops.docker.plugins.module_utils._unit import exec_starts, extend_exec_start

VENDOR = """\
[Unit]
Description=Docker
ExecStart=/bin/not-in-this-section

[Service]
Type=notify
EnvironmentFile=-/etc/default/docker
ExecStart=/usr/sbin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock $DOCKER_OPTS
ExecReload=/bin/kill -s HUP $MAINPID
"""


def test_command_of_the_fragment():
    command = "/usr/sbin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock $DOCKER_OPTS"
    assert exec_starts([VENDOR]) == [command]


def test_a_drop_in_that_resets_replaces_it():
    assert exec_starts([VENDOR, "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd\n"]) == ["/usr/bin/dockerd"]


def test_a_drop_in_without_reset_adds_a_second_one():
    assert len(exec_starts([VENDOR, "[Service]\nExecStart=/usr/bin/dockerd\n"])) == 2


@pytest.mark.parametrize(
    "command",
    [
        "/usr/bin/dockerd \\\n    -H fd:// \\\n    --debug",
        "-/usr/bin/dockerd --label 'a b' \"--label=c d\"",
        "@/usr/bin/dockerd dockerd ${OPTIONS} $OPTIONS $$HOME %i --log-opt=tag={{.Name}}",
    ],
)
def test_the_text_survives_byte_for_byte(command):
    assert exec_starts([f"[Service]\nExecStart={command}\nRestart=always\n"]) == [command]
    drop_in = extend_exec_start(command, ["--ipv6", "--fixed-cidr-v6=fd00:1::/64"])
    assert f"\nExecStart={command} --ipv6 --fixed-cidr-v6=fd00:1::/64\n" in drop_in
    assert exec_starts([VENDOR, drop_in]) == [f"{command} --ipv6 --fixed-cidr-v6=fd00:1::/64"]


def test_white_space_and_comments_around_assignments():
    text = "[Service]\n  ExecStart  =  /usr/bin/dockerd --debug  \n#ExecStart=/bin/false\n ; ExecStart=/bin/false\n"
    assert exec_starts([text]) == ["/usr/bin/dockerd --debug"]


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("/usr/bin/dockerd \\\n# a comment\n; another\n  --debug", "/usr/bin/dockerd \\\n  --debug"),
        ("/usr/bin/dockerd --debug \\\n\nRestart=always", "/usr/bin/dockerd --debug"),
        ("/usr/bin/dockerd --debug \\\n# the end", "/usr/bin/dockerd --debug"),
        ("/usr/bin/dockerd --debug \\", "/usr/bin/dockerd --debug"),
        ("/usr/bin/dockerd --label=a=\\\\\nRestart=always", "/usr/bin/dockerd --label=a=\\\\"),
    ],
)
def test_continuations(text, command):
    assert exec_starts([f"[Service]\nExecStart={text}\n"]) == [command]
