from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LAB = os.environ.get("LAB", "v6ops-lab")
NAMES = ("bullseye", "trixie")
# Nothing but its link-local address stays.
BARE = """
echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_ra
ip -4 address flush dev eth0
ip -6 address flush dev eth0 scope global
ip -6 route flush default
"""
DISABLE_IPV6 = "/proc/sys/net/ipv6/conf/{}/disable_ipv6"


def docker(*arguments, content=None):
    done = subprocess.run(["docker", *arguments], check=False, capture_output=True, text=True, input=content)
    assert done.returncode == 0, done
    return done.stdout.strip()


@pytest.fixture(name="on", scope="session")
def _on():
    """A function that runs a shell script on a host of the lab, whatever its network is like."""
    return lambda name, script, content=None: docker(
        "exec", "--interactive", f"{LAB}-{name}", "sh", "-ec", script, content=content
    )


@pytest.fixture(name="interface", scope="session")
def _interface():
    """The interface of this machine on the lab's link, with a link-local address as long as the tests run."""
    name = f"br-{docker('network', 'inspect', '--format', '{{.Id}}', LAB)[:12]}"
    switch = Path(DISABLE_IPV6.format(name))
    before = switch.read_text(encoding="ascii").strip()

    def set_switch(value):
        # Whoever may use the engine may do this, and need not be root.
        options = ["--rm", "--network=host", "--security-opt=systempaths=unconfined"]
        docker("run", *options, "v6ops-lab/router:bookworm", "sh", "-c", f"echo {value} >{switch}")

    set_switch(0)
    yield name
    set_switch(before)


@pytest.fixture(name="bare", scope="session")
def _bare(on):
    """The link-local addresses of the hosts, which have no others."""
    found = {}
    for name in NAMES:
        on(name, BARE)
        shown = json.loads(on(name, "ip -j address show dev eth0"))[0]["addr_info"]
        ((found[name], scope),) = [(one["local"], one["scope"]) for one in shown]
        assert scope == "link"
    return found


@pytest.fixture(name="ssh", scope="session")
def _ssh(on, tmp_path_factory):
    """A directory with ssh as a user has it who may log in to the hosts as root: a key, and what ~/.ssh/config says."""
    directory = tmp_path_factory.mktemp("ssh")
    key, config = directory / "key", directory / "config"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    config.write_text(
        f"User root\nIdentityFile {key}\nStrictHostKeyChecking accept-new\nUserKnownHostsFile {directory}/jump_hosts\n",
        encoding="ascii",
    )
    for program in ("ssh", "sftp", "scp"):
        (directory / program).write_text(f'#!/bin/sh\nexec /usr/bin/{program} -F {config} "$@"\n', encoding="ascii")
        (directory / program).chmod(0o755)
    for name in NAMES:
        on(
            name,
            "mkdir -p -m 700 /root/.ssh; cat >/root/.ssh/authorized_keys",
            key.with_suffix(".pub").read_text(encoding="ascii"),
        )
    return directory


@pytest.fixture(name="ansible")
def _ansible(ssh, tmp_path):
    """A function that runs a program of Ansible on what an inventory finds, with known hosts of its own."""
    source = tmp_path / "lan.linklocal.yml"
    environment = {
        **os.environ,
        "PATH": f"{ssh}:{os.environ['PATH']}",
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_FORCE_COLOR": "0",
        "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1",
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(ssh),
    }

    def run(program, *arguments, succeeds=True, **options):
        options = {"plugin": "v6ops.docker.linklocal", "known_hosts": str(tmp_path / "known_hosts"), **options}
        source.write_text(json.dumps(options), encoding="utf-8")
        done = subprocess.run(
            [program, "--inventory", source, *arguments],
            check=False,
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=environment,
        )
        assert (done.returncode == 0) is succeeds, done.stdout + done.stderr
        return done.stdout if succeeds else " ".join((done.stdout + done.stderr).split())

    return run


@pytest.fixture(name="inventory")
def _inventory(ansible):
    """A function that returns the variables of the hosts that are found, and the members of each group."""

    def read(**options):
        # Strings that are no templates come in an object of their own.
        found = json.loads(
            ansible("ansible-inventory", "--list", **options), object_hook=lambda one: one.get("__ansible_unsafe", one)
        )
        return found.pop("_meta")["hostvars"], {name: set(one.get("hosts", ())) for name, one in found.items()}

    return read


@pytest.fixture(name="fingerprints")
def _fingerprints(on):
    """A function that tells the host keys of the hosts by themselves."""

    def read(path="/etc/ssh/ssh_host_ed25519_key.pub"):
        return {on(name, f"ssh-keygen -l -f {path}").split()[1]: name for name in NAMES}

    return read


@pytest.fixture(name="host_key")
def _host_key(on):
    """A function that gives a host another host key; it has its own again after the test."""
    path = "/etc/ssh/ssh_host_ed25519_key"
    changed = []

    def change(name, private):
        changed.append(name)
        on(name, f"cp -p {path} {path}.pub /tmp; cat >{path}; ssh-keygen -y -f {path} >{path}.pub", private)
        on(name, "systemctl reset-failed ssh; systemctl restart ssh")

    yield change
    for name in changed:
        on(name, "cp -p /tmp/ssh_host_ed25519_key* /etc/ssh; systemctl reset-failed ssh; systemctl restart ssh")


@pytest.fixture(name="hidden")
def _hidden(on):
    """A host behind each host, on a link of its own, all with the same address: fe80::7 on lan0."""
    start = """
ip netns add hidden
ip link add lan0 type veth peer name eth0 netns hidden
echo 0 >/proc/sys/net/ipv6/conf/lan0/disable_ipv6
ip netns exec hidden sh -c 'echo 0 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6'
ip -n hidden link set eth0 addrgenmode none up
ip -n hidden address add fe80::7/64 dev eth0 nodad
ip link set lan0 up
ssh-keygen -q -t ed25519 -N '' -f /root/hidden
sshd='/usr/sbin/sshd -h /root/hidden -o PidFile=/run/hidden.pid'
ip netns exec hidden unshare --uts sh -c "hostname hidden-$(hostname); $sshd"
"""
    for name in NAMES:
        on(name, start)
    yield
    for name in NAMES:
        on(name, "kill $(cat /run/hidden.pid); ip link del lan0; ip netns del hidden; rm /root/hidden*")


@pytest.fixture(name="plain_user")
def _plain_user(on, ssh):
    """Somebody on trixie who is not root, with the same key."""
    on("trixie", "useradd --create-home plain; cp -r /root/.ssh /home/plain; chown -R plain: /home/plain/.ssh")
    yield "plain"
    on("trixie", "userdel --remove plain 2>/dev/null")
