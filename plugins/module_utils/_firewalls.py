# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What firewalls of others decide for containers, and how to change it there; it is theirs to decide."""

from __future__ import annotations

import fnmatch
import os
import re

from ansible_collections.v6ops.docker.plugins.module_utils._addresses import addresses
from ansible_collections.v6ops.docker.plugins.module_utils._netfilter import Netfilter

# Of firewall-cmd(1).
_NOT_RUNNING = 252

# A rule of FORWARD that holds for every packet.
_FINAL = re.compile(r'-A FORWARD(?: -m comment --comment (?:"[^"]*"|\S+))? -j (ACCEPT|DROP|REJECT)(?: .*)?')


def decided(saved):
    """Sentences about rules of others that leave ours in FORWARD nothing to decide.

    :param saved: a saved rule set, see :mod:`._netfilter`.
    """
    found = [match for match in map(_FINAL.fullmatch, saved.get("filter", [])) if match]
    return [
        f"'{match[0]}' accepts every packet before our rules see it: ports that are not published are open. Narrow it."
        if match[1] == "ACCEPT"
        else f"'{match[0]}' ends FORWARD before our rules: containers do not get out. Accept what they send before it."
        for match in found
    ]


def elsewhere(saved, program):
    """Sentences about rules of others in the other backend of iptables; a packet has to pass both."""
    strict = [line for lines in saved.values() for line in lines if line.startswith("-A ") or " DROP " in line]
    if not strict:
        return []
    return [f"{program} holds rules too, such as '{strict[0]}', and they apply as well. See '{program}-save'."]


def outside_of_firewalld(zones, bridges):
    """Sentences about bridges that firewalld does not know.

    :param zones: what ``firewall-cmd --get-active-zones`` prints.
    """
    known = [
        name.replace("+", "*") for names in re.findall(r"^ +interfaces: (.*)$", zones, re.M) for name in names.split()
    ]
    unknown = [bridge for bridge in bridges if not any(fnmatch.fnmatchcase(bridge, pattern) for pattern in known)]
    if not unknown:
        return []
    return [
        f"firewalld has {', '.join(unknown)} in none of its zones, as where it was started after dockerd, and rejects "
        "what containers send there. Run 'systemctl restart docker', or put it into the zone 'docker'."
    ]


def firewalld(module, networks):
    """Sentences about firewalld, where it runs, and the bridges that have an address in these networks."""
    program = module.get_bin_path("firewall-cmd")
    if program is None:
        return []
    code, zones, error = module.run_command([program, "--get-active-zones"])
    if code == _NOT_RUNNING:
        return []
    if code:
        return [f"firewalld does not say what it decides ({error.strip()}). See 'journalctl --unit firewalld'."]
    inside = {one.interface for one in addresses() if any(one.address in network for network in networks)}
    return outside_of_firewalld(
        zones, sorted(name for name in inside if os.path.isdir(f"/sys/class/net/{name}/bridge"))
    )


def obstacles(module, networks):
    """Sentences about whatever of others may keep containers of these networks from getting out."""
    netfilter = Netfilter(module, "auto")
    saved = netfilter.save() if netfilter.installed() else {}
    refusals = {"filter": [line for line in saved.get("filter", []) if " -j ACCEPT" not in line]}
    return decided(refusals) + firewalld(module, networks)
