# SPDX-License-Identifier: MIT
"""A finding of a check: its verdict, its code and message, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.i18n import _, localized
from bootmenu.model.finding import Finding
from bootmenu.terminal.cells import clean
from bootmenu.view.styled_text import Line, Span, Style, block
from bootmenu.view.wording import verdict, verdict_width

STACKED = 60
"""Columns; in fewer, a finding's message stands under its code and not beside it."""


def message(shown: Finding) -> str:
    """Return what was found; of a finding that the user ignores, it says so."""
    return (_("(ignored)") + " " if shown.ignored else "") + clean(localized(shown.message))


def hint(shown: Finding) -> str:
    """Return what to do about it; empty = there is nothing to do."""
    return clean(localized(shown.hint))


def finding(shown: Finding, width: int) -> list[Line]:
    """`■ FAIL IMG-PAGE` and the message in the same column as every value; the hint under it."""
    label = [Span(" "), verdict(shown.severity), Span(" " + clean(shown.code, 20), Style.STRONG)]
    indent = verdict_width() + 2
    lines = [Line(tuple(label))] if width < STACKED else []
    if lines:
        lines += block(width - 1, [], indent, message(shown))
    else:
        indent = verdict_width() + max(15, len(shown.code) + 4)
        lines += block(width - 1, label, indent, message(shown))
    if advice := hint(shown):
        arrow = [Span(" " * (indent - 2)), Span("→", Style.KEY)]
        lines += block(width - 1, arrow, indent, advice, Style.STRONG)
    return lines


def evidence(shown: Finding) -> Iterator[tuple[str, object]]:
    """Yield what was compared, by its name; what could not be read is said by the finding itself."""
    return ((clean(name, 60), value) for name, value in shown.evidence.items() if value is not None)
