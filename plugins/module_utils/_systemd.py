# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A service as the running systemd sees it, over its D-Bus interface (org.freedesktop.systemd1(5))."""

from __future__ import annotations

import glob
import json
import os
import time
from itertools import chain

from ansible_collections.v6ops.docker.plugins.module_utils._command_line import parse_environment_file
from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal
from ansible_collections.v6ops.docker.plugins.module_utils._files import read_text

_DESTINATION = "org.freedesktop.systemd1"
UNIT_DIRECTORIES = (
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
)


class Service:
    """One service unit.

    :param run: ``AnsibleModule.run_command``.
    """

    def __init__(self, run, name):
        self._run_command = run
        self.name = name
        self._path = "/org/freedesktop/systemd1/unit/" + name.replace(".", "_2e")
        self.refresh()

    def refresh(self):
        """Read the unit again.

        ``load_state``, ``active_state``, ``fragment`` and ``drop_ins`` (paths), ``argv``, ``environment``, ``pid``, and
        ``started``, when its process began, in seconds of :func:`time.time`.
        """
        unit = self._properties("Unit", "LoadState", "ActiveState", "FragmentPath", "DropInPaths", "NeedDaemonReload")
        self.load_state, self.active_state, self.fragment, self.drop_ins, changed = unit
        self.outdated = changed or bool(self._drop_ins_on_disk() - {os.path.basename(path) for path in self.drop_ins})
        # ExecStart is a list of (path, argv, ignore failure, times and results ...).
        commands, variables, files, self.pid, started = self._properties(
            "Service", "ExecStart", "Environment", "EnvironmentFiles", "MainPID", "ExecMainStartTimestamp"
        )
        self.argv = commands[0][1] if commands else []
        self.started = started / 1e6
        self.environment = dict(variable.partition("=")[::2] for variable in variables)
        for pattern, __ in files:
            for path in sorted(glob.glob(pattern)):
                self.environment.update(parse_environment_file(read_text(path) or ""))

    def _drop_ins_on_disk(self):
        """The names of all drop-ins; systemd itself does not notice the first one in a directory that is new."""
        found = (glob.glob(f"{directory}/{self.name}.d/*.conf") for directory in UNIT_DIRECTORIES)
        return {os.path.basename(path) for path in chain.from_iterable(found)}

    def _properties(self, interface, *names):
        command = ["busctl", "--json=short", "get-property", _DESTINATION, self._path, f"{_DESTINATION}.{interface}"]
        try:
            code, out, err = self._run([*command, *names])
        except FileNotFoundError:
            code, out, err = 1, "", "it does not run here"
        if code:
            raise Refusal(
                f"Cannot read {self.name} from systemd: {(err.strip() or out.strip()).rstrip('.')}.",
                "This collection configures a dockerd that systemd runs.",
            )
        return [json.loads(line)["data"] for line in out.splitlines()]

    def running_argv(self):
        """The command line of the running process, its variables expanded; None where there is none."""
        text = read_text(f"/proc/{self.pid}/cmdline") if self.pid else None
        return text.split("\0")[:-1] if text else None

    def complaints(self):
        """What ``systemd-analyze verify`` has to say of the unit, as a set of lines."""
        __, out, err = self._run(["systemd-analyze", "--no-pager", "verify", self.name])
        return set((out + err).splitlines())

    def reload(self):
        code, _out, err = self._run(["systemctl", "daemon-reload"])
        if code:
            raise Refusal(f"Cannot make systemd read its units again: {err.strip()}", "See 'journalctl --boot'.")
        self.refresh()

    def restart(self, timeout):
        """Restart the service and wait until it says that it is ready; earlier failures do not count against it.

        systemd owns the job, so that a service is not left stopped where this process dies.

        :param timeout: seconds it may take to start; the time that it takes to stop is the unit's own matter.
        """
        begin = int(time.time())
        self._run(["systemctl", "reset-failed", self.name])
        code, __, err = self._run(["systemctl", "restart", "--no-block", self.name])
        if code:
            raise self._failure(" ".join(err.split()), begin)
        deadline = time.monotonic() + timeout
        while True:
            (job, _job_path), state = self._properties("Unit", "Job", "ActiveState")
            if not job:
                break
            if state == "deactivating":
                deadline = time.monotonic() + timeout
            if time.monotonic() > deadline:
                raise self._failure(f"it is not ready after {timeout} s", begin)
            time.sleep(0.1)
        if state != "active":
            raise self._failure(self._last_words(begin) or f"it is {state}", begin)

    def _failure(self, cause, begin):
        log = self._journal(begin, f"--unit={self.name}")[-15:]
        return Refusal(f"Cannot restart {self.name}: {cause.rstrip('.')}.", "", log=log)

    def _last_words(self, begin):
        """What the service said at its end, its ordinary log lines left out."""
        said = self._journal(begin, f"_SYSTEMD_UNIT={self.name}")
        return " ".join([line for line in said if not line.startswith("time=")][-2:])

    def _journal(self, begin, match):
        self._run(["journalctl", "--sync"])
        return self._run(["journalctl", "--no-pager", "--output=cat", f"--since=@{begin}", match])[1].splitlines()

    def _run(self, command):
        return self._run_command(command, handle_exceptions=False)
