# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the rules of a host do with new connections from its uplinks to containers."""

from __future__ import annotations

from ansible_collections.v6ops.docker.plugins.module_utils._exposure import Audit
from ansible_collections.v6ops.docker.plugins.module_utils._links import Host, read_addresses, read_link
from ansible_collections.v6ops.docker.plugins.module_utils._ruleset import Ruleset
from ansible_collections.v6ops.docker.plugins.module_utils._verdict import Filter


def inbound(module, uplinks, bridge, networks):
    """
    :param uplinks: names of interfaces.
    :returns: {uplink: :class:`._verdict.Verdict`}, the more open one of those on TCP and UDP.
    """
    host = Host(read_addresses())
    audit = Audit(host, Filter(Ruleset(module).chains, host))
    verdicts = {name: audit.into(read_link(name, host), bridge, networks) for name in uplinks}
    openness = ("accept", "unknown", "drop").index
    return {name: min(found, key=lambda one: openness(one.verdict)) for name, found in verdicts.items()}
