"""site.py [COUNT...]: playbooks/site.yml against the same job by hand (baseline.yml), for each number of hosts.

Both prove at their end that a container reaches the internet. They have hosts of their own in a lab of its own, and run
in turns: a pair of first runs on untouched hosts, then pairs of runs that change nothing. A floor, a play of one empty
module call, is timed with each pair. Prints a table for the README.
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


def names(side, count):
    return [f"{SUITES[number % len(SUITES)]}-{side}{number}" for number in range(count)]


def run(*command, **environment):
    environment = {**os.environ, "LAB": LAB, "ANSIBLE_FORKS": str(FORKS), "ANSIBLE_PIPELINING": "1", **environment}
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


def timed(what, hosts, unchanged):
    start = time.monotonic()
    output = play(PLAYBOOKS[what], hosts)
    seconds = time.monotonic() - start
    if unchanged and re.search(r"changed=[1-9]", output):
        sys.exit(f"The second run of {PLAYBOOKS[what]} changed something.\n{output}")
    return seconds


def pairs(hosts, repeats, unchanged):
    """The seconds of each playbook in each pair; who begins alternates."""
    for repeat in range(repeats):
        if not unchanged:
            reset(hosts["site"] + hosts["hand"])
        order = ["site", "hand"] if repeat % 2 else ["hand", "site"]
        pair = {what: timed(what, hosts[what], unchanged) for what in [*order, "floor"]}
        print(len(hosts["site"]), "unchanged" if unchanged else "first", pair, file=sys.stderr)
        yield pair


def row(count, name, measured):
    seconds = " | ".join(f"{median(pair[what] for pair in measured):.1f} s" for what in ("site", "hand"))
    ratio = median(pair["site"] / pair["hand"] for pair in measured)
    return f"| {count} | {name} | {seconds} | {ratio:.2f} | {median(pair['floor'] for pair in measured):.1f} s |"


def machine():
    cpu = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    return f"{len(os.sched_getaffinity(0))} cores of {cpu[1] if cpu else platform.machine()}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("counts", metavar="COUNT", type=int, nargs="*", default=[1, 8], help="how many hosts")
    parser.add_argument("--first", type=int, default=3, help="pairs on untouched hosts")
    parser.add_argument("--unchanged", type=int, default=5, help="pairs that change nothing")
    options = parser.parse_args()
    rows = []
    for count in options.counts:
        hosts = {"site": names("site", count), "hand": names("hand", count)}
        hosts["floor"] = hosts["site"]
        try:
            build_images(count)
            first = list(pairs(hosts, options.first, unchanged=False))
            unchanged = list(pairs(hosts, options.unchanged, unchanged=True))
        finally:
            play("tests/lab/destroy.yml", hosts["site"] + hosts["hand"])
        rows += [row(count, "first", first), row(count, "unchanged", unchanged)]
    print(
        f"{date.today()}, {machine()}, the hosts on the same machine. ansible-core {core}, {FORKS} forks, pipelining."
    )
    print(f"Medians of {options.first} pairs of first runs and {options.unchanged} that change nothing.\n")
    print("| hosts | run | `site.yml` | by hand | ratio | an empty play |\n|---|---|---|---|---|---|")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
