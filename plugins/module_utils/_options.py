# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""dockerd's options for IPv6: what each is called as a flag and in daemon.json, and which engine has it.

https://docs.docker.com/reference/cli/dockerd/, and what was measured of each engine where that is silent.
"""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple

# What the engine takes IPv4 subnets from where default-address-pools is not set, 20.10 to 29 (moby, ipamutils).
BUILT_IN_POOLS = [
    {"base": "172.17.0.0/16", "size": 16},
    {"base": "172.18.0.0/16", "size": 16},
    {"base": "172.19.0.0/16", "size": 16},
    {"base": "172.20.0.0/14", "size": 16},
    {"base": "172.24.0.0/14", "size": 16},
    {"base": "172.28.0.0/14", "size": 16},
    {"base": "192.168.0.0/16", "size": 20},
]
IPV6_BY_DEFAULT = {"bridge": {"com.docker.network.enable_ipv6": "true"}}
SHORTHANDS = {
    "-b": "bridge",
    "-D": "debug",
    "-G": "group",
    "-g": "graph",
    "-H": "host",
    "-l": "log-level",
    "-p": "pidfile",
    "-s": "storage-driver",
}
_TRUE = ("1", "t", "T", "TRUE", "true", "True")  # strconv.ParseBool of Go


class Option(NamedTuple):
    flag: str
    kind: str


# By their keys in daemon.json.
OPTIONS = {
    "ipv6": Option("--ipv6", "bool"),
    "fixed-cidr-v6": Option("--fixed-cidr-v6", "text"),
    "ip6tables": Option("--ip6tables", "bool"),
    "experimental": Option("--experimental", "bool"),
    "default-address-pools": Option("--default-address-pool", "pools"),
    "default-network-opts": Option("--default-network-opt", "network options"),
    "firewall-backend": Option("--firewall-backend", "text"),
    "bridge": Option("--bridge", "text"),
}


def release(version):
    """(major, minor) of an engine's version."""
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])


def masquerades(version, settings):
    """Whether an engine with these settings manages IPv6 rules, and so masquerades its bridges itself.

    It is so by default from 27 on; before, it took ``ip6tables`` and ``experimental``.
    """
    if release(version) >= (27, 0):
        return settings.get("ip6tables", True)
    return settings.get("ip6tables", False) and settings.get("experimental", False)


def has_default_ipv6(version):
    """Whether ``default-network-opts`` can switch IPv6 on."""
    return release(version) >= (27, 0)


def forwards_first(version, settings):
    """Whether the engine refuses to start as long as the host does not forward: 29 with its nftables backend."""
    return release(version) >= (29, 0) and settings.get("firewall-backend") == "nftables"


def has_validate(version):
    return release(version) >= (23, 0)


def from_flags(arguments):
    """The settings that a command line carries, by their keys in daemon.json; of one given twice, the last."""
    settings = {}
    for key, option in OPTIONS.items():
        values = list(flag_values(arguments, option.flag, takes_value=option.kind != "bool"))
        if not values:
            continue
        if option.kind == "bool":
            settings[key] = values[-1] is None or values[-1] in _TRUE
        elif option.kind == "text":
            settings[key] = values[-1]
        elif option.kind == "pools":
            settings[key] = [_pool(value) for value in values]
        else:
            settings[key] = _network_options(values)
    return settings


def flag_values(arguments, flag, takes_value=True):
    """The values of a flag, given as ``--flag=value`` or ``--flag value``; None for one without."""
    for position, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name == flag:
            if equals:
                yield value
            elif takes_value:
                yield "".join(arguments[position + 1 : position + 2])
            else:
                yield None


def _pool(value):
    fields = dict(field.partition("=")[::2] for field in value.split(","))
    size = fields.get("size", "")
    return {"base": fields.get("base", ""), "size": int(size) if size.isdigit() else None}


def _network_options(values):
    options = {}
    for value in values:
        driver, __, setting = value.partition("=")
        name, __, content = setting.partition("=")
        options.setdefault(driver, {})[name] = content
    return options


def as_flags(settings):
    """Settings as a list of flags."""
    flags = []
    for key, value in settings.items():
        flag, kind = OPTIONS[key]
        if kind == "bool":
            flags.append(flag if value else f"{flag}=false")
        elif kind == "text":
            flags.append(f"{flag}={value}")
        elif kind == "pools":
            flags += [f"{flag}=base={pool['base']},size={pool['size']}" for pool in value]
        else:
            flags += [
                f"{flag}={driver}={name}={content}"
                for driver, options in value.items()
                for name, content in options.items()
            ]
    return flags


def flag_of(key):
    """The flag of a key of daemon.json; the keys of lists are in the plural."""
    if key in OPTIONS:
        return OPTIONS[key].flag
    return "--" + re.sub(r"(ie)?s$", lambda plural: "y" if plural[1] else "", key)


def pools_with(version, pools, pool, prefix):
    """A list of address pools with an IPv6 one; as it is where it has one already.

    Up to 26 an engine finds but the first /64 of a pool, as it shifts by 64 bits (moby, ipamutils.splitNetwork). It is
    given one /64, apart from the default bridge's, to take subnets of /80 from.

    :param pool: where the subnets are to come from.
    :param prefix: the subnet of the default bridge.
    """
    if any(":" in str(one.get("base")) for one in pools):
        return pools
    if release(version) >= (27, 0):
        return [*pools, {"base": str(pool), "size": 64}]
    base = next(subnet for subnet in pool.subnets(new_prefix=64) if not subnet.overlaps(prefix))
    return [*pools, {"base": str(base), "size": 80}]


def same(key, one, other):
    """Whether two values of a setting mean the same."""
    if key == "fixed-cidr-v6":
        return _network_or_none(one) == ipaddress.ip_network(other)
    return one == other


def _network_or_none(text):
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        return None
