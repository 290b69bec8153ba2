# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ssh does for the control node: work on a jump host, and the keys of hosts that it knows."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from ansible_collections.v6ops.docker.plugins.module_utils import _errors
from ansible_collections.v6ops.docker.plugins.module_utils._clean import clean
from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal
from ansible_collections.v6ops.docker.plugins.module_utils._ssh_neighbours import fingerprint

TIMEOUT = 120  # seconds
PACKAGE = "ansible_collections.v6ops.docker.plugins.module_utils"
# Python on the jump host gets the sources of the private utils with this behind them; nothing is written there.
PROGRAM = f"""
import importlib.abc, importlib.util, json, sys

class Sources(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path=None, target=None):
        if name in SOURCES or "{PACKAGE}.".startswith(name + "."):
            return importlib.util.spec_from_loader(name, self, is_package=name not in SOURCES)

    def exec_module(self, module):
        exec(compile(SOURCES.get(module.__name__, ""), module.__name__, "exec"), module.__dict__)

sys.meta_path.insert(0, Sources())
from {PACKAGE}._errors import Refusal
from {PACKAGE}._ssh_neighbours import ssh_neighbours
try:
    answer = {{"found": ssh_neighbours(**json.loads(OPTIONS))}}
except Refusal as refusal:
    answer = {{"refusal": str(refusal)}}
print(json.dumps(answer))
"""


def ssh_neighbours_from(jump_host, **options):
    """``ssh_neighbours`` on a jump host.

    :param jump_host: a :class:`JumpHost`.
    """
    sources = {
        f"{PACKAGE}.{path.stem}": path.read_text(encoding="utf-8")
        for path in Path(_errors.__file__).parent.glob("_*.py")
    }
    program = f"SOURCES = {sources!a}\nOPTIONS = {json.dumps(options)!a}\n{PROGRAM}"
    command = ["ssh", "-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", *jump_host.arguments, "python3 -"]
    where = f"the jump host {jump_host.host}"
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, input=program, text=True, errors="replace", timeout=TIMEOUT
        )
    except FileNotFoundError:
        raise Refusal(f"Cannot log in to {where}: there is no ssh.", "Install the client of OpenSSH.") from None
    except subprocess.TimeoutExpired:
        raise Refusal(f"Cannot look around from {where}: it took {TIMEOUT} s.", "Look at its load.") from None
    if done.returncode:
        cause = clean((done.stderr.strip().split("\n") or [""])[-1]).rstrip(".") or f"exit code {done.returncode}"
        if done.returncode == 255:
            problem, remedy = f"Cannot log in to {where}: {cause}.", "Have ssh log in there without a question."
        else:
            problem, remedy = f"Cannot look around from {where}: {cause}.", "It needs Python 3.9 or later as python3."
        raise Refusal(problem, remedy)
    try:
        # A shell's start-up files may print, too.
        answer = json.loads(done.stdout.rstrip("\n").split("\n")[-1])
    except ValueError as error:
        raise Refusal(f"Cannot read what {where} answers.", "Look at what its shell prints at a login.") from error
    if "refusal" in answer:
        raise Refusal(f"On {where}: {clean(answer['refusal'], 1000)}", "")
    return answer["found"]


def known_keys(path, name):
    """The keys that ssh knows of a name, as pairs of type and fingerprint.

    :param path: of a file of known hosts, which need not exist.
    """
    if not os.path.exists(path):
        return set()
    done = subprocess.run(["ssh-keygen", "-F", name, "-f", path], check=False, capture_output=True, text=True)
    if done.returncode and done.stderr:
        raise Refusal(f"Cannot read {path}: {clean(done.stderr.strip())}", "Look at the file and its mode.")
    # Lines are comments, keys, or keys behind a marker (@revoked), which ssh itself deals with.
    fields = [line.split() for line in done.stdout.split("\n") if line and line[0] not in "#@"]
    return {(one[1], fingerprint(one[2])) for one in fields if len(one) > 2}
