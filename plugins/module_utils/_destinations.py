# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a container is to reach, as a user spells it."""

from __future__ import annotations

import ipaddress
import re

from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal

REMEDY = "A target is a literal address beyond the host, a name, or one with a port: 2001:db8::1, [2001:db8::1]:22."
# RFC 1123, section 2.1; without a letter at its end it would be an IPv4 address.
_NAME = re.compile(
    r"(?=.{1,253}$)([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.?"
)
_SPELLINGS = (
    re.compile(r"\[(?P<host>[^\]]*)\](:(?P<port>\d+))?"),
    re.compile(r"(?P<host>[^:\[\]]+):(?P<port>\d+)"),
    re.compile(r"(?P<host>.*)"),
)
MOST = 64


def parse_destinations(texts):
    """Read targets.

    :returns: dicts with ``target`` (as it was spelt), ``address`` or ``name``, and ``port``, each or None.
    """
    if len(texts) > MOST:
        raise Refusal(f"Cannot probe {len(texts)} targets at once.", f"Name at most {MOST}.")
    return [_parse(text.strip()) for text in texts]


def _parse(text):
    found = next(filter(None, (spelling.fullmatch(text) for spelling in _SPELLINGS))).groupdict()
    host, port = found["host"], found.get("port")
    if port and not 0 < int(port) < 65536:
        raise Refusal(f"Cannot probe {text!r}: there is no port {port}.", "Ports are 1 to 65535.")
    target = {"target": text, "address": None, "name": None, "port": port and int(port)}
    try:
        address = ipaddress.IPv6Address(host)
    except ValueError as error:
        if not _NAME.fullmatch(host):
            raise Refusal(f"Cannot probe {text!r}: it is neither an IPv6 address nor a name.", REMEDY) from error
        return {**target, "name": host}
    if (
        address.is_loopback
        or address.is_unspecified
        or address.is_multicast
        or address.is_link_local
        or address.ipv4_mapped
    ):
        raise Refusal(f"Cannot probe {text!r}: it is not a unicast address that can be routed to.", REMEDY)
    return {**target, "address": str(address)}
