# SPDX-License-Identifier: MIT
"""The list of entries as lines of text, for terminals that can only print lines."""

from __future__ import annotations

from collections.abc import Sequence

from bootmenu.i18n import _
from bootmenu.terminal.cells import cells, fit
from bootmenu.view.abridge import abridged
from bootmenu.view.entry_texts import EntryTexts, Mark
from bootmenu.view.wording import word_width


def entry_lines(numbered: Sequence[tuple[int, EntryTexts]], columns: int) -> list[str]:
    """Return a line for each entry, at most `columns` long, no two the same.

    What follows the name is left out before names are cut to fewer than 30 columns.
    """
    digits = max(2, *(len(str(index)) for index, _row in numbered), 0)
    width = word_width()
    names = tuple(row.name for _index, row in numbered)
    longest = max(map(cells, names), default=0)
    for detail in (2, 1, 0):
        tails = [_tail(row, detail) for _index, row in numbered]
        room = columns - digits - width - 5 - max(map(cells, tails), default=0)
        if room >= min(30, longest):
            break
    lines = []
    for (index, row), name, tail in zip(numbered, abridged(names, max(room, 1)), tails, strict=True):
        sign = "!" if row.lost and not detail else row.sign
        lines.append(f" {index:>{digits}}{sign} {fit(row.word, width)}  {name}{tail}")
    return lines


def _tail(row: EntryTexts, detail: int) -> str:
    """Return what follows the name of an entry. detail: 2 for everything, 1 without the source, 0 for nothing."""
    source = f"  ({row.source})" if detail > 1 else ""
    if not detail:
        return ""
    once = "  " + _("next boot") if row.mark is Mark.NEXT else ""
    return source + once + ("  " + _("last boot failed") if row.lost else "")
