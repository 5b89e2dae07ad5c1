# SPDX-License-Identifier: MIT
"""The verdicts for a fleet of recorded machines as a table by verdict and codes, the worst last."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from bootmenu.model.finding import Report, Severity
from bootmenu.model.value import Value
from bootmenu.terminal.cells import clean, cut, wrap
from bootmenu.view.findings import message
from bootmenu.view.styled_text import Line, Span, Style, line
from bootmenu.view.wording import verdict, verdict_width, word

_NAMED = 3
"""Machines of a row that are named."""


class Judged(Value):
    """The verdict for one machine, and what decides it."""

    verdict: Severity | None
    """None: its recording cannot be read."""
    codes: tuple[str, ...]
    """Codes of the findings that decide the verdict, each once; none for a pass."""
    message: str
    """What the first of them says, or why the recording cannot be read."""

    @classmethod
    def from_report(cls, report: Report) -> Judged:
        """Return the verdict of a report."""
        worst = report.verdict
        if worst is Severity.PASS:
            return cls(worst, (), "")
        deciding = [found for found in report.of(worst) if not found.ignored]
        return cls(worst, tuple(dict.fromkeys(found.code for found in deciding)), message(deciding[0]))


def fleet_lines(judged: Sequence[tuple[str, Judged]], width: int) -> Iterator[Line]:
    """Yield the table: a row for each verdict with its codes, and how many machines have it; what the first of them
    has, and its name; the recordings that cannot be read; and a line with the sums.

    judged: file and verdict of each machine. width: columns.
    """
    groups: dict[tuple[Severity | None, tuple[str, ...]], list[tuple[str, Judged]]] = defaultdict(list)
    for file, found in judged:
        groups[found.verdict, found.codes].append((file, found))
    digits = len(f"{len(judged):,}")
    rows = [(key, same) for key, same in groups.items() if key[0] is not None]
    for (severity, codes), same in sorted(rows, key=lambda row: (_rank(row[0][0]), len(row[1]))):
        assert severity is not None
        count = Span(f"{len(same):>{digits},} ", Style.STRONG)
        yield line(count, verdict(severity), "  ", Span(cut(", ".join(codes), width - digits - 12), Style.STRONG))
        if codes:
            indent = " " * (digits + verdict_width() + 3)
            names = ", ".join(file for file, _judged in same[:_NAMED])
            more = f" and {len(same) - _NAMED:,} more" if len(same) > _NAMED else ""
            for text, style in ((same[0][1].message, Style.TEXT), (clean(names + more), Style.DIM)):
                for row in wrap(text, width - len(indent)):
                    yield line(indent, Span(row, style))
    for file, unreadable in groups.get((None, ()), ()):
        yield line(Span("! ", Style.WARN), clean(unreadable.message or file))
    yield _sum([found.verdict for _file, found in judged])


def _sum(verdicts: Sequence[Severity | None]) -> Line:
    """Return `10,000 machines: 9,700 ok, 300 FAIL, 1 unreadable`."""
    parts: list[Span | str] = []
    for severity in sorted(Severity, key=_rank):
        if count := verdicts.count(severity):
            parts += [", ", Span(f"{count:,} {word(severity)}", Style.of(severity))]
    if unreadable := verdicts.count(None):
        parts += [", ", Span(f"{unreadable:,} unreadable", Style.WARN)]
    return line(f"{len(verdicts):,} machine{'' if len(verdicts) == 1 else 's'}: ", *parts[1:])


def _rank(severity: Severity | None) -> int:
    return -1 if severity is None else severity.rank
