from __future__ import annotations

import pytest

from ansible_collections.v6ops.docker.plugins.module_utils._destinations import parse_destinations
from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal


@pytest.mark.parametrize(
    ("text", "address", "name", "port"),
    [
        ("2001:DB8:0::1", "2001:db8::1", None, None),
        (" [2001:db8::1] ", "2001:db8::1", None, None),
        ("[2001:db8::1]:22", "2001:db8::1", None, 22),
        ("2001:db8::22", "2001:db8::22", None, None),
        ("www.example.com", None, "www.example.com", None),
        ("www.example.com.:443", None, "www.example.com.", 443),
        ("_sip.xn--e1afmkfd.example", None, "_sip.xn--e1afmkfd.example", None),
    ],
)
def test_spellings(text, address, name, port):
    expected = {"target": text.strip(), "address": address, "name": name, "port": port}
    assert parse_destinations([text]) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        *("", "192.0.2.1", "192.0.2.1:80", "fe80::1", "fe80::1%eth0", "ff02::1", "::1", "::", "::ffff:192.0.2.1"),
        *("[2001:db8::1]:0", "[2001:db8::1]:65536", "[2001:db8::1", "a..b", "-rf", "a b", "$(id)", "2001:db8::/64"),
    ],
)
def test_bad_input(text):
    with pytest.raises(Refusal, match="Cannot probe "):
        parse_destinations([text])


def test_too_many():
    with pytest.raises(Refusal, match="at most 64"):
        parse_destinations(["2001:db8::1"] * 65)
