# SPDX-License-Identifier: MIT
"""Text for terminals that know ASCII only. Imports nothing but the standard library."""

from __future__ import annotations

import unicodedata

from bootmenu.terminal.widths import width

_ASCII = str.maketrans(
    "─│┌┐└┘╭╮╰╯├┤┬┴┼═║╔╗╚╝█░▒■▲▼▶◀←↑→↓•·±°«»ß¿¡ŒœÆæØø",
    "-|+++++++++++++=|++++#.:#^v><<^>v*-~o<>s?!OoAaOo",
)

_TYPOGRAPHY = str.maketrans("“”„‘’‚‹›–—…\xa0", '"""\'\',<>--~ ')
"""Characters that console fonts lack (none is in drivers/tty/vt/cp437.uni), and replacements of one column."""


def to_console(data: str) -> str:
    """Return text of the same width without quotation marks and dashes that a console would show as boxes."""
    return data if data.isascii() else data.translate(_TYPOGRAPHY)


def to_ascii(data: str) -> str:
    """Return ASCII text of the same width: similar lines and signs, letters without accents, and `?` for the rest."""
    data = to_console(data).translate(_ASCII)
    if data.isascii():
        return data
    return "".join(char if char.isascii() else _plain(char) for char in data)


def likeness(error: UnicodeError) -> tuple[str, int]:
    """Replace characters that a charset lacks by similar ASCII ones, as an error handler for codecs.register_error. A
    character without a similar one becomes an escape, so that a name on a disk stays unambiguous."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = error.object[error.start : error.end]
    shown = (to_ascii(char) for char in lost)
    escaped = (char.encode("ascii", "backslashreplace").decode() for char in lost)
    return "".join(escape if "?" in like else like for like, escape in zip(shown, escaped, strict=True)), error.end


def _plain(char: str) -> str:
    base = unicodedata.normalize("NFKD", char)[0]
    return base if base.isascii() and base.isprintable() else "?" * width(char)
