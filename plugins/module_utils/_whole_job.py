# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole job: dockerd, the rules of NAT66 and the verification, in an order that leaves no container open."""

from __future__ import annotations

from itertools import chain

from ansible_collections.v6ops.docker.plugins.module_utils._configuration import Configuration
from ansible_collections.v6ops.docker.plugins.module_utils._destinations import parse_destinations
from ansible_collections.v6ops.docker.plugins.module_utils._engine import Engine
from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal
from ansible_collections.v6ops.docker.plugins.module_utils._nat66_set import NAT66_OPTIONS, Nat66Set
from ansible_collections.v6ops.docker.plugins.module_utils._verification import complaint, verify


def present(module, parameters, missing):
    """Give containers IPv6 and verify it.

    Rules of ours are there before dockerd gives a container an address, and go again if it does not.

    :param module: an ``AnsibleModule``.
    :param parameters: of the module ``docker_ipv6``.
    :param missing: the Python libraries that the host lacks, none but in check mode.
    :returns: what the module returns.
    :raises Refusal: with that in its details, where dockerd does not masquerade or the verification fails.
    """
    targets = parse_destinations(parameters["targets"])
    ip6tables = True if parameters["nat_owner"] == "engine" else None
    configuration = Configuration(module, {**parameters, "ip6tables": ip6tables}, missing)
    owner = owner_of(parameters["nat_owner"], configuration.engine)
    state = "present" if owner == "collection" else "absent"
    rules = [_rules(module, parameters, state)]
    if not module.check_mode:
        if state == "present":
            rules[0].carry_out()
        _configure(configuration, rules[0])
        if configuration.restarts:
            # dockerd may have set rules of its own, behind our jump too.
            rules.append(_rules(module, parameters, state))
        if configuration.restarts or state == "absent":
            rules[-1].carry_out()
    rules[-1].warn_of_others()
    results = _merged(configuration, rules)
    if module.check_mode or configuration.pending:
        return results
    if owner == "engine":
        _refuse_idle_engine(results)
    results.update(verify(module, targets, configuration.want.prefix))
    if not (results["passed"] or parameters["report_only"]):
        raise Refusal(complaint("bridge", results["checks"]), "", **results)
    return results


def absent(module, parameters, missing):
    """Take it back. The rules go last, as they close the containers, and stay where some keep IPv6."""
    configuration = Configuration(module, {**parameters, "ip6tables": None}, missing)
    if not module.check_mode:
        configuration.carry_out()
    if configuration.pending or _with_ipv6(configuration.networks if module.check_mode else Engine().networks()):
        module.warn(
            "The rules of NAT66 stay: without them containers that keep IPv6 would be open to the link. Remove the "
            "Docker networks with IPv6 and restart dockerd where that is pending, then run this again."
        )
        return _merged(configuration, [])
    rules = _rules(module, parameters, "absent")
    if not module.check_mode:
        rules.carry_out()
    return _merged(configuration, [rules])


def owner_of(requested, engine):
    """Who masquerades, ``engine`` or ``collection``.

    :param requested: one of both, or ``auto``: the engine where it does by itself.
    :param engine: see :func:`._state.engine_facts`.
    """
    if requested != "auto":
        return requested
    return "engine" if engine["ip6tables"] else "collection"


def _rules(module, parameters, state):
    defaults = {option: spec.get("default") for option, spec in NAT66_OPTIONS.items()}
    sources = [parameters["fixed_cidr_v6"]] if parameters["fixed_cidr_v6"] else None
    return Nat66Set(module, {**defaults, "state": state, "sources": sources, "pool": parameters["pool"] or "host"})


def _configure(configuration, rules):
    """Configure dockerd, or have the rules again as they were found."""
    try:
        configuration.carry_out()
    except Refusal as refusal:
        try:
            rules.undo()
        except Refusal as another:
            raise Refusal(str(refusal), str(another), **refusal.details) from another
        raise


def _merged(configuration, rules):
    """The results of both.

    :param rules: sets of rules in the order in which they were carried out, the last one as it is now.
    """
    dockerd, nat66 = configuration.result(), [one.result() for one in rules]
    return {
        **dockerd,
        "changed": dockerd["changed"] or any(one["changed"] for one in nat66),
        "before": {**dockerd["before"], "rules": nat66[0]["before"] if nat66 else []},
        "after": {**dockerd["after"], "rules": nat66[-1]["after"] if nat66 else []},
        "commands": list(chain.from_iterable(one["commands"] for one in nat66)),
        "translated_by": nat66[-1]["translated_by"] if nat66 else {},
        "diff": dockerd["diff"] + list(chain.from_iterable(one["diff"] for one in nat66)),
    }


def _refuse_idle_engine(results):
    """With its nftables backend the engine has rules elsewhere; that they work is for the verification to prove."""
    if results["engine"]["firewall_backend"] == "iptables" and "engine" not in results["translated_by"].values():
        raise Refusal(
            f"Cannot leave NAT66 to dockerd: it has no rule that masquerades {' or '.join(results['translated_by'])}.",
            "Run 'systemctl restart docker' if something has flushed its rules, or set 'nat_owner: collection'.",
            **results,
        )


def _with_ipv6(networks):
    return [network["name"] for network in networks if network["name"] != "bridge" and network["ipv6"]]
