# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the host forwards IPv6: the kernel's switches, and the policy of the packet filter's chain FORWARD.

dockerd sets both and never sets them back.
"""

from __future__ import annotations

import os

from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal
from ansible_collections.v6ops.docker.plugins.module_utils._files import read_text

CONF = "/proc/sys/net/ipv6/conf"


def read_switch(interface, key):
    """A value under :data:`CONF`, None where the interface is gone."""
    text = read_text(f"{CONF}/{interface}/{key}")
    return text and text.strip()


def write_switch(interface, key, value):
    with open(f"{CONF}/{interface}/{key}", "w", encoding="ascii") as file:
        file.write(f"{value}\n")


def restore_switch(interface, key, value):
    """Give one switch back the value it had, None where there was none."""
    _restore(key, {interface: value})


def forwarding():
    """``forwarding`` of every interface, ``all`` and ``default`` included."""
    return {name: read_switch(name, "forwarding") for name in os.listdir(CONF)}


def restore(forwarding_before, accept_ra_before):
    """Give ``forwarding`` and ``accept_ra`` of interfaces back the values they had.

    An interface that forwards takes router advertisements only with ``accept_ra=2``, and loses its default route
    without: that value is given before, any other one after. ``all`` comes first, as it sets every interface.
    """
    protected = {name: value for name, value in accept_ra_before.items() if value == "2"}
    _restore("accept_ra", protected)
    _restore("forwarding", {name: forwarding_before[name] for name in sorted(forwarding_before, key=_all_first)})
    _restore("accept_ra", {name: value for name, value in accept_ra_before.items() if name not in protected})


def _all_first(name):
    return name != "all"


def _restore(key, values):
    for name, value in values.items():
        if value is not None and read_switch(name, key) not in (value, None):
            write_switch(name, key, value)


def forward_policy(module):
    """The policy of FORWARD, None where there is no ip6tables."""
    program = _ip6tables(module)
    if program is None:
        return None
    code, out, __ = module.run_command([program, "-w", "10", "-S", "FORWARD"])
    return None if code else out.split()[2]


def restore_forward_policy(module, policy):
    if policy in (None, forward_policy(module)):
        return
    code, __, err = module.run_command([_ip6tables(module), "-w", "10", "-P", "FORWARD", policy])
    if code:
        raise Refusal(
            f"Cannot set the policy of FORWARD back to {policy}: {err.strip()}.",
            f"Run 'ip6tables -P FORWARD {policy}'.",
        )


def _ip6tables(module):
    return module.get_bin_path("ip6tables", opt_dirs=["/usr/sbin", "/sbin"])
