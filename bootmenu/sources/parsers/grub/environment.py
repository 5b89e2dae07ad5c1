# SPDX-License-Identifier: MIT
"""Read GRUB's environment block, `grubenv`: 1024 bytes in which GRUB and grub-editenv save variables."""

from __future__ import annotations

import re

from bootmenu.errors import FormatError
from bootmenu.model.regex import regex

SIGNATURE = b"# GRUB Environment Block\n"
LIMIT = 64 * 1024
"""Bytes. The block has 1024 bytes by default; even deliberately larger ones stay below this limit."""

_ESCAPED = regex(r"\\(.)", re.DOTALL)
_NAME = regex(r"([^=\n]*+)=")
_VALUE = regex(r"((?:\\.|[^\\\n]++)*+)(\n?)", re.DOTALL)


def parse(data: bytes) -> dict[str, str]:
    """Return the variables of a block; ignore an incomplete last line.

    Raise FormatError if the signature is missing.
    """
    if not data.startswith(SIGNATURE):
        raise FormatError("not a GRUB environment block: its first line is different", 0)
    text = data.decode("utf-8", "replace").replace("\0", "")
    variables: dict[str, str] = {}
    at = len(SIGNATURE)
    while at < len(text):
        # grub-core/lib/envblk.c:grub_envblk_iterate: a line that begins with # is padding, a backslash escapes the
        # next character, even the end of the line
        name = None if text[at] == "#" else _NAME.match(text, at)
        value = _VALUE.match(text, name.end()) if name is not None else None
        if name is None or value is None:
            end = text.find("\n", at)
            at = len(text) if end < 0 else end + 1
        elif not value[2]:
            break  # the value is not terminated, and neither are any lines within it
        else:
            if name[1]:
                variables[name[1]] = _ESCAPED.sub(r"\1", value[1])
            at = value.end()
    return variables


def expand(text: str, variables: dict[str, str]) -> str:
    """Replace `$name` and `${name}` by their values, or by nothing if they are unset, as in GRUB, or if the text
    would grow by more than LIMIT."""
    room = LIMIT

    def value(match: re.Match[str]) -> str:
        nonlocal room
        text = variables.get(match[1] or match[2], "")
        room -= len(text)
        return text if room >= 0 else ""

    return _VARIABLE.sub(value, text)


def names_in(text: str) -> list[str]:
    """Return the names of the variables in a text, in order."""
    return [match[1] or match[2] for match in _VARIABLE.finditer(text)]


_VARIABLE = regex(r"\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})")
