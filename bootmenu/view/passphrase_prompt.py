# SPDX-License-Identifier: MIT
"""The prompt for the passphrase of an encrypted partition."""

from __future__ import annotations

from bootmenu.discovery.devices import Device
from bootmenu.i18n import _
from bootmenu.terminal.cells import cells, clean
from bootmenu.view.styled_text import BLANK, Line, Span, Style, line, paragraph


def passphrase(device: Device, error: str, width: int, *, working: bool) -> list[Line]:
    """Return the partition's name and the state of the last try, padded so that the box never shrinks.

    error: why the last passphrase was refused; empty if none was tried. working: whether one is being tried.
    """
    what = _("It is encrypted. Unlocked, it is read like any other; nothing on it is written.")
    explained = paragraph(width, what)
    if working:
        explained = _padded(paragraph(width, _("deriving the key, which takes some seconds"), Style.DIM), explained)
    elif error:
        explained = _padded(paragraph(width, clean(error, 300), Style.WARN), explained)
    return [*paragraph(width, clean(device.title, 200), Style.STRONG), BLANK, *explained]


def _padded(lines: list[Line], others: list[Line]) -> list[Line]:
    """Return the lines, with blank ones added so that there are at least as many as the others."""
    return lines + [BLANK] * (len(others) - len(lines))


def input_line(typed: int, width: int) -> Line:
    """Return the line that is typed, with a star for each character and the cursor. typed: number of characters."""
    label = _("Passphrase: ")
    if cells(label) > width // 2:
        label = ""
    stars = "*" * min(typed, max(1, width - cells(label) - 4))
    return line(" ", Span(label, Style.LABEL), Span(f"{stars}_", Style.STRONG))
