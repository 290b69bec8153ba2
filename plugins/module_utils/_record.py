# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run leaves for later ones: the host as it was before its first change, and containers that are to run again.

The record of the host is kept until ``absent`` has given it back. It has, as found, ``accept_ra`` and ``forwarding`` of
interfaces, ``forward_policy``, ``bridge_disabled`` and ``missing_directories``; ``settings``, the keys that dockerd was
asked for; and ``config_file``: its ``path`` and its texts ``before`` and ``after`` our change.
"""

from __future__ import annotations

import json

from ansible_collections.v6ops.docker.plugins.module_utils._files import STATE_DIRECTORY, read_text

RECORD_FILE = f"{STATE_DIRECTORY}/before.json"
# The containers that a restart stops, until they run again: a run that is killed in between leaves it to the next one.
STOPPED_FILE = "/run/v6ops-docker-stopped.json"


def read_record():
    """The record, None where nothing of ours is in place."""
    text = read_text(RECORD_FILE)
    return None if text is None else json.loads(text)


def spell_record(record):
    """The text of the file that holds a record; None for none."""
    return None if record is None else json.dumps(record, indent=1) + "\n"


def read_stopped():
    """The containers that an earlier run had yet to start again, as :meth:`Engine.running_containers` told them."""
    return json.loads(read_text(STOPPED_FILE) or "[]")
