# SPDX-License-Identifier: MIT
"""The question for a passphrase: how many characters have been typed, and what came of the last one."""

from __future__ import annotations

from bootmenu.discovery.devices import Device
from bootmenu.i18n import _
from bootmenu.terminal.cells import cells, clean
from bootmenu.view.styled_text import BLANK, Line, Span, Style, line, paragraph


def passphrase(device: Device, said: str, width: int, *, working: bool) -> list[Line]:
    """Return which partition it is, and what came of the last try: always as many lines, so that the box keeps its
    size.

    said: why the last one did not do.
    """
    what = _("It is encrypted. Unlocked, it is read like any other; nothing on it is written.")
    explained = paragraph(width, what)
    if working:
        explained = _as_many(paragraph(width, _("deriving the key, which takes some seconds"), Style.DIM), explained)
    elif said:
        explained = _as_many(paragraph(width, clean(said, 300), Style.WARN), explained)
    return [*paragraph(width, clean(device.title, 200), Style.STRONG), BLANK, *explained]


def _as_many(lines: list[Line], others: list[Line]) -> list[Line]:
    return lines + [BLANK] * (len(others) - len(lines))


def typing(typed: int, width: int) -> Line:
    """Return the line that is typed: its end is where the typing shows. typed: characters so far."""
    label = _("Passphrase: ")
    if cells(label) > width // 2:
        label = ""
    stars = "*" * min(typed, max(1, width - cells(label) - 4))
    return line(" ", Span(label, Style.LABEL), Span(f"{stars}_", Style.STRONG))
