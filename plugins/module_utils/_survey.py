# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read everything that a plan for dockerd needs from the running host, and change nothing."""

from __future__ import annotations

import os
import re

from ansible_collections.v6ops.docker.plugins.module_utils._command_line import dockerd_of, expand
from ansible_collections.v6ops.docker.plugins.module_utils._engine import Engine
from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal
from ansible_collections.v6ops.docker.plugins.module_utils._files import STATE_DIRECTORY, read_text
from ansible_collections.v6ops.docker.plugins.module_utils._forwarding import (
    CONF,
    forward_policy,
    forwarding,
    read_switch,
)
from ansible_collections.v6ops.docker.plugins.module_utils._preflight import DROP_IN
from ansible_collections.v6ops.docker.plugins.module_utils._record import RECORD_FILE, read_record, read_stopped
from ansible_collections.v6ops.docker.plugins.module_utils._state import ConfigFile, Have, config_path
from ansible_collections.v6ops.docker.plugins.module_utils._sysctl import SYSCTL_FILE, ordered_files
from ansible_collections.v6ops.docker.plugins.module_utils._uplink import (
    accept_ra,
    endangered_interfaces,
    networks_in_use,
)

DEFAULT_INTERFACE = "docker0"
# How Docker is run where docker.service does not, by what is there then.
ELSEWHERE = {
    "/var/snap/docker": "Docker is a snap here, whose service takes no drop-in of ours. Install Docker as a package.",
    "/run/podman": "The 'docker' of this host may be Podman. Install Docker as a package.",
}


def look(module, service, protect_uplinks=True, blind=False):
    """The engine, None where it does not run, and the state of this host as :class:`_state.Have`.

    :param service: the :class:`_systemd.Service` of docker.
    :param blind: the library that shows the engine is missing.
    :raises Refusal: where docker.service is not to be used, or does not run and we may not be the cause.
    """
    _refuse_kernel()
    _refuse_unit(service)
    drop_in, record = read_text(DROP_IN), read_record()
    engine = None if blind else _connect(service, ours=drop_in is not None or record is not None)
    info, networks = (engine.info(), engine.networks()) if engine else (None, [])
    bridges = {network["interface"] for network in networks} or _bridges_by_name()
    bridge = next((network["interface"] for network in networks if network["name"] == "bridge"), DEFAULT_INTERFACE)
    config_file = _config_file(config_path(expand(service.argv, service.environment)))
    endangered = endangered_interfaces(bridges) if protect_uplinks else []
    return engine, Have(
        version=info["version"] if info else _program_version(module, service),
        argv=service.argv,
        units=[(path, read_text(path) or "") for path in [service.fragment, *service.drop_ins] if path != DROP_IN],
        environment=service.environment,
        drop_in=drop_in,
        sysctl=read_text(SYSCTL_FILE),
        config_file=config_file,
        former_config=_former_config(record, config_file),
        running_argv=service.running_argv(),
        started=service.started,
        info=info,
        networks=networks,
        stopped=read_stopped(),
        in_use=networks_in_use(except_interfaces=bridges),
        endangered=endangered,
        sysctl_files=ordered_files(module) if endangered or record else [],
        accept_ra=accept_ra(),
        forwarding=forwarding(),
        forward_policy=forward_policy(module),
        bridge_disabled=read_switch(bridge, "disable_ipv6"),
        missing_directories=_missing(SYSCTL_FILE, config_file.path, DROP_IN, RECORD_FILE),
        record=record,
        leftover=STATE_DIRECTORY if os.path.isdir(STATE_DIRECTORY) and not os.listdir(STATE_DIRECTORY) else None,
    )


def _bridges_by_name():
    """The bridges of dockerd, where it cannot be asked."""
    return {name for name in os.listdir("/sys/class/net") if re.fullmatch(r"docker0|br-[0-9a-f]{12}", name)}


def _former_config(record, config_file):
    former = record and record["config_file"]["path"]
    return _config_file(former) if former not in (None, config_file.path) else None


def _missing(*paths):
    """The directories of files that are not there."""
    return [directory for directory in map(os.path.dirname, paths) if not os.path.isdir(directory)]


def _refuse_kernel():
    if not os.path.isdir(CONF):
        raise Refusal("Cannot use IPv6: the kernel runs without it.", "Boot it without 'ipv6.disable=1'.")


def _refuse_unit(service):
    remedies = {
        "masked": "Run 'systemctl unmask docker.service'.",
        "bad-setting": "See 'systemctl status docker.service'; often a drop-in lacks an empty 'ExecStart='.",
        "not-found": next(
            (remedy for path, remedy in ELSEWHERE.items() if os.path.exists(path)),
            "Install Docker as a package that systemd starts; rootless Docker cannot be configured from here.",
        ),
    }
    if service.load_state != "loaded":
        raise Refusal(
            f"Cannot use docker.service: systemd says {service.load_state}.",
            remedies.get(service.load_state, "See 'systemctl status docker.service'."),
        )


def _connect(service, ours):
    """The engine, or None where what is ours may be why it does not run."""
    if service.active_state == "active":
        return Engine()
    if not ours:
        raise Refusal(
            f"Cannot see the state of dockerd: docker.service is {service.active_state}.",
            "Start it ('systemctl start docker'), then run again.",
        )
    return None


def _program_version(module, service):
    """The version of the program, where no engine answers; empty where it does not tell."""
    code, out, __ = module.run_command([*dockerd_of(expand(service.argv, service.environment)), "--version"])
    return "" if code else out.partition("version ")[2].partition(",")[0]


def _config_file(path):
    text = read_text(path)
    return ConfigFile(path, text, 0.0 if text is None else os.stat(path).st_mtime)
