# SPDX-License-Identifier: MIT
"""The width of characters and texts in columns. Imports nothing but the standard library."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

_NEWLY_WIDE = ((0x2630, 0x2637), (0x268A, 0x268F), (0x4DC0, 0x4DFF), (0x1D300, 0x1D356), (0x1D360, 0x1D376))
"""Characters that are wide since Unicode 16, which terminals and Textual know, but not Python 3.13 and older."""
_WITHOUT_CELLS = ((0x1160, 0x11FF), (0x3164, 0x3164), (0xD7B0, 0xD7FF), (0xFFA0, 0xFFA0), (0x1F3FB, 0x1F3FF))
"""Fillers, and Hangul letters and emoji modifiers that are drawn in the cells of the character before."""


def width(text: str) -> int:
    """Return the columns of a text. For a `clean` text (terminal/cells.py) Textual and rich count the same."""
    return len(text) if text.isascii() else sum(map(char_width, text))


@lru_cache(4096)
def char_width(char: str) -> int:
    """Return the columns of a character, 0, 1 or 2. A control character, which should not occur, counts as 1."""
    if _is_in(char, _WITHOUT_CELLS) or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" or _is_in(char, _NEWLY_WIDE) else 1


def _is_in(char: str, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= ord(char) <= last for first, last in ranges)


def set_width(text: str, columns: int) -> str:
    """Return the text cut or padded to exactly that many columns."""
    used, end = 0, 0
    for end, char in enumerate(text):
        used += char_width(char)
        if used > columns:
            return text[:end] + " " * (columns - used + char_width(char))
    return text + " " * (columns - used)
