# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stands in the way of a plan for dockerd, each with cause and remedy; pure, so that all can be told at once."""

from __future__ import annotations

import os
from ipaddress import ip_network

from ansible_collections.v6ops.docker.plugins.module_utils._command_line import dockerd_of, started
from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal
from ansible_collections.v6ops.docker.plugins.module_utils._options import (
    SHORTHANDS,
    as_flags,
    flag_of,
    flag_values,
    masquerades,
    release,
    same,
)
from ansible_collections.v6ops.docker.plugins.module_utils._prefix import refuse_overlap, refuse_pool, refuse_size
from ansible_collections.v6ops.docker.plugins.module_utils._sysctl import SYSCTL_FILE, overruled
from ansible_collections.v6ops.docker.plugins.module_utils._unit import exec_starts

# Sorts behind override.conf, the name that 'systemctl edit' uses, so that ours is not silently overruled.
DROP_IN = "/etc/systemd/system/docker.service.d/zz-v6ops-docker.conf"


def of_prefixes(have, want):
    """What is wrong with the prefixes asked for, on this host."""
    others = [
        (ip_network(subnet), f"the Docker network {network['name']}")
        for network in have.networks
        for subnet in network["subnets"]
        if network["name"] != "bridge"
    ]
    yield from _raised(refuse_size, want.prefix)
    yield from _raised(refuse_overlap, want.prefix, [*have.in_use, *others])
    if want.pool:
        yield from _raised(refuse_pool, want.pool, want.prefix)
        yield from _raised(refuse_overlap, want.pool, have.in_use)


def _raised(check, *arguments):
    try:
        check(*arguments)
    except Refusal as refusal:
        yield refusal


def of_unit(have):
    """What is wrong with docker.service."""
    commands = exec_starts(text for __, text in have.units)
    if len(commands) != 1:
        yield Refusal(
            f"Cannot extend docker.service: it has {len(commands)} ExecStart= commands.",
            "It must have exactly one, dockerd.",
        )
        return
    program = os.path.basename(dockerd_of(started(commands[0], have.environment))[-1])
    if program != "dockerd":
        yield Refusal(
            f"Cannot extend docker.service: it starts {program}, not dockerd, so options added to it may go astray.",
            "Let ExecStart= start dockerd itself.",
        )


def of_later_drop_ins(have):
    for path, text in have.units:
        if "/docker.service.d/" in path and os.path.basename(path) > os.path.basename(DROP_IN) and exec_starts([text]):
            yield Refusal(
                f"Cannot extend docker.service: {path} sorts behind {DROP_IN} and sets ExecStart= again.",
                "Rename it so that it sorts earlier.",
            )


def of_config_file(have, base):
    """What is wrong with daemon.json as it is; dockerd does not start with it again, ours or not."""
    path, text, __ = have.config_file
    # Only 20.10 does not start with an empty file.
    if base.file is None or (text is not None and not text.strip() and release(have.version) < (23, 0)):
        yield Refusal(
            f"Cannot restart dockerd: {path} is not a JSON object, and dockerd would not start with it again.",
            "Mend or remove it.",
        )
    elif text is None and next(flag_values(base.arguments, "--config-file"), None):
        yield Refusal(
            f"Cannot restart dockerd: --config-file names {path}, which does not exist.",
            "Create it, with '{}' in it, or drop the option.",
        )


def of_clashes(have, base):
    """Keys that are an option, too: dockerd refuses to start with them, equal or not."""
    options = {_long_name(argument) for argument in base.arguments[1:] if argument.startswith("-")}
    keys = [key for key in base.file if {f"--{key}", flag_of(key)} & options]
    if keys:
        yield Refusal(
            f"Cannot restart dockerd: {have.config_file.path} sets {' and '.join(keys)}, which its command line sets, "
            "too, and it refuses to start where an option is in both places.",
            "Remove the one or the other; 'systemctl cat docker.service' and its EnvironmentFile= show the options.",
        )


def _long_name(option):
    short = SHORTHANDS.get(option[:2])
    return f"--{short}" if short else option.partition("=")[0]


def of_forced_place(have, want, base, wanted):
    """Settings that the host keeps in the other place than the one asked for."""
    elsewhere = {"systemd": base.file or {}, "daemon_json": base.flags}.get(want.config, {})
    keys = [key for key in wanted if key in elsewhere and not same(key, elsewhere[key], wanted[key])]
    if keys and want.config == "systemd":
        yield Refusal(
            f"Cannot add {' '.join(as_flags({key: wanted[key] for key in keys}))} to dockerd: {have.config_file.path} "
            f"already sets {' and '.join(keys)}, and dockerd refuses to start where an option is in both places.",
            f"Remove {' and '.join(keys)} from that file, or let 'config' be auto or daemon_json.",
        )
    elif keys:
        yield Refusal(
            f"Cannot set {' and '.join(keys)} in {have.config_file.path}: the command line of docker.service already "
            "has the option, and dockerd refuses to start where it is in both places.",
            "Remove it there ('systemctl cat docker.service' shows where), or let 'config' be auto or systemd.",
        )


def of_settings(have, target):
    """What dockerd starts with only in other versions; its own validation lets it pass."""
    if not have.version or release(have.version) >= (27, 0):
        return
    if target.get("ip6tables") and not masquerades(have.version, target):
        yield Refusal(
            f"Cannot restart dockerd: ip6tables is on, and {have.version} takes it only with experimental on.",
            "Set experimental, too, or take ip6tables out.",
        )
    if target.get("ipv6") and not target.get("fixed-cidr-v6"):
        yield Refusal(
            f"Cannot restart dockerd: ipv6 is on without fixed-cidr-v6, and {have.version} does not start so.",
            "Set fixed-cidr-v6, too, or take ipv6 out.",
        )


def of_bridge(have):
    if have.info and have.bridge is None:
        yield Refusal(
            "Cannot give the default bridge IPv6: dockerd runs without one ('bridge' is 'none').",
            "Let dockerd have its default bridge.",
        )


def of_live_restore(have, want):
    if want.live_restore == "fail" and want.restart != "never" and is_swallowed(have):
        yield Refusal(
            "Cannot change the IPv6 of the default bridge: live-restore is on and containers are running, and dockerd "
            "ignores new bridge options until none is left.",
            "Stop the containers, switch live-restore off, or let 'live_restore' be stop_containers or defer.",
        )


def is_swallowed(have):
    """Whether dockerd would ignore a changed configuration of its bridge."""
    return bool(have.info and have.info["live_restore"] and have.info["running"])


def of_containers(have):
    lost = [container["name"] for container in have.containers if container["auto_remove"]]
    if lost:
        yield Refusal(
            f"Cannot restart dockerd: it would remove the running container{'s'[: len(lost) - 1]} {', '.join(lost)}, "
            "which 'docker run --rm' started.",
            "Stop what is not needed, or wait for its end, then run again.",
        )


def of_sysctl(have, settings):
    for path, key, value in overruled(have.sysctl_files, settings):
        yield Refusal(
            f"Cannot protect the default route: {path} sets {key} to {value} at every boot, after {SYSCTL_FILE}.",
            f"Set it to {settings[key]} there, or remove it.",
        )
