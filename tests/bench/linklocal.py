"""linklocal.py [PYTHON]: linklocal_probe against fping and icmplib, on links of its own, in one run.

fping has to be installed, and icmplib for the Python that is named; what is not there is left out. Needs root. Every
tool runs as a process of its own, and starts with an empty neighbour table. Times are medians, with the fastest and the
slowest run.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests/link"), str(ROOT / ".collections")]

from beds import PROBER, Link, ip, link_local, table_overflows  # noqa: E402
from fakes import address  # noqa: E402

from ansible_collections.v6ops.docker.plugins.module_utils._discovery import discover  # noqa: E402

RUNS, DISCOVERIES = 7, 20
COUNT, INTERVAL = 3, 0.2
OURS = f"""
import json, sys, time
from ansible_collections.v6ops.docker.plugins.module_utils._echo import echo
from ansible_collections.v6ops.docker.plugins.module_utils._interfaces import interfaces
from ansible_collections.v6ops.docker.plugins.module_utils._sweep import absent
from ansible_collections.v6ops.docker.plugins.module_utils._targets import parse_targets
known = interfaces()
begin = time.monotonic()
targets = parse_targets(sys.stdin.read().split(), None, known)
found = echo(targets, {COUNT}, {INTERVAL}, 1, lambda several: absent(several, known, 1))
print(json.dumps([time.monotonic() - begin, found]))
"""
ICMPLIB = f"""
import json, sys, icmplib
hosts = icmplib.multiping(sys.stdin.read().split(), count={COUNT}, interval={INTERVAL}, timeout=1)
print(json.dumps([[one.address, one.packets_received, one.min_rtt] for one in hosts]))
"""


def run(command, targets):
    """Run a tool on targets, from an empty neighbour table.

    :returns: seconds, and what it printed.
    """
    ip("-6", "neigh", "flush", "dev", PROBER)
    environment = {**os.environ, "PYTHONPATH": str(ROOT / ".collections")}
    # Python reads what it has compiled before, as it does of any program that is installed.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    begin = time.monotonic()
    done = subprocess.run(
        command, check=False, input="\n".join(targets), capture_output=True, text=True, env=environment
    )
    return time.monotonic() - begin, done


def ours(targets):
    """Seconds, and for each target how many echoes were answered and the shortest time in milliseconds."""
    seconds, done = run([sys.executable, "-c", OURS], targets)
    return seconds, rtts(json.loads(done.stdout)[1])


def ours_within(targets):
    """The same, with the seconds that pass in Python after its start."""
    __, done = run([sys.executable, "-c", OURS], targets)
    seconds, found = json.loads(done.stdout)
    return seconds, rtts(found)


def rtts(found):
    return {one["target"]: (one["received"], one["rtt_ms"]["min"] if one["rtt_ms"] else None) for one in found}


def fping(targets):
    period = str(round(INTERVAL * 1000))
    seconds, done = run(["fping", "-6", "-i", "0", "-p", period, "-t", "1000", "-C", str(COUNT), "-q"], targets)
    found = {}
    for line in done.stderr.splitlines():
        target, colon, times = line.rpartition(" : ")
        answered = [float(one) for one in times.split() if re.fullmatch(r"[0-9.]+", one)]
        if colon:
            found[target.strip()] = (len(answered), min(answered, default=None))
    return seconds, found


def icmplib(targets, python):
    seconds, done = run([python, "-c", ICMPLIB], targets)
    found = json.loads(done.stdout)
    return seconds, {target: (received, rtt if received else None) for target, received, rtt in found}


def show(name, seconds, found, live):
    received = sum(found.get(target, (0,))[0] for target in live)
    rtts = [found[target][1] * 1000 for target in live if found.get(target, (0,))[0]]
    spread = f"{statistics.median(seconds):7.3f} s  ({min(seconds):.3f} to {max(seconds):.3f})"
    print(
        f"  {name:22} {spread}  answers {received} of {COUNT * len(live)}  RTT {statistics.median(rtts):.0f} µs",
        flush=True,
    )


def compare(title, tools, targets, live, runs):
    print(f"{title}, {COUNT} echoes every {INTERVAL} s:")
    seconds, found = {name: [] for name in tools}, {}
    for __ in range(runs):
        for name, tool in tools.items():
            took, found[name] = tool(targets)
            seconds[name].append(took)
    for name in tools:
        show(name, seconds[name], found[name], live)
    for name in list(tools)[2:]:
        for our in list(tools)[:2]:
            ratios = [one / other for one, other in zip(seconds[our], seconds[name])]
            print(f"  {our}: {statistics.median(ratios):.2f} times as long as {name}")


def find(link, title, *options):
    with link.fakes("--count", "512", "--jitter", "0.05", *options):
        seconds, found = [], []
        for __ in range(DISCOVERIES):
            begin = time.monotonic()
            found.append(len(discover(PROBER)))
            seconds.append(time.monotonic() - begin)
    complete = sum(one == 512 for one in found)
    print(
        f"Discovery of 512, {title}: {statistics.median(seconds):.3f} s ({min(seconds):.3f} to {max(seconds):.3f}), "
        f"complete {complete} of {DISCOVERIES}, on average {statistics.mean(found) / 5.12:.2f} %, at worst {min(found)}"
    )


def main():
    if "IN_NAMESPACES" not in os.environ:
        namespaces = str(ROOT / "tests/link/namespaces")
        os.execv(namespaces, [namespaces, sys.executable, *sys.argv])
    tools = {"ours": ours, "ours, once Python runs": ours_within}
    if shutil.which("fping"):
        tools["fping -i 0"] = fping
    slow = {"icmplib": lambda targets: icmplib(targets, sys.argv[1])} if len(sys.argv) > 1 else {}
    with Link() as link:
        link_local(PROBER)
        live = [f"{one}%{PROBER}" for one in link.add_farm(64, 8)]
        compare("512 live targets", {**tools, **slow}, live, live, RUNS)
        dead = [f"fe80::dead:{number:x}%{PROBER}" for number in range(2000)]
        half = [one for pair in zip(live, dead[:256]) for one in pair]
        compare("256 live targets among 256 dead ones", tools, half, live[:256], 3)
    with Link() as link:
        link_local(PROBER)
        find(link, "no loss")
        find(link, "5 % of questions and 5 % of answers lost", "--loss", "0.05")
        with link.fakes("--count", "512"):
            live = [f"{address(number)}%{PROBER}" for number in range(512)]
            for name, tool in tools.items():
                before = table_overflows()
                took, found = tool([*live, *dead])
                answered = sum(found.get(one, (0,))[0] for one in live)
                print(
                    f"512 live targets among 2000 dead ones, {name}: {took:.3f} s, "
                    f"answers {answered} of {512 * COUNT}, "
                    f"the neighbour table had no room {table_overflows() - before} times"
                )


if __name__ == "__main__":
    main()
