"""The state of a host that a refused or failed run must leave as it was."""

from __future__ import annotations

import json

DROP_IN_DIRECTORY = "/etc/systemd/system/docker.service.d"
DROP_IN = f"{DROP_IN_DIRECTORY}/zz-v6ops-docker.conf"
SYSCTL = "/etc/sysctl.d/90-v6ops-docker.conf"


def snapshot(host):
    """What a refused or failed run must leave as it was."""
    return {
        "files": host.check_output(
            "find /etc/docker /etc/sysctl.d %s -type f -exec sha256sum {} + || true", DROP_IN_DIRECTORY
        ),
        "accept_ra": host.check_output("cat /proc/sys/net/ipv6/conf/eth0/accept_ra"),
        "bridge": bridge(host),
    }


def bridge(host):
    network = json.loads(host.check_output("docker network inspect bridge"))[0]
    return network["EnableIPv6"], [config["Subnet"] for config in network["IPAM"]["Config"] if ":" in config["Subnet"]]


def dockerd_pid(host):
    return host.check_output("systemctl show --value --property MainPID docker.service")
