#!/usr/bin/python
# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: linklocal_probe
short_description: Show the link-local network, and reach what is on it
version_added: 0.1.0
author:
  - v6ops.docker contributors (@v6ops)
description:
  - Shows the link-local addresses of the host's interfaces, and as asked the neighbours and the routers on the links,
    whether neighbours answer ping and TCP, and what of this host they can reach.
  - Needs no configured address on either side, no tool on the host but Python, and changes nothing.
  - Waits up to 3 seconds for addresses whose duplicate address detection is not over.
notes:
  - Router advertisements are never sent.
  - Without root, neighbours are found by multicast echo alone, where C(net.ipv4.ping_group_range) has the user's group.
  - Text of neighbours, such as a banner, has C(?) for every character that does not print.
attributes:
  check_mode:
    description: Changes nothing, and does the same in check mode.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
options:
  interfaces:
    description:
      - The interfaces to look at.
      - By default all that are up, but loopback and those of Docker (C(docker*), C(br-*), C(veth*)).
    type: list
    elements: str
  targets:
    description:
      - Neighbours to ping, each a link-local address with its interface, as C(fe80::1%eth0).
      - Where O(interfaces) names exactly one, an address alone will do.
    type: list
    elements: str
    default: []
  count:
    description: How many echo requests each target gets.
    type: int
    default: 3
  interval:
    description: Seconds between two echo requests to one target.
    type: float
    default: 0.2
  timeout:
    description: Seconds to wait for the last reply, for a TCP connection, and for a banner.
    type: float
    default: 1.0
  ports:
    description: TCP ports to connect to on each of the O(targets).
    type: list
    elements: int
    default: []
  discover:
    description:
      - Look for neighbours. Three rounds of echo to all nodes, with and without an option that no node knows
        (RFC 8200), and of solicitations to the addresses that nodes would make from the Ethernet addresses the kernel
        knows of.
    type: bool
    default: false
  mld:
    description:
      - With O(discover), query with MLD, too, which finds some more.
      - It makes this host a querier in the eyes of switches that snoop, so use it only where that does no harm.
    type: bool
    default: false
  routers:
    description: Solicit router advertisements.
    type: bool
    default: false
  exposure:
    description: Tell what of this host a neighbour could reach.
    type: bool
    default: false
seealso:
  - module: v6ops.docker.docker_ipv6_check
  - name: RFC 4861
    description: Neighbor Discovery for IP version 6.
    link: https://www.rfc-editor.org/rfc/rfc4861
"""

EXAMPLES = r"""
- name: Show the link-local addresses of this host
  v6ops.docker.linklocal_probe:

- name: Show who is on the link, and who routes
  v6ops.docker.linklocal_probe:
    interfaces: [eth0]
    discover: true
    routers: true

- name: Ping a neighbour, and see whether its sshd answers
  v6ops.docker.linklocal_probe:
    targets: ["fe80::5054:8fff:fe9f:af62%eth0"]
    ports: [22]
"""

RETURN = r"""
interfaces:
  description: The interfaces and their link-local addresses.
  type: list
  elements: dict
  returned: success
  contains:
    name:
      description: The name, the zone of addresses on its link.
      type: str
      sample: eth0
    index:
      description: Its number.
      type: int
      sample: 2
    mac:
      description: Its Ethernet address, null where it has none.
      type: str
      sample: 52:54:8f:9f:af:62
    mtu:
      description: The largest packet in octets; IPv6 needs 1280.
      type: int
      sample: 1500
    up:
      description: Whether it is set up.
      type: bool
      sample: true
    carrier:
      description: Whether it has a carrier.
      type: bool
      sample: true
    ipv6_disabled:
      description: Whether IPv6 is disabled on it.
      type: bool
      sample: false
    state:
      description: Whether it can be used, or what it lacks.
      type: str
      choices: [ready, tentative, dadfailed, no_address, no_carrier, ipv6_disabled, down]
      sample: ready
    master:
      description: The bridge or the bond that it is a port of, null for none.
      type: str
      sample: null
    addresses:
      description: Its link-local addresses, with the flags that C(ip address) shows.
      type: list
      elements: dict
      sample:
        - address: fe80::5054:8fff:fe9f:af62
          zoned: fe80::5054:8fff:fe9f:af62%eth0
          flags: [permanent]
neighbours:
  description: Who is on the links, this host left out.
  type: list
  elements: dict
  returned: with O(discover)
  contains:
    interface:
      description: Where it is.
      type: str
      sample: eth0
    address:
      description: Its link-local address.
      type: str
      sample: fe80::821f:2ff:fed6:5f08
    zoned:
      description: The address as ping and ssh want it.
      type: str
      sample: fe80::821f:2ff:fed6:5f08%eth0
    mac:
      description: Its Ethernet address, null where nobody told.
      type: str
      sample: 80:1f:02:d6:5f:08
    mac_universal:
      description: Whether a vendor gave it that (universal), or somebody or something made it up (local).
      type: bool
      sample: true
    router:
      description: Whether it is a router by its own account, null where nobody told.
      type: bool
      sample: false
    hop_limit:
      description: The hop limit of its answers to echo, null where it was not found by one.
      type: int
      sample: 64
    rtt_ms:
      description: The shortest round-trip time in milliseconds, null where it was found by MLD alone.
      type: float
      sample: 0.566
    found_by:
      description: What it answered, of V(echo), V(option), V(solicitation) and V(mld).
      type: list
      elements: str
      sample: [echo, option, solicitation]
routers:
  description:
    - The last valid advertisement of each router (RFC 4861, RFC 4191, RFC 8106). Lifetimes are in seconds, null is for
      ever.
  type: list
  elements: dict
  returned: with O(routers)
  sample:
    - interface: eth0
      address: fe80::1
      zoned: fe80::1%eth0
      mac: 52:54:00:00:00:01
      hop_limit: 64
      managed: false
      other_config: false
      home_agent: false
      preference: medium
      lifetime: 1800
      reachable_ms: 0
      retransmit_ms: 0
      mtu: 1500
      prefixes:
        - prefix: 2001:db8:1::/64
          on_link: true
          autonomous: true
          router_address: false
          valid_lifetime: 86400
          preferred_lifetime: 14400
      routes:
        - {prefix: "2001:db8::/32", preference: high, lifetime: 1800}
      rdnss:
        - {addresses: ["2001:db8:1::53"], lifetime: 600}
      dnssl:
        - {domains: [example.com], lifetime: 600}
      other_options: []
rejected_advertisements:
  description: Advertisements that RFC 4861, section 6.1.2, has hosts ignore, and how many of them came.
  type: list
  elements: dict
  returned: with O(routers)
  sample:
    - {interface: eth0, address: "fe80::bad", reason: its code is 1, count: 1}
targets:
  description: The O(targets), in their order.
  type: list
  elements: dict
  returned: with O(targets)
  contains:
    target:
      description: Its address and interface.
      type: str
      sample: fe80::821f:2ff:fed6:5f08%eth0
    transmitted:
      description: Echo requests that left this host; fewer than O(count) where no neighbour has the address.
      type: int
      sample: 2
    received:
      description: How many of them were answered.
      type: int
      sample: 2
    duplicates:
      description: Answers beyond the first to an echo request.
      type: int
      sample: 0
    loss_percent:
      description: The share that was not answered.
      type: float
      sample: 0.0
    rtt_ms:
      description: Round-trip times in milliseconds, null without an answer.
      type: dict
      sample: {min: 0.566, avg: 0.589, max: 0.612, mdev: 0.023}
    error:
      description: What the kernel, or an ICMPv6 error, said.
      type: str
      sample: null
    summary:
      description: The statistics as ping prints them.
      type: str
      sample: 2 packets transmitted, 2 received, 0% packet loss, rtt min/avg/max/mdev = 0.566/0.589/0.612/0.023 ms
    ports:
      description:
        - The O(ports), in their order. A port is V(open), V(refused) by the neighbour, V(filtered), where nothing or
          a prohibition came back, or V(unreachable), where no neighbour has the address.
        - The banner is the first line that the server said, null where it said nothing.
      type: list
      elements: dict
      returned: with O(ports)
      sample:
        - {port: 22, state: open, banner: SSH-2.0-OpenSSH_9.2p1, reason: null}
        - {port: 80, state: refused, banner: null, reason: Connection refused}
exposure:
  description: What of this host a neighbour could reach; C(sockets), C(findings), and the C(sources) of the rules.
  type: dict
  returned: with O(exposure)
  sample: {sockets: [], findings: [], sources: {}}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.v6ops.docker.plugins.module_utils import _interfaces
from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal, failing
from ansible_collections.v6ops.docker.plugins.module_utils._targets import parse_targets

# What a number may be at least and at most.
RANGES = {"count": (1, 1000), "interval": (0.01, 60), "timeout": (0.01, 60)}


def check_numbers(parameters):
    for name, (least, most) in RANGES.items():
        if not least <= parameters[name] <= most:
            raise Refusal(
                f"Cannot probe with {name} {parameters[name]}: it is out of range.", f"Give {least} to {most}."
            )
    for port in parameters["ports"]:
        if not 1 <= port <= 65535:
            raise Refusal(f"Cannot connect to port {port}: there is none.", "Ports are 1 to 65535.")
    if parameters["ports"] and not parameters["targets"]:
        raise Refusal("Cannot connect to ports: there are no targets.", "Give the neighbours as 'targets'.")


def ready(interfaces, are_named):
    """Those that can be used; of those that were named, all have to."""
    lacking = [one for one in interfaces if one["state"] != _interfaces.READY]
    usable = [one for one in interfaces if one not in lacking]
    if lacking and (are_named or not usable):
        raise _interfaces.lack(lacking[0])
    return usable


def probe_targets(targets, known, parameters):
    from ansible_collections.v6ops.docker.plugins.module_utils._echo import NOBODY, echo
    from ansible_collections.v6ops.docker.plugins.module_utils._sweep import absent
    from ansible_collections.v6ops.docker.plugins.module_utils._tcp import connect

    timeout = parameters["timeout"]
    found = echo(
        targets, parameters["count"], parameters["interval"], timeout, lambda several: absent(several, known, timeout)
    )
    if parameters["ports"]:
        nobody = {target for target, one in zip(targets, found) if one["error"] == NOBODY}
        connected = connect(targets, parameters["ports"], timeout, nobody)
        found = [{**one, "ports": ports} for one, ports in zip(found, connected)]
    return found


def discover_on(interfaces, mld):
    """The neighbours on every one, side by side."""
    from concurrent.futures import ThreadPoolExecutor

    from ansible_collections.v6ops.docker.plugins.module_utils._discovery import discover

    with ThreadPoolExecutor(max_workers=len(interfaces) or 1) as pool:
        return [one for found in pool.map(lambda link: discover(link["name"], mld), interfaces) for one in found]


def main():
    module = AnsibleModule(
        argument_spec={
            "interfaces": {"type": "list", "elements": "str"},
            "targets": {"type": "list", "elements": "str", "default": []},
            "count": {"type": "int", "default": 3},
            "interval": {"type": "float", "default": 0.2},
            "timeout": {"type": "float", "default": 1.0},
            "ports": {"type": "list", "elements": "int", "default": []},
            "discover": {"type": "bool", "default": False},
            "mld": {"type": "bool", "default": False},
            "routers": {"type": "bool", "default": False},
            "exposure": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    parameters, names = module.params, module.params["interfaces"]
    with failing(module):
        check_numbers(parameters)
        results = {"interfaces": _interfaces.settled(names)}
        known = _interfaces.interfaces()
        targets = parse_targets(parameters["targets"], names, known)
        if parameters["discover"] or parameters["routers"]:
            usable = ready(results["interfaces"], bool(names))
            for one in results["interfaces"]:
                if one not in usable:
                    module.warn(f"Left out {one['name']}: {_interfaces.LACKS[one['state']][0]}.")
        if parameters["discover"]:
            results["neighbours"] = discover_on(usable, parameters["mld"])
        if parameters["routers"]:
            from ansible_collections.v6ops.docker.plugins.module_utils._routers import routers

            results["routers"], results["rejected_advertisements"] = routers(usable)
        if targets:
            results["targets"] = probe_targets(targets, known, parameters)
        if parameters["exposure"]:
            from ansible_collections.v6ops.docker.plugins.module_utils._exposure import exposure

            results["exposure"] = exposure(module, [one["name"] for one in results["interfaces"]])
    module.exit_json(changed=False, **results)


if __name__ == "__main__":
    main()
