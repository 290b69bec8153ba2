# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Change keys of a JSON object in its text, so that whatever else stands there stays as it is."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()
INDENTATION = "    "


class Member(NamedTuple):
    """A key and its value, with the offsets of the whole and of the value."""

    key: str
    start: int
    value_start: int
    end: int


def parse_object(text):
    """The object that a text holds, None where it is something else."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def members(text):
    """The members of an object, in order."""
    found, position = [], _skip(text, text.index("{") + 1)
    while text[position] == '"':
        key, end = _DECODER.raw_decode(text, position)
        value_start = _skip(text, _skip(text, end) + 1)
        __, value_end = _DECODER.raw_decode(text, value_start)
        found.append(Member(key, position, value_start, value_end))
        position = _skip(text, value_end)
        if text[position] == ",":
            position = _skip(text, position + 1)
    return found


def _skip(text, position):
    return _SPACE.match(text, position).end()


def edit(text, changes):
    """Set keys of an object, or remove them.

    :param text: the object; None or blank for an empty one.
    :param changes: the new value of each key, None to remove it.
    """
    if not changes:
        return text
    text = text if text and text.strip() else "{\n}\n"
    for key, value in changes.items():
        found = [member for member in members(text) if member.key == key]
        if value is None:
            for __ in found:
                text = _remove(text, key)
        elif not found:
            text = _append(text, key, value)
        elif json.loads(text)[key] != value:
            member = found[-1]
            text = text[: member.value_start] + _spell(value, _layout(text)) + text[member.end :]
    return text


def _layout(text):
    """What stands between the members: a line break and the indentation, or a space on a single line."""
    body = text[text.index("{") + 1 :]
    gap = _SPACE.match(body)[0]
    if "\n" not in gap:
        return " " if ":" in body else ""
    return gap if members(text) else f"\n{INDENTATION}"


def _spell(value, layout):
    if not isinstance(value, list) or "\n" not in layout:
        return json.dumps(value)
    inner = layout + (layout.rpartition("\n")[2] or INDENTATION)
    return "[" + ",".join(inner + json.dumps(item) for item in value) + layout + "]"


def _append(text, key, value):
    found, layout = members(text), _layout(text)
    member = f"{json.dumps(key)}: {_spell(value, layout)}"
    if found:
        end = found[-1].end
        return f"{text[:end]},{layout}{member}{text[end:]}"
    start = text.index("{") + 1
    return f"{text[:start]}{layout}{member}{text[start:]}"


def _remove(text, key):
    found = members(text)
    position = max(index for index, member in enumerate(found) if member.key == key)
    member = found[position]
    if position:
        return text[: found[position - 1].end] + text[member.end :]
    if len(found) > 1:
        return text[: member.start] + text[found[1].start :]
    return text[: text.index("{") + 1] + text[member.end :]
