# SPDX-License-Identifier: MIT
"""The rows of entries as lines of text, for terminals that can only show lines."""

from __future__ import annotations

from collections.abc import Sequence

from bootmenu.i18n import _
from bootmenu.terminal.cells import cells, fit
from bootmenu.view.abridge import abridged
from bootmenu.view.entry_row import EntryRow, Mark
from bootmenu.view.wording import word_width


def entry_lines(numbered: Sequence[tuple[int, EntryRow]], columns: int) -> list[str]:
    """Return a line for each entry, none longer than there is room for and no two of them the same. What stands
    behind the name goes before the name is cut to less than half of 60 columns."""
    digits = max(2, *(len(str(index)) for index, _row in numbered), 0)
    width = word_width()
    names = tuple(row.name for _index, row in numbered)
    longest = max(map(cells, names), default=0)
    for more in (2, 1, 0):
        tails = [_tail(row, more) for _index, row in numbered]
        room = columns - digits - width - 5 - max(map(cells, tails), default=0)
        if room >= min(30, longest):
            break
    lines = []
    for (index, row), name, tail in zip(numbered, abridged(names, max(room, 1)), tails, strict=True):
        sign = "!" if row.lost and not more else row.sign
        lines.append(f" {index:>{digits}}{sign} {fit(row.word, width)}  {name}{tail}")
    return lines


def _tail(row: EntryRow, more: int) -> str:
    """Return what stands behind the name of an entry. more: 2 = all there is, 1 = what is remembered, 0 = nothing."""
    source = f"  ({row.source})" if more > 1 else ""
    if not more:
        return ""
    once = f"  {_('next boot')}" if row.mark is Mark.NEXT else ""
    return source + once + (f"  {_('last boot failed')}" if row.lost else "")
