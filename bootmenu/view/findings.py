# SPDX-License-Identifier: MIT
"""A finding of a check as lines: its severity, message, hint and code."""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.i18n import _, for_each_language, localized
from bootmenu.model.finding import Finding
from bootmenu.terminal.cells import cells, clean
from bootmenu.view.styled_text import Line, Span, Style, block
from bootmenu.view.wording import verdict, verdict_width


def message(shown: Finding) -> str:
    """Return the message of a finding, marked if the user has chosen to ignore it."""
    return (_("(ignored)") + " " if shown.ignored else "") + clean(localized(shown.message))


def hint(shown: Finding) -> str:
    """Return what to do about a finding; empty if nothing."""
    return clean(localized(shown.hint))


@for_each_language
def text_column() -> int:
    """Return the column at which the text of a finding starts, whatever the length of its code."""
    return verdict_width() + 2


def finding(shown: Finding, width: int) -> list[Line]:
    """Return `■ FAIL This kernel uses 16 KiB pages.    IMG-PAGE`, wrapped in one column, and the hint under it."""
    lines = coded(shown, message(shown), width)
    if advice := hint(shown):
        arrow = [Span(" " * (text_column() - 2)), Span("→", Style.KEY)]
        lines += block(width - 1, arrow, text_column(), advice, Style.STRONG)
    return lines


def coded(shown: Finding, text: str, width: int, style: Style = Style.TEXT) -> list[Line]:
    """Return the verdict of a finding, a text about it in one column, and its code at the right end.

    On a narrow screen the code is above the text.
    """
    label, code = [Span(" "), verdict(shown.severity)], clean(shown.code, 20)
    if width - 1 - text_column() - cells(code) - 2 >= _FIRST_WORDS:
        return block(width - 1, label, text_column(), text, style, tail=Span(code, Style.LABEL))
    lines = [Line((*label, Span(" "), Span(code, Style.LABEL)))]
    return lines + block(width - 1, [], text_column(), text, style)


_FIRST_WORDS = 16
"""Columns for text that are left beside a code at least."""


def evidence(shown: Finding) -> Iterator[tuple[str, object]]:
    """Return an iterator over the names and values that were compared, without those that could not be read."""
    return ((clean(name, 60), value) for name, value in shown.evidence.items() if value is not None)
