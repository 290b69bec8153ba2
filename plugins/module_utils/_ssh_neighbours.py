# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The neighbours on a link that answer on ssh, and the host keys that they show.

It needs nothing but Python's own library and ssh-keyscan, as it also runs on jump hosts.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import math
import re
import subprocess

from ansible_collections.v6ops.docker.plugins.module_utils import _mdns
from ansible_collections.v6ops.docker.plugins.module_utils._discovery import discover
from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal
from ansible_collections.v6ops.docker.plugins.module_utils._interfaces import ready_interface

# Connections that end without a login count against the client (PerSourcePenalties of sshd), so most neighbours get but
# one: the other types are asked of those that have no key of the first.
KEY_TYPES = ("ed25519", "ecdsa", "rsa")
# With the port in brackets where it is not 22.
_KEY = re.compile(rb"\[?(?P<zoned>[0-9a-f:]+%[^\s\]]+)(?:\]:\d+)? (?P<type>[a-z0-9-]+) (?P<blob>[A-Za-z0-9+/=]+)")
_BANNER = re.compile(rb"# \[?(?P<zoned>[0-9a-f:]+%[^\s\]]+?)\]?:\d+ SSH-.*")


def ssh_neighbours(interface, port, timeout, mdns):
    """The neighbours that answer on ssh.

    :param timeout: seconds to wait for ssh.
    :param mdns: whether to ask for names with mDNS, too.
    :returns: what ``_discovery`` tells, with ``host_key``, ``host_key_type`` and ``mdns_name``.
    :raises Refusal: where the interface cannot be used, or nothing may be sent.
    """
    neighbours = discover(interface)
    keys = host_keys([one["zoned"] for one in neighbours], port, timeout)
    found = [
        {**one, "host_key_type": keys[one["zoned"]][0], "host_key": keys[one["zoned"]][1], "mdns_name": None}
        for one in neighbours
        if one["zoned"] in keys
    ]
    if mdns:
        names = _mdns.names([one["address"] for one in found], ready_interface(interface)["index"])
        found = [{**one, "mdns_name": names.get(one["address"])} for one in found]
    return found


def host_keys(zoned, port, timeout):
    """The type and the fingerprint of a host key of each address that answers on ssh."""
    keys, waiting = {}, zoned
    for key_type in KEY_TYPES:
        if not waiting:
            break
        shown, speaking = read_keyscan(_keyscan(waiting, port, timeout, key_type))
        keys.update({one: shown[one] for one in waiting if one in shown})
        waiting = [one for one in waiting if one in speaking and one not in keys]
    return keys


def read_keyscan(output):
    """The keys in the output of ssh-keyscan, and all who said that they speak ssh.

    A banner is what a neighbour likes: it may hold anything but the end of a line.
    """
    keys, speaking = {}, set()
    for line in output.split(b"\n"):
        banner, key = _BANNER.fullmatch(line), _KEY.fullmatch(line)
        if banner:
            speaking.add(banner["zoned"].decode(errors="replace"))
        elif key:
            keys[key["zoned"].decode(errors="replace")] = (key["type"].decode(), fingerprint(key["blob"]))
    return keys, speaking


def fingerprint(blob):
    """As ssh prints it.

    :param blob: a public key in base64, bytes or text.
    """
    try:
        digest = hashlib.sha256(base64.b64decode(blob)).digest()
    except binascii.Error:
        return None
    return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


def _keyscan(zoned, port, timeout, key_type):
    command = ["ssh-keyscan", "-p", str(port), "-T", str(math.ceil(timeout)), "-t", key_type, "-f", "-"]
    try:
        done = subprocess.run(command, check=False, capture_output=True, input="\n".join(zoned).encode())
    except FileNotFoundError:
        raise Refusal("Cannot read host keys: there is no ssh-keyscan.", "Install the client of OpenSSH.") from None
    return done.stdout + b"\n" + done.stderr
