"""Uplinks of systemd-networkd and NetworkManager, which take advertisements themselves: nothing is needed or done.

They run for real, with udev, without which networkd leaves every link to the kernel. IPv4 stays as the lab gave it.
"""

from __future__ import annotations

import time

import pytest
from conftest import LIFETIME

testinfra_hosts = ["ansible://bullseye", "ansible://trixie", "ansible://forky"]
UDEV = (
    "systemctl mask systemd-udev-trigger.service; systemctl start systemd-udevd.service;"
    "udevadm trigger --action=add --subsystem-match=net; udevadm settle"
)


@pytest.fixture(name="ipv4")
def _ipv4(host):
    """The address of eth0 with its length, and the gateway."""
    address = host.check_output("ip -4 -o address show dev eth0").split()[3]
    return address, host.check_output("ip -4 route show default").split()[2]


@pytest.fixture(name="networkd")
def _networkd(host, ipv4, install):
    address, gateway = ipv4
    install("udev")
    network = f"[Match]\nName=eth0\n[Network]\nDHCP=no\nAddress={address}\nGateway={gateway}\n"
    host.check_output("mkdir -p /etc/systemd/network; printf %%s %s > /etc/systemd/network/10-eth0.network", network)
    host.check_output(f"{UDEV}; systemctl start systemd-networkd.service")
    yield "systemctl restart systemd-networkd.service"
    host.check_output(
        "systemctl stop systemd-networkd.socket systemd-networkd.service; rm /etc/systemd/network/10-eth0.network"
    )


@pytest.fixture(name="network_manager")
def _network_manager(host, ipv4, install):
    address, gateway = ipv4
    install("udev", "network-manager")
    host.check_output(f"{UDEV}; systemctl start NetworkManager.service")
    host.check_output(
        "nmcli connection add type ethernet con-name uplink ifname eth0 ipv4.method manual ipv4.addresses %s"
        " ipv4.gateway %s ipv6.method auto && nmcli connection up uplink",
        address,
        gateway,
    )
    yield "systemctl restart NetworkManager.service"
    host.check_output("nmcli connection delete uplink; systemctl disable --now NetworkManager.service")


@pytest.fixture(name="install")
def _install(host):
    command = "DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends"
    return lambda *packages: host.check_output(f"{command} {' '.join(packages)} >/dev/null")


@pytest.fixture(name="manager", params=["networkd", "network_manager"])
def _manager(request, host, reboot, await_route):
    """The command that restarts the manager, which owns eth0 now."""
    restart = request.getfixturevalue(request.param)
    host.check_output(
        "timeout 30 sh -c 'until [ $(cat /proc/sys/net/ipv6/conf/eth0/accept_ra) = 0 ] &&"
        ' ip -6 route show default | grep -q "proto ra"; do sleep 0.1; done\''
    )
    return restart


def test_the_route_is_there_at_every_moment(host, manager, run_module, watch, await_route):
    watching = watch()
    result = run_module("docker_ipv6_daemon")
    assert result["changed"]
    assert result["before"]["endangered_interfaces"] == ["default"]
    assert host.file("/proc/sys/net/ipv6/conf/all/forwarding").content_string == "1\n"
    time.sleep(3 * LIFETIME)
    seen = watching.end()
    assert (seen["gaps"], "eth0" in host.file("/etc/sysctl.d/90-v6ops-docker.conf").content_string) == ([], False)
    host.check_output(manager)
    await_route()
    time.sleep(LIFETIME + 3)
    await_route()
    assert not run_module("docker_ipv6_daemon")["changed"]
    watching = watch()
    assert run_module("docker_ipv6_daemon", state="absent")["changed"]
    time.sleep(LIFETIME + 3)
    assert watching.end()["gaps"] == []
