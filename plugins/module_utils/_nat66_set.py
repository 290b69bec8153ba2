# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A set of rules of NAT66 as a whole, from what a user asks for."""

from __future__ import annotations

from ipaddress import IPv6Network, collapse_addresses

from ansible_collections.v6ops.docker.plugins.module_utils._addresses import addresses
from ansible_collections.v6ops.docker.plugins.module_utils._firewalls import decided, elsewhere, firewalld
from ansible_collections.v6ops.docker.plugins.module_utils._nat66 import (
    forward_rules,
    nat_rules,
    parse_destinations,
    parse_interfaces,
    parse_sources,
    parse_target,
    translated,
    who_translates,
)
from ansible_collections.v6ops.docker.plugins.module_utils._netfilter import applied, chain_of, rules_of
from ansible_collections.v6ops.docker.plugins.module_utils._owned_rules import RuleSet
from ansible_collections.v6ops.docker.plugins.module_utils._persistence import nat_persistence

NAT66_OPTIONS = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "name": {"type": "str", "default": "docker"},
    "sources": {"type": "list", "elements": "str"},
    "pool": {"type": "str"},
    "destinations": {"type": "list", "elements": "str", "default": []},
    "out_interfaces": {"type": "list", "elements": "str", "default": []},
    "to_source": {"type": "str"},
    "to_prefix": {"type": "str"},
    "forward": {"type": "str", "choices": ["protect", "open"], "default": "protect"},
    "persist": {"type": "bool", "default": True},
    "backend": {"type": "str", "choices": ["auto", "nft", "legacy"], "default": "auto"},
}


class Nat66Set(RuleSet):
    """
    :param parameters: values of :data:`NAT66_OPTIONS`.
    """

    def __init__(self, module, parameters):
        self._sources = parse_sources(parameters["sources"], parameters["pool"])
        chain = chain_of(parameters["name"])
        super().__init__(
            module,
            chain,
            _wanted(chain, self._sources, parameters),
            nat_persistence(parameters["name"]),
            parameters["persist"],
            parameters["backend"],
        )

    @property
    def found(self):
        """The prefixes that it translates already."""
        return translated(rules_of(self.saved, self._chain)["nat"])

    def covers(self, network):
        """Whether it translates a network already.

        :param network: as :meth:`._engine.Engine.network` tells it.
        """
        return bool(self._covered(network))

    def left_out(self, networks):
        """The subnets of networks that it translates already, and would not any more."""
        covered = collapse_addresses(subnet for network in networks for subnet in self._covered(network))
        return [str(one) for one in covered if not any(one.overlaps(source) for source in self._sources)]

    def _covered(self, network):
        subnets = [IPv6Network(subnet) for subnet in network["subnets"] if network["ipv6"]]
        return [subnet for subnet in subnets if any(subnet.subnet_of(prefix) for prefix in self.found)]

    def translated_by(self):
        """Who translates each prefix, once this is carried out."""
        return {str(source): who for source, who in who_translates(self.after, self._sources).items()}

    def result(self):
        return {**super().result(), "translated_by": self.translated_by()}

    def warn_of_others(self):
        """Warn of what others decide before our rules do."""
        if not self._wanted:
            return
        for sentence in [
            *decided(self.saved),
            *elsewhere(applied(self.strays, self._chain, {}), self.there.program),
            *firewalld(self._module, self._sources),
        ]:
            self._module.warn(sentence)
        for source, who in self.translated_by().items():
            if who != "collection":
                self._module.warn(
                    f"What leaves {source} meets a rule of another ({who}) first, so ours is without effect."
                )


def _wanted(chain, sources, parameters):
    """The rules of our chain in each table."""
    if parameters["state"] == "absent":
        return {}
    nat = nat_rules(
        chain,
        sources,
        parse_target(parameters["to_source"], parameters["to_prefix"], sources, {one.address for one in addresses()}),
        parse_destinations(parameters["destinations"]),
        parse_interfaces(parameters["out_interfaces"]),
    )
    return {"nat": nat, "filter": forward_rules(chain, sources) if parameters["forward"] == "protect" else []}
