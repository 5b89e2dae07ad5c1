# SPDX-License-Identifier: MIT
"""Text for terminals that know ASCII only. Imports nothing but the standard library."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

_ASCII = str.maketrans(
    "─│┌┐└┘├┤┬┴┼═║╔╗╚╝█░▒■▲▼▶◀←↑→↓•·±°«»ß¿¡ŒœÆæØø",
    "-|+++++++++=|++++#.:#^v><<^>v*-~o<>s?!OoAaOo",
)

_TYPOGRAPHY = str.maketrans("“”„‘’‚‹›–—…", '"""\'\',<>--~')
"""What the fonts of consoles lack (drivers/tty/vt/cp437.uni has none of them), by its likeness of one column."""


def to_console(data: str) -> str:
    """The same number of columns, without the quotation marks and dashes that a console would draw as boxes."""
    return data if data.isascii() else data.translate(_TYPOGRAPHY)


def to_ascii(data: str) -> str:
    """The same number of columns in ASCII: lines and signs by their likeness, letters without accents, else `?`."""
    data = to_console(data).translate(_ASCII)
    if data.isascii():
        return data
    return "".join(char if char.isascii() else _plain(char) for char in data)


def likeness(error: UnicodeError) -> tuple[str, int]:
    """Replace signs that a charset lacks by their likeness in ASCII; an error handler for codecs.register_error. A
    sign without a likeness is written as its escape, so that a name on a disk stays what it is."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = error.object[error.start : error.end]
    shown = (to_ascii(char) for char in lost)
    escaped = (char.encode("ascii", "backslashreplace").decode() for char in lost)
    return "".join(escape if "?" in like else like for like, escape in zip(shown, escaped, strict=True)), error.end


def _plain(char: str) -> str:
    base = unicodedata.normalize("NFKD", char)[0]
    return base if base.isascii() and base.isprintable() else "?" * width(char)


_NEWLY_WIDE = ((0x2630, 0x2637), (0x268A, 0x268F), (0x4DC0, 0x4DFF), (0x1D300, 0x1D356), (0x1D360, 0x1D376))
"""Wide since Unicode 16: Python 3.13 and older do not know it, and terminals and Textual do."""
_WITHOUT_CELLS = ((0x1160, 0x11FF), (0x3164, 0x3164), (0xD7B0, 0xD7FF), (0xFFA0, 0xFFA0), (0x1F3FB, 0x1F3FF))
"""Hangul letters and modifiers of emoji that are drawn into the cells of the character before them, and fillers."""


def width(text: str) -> int:
    """Return the columns of a text; of one that is `clean` (terminal/cells.py) as many as Textual and rich count."""
    return len(text) if text.isascii() else sum(map(char_width, text))


@lru_cache(4096)
def char_width(char: str) -> int:
    """Return 0, 1 or 2. A control character is a mistake of the caller, and counts as 1."""
    if _is_in(char, _WITHOUT_CELLS) or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" or _is_in(char, _NEWLY_WIDE) else 1


def _is_in(char: str, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= ord(char) <= last for first, last in ranges)


def set_width(text: str, columns: int) -> str:
    """Return the text cut or padded to so many columns."""
    used, end = 0, 0
    for end, char in enumerate(text):
        used += char_width(char)
        if used > columns:
            return text[:end] + " " * (columns - used + char_width(char))
    return text + " " * (columns - used)
