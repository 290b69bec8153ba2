# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text files: read if they are there, written whole or not at all."""

from __future__ import annotations

import os

from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal

# What is kept here may quote a configuration that only root may read.
STATE_DIRECTORY = "/var/lib/v6ops-docker"


def read_text(path):
    """The content of a file, None where there is none."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return None


def write_text(module, path, text):
    """Replace a file atomically; None removes it, or a link."""
    import tempfile

    directory = os.path.dirname(path)
    if text is None:
        if os.path.lexists(path):
            os.unlink(path)
        return
    os.makedirs(directory, mode=0o700 if directory == STATE_DIRECTORY else 0o755, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=module.tmpdir)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        file.write(text)
    try:
        module.atomic_move(temporary, os.path.realpath(path))
    except Exception as error:  # atomic_move raises nothing narrower
        raise Refusal(f"Cannot write {path}: {error}.", "Is its file system full or read-only?") from error


def remove_empty(directories):
    """Remove the directories among these that are there, and empty."""
    for directory in directories:
        if os.path.isdir(directory) and not os.listdir(directory):
            os.rmdir(directory)
