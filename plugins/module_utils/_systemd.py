# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A service as the running systemd sees it, over its D-Bus interface (org.freedesktop.systemd1(5))."""

from __future__ import annotations

import glob
import json
import os
from itertools import chain, islice, takewhile

from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal

_DESTINATION = "org.freedesktop.systemd1"
UNIT_DIRECTORIES = (
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
)
TIMED_OUT = 124  # timeout(1)


class Service:
    """One service unit.

    :param run: ``AnsibleModule.run_command``.
    """

    def __init__(self, run, name):
        self._run = run
        self.name = name
        self._path = "/org/freedesktop/systemd1/unit/" + name.replace(".", "_2e")
        self.refresh()

    def refresh(self):
        unit = self._properties("Unit", "LoadState", "FragmentPath", "DropInPaths", "NeedDaemonReload")
        self.load_state, self.fragment, self.drop_ins, changed = unit
        self.outdated = changed or bool(self._drop_ins_on_disk() - {os.path.basename(path) for path in self.drop_ins})
        # ExecStart is a list of (path, argv, ignore failure, times and results ...).
        commands = self._properties("Service", "ExecStart")[0]
        self.argv = commands[0][1] if commands else []

    def _drop_ins_on_disk(self):
        """The names of all drop-ins; systemd itself does not notice the first one in a directory that is new."""
        found = (glob.glob(f"{directory}/{self.name}.d/*.conf") for directory in UNIT_DIRECTORIES)
        return {os.path.basename(path) for path in chain.from_iterable(found)}

    def _properties(self, interface, *names):
        command = [
            "busctl",
            "--json=short",
            "get-property",
            _DESTINATION,
            self._path,
            f"{_DESTINATION}.{interface}",
            *names,
        ]
        code, out, err = self._run(command)
        if code:
            raise Refusal(
                f"Cannot read {self.name} from systemd: {err.strip() or out.strip()}.",
                "This collection configures a dockerd that systemd runs.",
            )
        return [json.loads(line)["data"] for line in out.splitlines()]

    def reload(self):
        self._systemctl(["systemctl", "daemon-reload"], "reload")
        self.refresh()

    def restart(self, timeout):
        """Restart the service and wait until it says that it is ready; earlier failures do not count against it."""
        self._run(["systemctl", "reset-failed", self.name])
        self._systemctl(["timeout", str(timeout), "systemctl", "restart", self.name], "restart")

    def _systemctl(self, command, verb):
        code, _out, err = self._run(command)
        if code:
            log = self.log()
            cause = f"it is not ready after {command[1]} s" if code == TIMED_OUT else last_words(log) or err.strip()
            raise Refusal(f"Cannot {verb} {self.name}: {cause.rstrip('.')}.", "Its log is in 'log'.", log=log)

    def log(self, lines=15):
        """The service's last log lines."""
        out = self._run(["journalctl", "--no-pager", "--output=cat", f"--lines={lines}", f"--unit={self.name}"])[1]
        return out.splitlines()


def last_words(log):
    """What a service said right before systemd noted its end, its ordinary log lines left out; or None.

    :param log: lines of the journal, as :meth:`Service.log` returns them.
    """
    ends = [position for position, line in enumerate(log) if "Main process exited" in line]
    spoken = takewhile(lambda line: not line.startswith("time="), reversed(log[: ends[-1] if ends else 0]))
    return " ".join(reversed(list(islice(spoken, 2)))) or None
