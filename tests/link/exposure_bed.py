"""A host with rules and a neighbour that probes it, in network namespaces of their own.

It needs root and the programs of iproute2, nftables and iptables.
"""

from __future__ import annotations

import ctypes
import os
import select
import shutil
import socket
import subprocess
import time
from contextlib import ExitStack, contextmanager, suppress

from ansible_collections.v6ops.docker.plugins.module_utils._exposure import WAYS, Audit
from ansible_collections.v6ops.docker.plugins.module_utils._links import Host, Link, read_addresses
from ansible_collections.v6ops.docker.plugins.module_utils._ruleset import Ruleset
from ansible_collections.v6ops.docker.plugins.module_utils._verdict import Filter

PREFIX = f"ex-{os.getpid()}-"
HOST = {"link_local": "fe80::1", "on_link": "fd77::1", "ipv4": "10.77.0.1"}
NEIGHBOUR = {"link_local": "fe80::2", "on_link": "fd77::2", "ipv4": "10.77.0.2"}
CONTAINER = {"on_link": "fd17::2", "ipv4": "172.17.0.2"}
MACS = {"host": "02:00:00:00:00:01", "neighbour": "02:00:00:00:00:02"}
PORTS = [("tcp", port) for port in (22, 80, 443, 8080, 9999)] + [("udp", port) for port in (53, 546, 9999)]
CLONE_NEWNET = 0x40000000
# A packet that is let in takes a millisecond; one that seems lost is tried again with more patience.
PATIENCE = 0.25
MORE_PATIENCE = 2.0

LOADERS = {
    "nft": ["nft", "-f", "-"],
    "ipv4": ["iptables-nft-restore"],
    "ipv6": ["ip6tables-nft-restore"],
    "legacy4": ["iptables-legacy-restore"],
    "legacy6": ["ip6tables-legacy-restore"],
}

_libc = ctypes.CDLL(None, use_errno=True)


class Module:
    """The part of an AnsibleModule that reading rules needs."""

    @staticmethod
    def get_bin_path(name, opt_dirs=()):
        return shutil.which(name, path=os.pathsep.join([os.environ["PATH"], *opt_dirs]))

    @staticmethod
    def run_command(command, environ_update=None):
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env={**os.environ, **(environ_update or {})}
        )
        return done.returncode, done.stdout, done.stderr


def run(*command, text=None):
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return done.stdout


@contextmanager
def inside(name):
    """In a network namespace, this thread and what it starts."""
    with open("/proc/thread-self/ns/net", "rb") as before, open(f"/run/netns/{PREFIX}{name}", "rb") as there:
        _enter(there)
        try:
            yield
        finally:
            _enter(before)


def _enter(namespace):
    if _libc.setns(namespace.fileno(), CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def batch(name, text):
    run("ip", "-n", PREFIX + name, "-batch", "-", text=text)


@contextmanager
def bed(container=False):
    """A :class:`Bed`; with a container behind a bridge ``docker0`` of the host's, if asked for."""
    names = ["host", "neighbour"] + (["container"] if container else [])
    with ExitStack() as stack:
        for name in names:
            run("ip", "netns", "add", PREFIX + name)
            stack.callback(run, "ip", "netns", "delete", PREFIX + name)
        _connect("host", "eth0", "neighbour", "eth0")
        for name, own, other in (("host", HOST, NEIGHBOUR), ("neighbour", NEIGHBOUR, HOST)):
            peer = MACS["neighbour" if name == "host" else "host"]
            lines = ["link set lo up", f"link set eth0 address {MACS[name]} addrgenmode none", "link set eth0 up"]
            for way in WAYS:
                lines += [
                    f"address add {own[way]}/{24 if way == 'ipv4' else 64} dev eth0{'' if way == 'ipv4' else ' nodad'}",
                    f"neighbour add {other[way]} lladdr {peer} dev eth0 nud permanent",
                ]
            batch(name, "\n".join(lines) + "\n")
        if container:
            _connect("host", "veth0", "container", "eth0")
            batch(
                "host",
                "link add docker0 type bridge\nlink set veth0 master docker0\nlink set veth0 up\nlink set docker0 up\n"
                "address add 172.17.0.1/16 dev docker0\naddress add fd17::1/64 dev docker0 nodad\n",
            )
            batch(
                "container",
                "link set lo up\nlink set eth0 up\n"
                "address add 172.17.0.2/16 dev eth0\naddress add fd17::2/64 dev eth0 nodad\n"
                "route add default via 172.17.0.1\nroute add default via fd17::1\n",
            )
            with inside("host"):
                for setting in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
                    with open(f"/proc/sys/net/{setting}", "w", encoding="ascii") as file:
                        file.write("1")
        yield stack.enter_context(Bed(container))


def _connect(one, device, other, peer):
    run(
        *["ip", "link", "add", device, "netns", PREFIX + one, "type", "veth"],
        *["peer", "name", peer, "netns", PREFIX + other],
    )


class Bed:
    """The host's sockets, and the neighbour's probes.

    :ivar link: the host's interface, as the collection reads it.
    """

    def __init__(self, container):
        self._sockets, self._servers = [], {}
        with inside("host"):
            self._serve(PORTS, "host")
            found = read_addresses()
            self.link = Link("eth0", found["eth0"], [], False, False)
        if container:
            with inside("container"):
                self._serve([("tcp", 80), ("tcp", 81)], "container")

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        for one in self._sockets:
            one.close()

    def _serve(self, ports, where):
        for protocol, port in ports:
            for family in (socket.AF_INET, socket.AF_INET6):
                server = socket.socket(family, socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM)
                self._sockets.append(server)
                server.setblocking(False)
                if family == socket.AF_INET6:
                    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                server.bind(("::" if family == socket.AF_INET6 else "0.0.0.0", port))
                if protocol == "tcp":
                    server.listen(64)
                else:
                    self._servers[(family, port, where)] = server

    def load(self, rules):
        """Load rules, a list of (program, text), into the host's namespace."""
        with inside("host"):
            for program, text in rules:
                run(*LOADERS[program], text=text)

    def resolves(self, name, other, patience):
        """Whether one host finds the link-layer address of the other by neighbour discovery."""
        target = HOST if other == "host" else NEIGHBOUR
        for one, address in (("host", NEIGHBOUR), ("neighbour", HOST)):
            # The other one must not have learned it from an earlier packet either.
            subprocess.run(
                ["ip", "-n", PREFIX + one, "neighbour", "delete", address["link_local"], "dev", "eth0"],
                check=False,
                capture_output=True,
            )
        with inside(name), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as client:
            client.sendto(b"", (target["link_local"], 1, 0, socket.if_nametoindex("eth0")))
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            shown = run("ip", "-n", PREFIX + name, "neighbour", "show", target["link_local"], "dev", "eth0")
            if "lladdr" in shown:
                return True
            time.sleep(0.02)
        return False

    def audit(self):
        with inside("host"):
            host = Host(read_addresses())
            rules = Ruleset(Module)
        return Audit(host, Filter(rules.chains, host)), rules

    def probe(self, wanted, patience=PATIENCE):
        """Which of (way, protocol, port) get through: a connection that is made, a datagram that arrives."""
        opened, probes = set(), {}
        with inside("neighbour"):
            scope = socket.if_nametoindex("eth0")
            for way, protocol, port in wanted:
                family = socket.AF_INET if way == "ipv4" else socket.AF_INET6
                client = socket.socket(family, socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM)
                client.setblocking(False)
                target = (HOST[way], port) if way == "ipv4" else (HOST[way], port, 0, scope * (way == "link_local"))
                with suppress(BlockingIOError):
                    client.connect(target)
                if protocol == "udp":
                    client.send(f"{way} {port}".encode())
                probes[client.fileno()] = (client, (way, protocol, port))
        self._collect(probes, opened, patience)
        for client, _what in probes.values():
            client.close()
        return opened

    def _collect(self, probes, opened, patience):
        poll = select.poll()
        for number, (_client, (_way, protocol, _port)) in probes.items():
            if protocol == "tcp":
                poll.register(number, select.POLLOUT)
        servers = {server.fileno(): server for server in self._servers.values()}
        for number in servers:
            poll.register(number, select.POLLIN)
        answered, deadline = set(), time.monotonic() + patience
        while len(answered) < len(probes) and (left := deadline - time.monotonic()) > 0:
            for number, _event in poll.poll(left * 1000):
                if number in servers:
                    data = servers[number].recvfrom(100)[0].decode().split()
                    what = (data[0], "udp", int(data[1]))
                    opened.add(what)
                    answered.add(what)
                else:
                    poll.unregister(number)
                    client, what = probes[number]
                    answered.add(what)
                    if client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                        opened.add(what)
