# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has to change so that dockerd gives its default bridge IPv6: a plan from the state found, without any I/O."""

from __future__ import annotations

import ipaddress
import json
import os
from dataclasses import dataclass, field
from typing import NamedTuple

from ansible_collections.v6ops.docker.plugins.module_utils._engine import provides
from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal
from ansible_collections.v6ops.docker.plugins.module_utils._prefix import refuse_overlap, refuse_size
from ansible_collections.v6ops.docker.plugins.module_utils._unit import exec_starts, extend_exec_start
from ansible_collections.v6ops.docker.plugins.module_utils._uplink import SYSCTL_FILE, sysctl_file

# Sorts behind override.conf, the name that 'systemctl edit' uses, so that ours is not silently overruled.
DROP_IN = "/etc/systemd/system/docker.service.d/zz-v6ops-docker.conf"
CONFIG_FILE = "/etc/docker/daemon.json"


@dataclass(frozen=True)
class Have:
    """The state found.

    :param argv: the command line of docker.service as systemd has it now, our drop-in included.
    :param units: (path, text) of the fragment and the drop-ins in systemd's order, without ours.
    :param drop_in: the text of our drop-in, or None.
    :param sysctl: the text of our sysctl.d file, or None.
    :param config_file: path and text of daemon.json, the text None where there is no such file.
    :param bridge: the default bridge as :meth:`_engine.Engine.network` tells it, None where no engine answers.
    :param info: as :meth:`_engine.Engine.info` tells it, or None.
    :param stopped: containers that an earlier run, which was cut off, had to start again.
    :param in_use: as :func:`_uplink.networks_in_use` tells it.
    :param endangered: interfaces that would lose their router once the host forwards.
    """

    argv: list
    units: list
    drop_in: str | None
    sysctl: str | None
    config_file: tuple
    bridge: dict | None
    info: dict | None
    in_use: list = field(default_factory=list)
    endangered: list = field(default_factory=list)
    stopped: list = field(default_factory=list)


class FileChange(NamedTuple):
    path: str
    before: str | None
    after: str | None


class Plan(NamedTuple):
    """What to do, in this order.

    :param files: the :class:`FileChange` of each file that differs.
    :param accept_ra: interfaces that get ``accept_ra=2``.
    :param reload: whether systemd has to read its units again.
    :param flags: what the command line of docker.service ends with then; empty where it is left alone.
    :param restart: whether dockerd has to be restarted.
    :param start: containers to start, besides those that a restart stops.
    """

    files: list
    accept_ra: list
    reload: bool
    flags: list
    restart: bool
    start: list

    @property
    def changed(self):
        return bool(self.files or self.accept_ra or self.reload or self.restart or self.start)


def flags_for(prefix):
    return ["--ipv6", f"--fixed-cidr-v6={prefix}"]


def config_path(argv):
    """The file that dockerd reads its configuration from."""
    for position, argument in enumerate(argv):
        name, _equals, value = argument.partition("=")
        if name == "--config-file":
            return value or "".join(argv[position + 1 : position + 2])
    return CONFIG_FILE


def plan(have, prefix):
    """The way from the state found to a default bridge with IPv6.

    :param prefix: an :class:`ipaddress.IPv6Network`.
    :raises Refusal: where it cannot be gone without harm.
    """
    refuse_size(prefix)
    refuse_overlap(prefix, have.in_use)
    flags = flags_for(prefix)
    command = _command(have.units)
    restart = not (have.bridge and provides(have.bridge, prefix))
    if _in_config_file(have, prefix) or (have.drop_in is None and set(flags) <= set(have.argv)):
        drop_in = None
    else:
        _refuse_later_drop_in(have.units)
        drop_in = extend_exec_start(command, flags)
    if restart and have.info and have.info["live_restore"] and have.info["running"]:
        raise Refusal(
            "Cannot change the IPv6 of the default bridge: live-restore is on and containers are running, and dockerd "
            "ignores new bridge options until none is left.",
            "Stop the containers, or switch live-restore off, then run again.",
        )
    sysctl = sysctl_file(have.sysctl, have.endangered)
    files = [
        FileChange(path, before, after)
        for path, before, after in ((SYSCTL_FILE, have.sysctl, sysctl), (DROP_IN, have.drop_in, drop_in))
        if before != after
    ]
    loaded = have.argv[-len(flags) :] == flags
    reload = drop_in != have.drop_in or (drop_in is not None and not loaded)
    return Plan(files, have.endangered, reload, flags if drop_in else [], restart, have.stopped)


def _command(units):
    commands = exec_starts(text for _path, text in units)
    if len(commands) != 1:
        raise Refusal(
            f"Cannot extend docker.service: it has {len(commands)} ExecStart= commands.",
            "It must have exactly one, dockerd.",
        )
    program = os.path.basename(commands[0].lstrip("@-:+!").split()[0].strip("\"'"))
    if program != "dockerd":
        raise Refusal(
            f"Cannot extend docker.service: it starts {program}, not dockerd, so options added to it may go astray.",
            "Let ExecStart= start dockerd itself.",
        )
    return commands[0]


def _refuse_later_drop_in(units):
    for path, text in units:
        if "/docker.service.d/" in path and os.path.basename(path) > os.path.basename(DROP_IN) and exec_starts([text]):
            raise Refusal(
                f"Cannot extend docker.service: {path} sorts behind {DROP_IN} and sets ExecStart= again.",
                "Rename it so that it sorts earlier.",
            )


def _in_config_file(have, prefix):
    """Whether daemon.json asks for just this; a key given there and as an option would stop dockerd."""
    path, text = have.config_file
    # Only 20.10 does not start with an empty file.
    if text is None or (not text.strip() and have.info and not have.info["version"].startswith("20.10")):
        return False
    config = _parse_object(text)
    if config is None:
        raise Refusal(
            f"Cannot restart dockerd: {path} is not a JSON object, and dockerd would not start with it again.",
            "Mend or remove it.",
        )
    keys = {key: config[key] for key in ("ipv6", "fixed-cidr-v6") if key in config}
    if keys.get("ipv6") is True and _same_network(keys.get("fixed-cidr-v6"), prefix):
        return True
    if keys:
        raise Refusal(
            f"Cannot add {' '.join(flags_for(prefix))} to dockerd: {path} already sets {' and '.join(keys)}, "
            "and dockerd refuses to start where an option is in both places.",
            f"Remove {' and '.join(keys)} from that file, or set both there to what you want.",
        )
    return False


def _parse_object(text):
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _same_network(text, prefix):
    try:
        return ipaddress.ip_network(text) == prefix
    except ValueError:
        return False
