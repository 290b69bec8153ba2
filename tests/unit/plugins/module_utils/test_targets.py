from __future__ import annotations

import pytest

from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal
from ansible_collections.v6ops.docker.plugins.module_utils._targets import parse_targets


def interface(name, index, state="ready"):
    return {"name": name, "index": index, "state": state, "up": True}


KNOWN = [
    interface("lo", 1, "no_address"),
    interface("eth0", 2),
    interface("wlan0", 3),
    interface("eth1", 4, "tentative"),
    interface("docker0", 5),
]


@pytest.mark.parametrize(
    ("text", "names", "expected"),
    [
        ("fe80::1%eth0", None, "fe80::1%eth0"),
        ("FE80:0::1%eth0", ["wlan0"], "fe80::1%eth0"),
        ("fe80::1%3", None, "fe80::1%wlan0"),
        ("fe80::1", ["eth0"], "fe80::1%eth0"),
        ("fe80::1%docker0", None, "fe80::1%docker0"),
    ],
)
def test_a_target_has_an_interface(text, names, expected):
    (target,) = parse_targets([text, text], names, KNOWN)
    assert str(target) == expected


@pytest.mark.parametrize(
    ("text", "names", "message"),
    [
        (
            "fe80::1",
            None,
            "Cannot probe fe80::1: a link-local address may be on any link, and it does not say on which. "
            "Write fe80::1%eth0 or fe80::1%wlan0.",
        ),
        (
            "fe80::1",
            ["eth0", "docker0"],
            "Cannot probe fe80::1: a link-local address may be on any link, and it does not say on which. "
            "Write fe80::1%eth0 or fe80::1%docker0.",
        ),
        (
            "fe80::1%eth9",
            None,
            "Cannot probe 'fe80::1%eth9': this host has no interface 'eth9'. It has docker0, eth0, eth1, lo, wlan0.",
        ),
        ("fe80::1%", None, "Cannot probe 'fe80::1%': this host has no interface ''. It has "),
        (
            "2001:db8::1%eth0",
            None,
            "Cannot probe '2001:db8::1%eth0': it is not a link-local address (fe80::/10). "
            "A target is a link-local address with its interface, such as fe80::1%eth0.",
        ),
        ("ff02::1%eth0", None, "Cannot probe 'ff02::1%eth0': it is not a link-local address (fe80::/10)."),
        ("192.0.2.1", None, "Cannot probe '192.0.2.1': '192.0.2.1' is not an IPv6 address."),
        ("[fe80::1%eth0]", None, "Cannot probe '[fe80::1%eth0]': '[fe80::1' is not an IPv6 address."),
        ("fe80::1%eth1", None, "Cannot use eth1: its link-local address is still tentative."),
    ],
)
def test_what_is_no_target_gets_a_sentence(text, names, message):
    with pytest.raises(Refusal) as refusal:
        parse_targets([text], names, KNOWN)
    assert str(refusal.value).startswith(message)


def test_without_any_interface_there_is_nothing_to_write():
    with pytest.raises(Refusal, match="no interface of this host can be one"):
        parse_targets(["fe80::1"], None, KNOWN[:1])
