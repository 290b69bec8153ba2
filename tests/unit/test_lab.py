"""The lab's scripts where a step of theirs fails; a docker and an mmdebstrap of our own stand in for the real ones."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

BUILD_IMAGES = Path(__file__).parents[1] / "lab/build-images"
FAKES = {
    "sudo": 'shift; exec "$@"',
    # An engine with no image and no registry; what is imported or built is noted.
    "docker": 'case $1 in image | pull) exit 1 ;; *) echo "$1" >>"$NOTES" ;; esac',
    "mmdebstrap": 'for target; do :; done; echo partial >"$target"; exit "$MMDEBSTRAP_EXIT"',
}


@pytest.fixture(name="build")
def _build(tmp_path):
    for name, script in FAKES.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n", encoding="ascii")
        (tmp_path / name).chmod(0o755)
    notes = tmp_path / "notes"
    notes.touch()

    def run(bootstrap_exit):
        environment = {
            **os.environ,
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "TMPDIR": str(tmp_path),
            "NOTES": str(notes),
            "MMDEBSTRAP_EXIT": str(bootstrap_exit),
        }
        done = subprocess.run([BUILD_IMAGES, "host:bookworm"], check=False, capture_output=True, env=environment)
        return done.returncode, notes.read_text(encoding="ascii").split()

    return run


def test_an_image_is_bootstrapped_and_built(build):
    assert build(0) == (0, ["import", "build"])


def test_a_failed_bootstrap_makes_no_image(build):
    code, steps = build(1)
    assert code != 0
    assert steps == []
