# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ask dockerd whether it would start with a configuration, before anything of it is written."""

from __future__ import annotations

import os
import re
import tempfile

from ansible_collections.v6ops.docker.plugins.module_utils._command_line import dockerd_of
from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal
from ansible_collections.v6ops.docker.plugins.module_utils._json_text import parse_object
from ansible_collections.v6ops.docker.plugins.module_utils._options import flag_of, has_validate

# Keys of daemon.json that dockerd 20.10 knows and shows no option for (moby, daemon/config).
WITHOUT_OPTION = {
    *("builder", "features", "runtimes"),
    *("graph", "cluster-advertise", "cluster-store", "cluster-store-opts", "deprecated-key-path"),
}


def validate(module, version, command, path, text):
    """Refuse what dockerd says that it would not start with.

    :param command: dockerd and its arguments.
    :param path: where it reads its configuration from.
    :param text: what shall be in there, None for no such file.
    """
    if has_validate(version):
        _run_validate(module, command, path, text)
    elif version:
        _refuse_unknown_keys(module, version, command, path, text)


def _run_validate(module, command, path, text):
    descriptor, name = tempfile.mkstemp(dir=module.tmpdir, suffix=".json")
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text or "{}")
    code, __, err = module.run_command([*_without_config_file(command), "--validate", "--config-file", name])
    os.unlink(name)
    if code:
        cause = " ".join(line for line in err.splitlines() if "--help" not in line).strip().rstrip(".")
        cause = cause.replace(name, path)
        raise Refusal(
            f"Cannot restart dockerd: it says that it would not start. {cause}.",
            f"Mend {path} or the command line of docker.service; nothing was changed.",
        )


def _without_config_file(arguments):
    kept, skip = [], False
    for argument in arguments:
        if skip:
            skip = False
        elif argument == "--config-file":
            skip = True
        elif not argument.startswith("--config-file="):
            kept.append(argument)
    return kept


def _refuse_unknown_keys(module, version, command, path, text):
    """What ``dockerd --validate`` tells from 23 on: every key but a few has an option of its name."""
    config = parse_object(text or "{}") or {}
    __, usage, __ = module.run_command([*dockerd_of(command), "--help"])
    options = set(re.findall(r"--[a-z0-9-]+", usage))
    unknown = [key for key in config if not options & {f"--{key}", flag_of(key)} and key not in WITHOUT_OPTION]
    if unknown and options:
        raise Refusal(
            f"Cannot restart dockerd: {path} sets {' and '.join(unknown)}, which {version} does not know, and it does "
            "not start with a key that it does not know.",
            f"Remove {' and '.join(unknown)} from that file.",
        )
