"""The state of a host that a refused or failed run must leave as it was, and that absent must give back."""

from __future__ import annotations

import json

DROP_IN_DIRECTORY = "/etc/systemd/system/docker.service.d"
DROP_IN = f"{DROP_IN_DIRECTORY}/zz-v6ops-docker.conf"
SYSCTL = "/etc/sysctl.d/90-v6ops-docker.conf"
CONFIG = "/etc/docker/daemon.json"
RECORD_DIRECTORY = "/var/lib/v6ops-docker"
OURS = (DROP_IN, SYSCTL, RECORD_DIRECTORY)
SWITCHES = ("all/forwarding", "default/forwarding", "eth0/forwarding", "eth0/accept_ra", "docker0/disable_ipv6")


def snapshot(host):
    """Everything that a run can change and a later one has to find, or to give back."""
    directories = f"/etc/docker /etc/sysctl.d /etc/systemd/system /etc/default/docker {RECORD_DIRECTORY}"
    return {
        "files": host.run(f"find {directories} -exec stat -c '%n %A %U %G' {{}} +").stdout.splitlines(),
        "contents": host.run(f"find {directories} -type f -exec sha256sum {{}} +").stdout.splitlines(),
        "switches": host.check_output("cd /proc/sys/net/ipv6/conf; cat " + " ".join(SWITCHES)),
        "forward": host.check_output("ip6tables -S FORWARD | head -1"),
        "addresses": host.check_output("ip -6 -brief address show docker0"),
        "bridge": bridge(host),
    }


def bridge(host):
    """Whether the default bridge has IPv6, and its IPv6 subnets."""
    network = json.loads(host.check_output("docker network inspect bridge"))[0]
    return network["EnableIPv6"], [config["Subnet"] for config in network["IPAM"]["Config"] if ":" in config["Subnet"]]


def dockerd_pid(host):
    return host.check_output("systemctl show --value --property MainPID docker.service")
