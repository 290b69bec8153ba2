from __future__ import annotations

import json

import pytest

from ansible_collections.v6ops.docker.plugins.module_utils._json_text import edit

POOLS = [{"base": "10.0.0.0/8", "size": 24}, {"base": "fd00::/48", "size": 64}]
TEXTS = [
    '{"a": 1}',
    "{}\n",
    "{\n}\n",
    '{\n  "a": {"b": [1,2], "ipv6": 9},\n  "c": "}",\n  "d\\"": 2\n}\n',
    '{\n\t"a":1\n}',
    '  {"a" : 1 , "b":2}\n\n',
    '{"a":\n1}',
]


@pytest.mark.parametrize("text", TEXTS)
def test_what_is_added_can_be_taken_away_byte_for_byte(text):
    added = edit(text, {"ipv6": True, "pools": POOLS})
    assert json.loads(added) == {**json.loads(text), "ipv6": True, "pools": POOLS}
    assert edit(added, {"ipv6": None, "pools": None}) == text


@pytest.mark.parametrize("text", TEXTS)
def test_a_value_is_replaced_where_it_stands(text):
    added = edit(text, {"ipv6": False, "z": 1})
    assert edit(edit(added, {"ipv6": True}), {"ipv6": False}) == added
    assert list(json.loads(edit(added, {"ipv6": True})))[-2:] == ["ipv6", "z"]


@pytest.mark.parametrize("text", [None, "", " \n"])
def test_no_object_yet(text):
    assert edit(text, {"ipv6": True}) == '{\n    "ipv6": true\n}\n'
    assert edit(text, {}) == text


@pytest.mark.parametrize("key", ["a", "b", "c"])
def test_any_member_can_be_removed(key):
    text = '{\n  "a": 1,\n  "b": [2],\n  "c": 3\n}\n'
    removed = edit(text, {key: None})
    assert json.loads(removed) == {name: value for name, value in json.loads(text).items() if name != key}
    assert removed.count("\n") == 4


def test_layout_of_the_file_is_followed():
    assert edit('{\n  "a": 1\n}\n', {"pools": POOLS}) == (
        '{\n  "a": 1,\n  "pools": [\n    {"base": "10.0.0.0/8", "size": 24},\n    {"base": "fd00::/48", "size": 64}\n'
        "  ]\n}\n"
    )
