"""Cases that a reader wants to see; the scenario "units" compares thousands more with systemd itself."""

from __future__ import annotations

import pytest

from ansible_collections.v6ops.docker.plugins.module_utils._command_line import (
    parse_environment_file,
    started,
    words,
)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("dockerd  -H\tfd://", ["dockerd", "-H", "fd://"]),
        ("a \"b c\" 'd e'f", ["a", "b c", "d ef"]),
        (r"a\sb \x41 \101 \u00e9 \q \\", ["a b", "A", "A", "é", r"\q", "\\"]),
        ("a '' b", ["a", "", "b"]),
        ("a \\\n   b", ["a", "b"]),
        ("$A ${B}x %i", ["$A", "${B}x", "%i"]),
    ],
)
def test_words(command, expected):
    assert words(command) == expected


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("a $B", ["a", "1", "2 3"]),
        ("a ${B}x", ["a", "1 '2 3'x"]),
        ("a x$B $$B $C ${C}", ["a", "x$B", "$B", ""]),
        ("-/a $B", ["/a", "1", "2 3"]),
        ("@/a b c", ["/a", "c"]),
        (":/a $B", ["/a", "$B"]),
    ],
)
def test_started(command, expected):
    assert started(command, {"B": "1 '2 3'"}) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A=1\n# B=2\n;C=3\n\nD=4", {"A": "1", "D": "4"}),
        ("A= 1 2 \n", {"A": "1 2"}),
        ("A=\"x y\"'z'\nB='a\\b'\n", {"A": "x yz", "B": "a\\b"}),
        ('A="a\\"b\\nc"\n', {"A": 'a"b\\nc'}),
        ("A=1\\\n2\n", {"A": "12"}),
        ('A="1\n2"\nB=3\n', {"A": "1\n2", "B": "3"}),
        ("A=a'b'\n", {"A": "a'b'"}),
        ("A=1\nA=2\nexport B=3\n", {"A": "2"}),
        ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
    ],
)
def test_environment_file(text, expected):
    assert parse_environment_file(text) == expected
