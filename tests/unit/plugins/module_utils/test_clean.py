from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.v6ops.docker.plugins.module_utils._clean import clean


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"SSH-2.0-OpenSSH_9.2p1", "SSH-2.0-OpenSSH_9.2p1"),
        (b"\x1b]0;title\x07", "?]0;title?"),
        ("a\u202eb\u200bc\u2028d\n", "a?b?c?d?"),
        ("Grüße.local", "Grüße.local"),
        ("\ud800", "?"),
    ],
)
def test_what_does_not_print_is_gone(text, expected):
    assert clean(text) == expected


@given(st.one_of(st.binary(), st.text()), st.integers(1, 50))
def test_any_text_is_fit_to_print(text, limit):
    cleaned = clean(text, limit)
    assert len(cleaned) <= limit
    assert cleaned == "" or cleaned.isprintable()
    cleaned.encode()
