# SPDX-License-Identifier: MIT
"""GRUB's environment block: `grubenv`, 1024 bytes in which grub-editenv and GRUB keep variables between boots."""

from __future__ import annotations

import re

from bootmenu.errors import FormatError

SIGNATURE = b"# GRUB Environment Block\n"
LIMIT = 64 * 1024
"""Bytes. The block is 1024 bytes long; whoever made it larger on purpose did not need as much as this."""

_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_NAME = re.compile(r"([^=\n]*+)=")
_VALUE = re.compile(r"((?:\\.|[^\\\n]++)*+)(\n?)", re.DOTALL)


def parse(data: bytes) -> dict[str, str]:
    """The variables of a block; a line that is cut off by its end is none.

    Raises FormatError when it does not begin as a block does.
    """
    if not data.startswith(SIGNATURE):
        raise FormatError("is no GRUB environment block: its first line is another", 0)
    text = data.decode("utf-8", "replace").replace("\0", "")
    variables: dict[str, str] = {}
    at = len(SIGNATURE)
    while at < len(text):
        # grub-core/lib/envblk.c:grub_envblk_iterate: a line that begins with # is padding, a backslash protects what
        # follows it, even the end of the line
        name = None if text[at] == "#" else _NAME.match(text, at)
        value = _VALUE.match(text, name.end()) if name is not None else None
        if name is None or value is None:
            end = text.find("\n", at)
            at = len(text) if end < 0 else end + 1
        elif not value[2]:
            break  # it goes on to the end of the block, and so would all the lines that are within it
        else:
            if name[1]:
                variables[name[1]] = _ESCAPED.sub(r"\1", value[1])
            at = value.end()
    return variables


def expand(text: str, variables: dict[str, str]) -> str:
    """`$name` and `${name}` replaced; what is not set vanishes, as it does in GRUB, and so does what would make the
    text grow by more than LIMIT."""
    room = LIMIT

    def value(match: re.Match[str]) -> str:
        nonlocal room
        text = variables.get(match[1] or match[2], "")
        room -= len(text)
        return text if room >= 0 else ""

    return _VARIABLE.sub(value, text)


def names_in(text: str) -> list[str]:
    """The variables that a text asks for, in order."""
    return [match[1] or match[2] for match in _VARIABLE.finditer(text)]


_VARIABLE = re.compile(r"\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})")
