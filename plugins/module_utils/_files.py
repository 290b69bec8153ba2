# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text files: read if they are there, written whole or not at all."""

from __future__ import annotations

import os
import tempfile

from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal


def read_text(path):
    """The content of a file, None where there is none."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except FileNotFoundError:
        return None


def write_text(module, path, text):
    """Replace a file atomically; None removes it, and a drop-in directory that it was the last file of."""
    directory = os.path.dirname(path)
    if text is None:
        if os.path.exists(path):
            os.unlink(path)
            if directory.endswith(".service.d") and not os.listdir(directory):
                os.rmdir(directory)
        return
    os.makedirs(directory, mode=0o755, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=module.tmpdir)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text)
    try:
        module.atomic_move(temporary, path)
    except Exception as error:  # atomic_move raises nothing narrower
        raise Refusal(f"Cannot write {path}: {error}.", "Is its file system full or read-only?") from error
