# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A short-lived container without image, registry or architecture: it runs the host's Python, mounted read-only."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import sys
import time
from contextlib import contextmanager, suppress

from ansible_collections.v6ops.docker.plugins.module_utils._engine import telling
from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal

DOCKERD_DIRECTORY = "/run/docker"
LOCK_TIMEOUT = 60
REPOSITORY = "v6ops-docker/probe"
EMPTY_TAR = bytes(10240)
# The order in which names are looked up belongs to the C library that does it.
HOSTS_FILES = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/nsswitch.conf")
# A name that the container's /etc/hosts gives addresses of both families, of RFC 5737 and RFC 3849.
DUAL = "dual.v6ops-docker.invalid"
ADDRESSES = ("192.0.2.1", "2001:db8::1")


def run_python(engine, network, source, argument, image=None):
    """Run a script in a container on a network.

    :param source: the text of the script.
    :param argument: what it gets as JSON, its only argument.
    :param image: one with a python3 of its own, instead of the host's.
    :returns: its first line of output read as JSON, and the lines below as they are.
    """
    from docker.errors import APIError, ImageNotFound

    script = ["-I", "-c", source, json.dumps(argument)]
    with telling(), _alone(engine.api):
        if image:
            try:
                output = _run(engine.api, image, network, ["python3", *script], [])
            except ImageNotFound as error:
                raise Refusal(
                    f"Cannot probe with the image {image!r}: the host has none of that name.",
                    f"Run 'docker pull {image}', or leave 'image' out: the probe needs none.",
                ) from error
        else:
            tag = secrets.token_hex(4)
            engine.api.import_image_from_data(EMPTY_TAR, repository=REPOSITORY, tag=tag)
            try:
                output = _run(engine.api, f"{REPOSITORY}:{tag}", network, [_python(), *script], HOSTS_FILES)
            finally:
                with suppress(APIError):
                    engine.api.remove_image(f"{REPOSITORY}:{tag}")
    first, _newline, rest = output.decode(errors="replace").partition("\n")
    try:
        return json.loads(first), rest.splitlines()
    except ValueError as error:
        raise Refusal(
            f"Cannot probe from a container on {network}: it says {' '.join((first + rest).split()) or 'nothing'}.",
            "See 'journalctl --unit docker'.",
        ) from error


@contextmanager
def _alone(api):
    """One probe at a time, so that whatever an earlier one has left, killed before its end, can be removed."""
    from docker.errors import APIError

    # Nobody but root can open it, so nobody else can hold the lock.
    directory = os.open(DOCKERD_DIRECTORY, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _lock(directory)
        for container in api.containers(all=True, filters={"label": REPOSITORY}):
            with suppress(APIError):
                api.remove_container(container["Id"], force=True)
        # Some versions of the library ask the engine in words that it ignores, and get every image.
        tags = [tag for image in api.images() for tag in image["RepoTags"] or [] if tag.startswith(f"{REPOSITORY}:")]
        for tag in tags:
            with suppress(APIError):
                api.remove_image(tag)
        yield
    finally:
        os.close(directory)


def _lock(directory):
    deadline = time.monotonic() + LOCK_TIMEOUT
    while True:
        try:
            return fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > deadline:
                raise Refusal(
                    f"Cannot probe: another probe has been running for {LOCK_TIMEOUT} seconds.",
                    f"See 'fuser --verbose {DOCKERD_DIRECTORY}' for its process.",
                ) from error
        time.sleep(0.05)


def _run(api, image, network, command, files):
    from docker.errors import NotFound

    container = api.create_container(
        image,
        command,
        entrypoint=[],
        labels={REPOSITORY: ""},
        user="0",
        host_config=api.create_host_config(
            auto_remove=True,
            binds={path: {"bind": path, "mode": "ro"} for path in files if os.path.exists(path)},
            cap_drop=["ALL"],
            cap_add=["NET_RAW"],
            extra_hosts=[f"{DUAL}:{address}" for address in ADDRESSES],
            log_config={"type": "none"},
            network_mode=network,
            read_only=True,
            # A container with a label of its own may not read the host's files.
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
