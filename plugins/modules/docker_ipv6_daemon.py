#!/usr/bin/python
# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_ipv6_daemon
short_description: Give the containers of a Docker daemon IPv6
version_added: 0.1.0
author:
  - v6ops.docker contributors (@v6ops)
description:
  - Configures C(dockerd) so that its default bridge has IPv6 and user networks can have it, by a systemd drop-in of its
    own which keeps every argument and variable of the command line in effect, or by keys merged into C(daemon.json).
  - The state is judged by what the engine's API says, not by files, so a run that was cut off is finished by the next
    one.
  - What would keep C(dockerd) from starting again is refused before anything is changed, dormant faults included.
    Engines from 23 on are asked themselves (C(dockerd --validate)).
  - Where C(dockerd) does not come up with the change, or does not show it, the files return to what they were,
    C(dockerd) is started with them again, and the failure carries its last log lines.
  - A restart of C(dockerd) stops containers without a restart policy; those that ran are started again, in their order.
    Where it would remove one for good (C(docker run --rm)), nothing is changed.
extends_documentation_fragment:
  - v6ops.docker.dockerd
attributes:
  check_mode:
    description: Can run in check mode and predicts what would change, even where the libraries are still missing.
    support: full
  diff_mode:
    description: Shows the files that change.
    support: full
options:
  state:
    description:
      - V(absent) gives the host back as it was before the first run - the texts of the files, the default bridge, the
        forwarding of IPv6 and the policy of C(FORWARD), and C(accept_ra). It is kept in C(/var/lib/v6ops-docker).
      - As long as other networks of the engine have IPv6, the host keeps forwarding it, and a warning names them.
    type: str
    choices: [present, absent]
    default: present
  ip6tables:
    description:
      - Let C(dockerd) manage IPv6 rules itself, or not; by default it is left as it is.
      - Engines before 27 take it only with C(experimental), which is then switched on, too.
    type: bool
seealso:
  - module: v6ops.docker.docker_ipv6_info
  - module: v6ops.docker.ip6tables_nat
  - module: v6ops.docker.docker_ipv6_check
  - name: Enable IPv6 support
    description: Docker's own documentation.
    link: https://docs.docker.com/engine/daemon/ipv6/
"""

EXAMPLES = r"""
- name: IPv6 for containers, from a prefix of the host's own
  v6ops.docker.docker_ipv6_daemon:

- name: IPv6 for containers, from a prefix of yours, kept in daemon.json
  v6ops.docker.docker_ipv6_daemon:
    fixed_cidr_v6: fd12:3456:789a::/64
    config: daemon_json

- name: Prepare everything, and leave the restart to the next maintenance
  v6ops.docker.docker_ipv6_daemon:
    restart: never

- name: Give the host back as it was
  v6ops.docker.docker_ipv6_daemon:
    state: absent
"""

RETURN = r"""
fixed_cidr_v6:
  description: The prefix, in the canonical spelling of RFC 5952; V(null) with O(state=absent).
  type: str
  returned: success
  sample: fd12:3456:789a::/64
engine:
  description:
    - The engine's C(version), whether it manages IPv6 rules and so masquerades its bridges itself (C(ip6tables)), and
      its C(firewall_backend).
  type: dict
  returned: success
  sample: {version: 26.1.5, ip6tables: false, firewall_backend: iptables}
before:
  description:
    - The state found, with the texts of the files (V(null) where there is none), the interfaces that would lose their
      default route and are to be protected (V(default) for those to come), and the default bridge (V(null) where the
      engine did not answer).
  type: dict
  returned: success
  sample:
    files:
      /etc/sysctl.d/90-v6ops-docker.conf: null
      /etc/systemd/system/docker.service.d/zz-v6ops-docker.conf: null
    endangered_interfaces: [default, eth0]
    bridge: {name: bridge, interface: docker0, ipv6: false, subnets: []}
after:
  description: The state now, or in check mode the state that would be.
  type: dict
  returned: success
  sample:
    files:
      /etc/sysctl.d/90-v6ops-docker.conf: "net/ipv6/conf/default/accept_ra = 2\n…"
      /etc/systemd/system/docker.service.d/zz-v6ops-docker.conf: "[Service]\nExecStart=\nExecStart=dockerd …\n"
    endangered_interfaces: []
    bridge: {name: bridge, interface: docker0, ipv6: true, subnets: ["fd12:3456:789a::/64"]}
restarted:
  description: Whether C(dockerd) was restarted, or would be.
  type: bool
  returned: success
  sample: true
pending:
  description: What is left to do until the configuration is in effect.
  type: list
  elements: str
  returned: success
  sample: ["dockerd has to be restarted ('systemctl restart docker')"]
networks_without_ipv6:
  description: The user networks that have no IPv6; to have it, they would have to be created anew.
  type: list
  elements: str
  returned: success
  sample: [shop_default]
started_containers:
  description: The names of the containers that the restart had stopped and that were started again.
  type: list
  elements: str
  returned: success
  sample: [db]
missing_libraries:
  description: The Python libraries that the managed host lacks.
  type: list
  elements: str
  returned: when some are missing
  sample: [docker, pyroute2]
log:
  description: The last log lines of C(docker.service).
  type: list
  elements: str
  returned: when it failed to start
  sample: ["failed to start daemon: Error initializing network controller: …"]
"""

import os

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.v6ops.docker.plugins.module_utils._configuration import Configuration
from ansible_collections.v6ops.docker.plugins.module_utils._errors import failing, require_root
from ansible_collections.v6ops.docker.plugins.module_utils._libraries import fail_on_missing, missing_libraries
from ansible_collections.v6ops.docker.plugins.module_utils._wanted import WANTED_OPTIONS


def main():
    module = AnsibleModule(argument_spec=WANTED_OPTIONS, supports_check_mode=True)
    require_root(module, os.geteuid())
    missing = missing_libraries("docker", "pyroute2")
    if not module.check_mode:
        fail_on_missing(module, missing)
    with failing(module):
        configuration = Configuration(module, module.params, missing)
        if not module.check_mode:
            configuration.carry_out()
    module.exit_json(**configuration.result())


if __name__ == "__main__":
    main()
