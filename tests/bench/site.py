"""site.py [COUNT...]: playbooks/site.yml against the same job by hand (baseline.yml), for each number of hosts.

Both prove at their end that a container reaches the internet. They take turns, and who begins alternates: from
untouched hosts a first run, then runs that change nothing. Beside each of them runs a floor, a play of one empty module
call: the machine was quiet if both sides saw the same. Prints a table for the README. The lab is one of its own.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from statistics import median

from ansible.release import __version__ as core

ROOT = Path(__file__).parents[2]
SUITES = ("trixie", "bookworm", "forky", "bullseye")
PLAYBOOKS = {"site": "playbooks/site.yml", "hand": "tests/bench/baseline.yml", "floor": "tests/bench/floor.yml"}
LAB = f"{os.environ.get('LAB', 'v6ops-lab')}-bench"
FORKS = 8


def run(*command, **environment):
    environment = {**os.environ, "LAB": LAB, "ANSIBLE_FORKS": str(FORKS), "ANSIBLE_PIPELINING": "1", **environment}
    # Python reads what it has compiled before, as it does of any program that is installed.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(command, check=False, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


def play(playbook, hosts, *arguments):
    command = ["ansible-playbook", "--inventory", "tests/lab/inventory", *arguments, playbook]
    return run(*command, LAB_HOSTS=" ".join(hosts))


def build_images(count):
    for suite in SUITES[:count]:
        run("tests/lab/build-images", f"host:{suite}")
        image = ["--build-arg", f"SUITE={suite}", "--label", "v6ops-lab=", "--tag", f"v6ops-lab/bench:{suite}"]
        run("docker", "build", "--network", "host", *image, "tests/bench")


def reset(hosts):
    """New hosts that have finished to boot, with the image of the baseline."""
    play("tests/lab/create.yml", hosts, "--extra-vars", "lab_reset=true lab_image=v6ops-lab/bench")
    for host in hosts:
        settle = "systemctl is-system-running --wait >/dev/null; tar -C /srv/bb -c . | docker import - bb"
        run("docker", "exec", f"{LAB}-{host}", "sh", "-c", settle)


def timed(what, hosts):
    """The seconds that a playbook takes, and whether it changed anything."""
    start = time.monotonic()
    output = play(PLAYBOOKS[what], hosts)
    return time.monotonic() - start, bool(re.search(r"changed=[1-9]", output))


def measure(hosts, rounds, repeats):
    """Rows of (run, side, seconds, seconds of the floor beside it), as many of each side."""
    for number in range(rounds):
        for what in ("site", "hand") if number % 2 else ("hand", "site"):
            reset(hosts)
            for kind in ["first"] + ["unchanged"] * repeats:
                seconds, changed = timed(what, hosts)
                if changed != (kind == "first"):
                    sys.exit(f"{PLAYBOOKS[what]}: the {kind} run changed {'something' if changed else 'nothing'}.")
                floor, __ = timed("floor", hosts)
                print(f"{len(hosts)} {kind} {what} {seconds:.1f} s, floor {floor:.1f} s", file=sys.stderr, flush=True)
                yield kind, what, seconds, floor


def row(count, kind, measured):
    site, hand = ([row[2:] for row in measured if row[:2] == (kind, what)] for what in ("site", "hand"))
    (site_time, site_floor), (hand_time, hand_floor) = (map(median, zip(*times)) for times in (site, hand))
    cells = [count, kind, len(site), f"{site_time:.1f} s", f"{hand_time:.1f} s", f"{site_time / hand_time:.2f}"]
    cells += [f"{site_floor:.1f} s", f"{hand_floor:.1f} s"]
    return f"| {' | '.join(map(str, cells))} |"


def machine():
    cpu = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    return f"{len(os.sched_getaffinity(0))} cores of {cpu[1] if cpu else platform.machine()}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("counts", metavar="COUNT", type=int, nargs="*", default=[1, 8], help="how many hosts")
    parser.add_argument("--rounds", type=int, default=3, help="how often each side starts from untouched hosts")
    parser.add_argument("--unchanged", type=int, default=2, help="runs after the first one that change nothing")
    options = parser.parse_args()
    rows = []
    for count in options.counts:
        hosts = [f"{SUITES[number % len(SUITES)]}-{number}" for number in range(count)]
        try:
            build_images(count)
            measured = list(measure(hosts, options.rounds, options.unchanged))
        finally:
            play("tests/lab/destroy.yml", hosts)
        rows += [row(count, kind, measured) for kind in ("first", "unchanged")]
    print(
        f"{date.today()}, {machine()}, shared by all hosts; ansible-core {core}, {FORKS} forks, pipelining. Medians:\n"
    )
    print(
        "| hosts | run | times | `site.yml` | by hand | ratio | floor beside `site.yml` | by hand |\n"
        + "|---" * 8
        + "|"
    )
    print("\n".join(rows))


if __name__ == "__main__":
    main()
