# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Docker engine as its API shows it; the differences between versions of the library ``docker`` end here.

https://docs.docker.com/reference/api/engine/
"""

from __future__ import annotations

from contextlib import contextmanager
from ipaddress import ip_network

from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal

SOCKET = "unix:///var/run/docker.sock"


@contextmanager
def telling():
    from docker.errors import APIError, DockerException
    from requests.exceptions import RequestException

    try:
        yield
    except APIError as error:
        raise Refusal(
            f"Cannot go on: the Docker engine answers {error.explanation or error}.", "See 'journalctl --unit docker'."
        ) from error
    except (DockerException, RequestException) as error:
        raise Refusal(
            f"Cannot talk to the Docker engine at {SOCKET}: {error}.",
            "Start it ('systemctl start docker'), then run again.",
        ) from error


STOP_TIMEOUT = 10  # seconds, of a container that asks for none
# Containers that an orchestrator replaces by itself: Swarm, Kubernetes.
ORCHESTRATED = ("com.docker.swarm.task.id", "io.kubernetes.pod.uid")


class Engine:
    """A connection to the engine of this host."""

    def __init__(self):
        import docker

        with telling():
            self.api = docker.APIClient(base_url=SOCKET, version="auto")

    def info(self):
        """What the engine tells of itself.

        :returns: ``version``, ``live_restore``, ``running`` (whether there are containers, paused ones included),
            ``pools`` (``default-address-pools`` where it was set: dicts with ``base`` and ``size``), and
            ``firewall_backend`` (before 29 always iptables).
        """
        with telling():
            info = self.api.info()
        backend = (info.get("FirewallBackend") or {}).get("Driver", "iptables")
        return {
            "version": info["ServerVersion"],
            "live_restore": info["LiveRestoreEnabled"],
            "running": bool(info["ContainersRunning"] or info["ContainersPaused"]),
            "pools": [{"base": pool["Base"], "size": pool["Size"]} for pool in info.get("DefaultAddressPools") or []],
            "firewall_backend": backend.partition("+")[0],
        }

    def running_containers(self):
        """The containers that a restart of the engine would stop, in the order in which they were started.

        Those of an orchestrator are left out, as it starts others in their place.

        :returns: dicts with ``id``, ``name``, ``paused``, ``auto_remove`` and ``stop_timeout`` (in seconds).
        """
        with telling():
            found = self.api.containers(filters={"status": ["running", "paused"]})
            details = [self.api.inspect_container(container["Id"]) for container in found]
        return [
            {
                "id": one["Id"],
                "name": one["Name"].lstrip("/"),
                "paused": one["State"]["Paused"],
                "auto_remove": one["HostConfig"]["AutoRemove"],
                "stop_timeout": one["Config"].get("StopTimeout") or STOP_TIMEOUT,
            }
            for one in sorted(details, key=lambda one: one["State"]["StartedAt"])
            if not any(label in (one["Config"]["Labels"] or {}) for label in ORCHESTRATED)
        ]

    def networks(self):
        """The bridge networks by name, each as :meth:`network` tells it."""
        with telling():
            found = [_told(network) for network in self.api.networks(filters={"driver": "bridge"})]
        return sorted(found, key=lambda network: network["name"])

    def network(self, name):
        """A bridge network.

        :returns: ``name``, ``interface``, whether it has ``ipv6``, and its IPv6 ``subnets``.
        """
        from docker.errors import NotFound

        with telling():
            try:
                network = self.api.inspect_network(name)
            except NotFound as error:
                raise Refusal(
                    f"Cannot find the Docker network {name!r}.", "'docker network ls' lists those of this host."
                ) from error
        if network["Driver"] != "bridge":
            raise Refusal(
                f"Cannot use the Docker network {name!r}: its driver is {network['Driver']}, not bridge.",
                "'docker network ls' lists those of this host.",
            )
        return _told(network)

    def stop(self, containers):
        """Stop containers, each within the time that it asks for.

        :param containers: as :meth:`running_containers` tells them.
        """
        for container in containers:
            with telling():
                if container["paused"]:
                    self.api.unpause(container["id"])
                self.api.stop(container["id"], timeout=container["stop_timeout"])

    def start(self, containers):
        """Start containers again that a restart of the engine left stopped.

        :param containers: as :meth:`running_containers` tells them.
        :returns: the names of those that were started, and a dict of name and cause of those that could not be.
        """
        started, failed = [], {}
        for container in containers:
            try:
                with telling():
                    if not self.api.inspect_container(container["id"])["State"]["Running"]:
                        self.api.start(container["id"])
                        if container["paused"]:
                            self.api.pause(container["id"])
                        started.append(container["name"])
            except Refusal as refusal:
                failed[container["name"]] = str(refusal)
        return started, failed


def _told(network):
    subnets = [config["Subnet"] for config in network["IPAM"]["Config"] or []]
    return {
        "name": network["Name"],
        "interface": network["Options"].get("com.docker.network.bridge.name", f"br-{network['Id'][:12]}"),
        "ipv6": network["EnableIPv6"],
        "subnets": [str(ip_network(subnet, strict=False)) for subnet in subnets if ":" in subnet],
    }


def provides(network, prefix):
    """Whether a network as :meth:`Engine.network` tells it has IPv6 with the prefix, in any spelling."""
    return network["ipv6"] and str(ip_network(prefix, strict=False)) in network["subnets"]
