# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Python libraries that a managed host needs, told to the role that installs them."""

from __future__ import annotations

from importlib.util import find_spec


def missing_libraries(*names):
    return [name for name in names if find_spec(name) is None]


def fail_on_missing(module, missing):
    """Fail with ``missing_libraries``, which the roles of this collection install and then try again."""
    if missing:
        module.fail_json(
            msg=f"Cannot run {module._name}: the host's Python has no {' and no '.join(missing)}. "
            f"Install the distribution's packages (on Debian: {' '.join(f'python3-{name}' for name in missing)}).",
            missing_libraries=missing,
        )
