#!/usr/bin/python
# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_ipv6_info
short_description: Tell what stands for and against IPv6 on a Docker host
version_added: 0.1.0
author:
  - v6ops.docker contributors (@v6ops)
description:
  - What M(v6ops.docker.docker_ipv6_daemon) would find before it changes anything, as facts; it changes nothing.
requirements:
  - docker >= 4.1 (the Python library), on the managed host
  - pyroute2 >= 0.5.14, on the managed host
  - systemd >= 247, which runs C(docker.service)
attributes:
  check_mode:
    description: Can run in check mode, and is the same there.
    support: full
  diff_mode:
    description: Has nothing to show.
    support: none
seealso:
  - module: v6ops.docker.docker_ipv6_daemon
"""

EXAMPLES = r"""
- name: See what stands in the way on this host
  v6ops.docker.docker_ipv6_info:
  register: docker_ipv6

- name: Show it
  ansible.builtin.debug:
    var: docker_ipv6.problems
"""

RETURN = r"""
problems:
  description: Whatever would make M(v6ops.docker.docker_ipv6_daemon) refuse, each a cause and a remedy.
  type: list
  elements: str
  returned: success
  sample:
    - "Cannot change the IPv6 of the default bridge: live-restore is on and containers are running, …"
configured:
  description: Whether this collection has configured the host.
  type: bool
  returned: success
  sample: true
engine:
  description:
    - Its C(version), whether it manages IPv6 rules and so masquerades its bridges itself (C(ip6tables)), its
      C(firewall_backend), whether C(live_restore) is on, and whether containers are C(running).
  type: dict
  returned: success, V(null) where docker.service cannot be used
  sample: {version: 26.1.5, ip6tables: false, firewall_backend: iptables, live_restore: false, running: true}
networks:
  description: The bridge networks of the engine.
  type: list
  elements: dict
  returned: success
  sample:
    - {name: bridge, interface: docker0, ipv6: true, subnets: ["fd12:3456:789a::/64"]}
networks_without_ipv6:
  description: The user networks that have no IPv6; to have it, they would have to be created anew.
  type: list
  elements: str
  returned: success
  sample: [shop_default]
pools:
  description: What user networks get their subnets from, where C(default-address-pools) is set.
  type: list
  elements: dict
  returned: success
  sample:
    - {base: "fd12:3456:789a:1::/64", size: 80}
unit:
  description:
    - docker.service - the files that make it up, the effective C(ExecStart=) of the host itself, the arguments that the
      next start would have and those of the running process (V(null) where it does not run).
  type: dict
  returned: success, V(null) where docker.service cannot be used
  sample:
    files: [/usr/lib/systemd/system/docker.service]
    exec_start: /usr/sbin/dockerd -H fd:// $DOCKER_OPTS
    arguments: [/usr/sbin/dockerd, -H, "fd://", --ipv6, "--fixed-cidr-v6=fd12:3456:789a::/64"]
    running: [/usr/sbin/dockerd, -H, "fd://", --ipv6, "--fixed-cidr-v6=fd12:3456:789a::/64"]
config_file:
  description: The file that C(dockerd) is configured by, and what it sets of IPv6.
  type: dict
  returned: success, V(null) where docker.service cannot be used
  sample: {path: /etc/docker/daemon.json, exists: true, settings: {}}
uplink:
  description: Whether the host forwards IPv6, and the interfaces that would lose their default route once it does.
  type: dict
  returned: success, V(null) where docker.service cannot be used
  sample: {forwarding: true, endangered_interfaces: []}
prefix:
  description: The prefix of the default bridge that is derived from this host.
  type: str
  returned: success
  sample: fd12:3456:789a::/64
pool:
  description: The pool of user networks that is derived from this host.
  type: str
  returned: success
  sample: fd12:3456:789a::/48
"""

import dataclasses
import os

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.v6ops.docker.plugins.module_utils._command_line import expand
from ansible_collections.v6ops.docker.plugins.module_utils._daemon import findings, plan
from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal, failing, require_root
from ansible_collections.v6ops.docker.plugins.module_utils._json_text import parse_object
from ansible_collections.v6ops.docker.plugins.module_utils._libraries import fail_on_missing, missing_libraries
from ansible_collections.v6ops.docker.plugins.module_utils._prefix import host_pool, host_prefix
from ansible_collections.v6ops.docker.plugins.module_utils._state import (
    Want,
    base,
    engine_facts,
    networks_without_ipv6,
    ours_of,
)
from ansible_collections.v6ops.docker.plugins.module_utils._survey import look
from ansible_collections.v6ops.docker.plugins.module_utils._systemd import Service
from ansible_collections.v6ops.docker.plugins.module_utils._validation import validate

UNKNOWN = {
    "configured": False,
    "engine": None,
    "networks": [],
    "networks_without_ipv6": [],
    "pools": [],
    "unit": None,
    "config_file": None,
    "uplink": None,
}


def facts(have, service):
    info = have.info or {}
    return {
        "configured": have.record is not None,
        "engine": {**engine_facts(have, {}), **{key: info.get(key) for key in ("live_restore", "running")}},
        "networks": have.networks,
        "networks_without_ipv6": networks_without_ipv6(have),
        "pools": info.get("pools", []),
        "unit": {
            "files": [service.fragment, *service.drop_ins],
            "exec_start": base(have).command,
            "arguments": expand(have.argv, have.environment),
            "running": have.running_argv,
        },
        "config_file": {
            "path": have.config_file.path,
            "exists": have.config_file.text is not None,
            "settings": ours_of(parse_object(have.config_file.text or "") or {}),
        },
        "uplink": {
            "forwarding": have.forwarding.get("all") == "1",
            "endangered_interfaces": have.endangered,
        },
    }


def all_problems(module, have, want):
    """What we find, and where that is nothing, what dockerd itself does."""
    found = findings(have, want)
    if not found:
        todo = plan(have, want)
        try:
            validate(module, have.version, todo.command, have.config_file.path, todo.config)
        except Refusal as refusal:
            found = [refusal]
    return [str(one) for one in found]


def main():
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    require_root(module, os.geteuid())
    fail_on_missing(module, missing_libraries("docker", "pyroute2"))
    with failing(module):
        prefix, pool = host_prefix(), host_pool()
        try:
            service = Service(module.run_command, "docker.service")
            engine, have = look(module, service)
        except Refusal as refusal:
            result, problems = UNKNOWN, [str(refusal)]
        else:
            if engine:
                have = dataclasses.replace(have, containers=engine.running_containers())
            result, problems = facts(have, service), all_problems(module, have, Want(prefix=prefix, pool=pool))
    module.exit_json(changed=False, problems=problems, prefix=str(prefix), pool=str(pool), **result)


if __name__ == "__main__":
    main()
