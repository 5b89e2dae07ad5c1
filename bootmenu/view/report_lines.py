# SPDX-License-Identifier: MIT
"""A report as lines, for `bootmenu check`: the worst finding and the verdict at the end, where the eye is."""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.model.finding import Report, Severity
from bootmenu.view import findings
from bootmenu.view.styled_text import Line, Span, Style, line
from bootmenu.view.wording import verdict, verdict_line


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
        yield from findings.finding(found, width, column=column)
    worst = report.verdict
    yield line(Span(verdict_line(worst), Style.of(worst)))
