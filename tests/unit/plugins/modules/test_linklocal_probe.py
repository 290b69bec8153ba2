from __future__ import annotations

import pytest

from ansible_collections.v6ops.docker.plugins.module_utils._errors import Refusal
from ansible_collections.v6ops.docker.plugins.modules.linklocal_probe import check_numbers, ready

FINE = {"count": 3, "interval": 0.2, "timeout": 1.0, "ports": [], "targets": ["fe80::1%eth0"]}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"count": 0}, "Cannot probe with count 0: it is out of range. Give 1 to 1000."),
        ({"interval": 0.0}, "Cannot probe with interval 0.0"),
        ({"timeout": 1e9}, "Cannot probe with timeout"),
        ({"timeout": float("nan")}, "Cannot probe with timeout nan"),
        ({"ports": [22, 65536]}, "Cannot connect to port 65536"),
        ({"ports": [0]}, "Cannot connect to port 0"),
        ({"ports": [22], "targets": []}, "Cannot connect to ports: there are no targets."),
    ],
)
def test_numbers_out_of_range(changes, words):
    with pytest.raises(Refusal, match=f"^{words}"):
        check_numbers({**FINE, **changes})


def test_numbers_within():
    check_numbers({**FINE, "ports": [1, 65535]})


def test_of_interfaces_that_were_named_all_have_to_be_ready():
    fine, other = {"name": "eth0", "state": "ready"}, {"name": "eth1", "state": "no_carrier"}
    assert ready([fine, other], are_named=False) == [fine]
    assert ready([], are_named=False) == []
    with pytest.raises(Refusal, match="Cannot use eth1: it has no carrier"):
        ready([fine, other], are_named=True)
    with pytest.raises(Refusal, match="Cannot use eth1"):
        ready([other], are_named=False)
