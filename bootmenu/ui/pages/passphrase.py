# SPDX-License-Identifier: MIT
"""The question for a passphrase: how many characters have been typed, and what came of the last one."""

from __future__ import annotations

from bootmenu.discovery.devices import Device
from bootmenu.language import _
from bootmenu.ui.lines import BLANK, Ink, Line, Span, line, paragraph
from bootmenu.ui.text import clean


def passphrase(device: Device, typed: int, said: str, width: int, *, working: bool) -> list[Line]:
    """typed: characters so far. said: why the last one did not do."""
    lines = [*paragraph(width, clean(device.title, 200), Ink.STRONG), BLANK]
    lines += paragraph(width, _("It is encrypted. Unlocked, it is read like any other; nothing on it is written."))
    # the end of it is where the typing shows
    label = _("Passphrase: ")
    stars = "*" * min(typed, max(1, width - len(label) - 4))
    lines += [BLANK, line(" ", Span(label, Ink.LABEL), Span(f"{stars}_", Ink.STRONG)), BLANK]
    if working:
        return [*lines, *paragraph(width, _("deriving the key, which takes some seconds"), Ink.DIM)]
    return [*lines, *paragraph(width, clean(said, 300), Ink.WARN)] if said else [*lines, BLANK]
