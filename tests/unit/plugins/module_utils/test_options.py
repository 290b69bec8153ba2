from __future__ import annotations

import pytest

from ansible_collections.v6ops.docker.plugins.module_utils._options import as_flags, flag_of, from_flags, masquerades

SETTINGS = {
    "ipv6": True,
    "fixed-cidr-v6": "fd00:1::/64",
    "ip6tables": False,
    "default-address-pools": [{"base": "10.0.0.0/8", "size": 24}, {"base": "fd00::/48", "size": 64}],
    "default-network-opts": {"bridge": {"com.docker.network.enable_ipv6": "true"}},
}


def test_flags_and_back():
    assert from_flags(as_flags(SETTINGS)) == SETTINGS


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--ipv6"], {"ipv6": True}),
        (["--ipv6=false"], {"ipv6": False}),
        (["--ipv6=T", "--ipv6=0"], {"ipv6": False}),
        (["--fixed-cidr-v6", "fd00::/64", "-H", "fd://"], {"fixed-cidr-v6": "fd00::/64"}),
        (["--fixed-cidr-v6=a", "--fixed-cidr-v6=b"], {"fixed-cidr-v6": "b"}),
        (["--fixed-cidr-v6"], {"fixed-cidr-v6": ""}),
        (
            ["--default-address-pool", "size=16,base=10.0.0.0/8"],
            {"default-address-pools": [{"base": "10.0.0.0/8", "size": 16}]},
        ),
        (["--ipv6x"], {}),
    ],
)
def test_spellings_of_flags(flags, expected):
    assert from_flags(flags) == expected


@pytest.mark.parametrize(
    ("key", "flag"),
    [("hosts", "--host"), ("insecure-registries", "--insecure-registry"), ("data-root", "--data-root")],
)
def test_flag_of_a_key(key, flag):
    assert flag_of(key) == flag


@pytest.mark.parametrize(
    ("version", "settings", "expected"),
    [
        ("20.10.5+dfsg1", {}, False),
        ("26.1.5", {"ip6tables": True}, False),
        ("26.1.5", {"ip6tables": True, "experimental": True}, True),
        ("27.0.1", {}, True),
        ("28.5.2+dfsg4", {"ip6tables": False}, False),
        ("29.0.0-rc.1", {}, True),
    ],
)
def test_masquerades(version, settings, expected):
    assert masquerades(version, settings) is expected
