# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text that a neighbour sent, made fit for a terminal, a file and a host name."""

from __future__ import annotations

LIMIT = 255


def clean(text, limit=LIMIT):
    """Text without control characters, direction marks and what else does not print, cut to a length.

    :param text: bytes in UTF-8, or a string.
    """
    if isinstance(text, bytes):
        # No character of UTF-8 has more than four bytes.
        text = text[: 4 * limit].decode("utf-8", errors="replace")
    return "".join(one if one.isprintable() else "?" for one in text[:limit])
