# Copyright: v6ops.docker contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A command line as systemd takes it apart: words, variables and environment files.

By the rules of systemd.service(5) and systemd.exec(5); tests/unit and the scenario ``units`` compare with systemd.
"""

from __future__ import annotations

import os
import re

PREFIXES = "@-:+!"
_SEPARATORS = " \t\n\r"
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "s": " "}
_ESCAPES.update({character: character for character in "\\\"'"})
_NUMBER = re.compile(r"x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})")
# An even number of backslashes, and the one that continues a line.
_CONTINUATION = re.compile(r"(?<!\\)((?:\\\\)*)\\\n")
# By itself, as a bare one would begin another command.
_SEMICOLON = re.compile(r"\\;(?=[ \t\n\r]|$)")
_VARIABLE = re.compile(r"\$\$|\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_ASSIGNMENT = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*")
# What a backslash may take the meaning from between the double quotes of an environment file.
_QUOTABLE = '"\\`$'


def words(command, escape=None):
    """The words of a command, unquoted and unescaped; specifiers and variables as they stand.

    :param escape: what tells the meaning of a backslash, :func:`_escape` where it is left out.
    """
    found, position, command = [], 0, _CONTINUATION.sub(r"\1 ", command)
    while True:
        while command[position : position + 1] and command[position] in _SEPARATORS:
            position += 1
        if position == len(command):
            return found
        escaped_semicolon = _SEMICOLON.match(command, position)
        if escaped_semicolon:
            word, position = ";", escaped_semicolon.end()
        else:
            word, position = _word(command, position, escape or _escape)
        found.append(word)


def _word(text, position, escape):
    word, quote = "", None
    while position < len(text):
        character = text[position]
        if character == "\\":
            value, position = escape(text, position + 1)
            word += value
            continue
        if quote is None and character in _SEPARATORS:
            break
        if character == quote:
            quote = None
        elif quote is None and character in "\"'":
            quote = character
        else:
            word += character
        position += 1
    return word, position


def _escape(text, position):
    """What an escape stands for, from behind its backslash; an unknown one stands for itself."""
    number = _NUMBER.match(text, position)
    if number:
        hexadecimal = number[1] or number[3] or number[4]
        return chr(int(hexadecimal, 16) if hexadecimal else int(number[2], 8)), number.end()
    character = text[position : position + 1]
    return _ESCAPES.get(character, "\\" + character), position + len(character)


def _literally(text, position):
    """In the value of a variable a backslash stands for the character behind it."""
    return text[position : position + 1], position + 1


def started(command, environment):
    """The program that an ``ExecStart=`` command starts, and its arguments."""
    found = words(command)
    if not found:
        return []
    program = found[0].lstrip(PREFIXES)
    prefixes = found[0][: len(found[0]) - len(program)]
    # Behind "@" comes what the program is told that its name is.
    arguments = found[2:] if "@" in prefixes else found[1:]
    return [program, *(arguments if ":" in prefixes else expand(arguments, environment))]


def dockerd_of(arguments):
    """The arguments of a command up to dockerd itself, which ``env`` may start."""
    if os.path.basename(arguments[0]) != "env":
        return arguments[:1]
    for position, argument in enumerate(arguments[1:], 2):
        if "=" not in argument and not argument.startswith("-"):
            return arguments[:position]
    return arguments[:1]


def expand(arguments, environment):
    """The arguments that a service is started with.

    A word that is just ``$NAME`` becomes as many as its value has, ``${NAME}`` stays a part of its word.
    """
    expanded = []
    for argument in arguments:
        if argument.startswith("$") and argument[1:2] not in ("{", "$"):
            expanded += words(environment.get(argument[1:], ""), _literally)
        else:
            expanded.append(_VARIABLE.sub(lambda found: environment.get(found[1], "") if found[1] else "$", argument))
    return expanded


def parse_environment_file(text):
    """The variables of a file that ``EnvironmentFile=`` names."""
    environment, lines = {}, text.replace("\r\n", "\n")
    position = 0
    while position < len(lines):
        assignment = _ASSIGNMENT.match(lines, position)
        if assignment:
            value, position = _value(lines, assignment.end())
            environment[assignment[1]] = value
        else:
            position = _end_of_line(lines, position)
    return environment


def _end_of_line(text, position):
    """Behind a line without an assignment; a comment, too, is continued by a backslash at its end."""
    while True:
        end = text.find("\n", position)
        if end < 0:
            return len(text)
        position = end + 1
        if not text[:end].endswith("\\"):
            return position


def _value(text, position):
    """The value from behind its equals sign, and where the next line begins; quotes count where a word begins."""
    value, kept, quote, in_word = "", 0, None, False
    while position < len(text):
        character = text[position]
        position += 1
        if character == "\n" and quote is None:
            break
        if character == "\\" and quote != "'":
            following = text[position : position + 1]
            position += 1
            in_word = in_word or quote is None
            if following != "\n":
                value += following if quote is None or following in _QUOTABLE else character + following
                kept = len(value)
        elif character == quote:
            quote = None
        elif quote is None and not in_word and character in "\"'":
            quote = character
        elif quote or in_word or character not in _SEPARATORS:
            in_word = in_word or quote is None
            value += character
            if quote or character not in _SEPARATORS:
                kept = len(value)
    return value[:kept], position
