# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A short-lived container without image, registry or architecture: it runs the host's Python, mounted read-only."""

from __future__ import annotations

import json
import os
import secrets
import sys
from contextlib import suppress

from ansible_collections.v6ops.docker.plugins.module_utils._engine import telling
from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal

REPOSITORY = "v6ops-docker/probe"
EMPTY_TAR = bytes(10240)
SYSTEM_DIRECTORIES = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64")


def run_python(engine, network, source, argument):
    """Run a script in a container on a network.

    :param source: the text of the script.
    :param argument: what it gets as JSON, its only argument.
    :returns: its first line of output read as JSON, and the lines below as they are.
    """
    from docker.errors import APIError

    tag = secrets.token_hex(4)
    image = f"{REPOSITORY}:{tag}"
    with telling():
        engine.api.import_image_from_data(EMPTY_TAR, repository=REPOSITORY, tag=tag)
        try:
            output = _run(engine.api, image, network, [_python(), "-I", "-c", source, json.dumps(argument)])
        finally:
            with suppress(APIError):
                engine.api.remove_image(image)
    first, _newline, rest = output.decode(errors="replace").partition("\n")
    try:
        return json.loads(first), rest.splitlines()
    except ValueError as error:
        raise Refusal(
            f"Cannot probe from a container on {network}: it says {' '.join((first + rest).split()) or 'nothing'}.",
            "See 'journalctl --unit docker'.",
        ) from error


def _run(api, image, network, command):
    from docker.errors import NotFound

    mounted = [directory for directory in SYSTEM_DIRECTORIES if os.path.isdir(directory)]
    container = api.create_container(
        image,
        command,
        labels={REPOSITORY: ""},
        host_config=api.create_host_config(
            auto_remove=True,
            binds={directory: {"bind": directory, "mode": "ro"} for directory in mounted},
            cap_drop=["ALL"],
            cap_add=["NET_RAW"],
            log_config={"type": "none"},
            network_mode=network,
            read_only=True,
            security_opt=["label=disable"],
        ),
    )["Id"]
    output = api.attach(container, stream=True)
    try:
        api.start(container)
    except Exception:
        with suppress(NotFound):
            api.remove_container(container)
        raise
    printed = b"".join(output)
    with suppress(NotFound):
        api.wait(container, condition="removed")
    return printed


def _python():
    """The interpreter of the host, one that lives in a directory that is mounted."""
    for path in (os.path.realpath(sys.executable), os.path.realpath("/usr/bin/python3")):
        if path.startswith("/usr/") and os.path.exists(path):
            return path
    raise Refusal(
        "Cannot probe from a container: the host has no /usr/bin/python3.", "Install the distribution's python3."
    )
