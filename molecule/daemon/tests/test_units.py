"""What is made of unit files, against systemd itself: thousands of generated command lines and environment files.

A failure prints the case; SEED in the environment repeats a run, CASES makes it longer.
"""

from __future__ import annotations

import json
import os
import random

import pytest

from ansible_collections.v6ops.docker.plugins.module_utils._command_line import (
    parse_environment_file,
    started,
    words,
)
from ansible_collections.v6ops.docker.plugins.module_utils._unit import exec_starts, extend_exec_start

testinfra_hosts = ["ansible://bullseye", "ansible://trixie", "ansible://forky"]
SEED = int(os.environ.get("SEED", random.SystemRandom().randrange(2**32)))
CASES = int(os.environ.get("CASES", "1000"))
FLAGS = ["--ipv6", "--fixed-cidr-v6=fd00:1::/64", "--default-address-pool=base=172.28.0.0/14,size=16"]
PREFIXES = ["", "", "", "", "-", "+", "!", "-+", ":", "@"]
PROGRAMS = ["/usr/sbin/dockerd", '"/usr/sbin/dockerd"', "/usr/bin/env dockerd", "/usr/sbin/docker\\x64"]
ATOMS = [
    *(
        "-H",
        "fd://",
        "--debug",
        "--label=a=b",
        "--log-opt",
        "max-size=10m",
        "$DOCKER_OPTS",
        "${OPTS}",
        "a${B}c",
        "$$HOME",
    ),
    *(
        "%%",
        "%n",
        "a%%b",
        r"\x41\x20b",
        r"\s",
        r"\t",
        r"\101",
        r"\u00e9",
        r"\\",
        r"\"",
        r"\'",
        r"\q",
        r"\;",
        "''",
        '""',
    ),
    *(
        "'a b'",
        '"c d"',
        "x'y z'w",
        '"it\'s"',
        "'say \"x\"'",
        r'"a\"b"',
        r"'a\'b'",
        '"\t"',
        "é",
        "#x",
        "=",
        "--a='b'",
        "$",
        "${",
    ),
    *("--ipv6=false", "--fixed-cidr-v6 fd00:9::/64", "[::1]:2375", "a;b", "!", "@x", "~", "*"),
]
GAPS = [" ", "  ", "\t", " \\\n", " \\\n    ", "\\\n ", " \\\n# a comment\n ", " \\\n  ; another\n  "]
ENDS = ["", " ", "\t", " \\", "\\\n"]

RUN = """\
import json, os, subprocess, sys
from concurrent.futures import ThreadPoolExecutor
cases = json.load(open("/run/cases.json"))
BUS = ["busctl", "--json=short", "get-property", "org.freedesktop.systemd1"]
def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    open(path, "w", encoding="utf-8").write(text)
def command(number):
    unit = f"/org/freedesktop/systemd1/unit/case{number}_2eservice"
    out = subprocess.run([*BUS, unit, "org.freedesktop.systemd1.Service", "ExecStart"], capture_output=True).stdout
    return [entry[:3] for entry in json.loads(out)["data"]] if out else None
def commands():
    subprocess.run(["systemctl", "daemon-reload"], check=True)
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(command, range(len(cases))))
for number, case in enumerate(cases):
    for name, text in case["files"].items():
        write(f"/run/systemd/system/case{number}.service{name}", text)
before = commands()
for number, case in enumerate(cases):
    write(f"/run/systemd/system/case{number}.service.d/zz.conf", case["drop_in"])
print(json.dumps([before, commands()]))
"""

START = """\
import json, os, subprocess
cases = json.load(open("/run/cases.json"))
for number, case in enumerate(cases):
    open(f"/run/env{number}", "w", encoding="utf-8", newline="").write(case["environment"])
    open(f"/run/systemd/system/start{number}.service", "w", encoding="utf-8").write(
        "[Service]\\nType=oneshot\\nEnvironment=B=from-unit\\n"
        f"EnvironmentFile=/run/env{number}\\nStandardOutput=file:/run/out{number}\\n"
        f"ExecStart=/usr/bin/printf %%s\\\\\\\\0 {case['command']}\\n"
    )
subprocess.run(["systemctl", "daemon-reload"], check=True)
for begin in range(0, len(cases), 100):
    names = [f"start{number}" for number in range(begin, min(begin + 100, len(cases)))]
    subprocess.run(["systemctl", "start", *names], capture_output=True)
print(json.dumps([
    open(path, newline="").read() if os.path.exists(path) else None
    for path in (f"/run/out{number}" for number in range(len(cases)))
]))
"""


@pytest.fixture(name="ask_systemd")
def _ask_systemd(host):
    """A function that gives cases to a script on the host, and returns what it prints."""

    def run(cases, script):
        text = json.dumps(cases)
        host.check_output("rm -f /run/cases.json")
        for begin in range(0, len(text), 100_000):
            host.check_output("printf %%s %s >> /run/cases.json", text[begin : begin + 100_000])
        return json.loads(host.check_output("/usr/bin/python3 -c %s", script))

    yield run
    host.check_output(
        "rm -rf /run/systemd/system/case* /run/systemd/system/start* /run/env* /run/out* /run/cases.json; "
        "systemctl daemon-reload; systemctl reset-failed"
    )


def random_command(rng):
    prefix, program = rng.choice(PREFIXES), rng.choice(PROGRAMS)
    if prefix == "@":
        program = "/usr/sbin/dockerd dockerd"
    atoms = [rng.choice(ATOMS) for __ in range(rng.randrange(9))]
    return prefix + program + "".join(rng.choice(GAPS) + atom for atom in atoms) + rng.choice(ENDS)


def random_files(rng):
    """The texts of a unit and its drop-in; the effective command is the last one."""
    head, command = "[Unit]\nDescription=x\\\n  y\n\n[Service]\n# ExecStart=no\nType=notify\n", random_command(rng)
    if rng.random() < 0.5:
        return {"": f"{head}ExecStart={command}\n"}
    lines = ["[Service]", rng.choice(["ExecStart=", "  ExecStart = ", "ExecStart=\t"])]
    lines += [*rng.sample(["LimitNOFILE=9", "; c", "", "ExecStartPre=/bin/true"], 2), f"ExecStart={command}"]
    return {"": f"{head}ExecStart={random_command(rng)}\n", ".d/override.conf": "\n".join(lines)}


def test_a_command_line_differs_by_our_flags_alone(ask_systemd):
    rng = random.Random(SEED)
    cases, commands = [], []
    for __ in range(CASES):
        files = random_files(rng)
        effective = exec_starts(files.values())
        commands.append(effective[-1] if effective else "/bin/true")
        cases.append({"files": files, "drop_in": extend_exec_start(commands[-1], FLAGS)})
    valid = 0
    for case, command, before, after in zip(cases, commands, *ask_systemd(cases, RUN), strict=True):
        if not before:
            # systemd does not take it; with our flags it must not take it for something else.
            assert not after, case
            continue
        valid += 1
        (path, argv, ignores_failure) = before[0]
        assert len(before) == 1, case
        assert after == [[path, argv + FLAGS, ignores_failure]], case
        if "%" not in command and not command.startswith("@"):
            assert argv[1:] == words(command)[1:], case
    assert valid > CASES / 2


def random_environment(rng):
    values = [
        *(
            "1",
            "a b",
            "'a b'",
            '"a b"',
            "'a'\"b\" c",
            'x"y"',
            "a\\ b",
            'a\\"b',
            "'a\\b'",
            '"a\\$b\\nc"',
            "a\\\nb",
            '"a\nb"',
        ),
        *("--ipv6", "'--label x=y' --debug", "  spaced  ", "", "''", "a#b", "# no", "$B ${B}", "é", "a ; b"),
    ]
    lines = [
        f"{rng.choice('ABC')}{rng.choice(['=', ' = ', '= '])}{rng.choice(values)}" for __ in range(rng.randrange(5))
    ]
    return rng.choice(["\n", "\n\n", "\n# comment\n", "\n; comment\n"]).join(lines) + rng.choice(["", "\n"])


def test_variables_are_what_a_service_is_started_with(ask_systemd):
    rng = random.Random(SEED)
    atoms = ["$A", "${A}", "x${B}y", "$B", "$$A", "x$A", "'$A'", '"${C}"', "$C", "plain", "${D}", "$D", "'a b'"]
    cases = [
        {"environment": random_environment(rng), "command": " ".join(rng.choice(atoms) for __ in range(4))}
        for __ in range(CASES // 4)
    ]
    for case, out in zip(cases, ask_systemd(cases, START), strict=True):
        environment = {"B": "from-unit", **parse_environment_file(case["environment"])}
        expected = started(f"/usr/bin/printf {case['command']}", environment)[1:]
        # printf without an argument prints its format once.
        assert out is not None, case
        assert out.split("\0")[:-1] == (expected or [""]), (case, environment)
