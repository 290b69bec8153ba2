# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state of a Docker host and what is wanted of it: :mod:`_survey` reads it, :mod:`_daemon` plans from it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import NamedTuple

from ansible_collections.v6ops.docker.plugins.module_utils._command_line import started
from ansible_collections.v6ops.docker.plugins.module_utils._json_text import edit, parse_object
from ansible_collections.v6ops.docker.plugins.module_utils._options import (
    OPTIONS,
    flag_values,
    from_flags,
    masquerades,
)
from ansible_collections.v6ops.docker.plugins.module_utils._unit import exec_starts

CONFIG_FILE = "/etc/docker/daemon.json"


class ConfigFile(NamedTuple):
    """daemon.json, or what ``--config-file`` names.

    :param text: None where there is no such file.
    :param changed: when it was last written, in seconds of :func:`time.time`.
    """

    path: str
    text: str | None
    changed: float = 0.0


NO_CONFIG_FILE = ConfigFile(CONFIG_FILE, None)


@dataclass(frozen=True)
class Have:
    """The state found.

    :param version: of the engine; empty where there is no telling.
    :param argv: the command line of docker.service as systemd has it now, our drop-in included.
    :param units: (path, text) of the fragment and the drop-ins in systemd's order, without ours.
    :param environment: the variables that docker.service is started with.
    :param drop_in: the text of our drop-in, or None.
    :param sysctl: the text of our sysctl.d file, or None.
    :param config_file: a :class:`ConfigFile`.
    :param former_config: the one that is in the record, where ``--config-file`` names another now.
    :param running_argv: the command line of the running process, its variables expanded; None where there is none.
    :param started: when that process began, in seconds of :func:`time.time`.
    :param info: as :meth:`_engine.Engine.info` tells it, None where no engine answers.
    :param networks: as :meth:`_engine.Engine.networks` tells them.
    :param containers: those that a restart stops, as :meth:`_engine.Engine.running_containers` tells them.
    :param stopped: those that an earlier run, which was cut off, had to start again.
    :param sysctl_files: as :func:`_sysctl.ordered_files` tells them, where there is something to protect.
    :param in_use: as :func:`_uplink.networks_in_use` tells it, without the interfaces of docker.
    :param endangered: interfaces that would lose their router once the host forwards; ``default`` for those to come.
    :param accept_ra: ``accept_ra`` of every interface.
    :param forwarding: ``forwarding`` of every interface, ``all`` and ``default`` included.
    :param forward_policy: the policy of the IPv6 chain FORWARD, or None.
    :param bridge_disabled: ``disable_ipv6`` of the default bridge's interface, or None.
    :param missing_directories: those for files of ours that are not there yet.
    :param record: as :func:`_record.read_record` tells it.
    :param leftover: an empty directory of ours that a killed run has left, or None.
    """

    version: str
    argv: list
    units: list
    drop_in: str | None = None
    sysctl: str | None = None
    config_file: ConfigFile = NO_CONFIG_FILE
    former_config: ConfigFile | None = None
    environment: dict = field(default_factory=dict)
    running_argv: list | None = None
    started: float = 0.0
    info: dict | None = None
    networks: list = field(default_factory=list)
    containers: list = field(default_factory=list)
    stopped: list = field(default_factory=list)
    sysctl_files: list = field(default_factory=list)
    in_use: list = field(default_factory=list)
    endangered: list = field(default_factory=list)
    accept_ra: dict = field(default_factory=dict)
    forwarding: dict = field(default_factory=dict)
    forward_policy: str | None = None
    bridge_disabled: str | None = None
    missing_directories: list = field(default_factory=list)
    record: dict | None = None
    leftover: str | None = None

    @property
    def recorded_config(self):
        return self.record and self.record["config_file"]

    @property
    def bridge(self):
        """The default bridge, None where no engine answers or it has none."""
        return next((network for network in self.networks if network["name"] == "bridge"), None)

    @property
    def running_settings(self):
        """What the running dockerd was started with; keys of a file that is newer than it are left out."""
        argv = self.running_argv or []
        is_read = self.config_file.path == config_path(argv) and self.config_file.changed <= self.started
        file = parse_object(self.config_file.text or "") if is_read else None
        return {**ours_of(file or {}), **from_flags(argv[1:])}


@dataclass(frozen=True)
class Want:
    """What is asked for; the options of ``docker_ipv6_daemon``, with prefixes as :class:`ipaddress.IPv6Network`.

    :param pool: where user networks get their subnets, None to leave that alone.
    :param pool_is_asked_for: whether the user named it, and it is to be set where the engine would do without.
    """

    prefix: ipaddress.IPv6Network
    state: str = "present"
    pool: ipaddress.IPv6Network | None = None
    pool_is_asked_for: bool = False
    default_networks: bool = False
    ip6tables: bool | None = None
    config: str = "auto"
    restart: str = "if_needed"
    live_restore: str = "fail"
    protect_uplinks: bool = True


class Base(NamedTuple):
    """The host's own configuration of dockerd, ours taken away.

    :param command: the effective ``ExecStart=``, None where there is not exactly one.
    :param arguments: the program and its arguments at the next start.
    :param flags: the settings among them.
    :param text: the text of daemon.json.
    :param file: what it holds, None where that is not an object.
    """

    command: str | None
    arguments: list
    flags: dict
    text: str | None
    file: dict | None

    @property
    def settings(self):
        return {**ours_of(self.file or {}), **self.flags}


def base(have):
    """The :class:`Base` of a state."""
    commands = exec_starts(text for __, text in have.units)
    command = commands[0] if len(commands) == 1 else None
    arguments = started(command or "", have.environment)
    text = without_ours(have.recorded_config, have.config_file)
    return Base(command, arguments, from_flags(arguments[1:]), text, parse_object(text) if (text or "").strip() else {})


def ours_of(config):
    """The settings of daemon.json that this collection knows."""
    return {key: config[key] for key in OPTIONS if key in config}


def config_path(arguments):
    """The file that dockerd reads its configuration from."""
    return next(flag_values(arguments, "--config-file"), CONFIG_FILE)


def without_ours(record, file):
    """The text of daemon.json before our change; where others changed it since, without what is still ours.

    :param record: ``config_file`` of the record, None where there is none.
    :param file: a :class:`ConfigFile`; another file than the one recorded holds nothing of ours.
    """
    if record is None or record["path"] != file.path:
        return file.text
    if file.text == record["after"]:
        return record["before"]
    return edit(file.text, undoing(record, file))


def undoing(record, file):
    """The changes that take from daemon.json what is ours in it, for :func:`_json_text.edit`."""
    if record is None or record["path"] != file.path:
        return {}
    before, after, now = (parse_object(text or "{}") or {} for text in (record["before"], record["after"], file.text))
    return {key: before.get(key) for key, value in after.items() if before.get(key) != value and now.get(key) == value}


def engine_facts(have, settings):
    """What other modules and roles ask of the engine, as it runs, or as it runs with these settings.

    :returns: ``version``; ``ip6tables``, whether it manages IPv6 rules and so masquerades its bridges itself; and
        ``firewall_backend``.
    """
    file = ours_of(parse_object(have.config_file.text or "") or {})
    merged = {**file, **have.running_settings, **settings}
    return {
        "version": have.version,
        "ip6tables": masquerades(have.version, {key: value for key, value in merged.items() if value is not None}),
        "firewall_backend": have.info["firewall_backend"] if have.info else "iptables",
    }


def networks_without_ipv6(have):
    """The names of user networks that would have to be created anew to have IPv6."""
    return sorted(network["name"] for network in have.networks if network["name"] != "bridge" and not network["ipv6"])
