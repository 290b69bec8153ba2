# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one exception of this collection, and the one place where it becomes a module's failure."""

from __future__ import annotations

from contextlib import contextmanager


class Refusal(Exception):
    """Something that cannot be done, told as ``Cannot <verb> <object>: <cause>.`` and a remedy."""

    def __init__(self, problem, remedy, **details):
        super().__init__(f"{problem} {remedy}".rstrip())
        self.details = details


def as_refusal(error):
    """What the operating system refuses, an :class:`OSError`, as a :class:`Refusal`."""
    return Refusal(f"Cannot use {error.filename or 'the system'}: {error.strerror or error}.", "")


@contextmanager
def failing(module):
    """Turn a :class:`Refusal`, or what the operating system refuses, into ``module.fail_json``."""
    try:
        yield
    except Refusal as refusal:
        module.fail_json(msg=str(refusal), **refusal.details)
    except OSError as error:
        module.fail_json(msg=str(as_refusal(error)))


def require_root(module, uid):
    if uid != 0:
        module.fail_json(msg=f"Cannot run {module._name}: it needs root on the managed host. Set 'become: true'.")
