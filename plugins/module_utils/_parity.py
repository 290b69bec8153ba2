# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules that give chosen ports the verdict over IPv6 that they have over IPv4, and keep ICMPv6 alive (RFC 4890)."""

from __future__ import annotations

import os
import re
from collections import namedtuple

from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal
from ansible_collections.v6ops.docker.plugins.module_utils._exposure import Audit
from ansible_collections.v6ops.docker.plugins.module_utils._files import read_text
from ansible_collections.v6ops.docker.plugins.module_utils._links import Host, read_addresses, read_link
from ansible_collections.v6ops.docker.plugins.module_utils._netfilter import PREFIX, Hook, comment
from ansible_collections.v6ops.docker.plugins.module_utils._persistence import Persistence
from ansible_collections.v6ops.docker.plugins.module_utils._ruleset import Ruleset
from ansible_collections.v6ops.docker.plugins.module_utils._verdict import Filter

# Longer than a set of NAT rules may be called.
CHAIN = f"{PREFIX}linklocal-input-parity"
# First, as a port that other rules accept is to be closed.
HOOKS = {"filter": Hook("INPUT", True)}
PERSISTENCE = Persistence("linklocal", "parity", "linklocal_parity", "Parity of IPv6 with IPv4", HOOKS)

# What must not be dropped on its way to a host, RFC 4890, sections 4.4.1 and 4.4.2: errors, echo, multicast listeners,
# neighbour discovery and its inverse, SEND, multicast routers.
ICMPV6_TYPES = (1, 2, 3, 4, 128, 129, *range(130, 133), *range(133, 137), 141, 142, 143, 148, 149, *range(151, 154))

# :ivar rule: what ours does with it, ACCEPT or DROP; None where there is none.
# :ivar ipv4: the verdict over IPv4.
# :ivar ipv6: that over IPv6 which the rules of others give.
Port = namedtuple("Port", "protocol port interface rule ipv4 ipv6")


def parse_ports(texts):
    """Ports as :class:`tuple` of protocol and number, each once and in order.

    :param texts: such as ``22``, ``tcp/22`` or ``udp/53``.
    """
    return sorted({_parse_port(text) for text in texts})


def _parse_port(text):
    found = re.fullmatch(r"(?:(tcp|udp)/)?([1-9][0-9]{0,4})", text.strip())
    if not found or int(found[2]) > 65535:
        raise Refusal(f"Cannot give {text!r} the same verdict: it is no port.", "Write 22, tcp/22 or udp/53.")
    return found[1] or "tcp", int(found[2])


class Judge:
    """What the rules of the host say to its neighbours, ours left out or not.

    :param module: an ``AnsibleModule``.
    :param interfaces: the names of the links.
    """

    def __init__(self, module, interfaces):
        self._module = module
        self._host = Host(read_addresses())
        self._links = [read_link(name, self._host) for name in interfaces]

    def ports(self, ports):
        """A :class:`Port` for each of the ports on each of the links."""
        chains = Ruleset(self._module).chains
        others = [chain._replace(rules=[]) if chain.name == CHAIN else chain for chain in chains]
        audit = Audit(self._host, Filter(others, self._host))
        return [judged(audit, protocol, port, link) for link in self._links for protocol, port in ports]

    def unequal(self, ports):
        """Those that have another verdict over IPv6 than over IPv4 with our rules in the kernel."""
        audit = Audit(self._host, Filter(Ruleset(self._module).chains, self._host))
        links = {link.name: link for link in self._links}
        return [
            one
            for one in ports
            if one.rule
            and audit.verdict(one.protocol, one.port, links[one.interface], "link_local").verdict != one.ipv4.verdict
        ]


def judged(audit, protocol, port, link):
    """What is to become of a port on a link.

    What IPv4 drops is dropped, where other rules do not drop it over IPv6 by every way. What IPv4 accepts is accepted
    only from link-local addresses, and only where other rules drop it: those that tell one neighbour from another, such
    as those of a limit, stay in force.
    """
    ipv4, link_local, on_link = (audit.verdict(protocol, port, link, way) for way in ("ipv4", "link_local", "on_link"))
    rule = None
    if ipv4.verdict == "drop" and (link_local.verdict, on_link.verdict) != ("drop", "drop"):
        rule = "DROP"
    if ipv4.verdict == "accept" and link_local.verdict == "drop":
        rule = "ACCEPT"
    return Port(protocol, port, link.name, rule, ipv4, link_local)


def rules(ports):
    """The rules of our chain, as ip6tables-save prints them.

    A reply to a connection of the host's own may come to any port, so a port is closed only to what is none.
    """
    return [
        *(_rule(f"-p ipv6-icmp -m icmp6 --icmpv6-type {number}", "ACCEPT") for number in ICMPV6_TYPES),
        *(_rule(f"-s fe80::/10 {_match(one)}", "ACCEPT") for one in ports if one.rule == "ACCEPT"),
        _rule("-m conntrack --ctstate RELATED,ESTABLISHED", "RETURN"),
        *(_rule(_match(one), "DROP") for one in ports if one.rule == "DROP"),
    ]


def _match(one):
    return f"-i {one.interface} -p {one.protocol} -m {one.protocol} --dport {one.port}"


def _rule(match, target):
    return f"-A {CHAIN} {match} {comment(CHAIN)} -j {target}"


def refuse_own_connection(ports, connection):
    """Refuse to close the port by which Ansible comes.

    :param connection: as sshd puts it into ``SSH_CONNECTION``: client, its port, server, its port; or None.
    """
    if not connection or ":" not in connection.split()[2]:
        return
    client, __, server, number = connection.split()
    if any((one.protocol, one.port, one.rule) == ("tcp", int(number), "DROP") for one in ports):
        raise Refusal(
            f"Cannot close tcp/{number} over IPv6 as over IPv4: by it Ansible comes from {client} to {server}.",
            "Let Ansible come over IPv4, or leave the port out.",
        )


def own_connection():
    """``SSH_CONNECTION`` of this process or the nearest above it that has one: sudo(8) takes it away."""
    pid = os.getpid()
    while pid > 1:
        environment = dict(one.partition("=")[::2] for one in (read_text(f"/proc/{pid}/environ") or "").split("\0"))
        if environment.get("SSH_CONNECTION"):
            return environment["SSH_CONNECTION"]
        found = re.search(r"^PPid:\s+(\d+)$", read_text(f"/proc/{pid}/status") or "", re.MULTILINE)
        pid = int(found[1]) if found else 0
    return None
