# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wanted of dockerd, from the options of a module."""

from __future__ import annotations

from ansible_collections.v6ops.docker.plugins.module_utils._prefix import host_pool, host_prefix, parse_prefix
from ansible_collections.v6ops.docker.plugins.module_utils._state import Want

WANTED_OPTIONS = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "fixed_cidr_v6": {"type": "str"},
    "pool": {"type": "str"},
    "user_networks": {"type": "bool", "default": True},
    "default_networks": {"type": "bool", "default": False},
    "ip6tables": {"type": "bool"},
    "config": {"type": "str", "choices": ["auto", "systemd", "daemon_json"], "default": "auto"},
    "restart": {"type": "str", "choices": ["if_needed", "never"], "default": "if_needed"},
    "live_restore": {"type": "str", "choices": ["fail", "defer", "stop_containers"], "default": "fail"},
    "protect_uplinks": {"type": "bool", "default": True},
    "timeout": {"type": "int", "default": 60},
}
AS_THEY_ARE = ("state", "default_networks", "ip6tables", "config", "restart", "live_restore", "protect_uplinks")


def wanted(parameters):
    """A :class:`_state.Want` from :data:`WANTED_OPTIONS`; prefixes that are not given are the host's own.

    :raises Refusal: for a prefix that is none.
    """
    if parameters["state"] == "absent":
        return Want(prefix=None, **{key: parameters[key] for key in AS_THEY_ARE})
    requested, pool = parameters["fixed_cidr_v6"], parameters["pool"]
    own_pool = parse_prefix(pool) if pool else host_pool()
    return Want(
        prefix=parse_prefix(requested) if requested else host_prefix(),
        pool=own_pool if parameters["user_networks"] else None,
        pool_is_asked_for=bool(pool),
        **{key: parameters[key] for key in AS_THEY_ARE},
    )
