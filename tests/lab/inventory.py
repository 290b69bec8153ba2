#!/usr/bin/env python3
"""The hosts of the lab, one for each Docker engine that Debian ships.

LAB=NAME in the environment makes it a lab of its own, beside others on the same engine.
"""

from __future__ import annotations

import json
import os

LAB = os.environ.get("LAB", "v6ops-lab")
# Debian's dockerd 20.10.5, 20.10.24, 26.1 and 28.5.
HOSTS = ["bullseye", "bookworm", "trixie", "forky"]
COMMON = {
    "ansible_connection": "community.docker.docker",
    "ansible_python_interpreter": "/usr/bin/python3",
    "docker_ipv6_verify_targets": ["2001:db8:dead::1"],
}
hostvars = {suite: {**COMMON, "ansible_host": f"{LAB}-{suite}"} for suite in HOSTS}
print(json.dumps({"lab": {"hosts": HOSTS}, "all": {"vars": {"lab_name": LAB}}, "_meta": {"hostvars": hostvars}}))
