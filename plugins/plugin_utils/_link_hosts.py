# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which host of an inventory each neighbour is that answers on ssh: its name, its groups and its variables.

Pure: what neighbours say and what is known comes in, hosts come out. A neighbour about whom two things disagree is a
host of its own in the group ``conflict``, never renamed nor merged with another one.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
import shlex
from collections import defaultdict
from typing import NamedTuple

from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal

CONFLICT = "conflict"
GROUP_PREFIX = "linklocal"
SSH_PORT = 22
_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?")
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_INTERFACE = re.compile(r"[^\s/%'\"\\$`;&|<>()]{1,15}")
_JUMP_HOST = re.compile(
    r"((?P<user>\w[\w.+-]*)@)?(\[(?P<bracketed>[\w:.%-]+)\]|(?P<plain>\w[\w.%-]*|[0-9a-fA-F:]+(%[\w.-]+)?))(:(?P<port>\d+))?"
)
FINGERPRINT, MAC, ADDRESS = "host_key", "mac", "address"


class JumpHost(NamedTuple):
    """Where to log in, and from there on."""

    user: str | None
    host: str
    port: str | None

    @property
    def arguments(self):
        """For ssh itself, which takes a link-local address as it is."""
        return [*(["-p", self.port] if self.port else []), f"{self.user}@{self.host}" if self.user else self.host]

    @property
    def proxy_jump(self):
        """For ProxyJump, which wants an address in brackets, and ``%`` twice."""
        host = f"[{self.host.replace('%', '%%')}]" if ":" in self.host else self.host
        return (f"{self.user}@" if self.user else "") + host + (f":{self.port}" if self.port else "")


class Link(NamedTuple):
    interface: str
    jump_host: str | None


class Host(NamedTuple):
    name: str
    groups: list
    variables: dict
    conflict: str | None


class _Claim(NamedTuple):
    """What a neighbour would be called, by whom, and why it must not be."""

    name: str
    by_admin: bool
    conflict: str | None


def parse_links(options):
    """The links of the option ``links``, each once."""
    links = []
    for one in options:
        unknown = ", ".join(sorted(set(one) - set(Link._fields)))
        if unknown:
            raise Refusal(
                f"Cannot look at a link by its {unknown}.", "A link has an interface, and may have a jump_host."
            )
        interface, jump_host = str(one.get("interface") or ""), one.get("jump_host")
        if not _INTERFACE.fullmatch(interface):
            raise Refusal(f"Cannot look at {one}: {interface!r} is no interface.", "Give its name, such as eth0.")
        if jump_host is not None:
            parse_jump_host(jump_host)
        links.append(Link(interface, jump_host and str(jump_host)))
    if not links:
        raise Refusal("Cannot look for hosts: there are no links.", "Give at least one, such as {interface: eth0}.")
    return list(dict.fromkeys(links))


def parse_jump_host(text):
    found = _JUMP_HOST.fullmatch(str(text))
    if not found:
        raise Refusal(
            f"Cannot log in to {text!r}: it is no jump host.",
            "Give a name or an address, such as gateway, root@gateway:2222 or root@[fe80::1%eth0]:22.",
        )
    return JumpHost(found["user"], found["bracketed"] or found["plain"], found["port"])


def parse_names(option):
    """The option ``names`` turned around: a dict of what hosts are recognised by, with names."""
    found = {}
    for name, several in option.items():
        if not _NAME.fullmatch(str(name)):
            raise Refusal(f"Cannot call a host {name!r}.", "Use letters, digits, '-', '_' and '.'.")
        for one in several if isinstance(several, list) else [several]:
            identity = _identity(name, one)
            if found.setdefault(identity, name) != name:
                raise Refusal(f"Cannot call one host {found[identity]} and {name}: both have {one}.", "Give it to one.")
    return found


def _identity(name, text):
    text = str(text)
    if _FINGERPRINT.fullmatch(text):
        return FINGERPRINT, text
    if _MAC.fullmatch(text.lower().replace("-", ":")):
        return MAC, text.lower().replace("-", ":")
    address, percent, zone = text.partition("%")
    try:
        parsed = ipaddress.IPv6Address(address)
    except ValueError:
        parsed = None
    if not parsed or not parsed.is_link_local:
        raise Refusal(
            f"Cannot recognise {name} by {text!r}: it is no fingerprint, Ethernet address or link-local address.",
            "Write SHA256:…, as 'ssh-keygen -l' prints it, 52:54:00:12:34:56, or fe80::1%eth0.",
        )
    return ADDRESS, f"{parsed}{percent}{zone}"


def plan(found, names, known_keys, others, port=SSH_PORT, known_hosts=None):
    """Hosts, in the order of the neighbours.

    :param found: neighbours, dicts of ``_ssh_neighbours`` with ``jump_host``, a string or None.
    :param names: of :func:`parse_names`.
    :param known_keys: a function that tells the keys of a name which ssh knows, as pairs of type and fingerprint.
    :param others: the hosts that other inventory sources brought, a dict of names and variables.
    :param known_hosts: the file that ssh is to be told of, None for its own.
    """
    claims = [_claim(one, names) for one in found]
    places, keys = defaultdict(list), defaultdict(set)
    for one, claim in zip(found, claims):
        places[one["host_key"]].append(_place(one))
        keys[claim.name].add(one["host_key"])
    return [
        _host(one, claim, claim.conflict or _dispute(one, claim, places, keys, known_keys, others), port, known_hosts)
        for one, claim in zip(found, claims)
    ]


def _claim(neighbour, names):
    key = neighbour["host_key"]
    identities = [
        (FINGERPRINT, key),
        (MAC, neighbour["mac"]),
        (ADDRESS, neighbour["zoned"]),
        (ADDRESS, neighbour["address"]),
    ]
    given = list(dict.fromkeys(names[one] for one in identities if one in names))
    if not given:
        if neighbour["mdns_name"]:
            return _Claim(neighbour["mdns_name"], False, None)
        return _Claim(f"ssh-{hashlib.sha256(key.encode()).hexdigest()[:12]}", False, None)
    name = given[0]
    conflict = None
    if len(given) > 1:
        conflict = f"by its key or its addresses it is {' and '.join(given)}"
    elif names.get((FINGERPRINT, key)) != name and any(
        kind == FINGERPRINT and other == name for (kind, __), other in names.items()
    ):
        conflict = f"it shows {key}, which 'names' does not have for {name}"
    return _Claim(name, True, conflict)


def _dispute(neighbour, claim, places, keys, known_keys, others):
    """What speaks against a claim, None for nothing."""
    key, name = neighbour["host_key"], claim.name
    elsewhere = [one for one in places[key] if one != _place(neighbour)]
    if elsewhere:
        return f"the same host key is at {' and at '.join(elsewhere)}"
    if len(keys[name]) > 1:
        return f"others call themselves {name}, too"
    known = {shown for key_type, shown in known_keys(name) if key_type == neighbour["host_key_type"]}
    if known and key not in known:
        return f"it shows {key}, and ssh knows another key of {name}"
    if name in others and (not claim.by_admin or "linklocal_address" in others[name]):
        return f"another inventory source has a host {name}"
    return None


def _host(neighbour, claim, conflict, port, known_hosts):
    place, jump_host = _place(neighbour), neighbour["jump_host"]
    name = f"conflict-{claim.name}-{_short(place)}" if conflict else claim.name
    options = [f"HostKeyAlias={claim.name}"]
    if known_hosts:
        options.append(f'UserKnownHostsFile="{known_hosts}"')
    if jump_host:
        options.append(f"ProxyJump={parse_jump_host(jump_host).proxy_jump}")
    variables = {
        "ansible_host": neighbour["zoned"],
        **({} if port == SSH_PORT else {"ansible_port": port}),
        "ansible_control_path": f"%(directory)s/{_short(f'{name} {place} {port}')}",
        "ansible_ssh_common_args": " ".join(f"-o {shlex.quote(one)}" for one in options),
        "linklocal_address": neighbour["address"],
        "linklocal_interface": neighbour["interface"],
        "linklocal_jump_host": jump_host,
        "linklocal_mac": neighbour["mac"],
        "linklocal_mac_universal": neighbour["mac_universal"],
        "linklocal_router": neighbour["router"],
        "linklocal_host_key": neighbour["host_key"],
        "linklocal_found_by": neighbour["found_by"],
        "linklocal_conflict": conflict,
    }
    return Host(name, [CONFLICT] if conflict else _groups(neighbour), variables, conflict)


def _groups(neighbour):
    link = "_".join(filter(None, (neighbour["jump_host"], neighbour["interface"])))
    groups = [link, "routers" if neighbour["router"] else "neighbours"]
    if neighbour["mac"]:
        groups.append("mac_universal" if neighbour["mac_universal"] else "mac_local")
    return [re.sub(r"\W+", "_", f"{GROUP_PREFIX}_{one}") for one in groups]


def _place(neighbour):
    jump_host = neighbour["jump_host"]
    return neighbour["zoned"] + (f" behind {jump_host}" if jump_host else "")


def _short(text):
    return hashlib.sha256(text.encode()).hexdigest()[:12]
