# SPDX-License-Identifier: MIT
"""A finding of a check as lines: its severity, code, message and hint."""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.i18n import _, localized
from bootmenu.model.finding import Finding
from bootmenu.terminal.cells import clean
from bootmenu.view.styled_text import Line, Span, Style, block
from bootmenu.view.wording import verdict, verdict_width

STACKED = 60
"""Columns; on a narrower screen the message is printed under the code, not after it."""


def message(shown: Finding) -> str:
    """Return the message of a finding, marked if the user has chosen to ignore it."""
    return (_("(ignored)") + " " if shown.ignored else "") + clean(localized(shown.message))


def hint(shown: Finding) -> str:
    """Return what to do about a finding; empty if nothing."""
    return clean(localized(shown.hint))


def finding(shown: Finding, width: int, *, column: int = 15) -> list[Line]:
    """Return `■ FAIL IMG-PAGE`, the message, which is wrapped in its own column, and the hint under it.

    column: where the message begins, counted from the code; further right if the code is longer.
    """
    label = [Span(" "), verdict(shown.severity), Span(" " + clean(shown.code, 20), Style.STRONG)]
    indent = verdict_width() + 2
    lines = [Line(tuple(label))] if width < STACKED else []
    if lines:
        lines += block(width - 1, [], indent, message(shown))
    else:
        indent = verdict_width() + max(column, len(shown.code) + 4)
        lines += block(width - 1, label, indent, message(shown))
    if advice := hint(shown):
        arrow = [Span(" " * (indent - 2)), Span("→", Style.KEY)]
        lines += block(width - 1, arrow, indent, advice, Style.STRONG)
    return lines


def evidence(shown: Finding) -> Iterator[tuple[str, object]]:
    """Return an iterator over the names and values that were compared, without those that could not be read."""
    return ((clean(name, 60), value) for name, value in shown.evidence.items() if value is not None)
