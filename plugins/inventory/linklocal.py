# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: linklocal
short_description: Hosts on a link that answer on ssh, by their link-local addresses
version_added: 0.1.0
author: v6ops.docker contributors (@v6ops)
description:
  - Finds the neighbours on links of the control node, or of jump hosts, that answer on ssh, and makes them hosts that
    Ansible logs in to by their link-local IPv6 addresses. They need no configured address at all.
  - The configuration is a YAML file whose name ends in C(linklocal.yml) or C(linklocal.yaml).
  - A host is called as O(names) says, with O(mdns) as it calls itself, else by its ssh host key, as
    C(ssh-3f2a91c04be1). It keeps that name when its address changes.
  - A neighbour that is in conflict becomes a host of its own, as C(conflict-web1-5d41402abc4b), in the group
    C(conflict) and in no other one. So it is where one host key is at two addresses (a cloned image, or one host
    twice), where two keys claim one name, where a name has another key in O(names) or in O(known_hosts), and where
    another inventory source has a host of that name, unless O(names) gives it. C(linklocal_conflict) says which. Leave
    such hosts out with C(all:!conflict).
  - Anybody on a link can show the host key of another host; only a login proves it. So ssh is told to look up the key
    by the name of the host (C(HostKeyAlias)), and refuses whoever has another one. Connection plugins other than
    P(ansible.builtin.ssh#connection) do not.
  - Each host has a C(ansible_control_path) of its own, as the one that Ansible makes is the same for two hosts that
    have the same address on different links.
  - Hosts are in the groups C(linklocal_eth0) (their interface, with the jump host before it where there is one),
    C(linklocal_routers) or C(linklocal_neighbours), and C(linklocal_mac_universal) or C(linklocal_mac_local), by
    whether a vendor gave them their Ethernet address. A host that forwards, as a Docker host with IPv6 does, says that
    it is a router.
  - Their variables are C(linklocal_address), C(linklocal_interface), C(linklocal_jump_host), C(linklocal_mac),
    C(linklocal_mac_universal), C(linklocal_router), C(linklocal_host_key), C(linklocal_found_by), as of
    M(v6ops.docker.linklocal_probe), and C(linklocal_conflict).
  - C(ansible_ssh_common_args) is set for each host, so put options of your own into C(ansible_ssh_extra_args) or
    C(~/.ssh/config).
requirements:
  - The client of OpenSSH on the control node.
  - On a jump host Python 3.9 or later as C(python3), and C(ssh-keyscan). Nothing is written there.
notes:
  - Without root it finds whoever answers a multicast echo, where C(net.ipv4.ping_group_range) has the user's group.
    With root (C(CAP_NET_RAW)) it asks in more ways.
  - Every run opens a connection to the ssh server of each neighbour and leaves it without a login. Servers since
    OpenSSH 9.8 refuse clients that do so many times in a few seconds (C(PerSourcePenalties)); C(cache) helps.
options:
  plugin:
    description: The name of this plugin.
    type: str
    required: true
    choices: [v6ops.docker.linklocal]
  links:
    description: Where to look.
    type: list
    elements: dict
    required: true
    suboptions:
      interface:
        description: The interface on the link.
        type: str
        required: true
      jump_host:
        description:
          - The host whose interface it is, as C(gateway), C(root@gateway:2222) or C(root@[fe80::1%eth0]:22). By default
            the control node.
          - ssh logs in there without a question, with what C(~/.ssh/config) says.
        type: str
  port:
    description: The port that ssh servers listen on.
    type: int
    default: 22
  timeout:
    description: Seconds to wait for an ssh server.
    type: int
    default: 2
  names:
    description:
      - Names of hosts, and what each is recognised by. That is the fingerprint of a host key (C(SHA256:…)), an Ethernet
        address, or a link-local address with or without its interface; one of them, or a list.
      - Only a fingerprint is more than a claim.
    type: dict
    default: {}
  mdns:
    description:
      - Ask hosts for their names with multicast DNS.
      - A host may say what it likes, and avahi answers only as long as the host has no other IPv6 address, so such a
        name is neither proven nor stable. It ends in C(.local), with nothing but letters, digits and C(-) before that.
    type: bool
    default: false
  known_hosts:
    description: The file where ssh keeps the host keys that it knows by name.
    type: path
    default: ~/.ssh/known_hosts
extends_documentation_fragment:
  - constructed
  - inventory_cache
seealso:
  - module: v6ops.docker.linklocal_probe
"""

EXAMPLES = r"""
# lan.linklocal.yml: whoever is on the link of eth0. Try it with: ansible-inventory -i lan.linklocal.yml --graph
plugin: v6ops.docker.linklocal
links:
  - interface: eth0

---
# Two links behind two routers, names for two hosts, and groups by what is known of them.
plugin: v6ops.docker.linklocal
links:
  - interface: eth1
    jump_host: root@gateway-a.example.com
  - interface: eth1
    jump_host: root@gateway-b.example.com
names:
  web1: SHA256:uNiVztksCsDhcc0u9e8BrzTw7/EuUMdlrQqEX1lkvKM
  web2: ["SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU", "52:54:00:12:34:56"]
compose:
  ansible_user: "'root'"
groups:
  docker_ipv6_hosts: inventory_hostname is match("web")
keyed_groups:
  - key: linklocal_jump_host
    prefix: behind
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/ansible
"""

import os
from concurrent.futures import ThreadPoolExecutor

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable

from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal
from ansible_collections.v6ops.docker.plugins.module_utils._ssh_neighbours import ssh_neighbours
from ansible_collections.v6ops.docker.plugins.plugin_utils import _link_hosts, _ssh

DEFAULT_KNOWN_HOSTS = "~/.ssh/known_hosts"
RANGES = {"port": (1, 65535), "timeout": (1, 60)}


def look(link, **options):
    """The neighbours on a link, each with the jump host that leads there."""
    if link.jump_host is None:
        found = ssh_neighbours(link.interface, **options)
    else:
        jump_host = _link_hosts.parse_jump_host(link.jump_host)
        found = _ssh.ssh_neighbours_from(jump_host, interface=link.interface, **options)
    return [{**one, "jump_host": link.jump_host} for one in found]


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    NAME = "v6ops.docker.linklocal"

    def verify_file(self, path):
        return super().verify_file(path) and path.endswith(("linklocal.yml", "linklocal.yaml"))

    def parse(self, inventory, loader, path, cache=True):
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        try:
            self._add_hosts(self._plan(path, cache))
        except Refusal as refusal:
            raise AnsibleParserError(str(refusal).strip()) from refusal
        except OSError as error:
            raise AnsibleParserError(f"Cannot look for hosts: {error}.") from error

    def _plan(self, path, cache):
        for name, (least, most) in RANGES.items():
            if not least <= self.get_option(name) <= most:
                raise Refusal(f"Cannot use {name} {self.get_option(name)}.", f"Give {least} to {most}.")
        links = _link_hosts.parse_links(self.get_option("links"))
        names = _link_hosts.parse_names(self.get_option("names"))
        known_hosts = self.get_option("known_hosts")
        is_default = known_hosts == os.path.expanduser(DEFAULT_KNOWN_HOSTS)
        return _link_hosts.plan(
            self._found(links, path, cache),
            names,
            lambda name: _ssh.known_keys(known_hosts, name),
            {name: host.vars for name, host in self.inventory.hosts.items()},
            self.get_option("port"),
            None if is_default else known_hosts,
        )

    def _found(self, links, path, cache):
        """What is on the links, or was when it was put into the cache."""
        options = {name: self.get_option(name) for name in ("port", "timeout", "mdns")}
        asked = {"links": [list(link) for link in links], **options}
        uses_cache, key = self.get_option("cache"), self.get_cache_key(path)
        cached = self._cache.get(key) if uses_cache and cache else None
        # The file may have been changed since.
        if cached and cached["asked"] == asked:
            return cached["found"]
        with ThreadPoolExecutor(max_workers=len(links)) as pool:
            found = [one for several in pool.map(lambda link: look(link, **options), links) for one in several]
        if uses_cache:
            self._cache[key] = {"asked": asked, "found": found}
        return found

    def _add_hosts(self, hosts):
        if not hosts:
            self.display.warning("No neighbour answers on ssh.")
        strict = self.get_option("strict")
        for name, groups, variables, conflict in hosts:
            self.inventory.add_host(name)
            for group in groups:
                self.inventory.add_child(self.inventory.add_group(group), name)
            for key, value in variables.items():
                self.inventory.set_variable(name, key, value)
            self._set_composite_vars(self.get_option("compose"), variables, name, strict=strict)
            if conflict:
                self.display.warning(f"{name}: {conflict}.")
                continue
            self._add_host_to_composed_groups(self.get_option("groups"), {}, name, strict=strict)
            self._add_host_to_keyed_groups(self.get_option("keyed_groups"), {}, name, strict=strict)
