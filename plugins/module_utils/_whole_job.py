# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole job: dockerd, the rules of NAT66 and the verification, in an order that leaves no container open."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import chain

from ansible_collections.v6ops.docker.plugins.module_utils._configuration import Configuration
from ansible_collections.v6ops.docker.plugins.module_utils._destinations import parse_destinations
from ansible_collections.v6ops.docker.plugins.module_utils._engine import Engine
from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal, as_refusal
from ansible_collections.v6ops.docker.plugins.module_utils._nat66_set import NAT66_OPTIONS, Nat66Set
from ansible_collections.v6ops.docker.plugins.module_utils._verification import complaint, verify


def present(module, parameters, missing):
    """Give containers IPv6 and verify it.

    :param module: an ``AnsibleModule``.
    :param parameters: of the module ``docker_ipv6``.
    :param missing: the Python libraries that the host lacks, none but in check mode.
    :returns: what the module returns.
    :raises Refusal: where dockerd does not masquerade or the verification fails, with what was changed all the same.
    """
    targets = parse_destinations(parameters["targets"])
    ip6tables = True if parameters["nat_owner"] == "engine" else None
    configuration = Configuration(module, {**parameters, "ip6tables": ip6tables}, missing)
    owner = owner_of(parameters["nat_owner"], configuration.next_engine)
    sets = [_rules(module, parameters, owner, configuration.networks)]
    if module.check_mode:
        if owner == "engine" and configuration.pending:
            sets[-1].leave()
        sets[-1].warn_of_others()
        return _merged(configuration, sets)
    with _telling(configuration, sets):
        if owner == "collection":
            _close_and_configure(configuration, sets[0])
        else:
            configuration.carry_out()
        if configuration.restarts:
            # dockerd may have set rules of its own, behind our jump too, and given up a prefix.
            sets += [_rules(module, parameters, owner, Engine().networks())]
        _settle(configuration, owner, sets[-1])
        if configuration.pending:
            return _merged(configuration, sets)
        verification = verify(module, targets, configuration.want.prefix)
        if not (verification["passed"] or parameters["report_only"]):
            complained = complaint("bridge", verification["checks"])
            raise Refusal(complained, "What was set up stays; 'state: absent' takes it back.", **verification)
    return {**_merged(configuration, sets), **verification}


def absent(module, parameters, missing):
    """Take it back. The rules go last, as they close the containers, and stay where some keep IPv6."""
    configuration = Configuration(module, {**parameters, "ip6tables": None}, missing)
    rules = _rule_set(module, "absent")
    with _telling(configuration, [rules]):
        if not module.check_mode:
            configuration.carry_out()
        known = module.check_mode or configuration.pending
        networks = configuration.networks if known else Engine().networks()
        stay = [network["name"] for network in networks if network["name"] != "bridge" and rules.covers(network)]
        if rules.found and (configuration.pending or stay):
            rules.leave()
            module.warn(_staying(stay))
        elif not module.check_mode:
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


def _rules(module, parameters, owner, networks):
    """Our rules, or none where the engine masquerades.

    What was translated before stays so as long as it is the prefix of a network, such as one from a former pool.

    :param networks: as :meth:`._engine.Engine.networks` tells them.
    """
    state = "present" if owner == "collection" else "absent"
    wanted = [parameters["fixed_cidr_v6"]] if parameters["fixed_cidr_v6"] else []
    pool = parameters["pool"] or "host"
    rules = _rule_set(module, state, wanted, pool)
    stay = rules.left_out(networks)
    return _rule_set(module, state, [*wanted, *stay], pool) if stay else rules


def _rule_set(module, state, sources=(), pool="host"):
    defaults = {option: spec.get("default") for option, spec in NAT66_OPTIONS.items()}
    return Nat66Set(module, {**defaults, "state": state, "sources": list(sources), "pool": pool})


def _close_and_configure(configuration, rules):
    """Have the rules before dockerd gives a container an address, and as they were found if it does not."""
    rules.carry_out()
    try:
        configuration.carry_out()
    except Refusal as refusal:
        if configuration.carried_out:
            raise
        try:
            rules.undo()
        except (Refusal, OSError) as another:
            more = f"The rules could not be taken back: {another}"
            raise Refusal(str(refusal), more, **refusal.details) from another
        raise


def _settle(configuration, owner, rules):
    """Have the rules that suit dockerd as it runs now."""
    if owner == "engine" and configuration.pending:
        rules.leave()
    elif owner == "engine":
        _refuse_idle_engine(configuration.engine, rules)
    rules.carry_out()
    rules.warn_of_others()


def _refuse_idle_engine(engine, rules):
    """With its nftables backend the engine has rules elsewhere; that they work is for the verification to prove."""
    translated_by = rules.translated_by()
    if engine["firewall_backend"] == "iptables" and "engine" not in translated_by.values():
        raise Refusal(
            f"Cannot leave NAT66 to dockerd: it has no rule that masquerades {' or '.join(translated_by)}.",
            "Run 'systemctl restart docker' if something has flushed its rules, or set 'nat_owner: collection' "
            "('docker_ipv6_nat_owner' of the roles). Rules of ours were left in place.",
        )


def _staying(networks):
    who = f"the Docker networks {', '.join(networks)} keep IPv6" if networks else "dockerd is yet to be restarted"
    remedy = "Remove them" if networks else "Restart it"
    return f"The rules of NAT66 stay, as {who} and would be open to the link. {remedy}, then run this again."


@contextmanager
def _telling(configuration, sets):
    """Tell with a refusal what was changed all the same, without the texts of files, which may hold passwords."""
    try:
        yield
    except (Refusal, OSError) as error:
        refusal = as_refusal(error) if isinstance(error, OSError) else error
        if not configuration.carried_out:
            raise refusal from error
        told = _merged(configuration, sets)
        del told["diff"], told["before"]["files"], told["after"]["files"]
        raise Refusal(str(refusal), "", **{**told, **refusal.details}) from error


def _merged(configuration, sets):
    """The results of both.

    :param sets: of rules, in the order in which they were carried out.
    """
    dockerd, nat66 = configuration.result(), [one.result() for one in sets]
    return {
        **dockerd,
        "changed": dockerd["changed"] or any(one["changed"] for one in nat66),
        "before": {**dockerd["before"], "rules": nat66[0]["before"]},
        "after": {**dockerd["after"], "rules": nat66[-1]["after"]},
        "commands": list(chain.from_iterable(one["commands"] for one in nat66)),
        "translated_by": nat66[-1]["translated_by"],
        "diff": dockerd["diff"] + list(chain.from_iterable(one["diff"] for one in nat66)),
    }
