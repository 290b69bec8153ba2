# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""IPv6 prefixes for containers: which are fit, which collide, and one of the host's own (RFC 4193)."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress

from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal

UNIQUE_LOCAL = ipaddress.IPv6Network("fc00::/7")  # RFC 4193
GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")  # RFC 4291, section 2.4

# Keeps the prefix apart from anything else that is derived from the same machine ID, see machine-id(5).
_APPLICATION = b"v6ops.docker prefix"


def own_prefix(machine_id):
    """The stable RFC 4193 /48 of a host, its global ID taken from the machine ID instead of clock and MAC.

    :param machine_id: the content of /etc/machine-id, 32 hexadecimal digits.
    :raises ValueError: for anything else.
    """
    key = bytes.fromhex(machine_id.strip())
    if len(key) != 16:
        raise ValueError("not a machine ID")
    digest = hmac.new(key, _APPLICATION, hashlib.sha256).digest()
    return ipaddress.IPv6Network((b"\xfd" + digest[:5] + bytes(10), 48))


def host_pool():
    """The :func:`own_prefix` of this host."""
    try:
        with open("/etc/machine-id", encoding="ascii") as file:
            return own_prefix(file.read())
    except (OSError, ValueError) as error:
        raise Refusal(
            f"Cannot derive a prefix for this host: its /etc/machine-id is not usable ({error}).",
            "Run 'systemd-machine-id-setup', or name a prefix.",
        ) from error


def host_prefix():
    """The first /64 of the :func:`host_pool`."""
    return first_subnet(host_pool())


def first_subnet(pool):
    """The first /64 of a shorter prefix."""
    return next(pool.subnets(new_prefix=64))


def parse_prefix(text):
    """Read a prefix for containers in any spelling.

    :returns: an :class:`ipaddress.IPv6Network`; ``str()`` of it is the canonical spelling of RFC 5952.
    :raises Refusal: for what is not an IPv6 network of unique local or global unicast addresses.
    """
    try:
        interface = ipaddress.ip_interface(text.strip())
    except ValueError as error:
        raise _unfit(text, f"it is not an IPv6 network ({error})") from error
    network = interface.network
    if network.version != 6:
        raise _unfit(text, "it is an IPv4 network")
    if "/" not in text:
        raise _unfit(text, "it has no prefix length", f"Write {text}/64 if you mean the network of that address.")
    kind = _unfit_kind(network)
    if kind:
        raise _unfit(text, f"it is {kind}")
    if interface.ip != network.network_address:
        raise _unfit(text, f"it has bits set beyond its /{network.prefixlen}", f"Did you mean {network}?")
    return network


def _unfit_kind(network):
    if network.is_link_local:
        return "link-local, and link-local addresses are never forwarded"
    if network.is_multicast:
        return "multicast, and containers need unicast addresses"
    if not any(network.subnet_of(unicast) for unicast in (UNIQUE_LOCAL, GLOBAL_UNICAST)):
        return f"neither unique local ({UNIQUE_LOCAL}) nor global unicast ({GLOBAL_UNICAST})"
    return None


def _unfit(text, cause, remedy="Choose a /64 of your own, or leave the option out for one derived from the host."):
    return Refusal(f"Cannot use the prefix {text!r}: {cause}.", remedy)


def refuse_size(prefix):
    """Refuse a prefix that is no subnet for a bridge."""
    if not 48 <= prefix.prefixlen <= 126:
        raise _unfit(str(prefix), "the subnet of a bridge has a length of /48 to /126", "A /64 is usual.")


def refuse_pool(pool, prefix):
    """Refuse a prefix that is no pool for many networks beside that of the default bridge."""
    if not 48 <= pool.prefixlen <= 64:
        raise _unfit(str(pool), "the pool of user networks has a length of /48 to /64", "A /48 is usual.")
    if pool.subnet_of(prefix) or (pool.prefixlen == 64 and pool.overlaps(prefix)):
        raise _unfit(str(pool), f"the default bridge takes all of it with {prefix}", "Name a larger pool, or another.")


def refuse_overlap(prefix, in_use):
    """Refuse a prefix that the host already uses elsewhere.

    :param in_use: an iterable of (:class:`ipaddress.IPv6Network`, where it was found).
    """
    for network, where in in_use:
        if prefix.overlaps(network):
            raise _unfit(str(prefix), f"it overlaps {network}, {where} of this host", "Name another one.")
