from __future__ import annotations

import pytest

from ansible_collections.v6ops.docker.plugins.module_utils._sysctl import (
    SYSCTL_FILE,
    ordered_files,
    overruled,
    parse,
    protecting,
    spell,
)

LISTING = """\
# /etc/sysctl.d/10-network.conf
# a comment
net.ipv6.conf.all.accept_ra = 1

# /usr/lib/sysctl.d/99-vendor.conf
; another
-net/ipv6/conf/eth0/accept_ra=1
"""


def test_our_file_reads_back():
    settings = protecting(["eth0", "eth0.100", "default"])
    assert parse(spell(settings)) == settings
    assert spell({}) is None


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("net.ipv6.conf.eth0.accept_ra=1", "net/ipv6/conf/eth0/accept_ra"),
        ("net/ipv6/conf/eth0.100/accept_ra = 1", "net/ipv6/conf/eth0.100/accept_ra"),
        ("net.ipv6.conf.eth0/100.accept_ra = 1", "net/ipv6/conf/eth0.100/accept_ra"),
        ("-net.ipv6.conf.eth0.accept_ra = 1", "net/ipv6/conf/eth0/accept_ra"),
    ],
)
def test_spellings_of_keys(line, key):
    assert parse(line) == {key: "1"}


class Module:
    def run_command(self, command):
        assert command[-2:] == ["cat-config", "sysctl.d"]
        return 0, LISTING, ""


def test_only_a_later_file_overrules_ours():
    files = ordered_files(Module())
    assert [path for path, __ in files] == ["/etc/sysctl.d/10-network.conf", "/usr/lib/sysctl.d/99-vendor.conf"]
    settings = {**protecting(["eth0"]), "net/ipv6/conf/all/accept_ra": "2"}
    assert overruled(files, settings) == [("/usr/lib/sysctl.d/99-vendor.conf", "net/ipv6/conf/eth0/accept_ra", "1")]
    assert overruled([(SYSCTL_FILE, spell(settings))], settings) == []
