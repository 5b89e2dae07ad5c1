# SPDX-License-Identifier: MIT
"""Text for a grid of cells: made harmless, measured, cut, padded and wrapped."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from bootmenu.i18n import _, number
from bootmenu.model.regex import regex
from bootmenu.terminal.widths import char_width, set_width
from bootmenu.terminal.widths import width as columns_of_text

CUT = "»"
"""Marks where a text was cut; every console font has it."""

_SPACES = frozenset("\t\n\v\f\r\x85\u2028\u2029")
_HARMFUL = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Mn", "Me", "Mc"})


def clean(text: str, limit: int = 4096) -> str:
    """Return text from a disk, made safe for a screen: without escapes, direction marks or combining characters.

    Line breaks and tabs become spaces; any other character without cells of its own becomes `?`. A text of more than
    `limit` characters is cut.
    """
    if len(text) <= limit and text.isascii() and text.isprintable():
        return text
    longer = len(text) > limit
    text = unicodedata.normalize("NFC", text[:limit])
    safe = text.translate(_ASCII) if text.isascii() else "".join(map(_harmless, text))
    return safe + CUT if longer else safe


@lru_cache(4096)
def _harmless(char: str) -> str:
    if char in _SPACES:
        return " "
    return char if unicodedata.category(char) not in _HARMFUL and char_width(char) > 0 else "?"


_ASCII = "".join(map(_harmless, map(chr, range(128))))


def cells(text: str) -> int:
    """Return the columns that a clean text takes."""
    return columns_of_text(text)


def cut(text: str, width: int) -> str:
    """Return the text in at most `width` columns; if it was cut, the last one says so."""
    if cells(text) <= width:
        return text
    if width <= 0:
        return ""
    return set_width(text, width - 1).rstrip() + CUT


def fit(text: str, width: int, *, right: bool = False) -> str:
    """Return the text in exactly `width` columns: cut, or padded on the right (on the left with `right`)."""
    text = cut(text, width)
    space = " " * (width - cells(text))
    return space + text if right else text + space


_BREAKS = regex(r"[^\S\xa0]+")


def wrap(text: str, width: int) -> list[str]:
    """Return at least one line, each of at most `width` columns, broken at spaces if possible; no-break ones hold."""
    width = max(width, 2)
    lines: list[str] = []
    line = ""
    for word in text.split() if text.isascii() else _BREAKS.split(text.strip()):
        if line and cells(line) + 1 + cells(word) <= width:
            line += " " + word
            continue
        if line:
            lines.append(line)
        while cells(word) > width:
            head = _head(word, width)
            lines.append(head)
            word = word[len(head) :]
        line = word
    lines += [line] if line or not lines else []
    return lines if text.isascii() else [line.replace("\xa0", " ") for line in lines]  # not every font has it


def fold(head: str, text: str, width: int) -> list[str]:
    """Return head and text in lines of at most `width` columns, at least one line. Words are broken only if they are
    longer than a line. The text is indented to the end of its head, or less if that would leave it under half of the
    line."""
    if cells(head) + cells(text) <= width:
        return [head + text]
    left = cells(head)
    if left <= width // 2:
        first, *more = wrap(text, width - left)
        return [head + first, *(" " * left + line for line in more)]
    left = min(len(head) - len(head.lstrip()), width // 8)
    first, *more = wrap(f"{head} {text}", width - left - 2)
    return [" " * left + first, *(" " * (left + 2) + line for line in more)]


_JOINTS = "/,:=-_."


def _head(word: str, width: int) -> str:
    """Return as much of a long word as fits, up to a separator of a path or list if there is one near the end."""
    used, end = 0, len(word)
    for index, char in enumerate(word):
        used += cells(char)
        if used > width:
            end = max(index, 1)
            break
    joint = max(word.rfind(sign, end - end // 3, end) for sign in _JOINTS) + 1
    return word[: joint or end]


def rate(bytes_per_second: float) -> str:
    """Return a rate like `112 MB/s`."""
    millions = bytes_per_second / 1_000_000
    return number(millions, ".0f" if millions >= 9.95 else ".1f") + " " + _("MB") + "/s"


def seconds(value: float) -> str:
    """Return a time like `0.2 s` or `75 s`."""
    return f"{number(value, '.1f')} s" if value < 60 else f"{value:.0f} s"
