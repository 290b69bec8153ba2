"""Links in network namespaces. Whoever uses this was started by tests/link/namespaces."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

PROBER = "link0"
FAKES = Path(__file__).with_name("fakes.py")
# New interfaces have their address at once, and ask for no router by themselves.
QUIET = {"dad_transmits": 0, "router_solicitations": 0}


def ip(*arguments, namespace=None):
    within = ["-n", namespace] if namespace else []
    return subprocess.run(["ip", *within, *arguments], check=True, capture_output=True, text=True).stdout


def batch(namespace, lines):
    subprocess.run(["ip", "-n", namespace, "-batch", "-"], check=True, input="\n".join(lines), text=True)


def within(namespace, *command):
    return ["ip", "netns", "exec", namespace, *command]


def set_switches(namespace=None, interface="default", **values):
    """Set keys of net.ipv6.conf."""
    lines = "".join(f"echo {value} >/proc/sys/net/ipv6/conf/{interface}/{key};" for key, value in values.items())
    command = ["sh", "-ec", lines]
    subprocess.run(within(namespace, *command) if namespace else command, check=True)


def awaited(look):
    """What a look shows, as soon as it shows something."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.02)
    raise TimeoutError(look)


def link_local(interface="eth0", namespace=None):
    """The link-local address of an interface, which may be on its way."""

    def look():
        (shown,) = json.loads(ip("-j", "-6", "address", "show", "dev", interface, "scope", "link", namespace=namespace))
        return [one["local"] for one in shown.get("addr_info", ()) if not one.get("tentative")]

    return awaited(look)[0]


class Link:
    """An Ethernet with this host on it, by the name :data:`PROBER`, and a switch in a namespace of its own."""

    def __init__(self):
        self.names = []

    def __enter__(self):
        set_switches(**QUIET)
        self._namespace("switch")
        ip("link", "add", "switch", "type", "bridge", "mcast_snooping", "0", namespace="switch")
        set_switches("switch", "switch", disable_ipv6=1)
        # What is sent to the fakes has to get to them.
        ip("link", "set", "switch", "promisc", "on", "up", namespace="switch")
        ip("link", "add", PROBER, "type", "veth", "peer", "name", "port0", "netns", "switch")
        self._plug("port0")
        ip("link", "set", PROBER, "up")
        awaited(lambda: " forwarding " in ip("-d", "link", "show", "port0", namespace="switch"))
        return self

    def __exit__(self, *__):
        subprocess.run(["ip", "link", "del", PROBER], check=False, capture_output=True)
        for name in self.names:
            ip("netns", "del", name)

    def _namespace(self, name):
        ip("netns", "add", name)
        self.names.append(name)
        set_switches(name, **QUIET)
        ip("link", "set", "lo", "up", namespace=name)

    def _plug(self, port):
        set_switches("switch", port, disable_ipv6=1)
        ip("link", "set", port, "master", "switch", "up", namespace="switch")

    def add(self, name, *addresses):
        """A neighbour, in a namespace of that name, on eth0.

        :returns: its link-local address.
        """
        self._namespace(name)
        ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name, namespace="switch")
        self._plug(name)
        for address in addresses:
            ip("address", "add", f"{address}/64", "dev", "eth0", "nodad", namespace=name)
        ip("link", "set", "eth0", "up", namespace=name)
        awaited(lambda: " forwarding " in ip("-d", "link", "show", name, namespace="switch"))
        return link_local("eth0", name)

    def add_farm(self, count, addresses):
        """So many neighbours, each with so many addresses.

        :returns: all addresses.
        """
        names = [f"farm{number}" for number in range(count)]
        found, on_switch = [], []
        for name in names:
            self._namespace(name)
            on_switch += [
                f"link add {name} type veth peer name eth0 netns {name}",
                f"link set {name} addrgenmode none master switch up",
            ]
        batch("switch", on_switch)
        for number, name in enumerate(names):
            own = [f"fe80::fa:{number + 1:x}:{one + 1:x}" for one in range(addresses)]
            batch(name, [*(f"address add {one}/64 dev eth0 nodad" for one in own), "link set eth0 addrgenmode none up"])
            found += own
        awaited(lambda: ip("-d", "link", "show", "master", "switch", namespace="switch").count(" forwarding ") > count)
        return found

    @contextmanager
    def fakes(self, *options):
        """Neighbours of tests/link/fakes.py, on the switch itself."""
        with running("switch", FAKES, "switch", *options):
            yield


@contextmanager
def running(namespace, *script):
    """Python that says "ready" when it is, as long as the block runs."""
    command = within(namespace, sys.executable, *map(str, script))
    with ExitStack() as stack:
        process = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        stack.callback(process.kill)
        assert process.stdout.readline() == "ready\n"
        yield process


def table_overflows():
    """How often the kernel's neighbour table had no room."""
    return int(re.search(r"table_fulls (\d+)", ip("-s", "ntable", "show", "name", "ndisc_cache"))[1])
