from __future__ import annotations

import pytest

from ansible_collections.v6ops.docker.plugins.module_utils._whole_job import owner_of


@pytest.mark.parametrize(
    ("requested", "masquerades", "owner"),
    [
        ("auto", True, "engine"),
        ("auto", False, "collection"),
        ("engine", False, "engine"),
        ("collection", True, "collection"),
    ],
)
def test_the_engine_masquerades_where_it_does_so_by_itself_or_is_told_to(requested, masquerades, owner):
    assert owner_of(requested, {"ip6tables": masquerades}) == owner
