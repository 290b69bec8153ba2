# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has to change so that dockerd gives containers IPv6, or no longer does: a pure plan from the state found."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import NamedTuple

from ansible_collections.v6ops.docker.plugins.module_utils import _preflight
from ansible_collections.v6ops.docker.plugins.module_utils._engine import provides
from ansible_collections.v6ops.docker.plugins.module_utils._json_text import edit
from ansible_collections.v6ops.docker.plugins.module_utils._options import (
    BUILT_IN_POOLS,
    IPV6_BY_DEFAULT,
    as_flags,
    forwards_first,
    has_default_ipv6,
    masquerades,
    pools_with,
    release,
    same,
)
from ansible_collections.v6ops.docker.plugins.module_utils._preflight import DROP_IN
from ansible_collections.v6ops.docker.plugins.module_utils._record import RECORD_FILE, spell_record
from ansible_collections.v6ops.docker.plugins.module_utils._state import base as base_of
from ansible_collections.v6ops.docker.plugins.module_utils._state import undoing, without_ours
from ansible_collections.v6ops.docker.plugins.module_utils._sysctl import (
    FORWARDING,
    SYSCTL_FILE,
    asks_for_forwarding,
    ours,
    protecting,
    spell,
)
from ansible_collections.v6ops.docker.plugins.module_utils._unit import extend_exec_start


class FileChange(NamedTuple):
    path: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class GivingBack:
    """Values of the kernel and the packet filter as they were found, where they are others now.

    :param accept_ra: of interfaces.
    :param forwarding: of interfaces, ``all`` and ``default`` included.
    """

    bridge_disabled: str | None = None
    forwarding: dict = field(default_factory=dict)
    forward_policy: str | None = None
    accept_ra: dict = field(default_factory=dict)


class Plan(NamedTuple):
    """What to do, in this order.

    :param files: the :class:`FileChange` of each file that differs, the record of what was found among them.
    :param accept_ra: interfaces that get ``accept_ra=2``, ``default`` among them.
    :param forward: whether the host has to forward before dockerd starts.
    :param keep_routes: whether default routes from router advertisements have to live on.
    :param reload: whether systemd has to read its units again.
    :param flags: what the command line of docker.service ends with then; empty where it is left alone.
    :param stop: whether containers have to be stopped first, as live-restore would swallow the change.
    :param restart: whether dockerd is restarted.
    :param target: the settings that the engine has to show then.
    :param giving_back: a :class:`GivingBack`.
    :param last_files: as files, when all else is done.
    :param directories: to remove then, where they are empty.
    :param start: containers to start, besides those that a restart stops.
    :param pending: what is left to others to do.
    :param command: dockerd's arguments at its next start.
    :param config: the text of daemon.json then.
    """

    files: list
    accept_ra: list
    forward: bool
    keep_routes: bool
    reload: bool
    flags: list
    stop: bool
    restart: bool
    target: dict
    giving_back: GivingBack
    last_files: list
    directories: list
    start: list
    pending: list
    command: list
    config: str | None

    @property
    def changed(self):
        return bool(
            self.files
            or self.accept_ra
            or self.reload
            or self.restart
            or self.start
            or self.giving_back != GivingBack()
            or self.last_files
            or self.directories
        )


def settings_for(want, version, base):
    """What dockerd is asked for, in the words of daemon.json.

    :param base: the settings that the host has by itself.
    """
    settings = {"ipv6": True, "fixed-cidr-v6": str(want.prefix)}
    if want.ip6tables is not None and want.ip6tables != masquerades(version, base):
        settings["ip6tables"] = want.ip6tables
        if want.ip6tables and release(version) < (27, 0):
            settings["experimental"] = True
    if want.pool and (want.pool_is_asked_for or not masquerades(version, {**base, **settings})):
        pools = base.get("default-address-pools") or BUILT_IN_POOLS
        settings["default-address-pools"] = pools_with(version, pools, want.pool, want.prefix)
    if want.default_networks and has_default_ipv6(version):
        options = base.get("default-network-opts", {})
        settings["default-network-opts"] = {
            **options,
            "bridge": {**options.get("bridge", {}), **IPV6_BY_DEFAULT["bridge"]},
        }
    return settings


def place(wanted, base, in_file):
    """Where each setting goes that the host has not by itself: into the file where it is there already.

    :param in_file: whether those go into the file that are new.
    :returns: the settings for the command line, and those for daemon.json.
    """
    to_flags, to_file = {}, {}
    for key, value in wanted.items():
        own = base.settings.get(key)
        if own is not None and same(key, own, value):
            continue
        if key in base.flags:
            to_flags[key] = [pool for pool in value if pool not in own] if isinstance(value, list) else value
        elif in_file or key in base.file:
            to_file[key] = value
        else:
            to_flags[key] = value
    return to_flags, to_file


def goes_into_file(want, record, wanted, base):
    """Whether new settings go into daemon.json: where it is asked for, has such keys, or has them from us."""
    if want.config != "auto":
        return want.config == "daemon_json"
    if any(key in base.file for key in wanted):
        return True
    return bool(record and record["config_file"]["before"] != record["config_file"]["after"])


def findings(have, want):
    """Whatever stands in the way of :func:`plan`, as a list of :class:`_errors.Refusal`."""
    base = base_of(have)
    found = [*_preflight.of_unit(have), *_preflight.of_config_file(have, base), *_preflight.of_bridge(have)]
    if want.state == "present":
        found += _preflight.of_prefixes(have, want)
    if found:
        return found
    wanted, to_flags, __, target = _aims(have, want, base)
    if want.state == "present":
        found += _preflight.of_forced_place(have, want, base, wanted)
        found += _preflight.of_sysctl(have, _settings_of_kernel(have, target))
    if to_flags:
        found += _preflight.of_later_drop_ins(have)
    if not is_shown(have, target, _keys(have, wanted)):
        found += _preflight.of_clashes(have, base)
        found += _preflight.of_settings(have, target)
        found += _preflight.of_live_restore(have, want)
        if not _postponed(have, want):
            found += _preflight.of_containers(have)
    return found


def _aims(have, want, base):
    """What is wanted, the parts of it for the command line and for the file, and all that dockerd will have then."""
    if want.state == "absent":
        return {}, {}, {}, base.settings
    wanted = settings_for(want, have.version, base.settings)
    to_flags, to_file = place(wanted, base, goes_into_file(want, have.record, wanted, base))
    return wanted, to_flags, to_file, {**base.settings, **wanted}


def plan(have, want):
    """The way from the state found to the one wanted.

    :raises Refusal: where it cannot be gone without harm; the first of the :func:`findings`.
    """
    for finding in findings(have, want):
        raise finding
    base = base_of(have)
    wanted, to_flags, to_file, target = _aims(have, want, base)
    flags = as_flags(to_flags)
    drop_in = extend_exec_start(base.command, flags) if flags else None
    config = edit_config(have, base, to_file)
    shown = is_shown(have, target, _keys(have, wanted))
    pending = [] if shown else _postponed(have, want)
    restart = not (shown or pending)
    former = have.former_config
    files = [
        *([FileChange(former.path, former.text, without_ours(have.recorded_config, former))] if former else []),
        FileChange(have.config_file.path, have.config_file.text, config),
        FileChange(DROP_IN, have.drop_in, drop_in),
    ]
    endangered, giving_back, last_files, directories = [], GivingBack(), [], []
    if want.state == "present":
        endangered = have.endangered
        protection = FileChange(SYSCTL_FILE, have.sysctl, spell(_settings_of_kernel(have, target)))
        files = _differing_files([protection, *files])
        if files or endangered:
            files = _differing_files([_record_change(have, _extended_record(have, base, config, wanted)), *files])
    else:
        files = _differing_files(files)
        if have.info is None and have.record and not pending:
            pending = ["run this once more when dockerd runs, to have the forwarding given back, too"]
        elif not (pending or keeps_forwarding(have, target)):
            giving_back = _giving_back(have, restart)
            last_files = _differing_files([FileChange(SYSCTL_FILE, have.sysctl, None), _record_change(have, None)])
            if have.record:
                directories = have.record["missing_directories"]
        if have.leftover:
            directories = [have.leftover]
    loaded = have.argv[-len(flags) :] == flags
    return Plan(
        files=files,
        accept_ra=endangered,
        forward=restart and want.state == "present" and forwards_first(have.version, target),
        keep_routes=want.protect_uplinks,
        reload=drop_in != have.drop_in or (drop_in is not None and not loaded),
        flags=flags,
        stop=restart and _preflight.is_swallowed(have),
        restart=restart,
        target={key: target.get(key) for key in _keys(have, wanted)},
        giving_back=giving_back,
        last_files=last_files,
        directories=directories,
        start=have.stopped,
        pending=pending,
        command=[*base.arguments, *flags],
        config=config,
    )


def _settings_of_kernel(have, target):
    """What our sysctl.d file holds: what it has, what is endangered, and forwarding where dockerd needs it to start."""
    settings = {**ours(have.sysctl), **protecting(have.endangered)}
    return {**settings, **FORWARDING} if forwards_first(have.version, target) else settings


def edit_config(have, base, to_file):
    """The text of daemon.json with our settings, and none of those that are no longer ours."""
    text, record = have.config_file.text, have.recorded_config
    if record is None or text == record["after"]:
        return edit(base.text, to_file)
    return edit(text, {**undoing(record, have.config_file), **to_file})


def _postponed(have, want):
    """Why dockerd is not restarted now although it should be; empty where it is."""
    if want.restart == "never":
        return ["dockerd has to be restarted ('systemctl restart docker')"]
    if want.live_restore == "defer" and _preflight.is_swallowed(have):
        return [
            "dockerd has to be restarted while no container runs, as live-restore is on "
            "(stop the containers, then 'systemctl restart docker')"
        ]
    return []


def _keys(have, wanted):
    """The settings that the running dockerd is judged by: those wanted, and those we once asked it for."""
    ours = have.record["settings"] if have.record else ["ipv6", "fixed-cidr-v6"] if have.drop_in else []
    return list(dict.fromkeys([*wanted, *ours]))


def is_shown(have, target, keys):
    """Whether the running dockerd is as the target says, in these settings."""
    if have.info is None:
        return not keys
    running = have.running_settings
    for key in keys:
        if key in ("ipv6", "fixed-cidr-v6"):
            if not shows_bridge(have.bridge, target):
                return False
        elif key == "default-address-pools":
            if not shows_pools(have.info["pools"], target):
                return False
        elif running.get(key) != target.get(key) and (key in target or running.get(key)):
            return False
    return True


def shows_bridge(bridge, target):
    """Whether the default bridge, as :meth:`_engine.Engine.networks` tells it, is as the target says."""
    if not target.get("ipv6"):
        return not bridge["ipv6"]
    prefix = target.get("fixed-cidr-v6")
    return bridge["ipv6"] if prefix is None else provides(bridge, prefix)


def shows_pools(pools, target):
    """Whether the engine's address pools are those of the target."""
    return _comparable(pools) == _comparable(target.get("default-address-pools") or [])


def _comparable(pools):
    return sorted((str(ip_network(pool["base"], strict=False)), pool["size"]) for pool in pools)


def keeps_forwarding(have, target):
    """The IPv6 networks of dockerd that stay: the host has to forward for them."""
    if have.record and have.record["forwarding"].get("all") == "1":
        # It did so before us, and nothing is held back.
        return []
    others = [network["name"] for network in have.networks if network["name"] != "bridge" and network["ipv6"]]
    return others + (["bridge"] if target.get("ipv6") else [])


def _giving_back(have, restart):
    """What the record has and the host has not; all of it where a restart of dockerd may change it once more.

    Forwarding that the host asks for itself, in a file of its own, stays.
    """
    record = have.record
    if record is None:
        return GivingBack()

    def differing(found, now):
        return {name: value for name, value in found.items() if restart or now.get(name) not in (value, None)}

    if asks_for_forwarding(have.sysctl_files):
        return GivingBack(bridge_disabled=record["bridge_disabled"])
    values = differing(
        {key: record[key] for key in ("bridge_disabled", "forward_policy") if record[key] is not None},
        {"bridge_disabled": have.bridge_disabled, "forward_policy": have.forward_policy},
    )
    return GivingBack(
        forwarding=differing(record["forwarding"], have.forwarding),
        accept_ra=differing(record["accept_ra"], have.accept_ra),
        **values,
    )


def _extended_record(have, base, config, wanted):
    """What was found before the first change, and what the last one asks for."""
    record = have.record or {
        "settings": [],
        "accept_ra": {},
        "forwarding": have.forwarding,
        "forward_policy": None,
        "bridge_disabled": have.bridge_disabled,
        "missing_directories": have.missing_directories,
    }
    return {
        **record,
        "config_file": {"path": have.config_file.path, "before": base.text, "after": config},
        "settings": sorted({*record["settings"], *wanted}),
        # Where dockerd sets it; elsewhere it is none of ours.
        "forward_policy": record["forward_policy"]
        or (have.forward_policy if masquerades(have.version, {**base.settings, **wanted}) else None),
        "accept_ra": {**_accept_ra_to_give_back(have), **record["accept_ra"]},
    }


def _accept_ra_to_give_back(have):
    """That of interfaces which take advertisements with it: one that forwarded before has lost its route by it."""
    return {name: "1" for name in have.endangered if name == "default" or have.forwarding.get(name) == "0"}


def _record_change(have, record):
    return FileChange(RECORD_FILE, spell_record(have.record), spell_record(record))


def _differing_files(changes):
    return [change for change in changes if change.before != change.after]
