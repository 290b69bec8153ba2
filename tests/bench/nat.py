"""nat.py [HOST]: a thousand prefixes by one call of ip6tables_nat, against a loop of ansible.builtin.iptables.

Needs the lab up. The loop is timed for a sample and extrapolated, with one rule for a prefix; ip6tables_nat has nine.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from datetime import datetime
from pathlib import Path

ROOT = Path(__file__).parents[2]
PREFIXES = [f"fd00:bec:{number:x}::/64" for number in range(1000)]
SAMPLE = 50
ONE_CALL = {"v6ops.docker.ip6tables_nat": {"name": "bench", "sources": PREFIXES}}
RULE = {"ip_version": "ipv6", "table": "nat", "chain": "BENCH", "source": "{{ item }}", "jump": "MASQUERADE"}
TASKS = [
    {"name": "warm up", "v6ops.docker.ip6tables_nat": {"name": "bench", "state": "absent"}},
    {"name": "first", **ONE_CALL},
    {"name": "unchanged", **ONE_CALL},
    {"name": "chain", "ansible.builtin.command": "ip6tables -t nat -N BENCH"},
    {"name": "loop", "ansible.builtin.iptables": RULE, "loop": PREFIXES[:SAMPLE]},
    {"name": "flush", "ansible.builtin.command": "ip6tables -t nat -F BENCH"},
    {"name": "delete", "ansible.builtin.command": "ip6tables -t nat -X BENCH"},
    {"name": "absent", "v6ops.docker.ip6tables_nat": {"name": "bench", "state": "absent"}},
]


def main():
    host = sys.argv[1] if len(sys.argv) > 1 else "trixie"
    environment = {"ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"}
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="ascii") as playbook:
        json.dump([{"hosts": host, "gather_facts": False, "tasks": TASKS}], playbook)
        playbook.flush()
        command = ["ansible-playbook", "--inventory", "tests/lab/inventory", playbook.name]
        done = subprocess.run(
            command, check=False, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True
        )
    if done.returncode:
        sys.exit(done.stdout[-2000:] + done.stderr)
    seconds = {}
    for task in json.loads(done.stdout)["plays"][0]["tasks"]:
        start, end = (datetime.fromisoformat(task["task"]["duration"][key].rstrip("Z")) for key in ("start", "end"))
        seconds[task["task"]["name"]] = (end - start).total_seconds()
    loop = seconds["loop"] / SAMPLE * len(PREFIXES)
    print(f"{len(PREFIXES)} prefixes on {host}, times as Ansible sees them, its own overhead included:")
    print(f"  ip6tables_nat, first      {seconds['first']:8.2f} s")
    print(f"  ip6tables_nat, unchanged  {seconds['unchanged']:8.2f} s")
    print(f"  ip6tables_nat, absent     {seconds['absent']:8.2f} s")
    print(f"  a loop of iptables        {loop:8.0f} s, from {SAMPLE} that took {seconds['loop']:.1f} s")
    print(f"  the loop takes {loop / seconds['first']:.0f} times as long as the first call")


if __name__ == "__main__":
    main()
