# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to probe, as a user writes it: a link-local address and the interface that it is on."""

from __future__ import annotations

import ipaddress
from typing import NamedTuple

from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal
from ansible_collections.v6ops.docker.plugins.module_utils._interfaces import READY, default_names, lack

REMEDY = "A target is a link-local address with its interface, such as fe80::1%eth0."


class Target(NamedTuple):
    address: ipaddress.IPv6Address
    interface: str
    index: int

    def __str__(self):
        return f"{self.address}%{self.interface}"


def parse_targets(texts, names, known):
    """The targets in their order, each once.

    :param names: the interfaces that were named, the zone of what has none where it is but one.
    :param known: the interfaces, as of ``_interfaces``.
    :raises Refusal: for the first that cannot be one.
    """
    return list(dict.fromkeys(_parse(text, names or [], known) for text in texts))


def _parse(text, names, known):
    spelt, percent, zone = text.partition("%")
    try:
        address = ipaddress.IPv6Address(spelt)
    except ValueError as error:
        raise Refusal(f"Cannot probe {text!r}: {spelt!r} is not an IPv6 address.", REMEDY) from error
    if not address.is_link_local:
        raise Refusal(f"Cannot probe {text!r}: it is not a link-local address (fe80::/10).", REMEDY)
    if not percent and len(names) != 1:
        raise _ambiguous(address, names, known)
    zone = zone if percent else names[0]
    for interface in known:
        # An index is a zone too, RFC 4007, section 11.2.
        if zone in (interface["name"], str(interface["index"])):
            if interface["state"] != READY:
                raise lack(interface)
            return Target(address, interface["name"], interface["index"])
    raise Refusal(
        f"Cannot probe {text!r}: this host has no interface {zone!r}.",
        f"It has {', '.join(sorted(one['name'] for one in known))}.",
    )


def _ambiguous(address, names, known):
    """What ping owes its users, who get "Invalid argument"."""
    candidates = [
        one["name"] for one in known if one["state"] == READY and one["name"] in (names or default_names(known))
    ]
    if not candidates:
        return Refusal(
            f"Cannot probe {address}: it has no zone, and no interface of this host can be one.",
            "Look at 'interfaces' of this module without targets.",
        )
    return Refusal(
        f"Cannot probe {address}: a link-local address may be on any link, and it does not say on which.",
        f"Write {' or '.join(f'{address}%{name}' for name in candidates)}.",
    )
