# SPDX-License-Identifier: MIT
"""A report as lines of text, for `bootmenu check`."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from bootmenu.model.finding import Finding, Report, Severity
from bootmenu.model.text import printable
from bootmenu.view import findings
from bootmenu.view.wording import verdict_line, word, word_width

_COLOURS = {Severity.PASS: "32", Severity.UNKNOWN: "36", Severity.WARN: "33", Severity.FAIL: "31;1"}
_WIDTH = 100


def report_lines(report: Report, *, colour: bool = False) -> Iterator[str]:
    """Yield the findings, worst first, each with its hint, and the verdict at the end."""
    width = max((len(finding.code) for finding in report.findings), default=0)
    for finding in report.findings:
        yield from _finding_lines(finding, width, colour)
    yield verdict_line(report.verdict).replace(word(report.verdict), _word(report.verdict, colour))


def _finding_lines(finding: Finding, width: int, colour: bool) -> Iterator[str]:
    room = word_width()
    padded = _word(finding.severity, colour) + " " * (room - len(word(finding.severity)))
    indent = " " * (room + 2 + width + 2)
    first, *more = textwrap.wrap(printable(findings.message(finding)), _WIDTH - len(indent)) or [""]
    yield f"{padded}  {finding.code:<{width}}  {first}"
    yield from (indent + line for line in more)
    if advice := findings.hint(finding):
        first, *more = textwrap.wrap(printable(advice), _WIDTH - len(indent) - 2)
        yield f"{indent}→ {first}"
        yield from (f"{indent}  {line}" for line in more)


def _word(severity: Severity, colour: bool) -> str:
    return f"\033[{_COLOURS[severity]}m{word(severity)}\033[0m" if colour else word(severity)
