# SPDX-License-Identifier: MIT
"""A report as lines, for `bootmenu check`: the worst finding and the verdict at the end, where the eye is."""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.model.finding import Finding, Report, Severity
from bootmenu.terminal.cells import clean
from bootmenu.view import findings
from bootmenu.view.styled_text import Line, Span, Style, block, line
from bootmenu.view.wording import verdict, verdict_line, verdict_width


def report_lines(report: Report, width: int, *, verbose: bool = False) -> Iterator[Line]:
    """Yield the findings, the worst last, each with its hint, and then the verdict.

    width: columns. verbose: also yield the checks that passed, which else are only counted.
    """
    passed = report.of(Severity.PASS)
    shown = [found for found in reversed(report.findings) if verbose or found.severity is not Severity.PASS]
    if passed and not verbose:
        text = f"{len(passed)} {'check' if len(passed) == 1 else 'checks'} passed; -v shows more"
        yield line(" ", verdict(Severity.PASS), " ", Span(text, Style.DIM))
    column = max((len(found.code) for found in shown), default=0) + 4
    for found in shown:
        yield from _finding(found, width, column)
    worst = report.verdict
    yield line(Span(verdict_line(worst), Style.of(worst)))


_STACKED = 60
"""Columns; on a narrower screen the message is printed under the code, not after it."""


def _finding(shown: Finding, width: int, column: int) -> list[Line]:
    """Return a finding with its code before the message, which is easy to search for. column: of the message, counted
    from the code."""
    label = [Span(" "), verdict(shown.severity), Span(" " + clean(shown.code, 20), Style.STRONG)]
    indent = verdict_width() + (2 if width < _STACKED else column)
    lines = [Line(tuple(label))] if width < _STACKED else []
    lines += block(width - 1, [] if lines else label, indent, findings.message(shown))
    if advice := findings.hint(shown):
        arrow = [Span(" " * (indent - 2)), Span("→", Style.KEY)]
        lines += block(width - 1, arrow, indent, advice, Style.STRONG)
    return lines
