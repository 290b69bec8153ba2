# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The host's interfaces and what each has of IPv6 on its link: the ground that all link-local work stands on."""

from __future__ import annotations

import time

from ansible_collections.v6ops.docker.plugins.module_utils import _rtnetlink
from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal
from ansible_collections.v6ops.docker.plugins.module_utils._forwarding import read_switch

IFF_UP, IFF_LOWER_UP = 0x1, 0x10000  # linux/if.h
# linux/if_addr.h
FLAGS = {
    0x01: "temporary",
    0x04: "optimistic",
    0x08: "dadfailed",
    0x20: "deprecated",
    0x40: "tentative",
    0x80: "permanent",
    0x100: "mngtmpaddr",
    0x200: "noprefixroute",
    0x800: "stable-privacy",
}
ADDR_GEN_MODE_NONE = "1"  # linux/if_link.h
# Docker's own, which come and go with every container.
DOCKERS = ("docker", "br-", "veth")
DAD_TIMEOUT = 3.0  # seconds; a fresh link is 0.9 s without an address, and then 1 s tentative

READY, TENTATIVE, DADFAILED, NO_ADDRESS = "ready", "tentative", "dadfailed", "no_address"
DOWN, DISABLED, NO_CARRIER = "down", "ipv6_disabled", "no_carrier"
# What an interface that can do nothing lacks, and what to do about it.
LACKS = {
    TENTATIVE: ("its link-local address is still tentative", "Try again when its duplicate address detection is over."),
    DADFAILED: (
        "its link-local address is a duplicate, another node has it (dadfailed)",
        "Find the other node, or give one of the two another address.",
    ),
    NO_ADDRESS: ("it has no link-local address", "Look at what manages it, and at its addr_gen_mode."),
    DOWN: ("it is down", "Bring it up with 'ip link set {name} up'."),
    DISABLED: ("IPv6 is disabled on it", "Set net.ipv6.conf.{name}.disable_ipv6 to 0."),
    NO_CARRIER: ("it has no carrier", "Look at its cable, or at its other end."),
}


def interfaces():
    """Every interface, a list of dicts as the module ``linklocal_probe`` returns them."""
    links, addresses = _rtnetlink.links(), _rtnetlink.addresses()
    names = {link.index: link.name for link in links}
    return [_interface(link, names.get(link.master), addresses) for link in links]


def _interface(link, master, addresses):
    own = [
        {
            "address": str(one.address),
            "zoned": f"{one.address}%{link.name}",
            "flags": [name for bit, name in FLAGS.items() if one.flags & bit],
        }
        for one in addresses
        if one.index == link.index and one.address.is_link_local
    ]
    # A link whose MTU is less than IPv6 needs has no such switch.
    is_disabled = read_switch(link.name, "disable_ipv6") != "0"
    return {
        "name": link.name,
        "index": link.index,
        "mac": link.mac,
        "mtu": link.mtu,
        "up": bool(link.flags & IFF_UP),
        "carrier": bool(link.flags & IFF_LOWER_UP),
        "ipv6_disabled": is_disabled,
        "state": state(link.flags, is_disabled, [one["flags"] for one in own]),
        "addresses": own,
        "master": master,
    }


def state(link_flags, is_disabled, flags_of_addresses):
    """What an interface can do on its link: :data:`READY`, or what it lacks."""
    usable = [is_usable(flags) for flags in flags_of_addresses]
    if not link_flags & IFF_UP:
        return DOWN
    # The kernel may disable IPv6 where the duplicate is one that it made from the MAC.
    if usable and all("dadfailed" in flags for flags in flags_of_addresses):
        return DADFAILED
    if is_disabled:
        return DISABLED
    if not link_flags & IFF_LOWER_UP:
        return NO_CARRIER
    if any(usable):
        return READY
    return TENTATIVE if usable else NO_ADDRESS


def is_usable(flags):
    return "dadfailed" not in flags and ("tentative" not in flags or "optimistic" in flags)


def source_of(interface):
    """The address that a ready interface speaks from."""
    return next(one["address"] for one in interface["addresses"] if is_usable(one["flags"]))


def default_names(known):
    """All that are up, but loopback and Docker's."""
    return [one["name"] for one in known if one["up"] and one["name"] != "lo" and not one["name"].startswith(DOCKERS)]


def settled(names=None, timeout=DAD_TIMEOUT):
    """These interfaces, by default the :func:`default_names`, as soon as each has done its duplicate address detection.

    :raises Refusal: for a name that no interface has.
    """
    deadline = time.monotonic() + timeout
    while True:
        known = {one["name"]: one for one in interfaces()}
        for name in names or []:
            if name not in known:
                raise Refusal(
                    f"Cannot use {name}: this host has no such interface.",
                    f"It has {', '.join(sorted(known))}.",
                )
        found = [known[name] for name in (default_names(known.values()) if names is None else names)]
        if time.monotonic() >= deadline or not any(_is_pending(one) for one in found):
            return found
        time.sleep(0.05)


def _is_pending(interface):
    """An address is on its way. Ports of a bond have none ever, nor has what makes none by itself."""
    if interface["state"] == NO_ADDRESS:
        return interface["master"] is None and read_switch(interface["name"], "addr_gen_mode") != ADDR_GEN_MODE_NONE
    return interface["state"] == TENTATIVE


def lack(interface):
    """What an interface that is not ready lacks, as a :class:`Refusal`."""
    cause, remedy = LACKS[interface["state"]]
    name = interface["name"]
    return Refusal(f"Cannot use {name}: {cause}.", remedy.format(name=name))


def ready_interface(name):
    """One interface that can be used.

    :raises Refusal: where it cannot.
    """
    (interface,) = settled([name])
    if interface["state"] != READY:
        raise lack(interface)
    return interface
