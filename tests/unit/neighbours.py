"""Neighbours as several tests want them; pytest.ini has the directory on its path."""

from __future__ import annotations


def ssh_neighbour(address, key, interface="eth0", **others):
    """Somebody on a link who answers on ssh, as ``_ssh_neighbours`` tells of one."""
    return {
        "interface": interface,
        "address": address,
        "zoned": f"{address}%{interface}",
        "mac": None,
        "mac_universal": None,
        "router": False,
        "found_by": ["echo"],
        "host_key": key,
        "host_key_type": "ssh-ed25519",
        "mdns_name": None,
        **others,
    }
