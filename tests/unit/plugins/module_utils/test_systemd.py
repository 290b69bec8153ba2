from __future__ import annotations

import pytest

from ansible_collections.v6ops.docker.plugins.module_utils._systemd import last_words

EXIT = "docker.service: Main process exited, code=exited, status=1/FAILURE"


@pytest.mark.parametrize(
    ("log", "words"),
    [
        (["time=1", "failed to start daemon: no", EXIT, "Failed to start"], "failed to start daemon: no"),
        (["time=1", "Status: invalid", "See help", EXIT], "Status: invalid See help"),
        (["failed: first", EXIT, "time=2", "failed: second", EXIT], "failed: second"),
        (["time=1", EXIT], None),
        ([EXIT], None),
        (["time=1"], None),
        ([], None),
    ],
)
def test_last_words(log, words):
    assert last_words(log) == words
