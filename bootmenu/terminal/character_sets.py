# SPDX-License-Identifier: MIT
"""Text for terminals that know ASCII only. Imports nothing but the standard library."""

from __future__ import annotations

import unicodedata

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


def width(text: str) -> int:
    """Columns, of text that is `clean`."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def set_width(text: str, columns: int) -> str:
    """Cut or padded to so many columns."""
    while width(text) > columns:
        text = text[:-1]
    return text + " " * (columns - width(text))
