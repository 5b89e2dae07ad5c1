# SPDX-License-Identifier: MIT
"""The lines at the top and bottom of the screens: title, findings about the whole machine, footer."""

from __future__ import annotations

from collections.abc import Sequence

from bootmenu.i18n import _, localized, ngettext
from bootmenu.model.finding import Report
from bootmenu.model.machine import MachineFacts
from bootmenu.terminal.cells import cells, clean, cut
from bootmenu.view import findings, welcome
from bootmenu.view.styled_text import Line, Span, Style, block, rule, spread
from bootmenu.view.wording import NOTE, verdict, verdict_width


def simulation() -> Span:
    """Return the badge that marks screens of a simulated machine."""
    return Span(" " + _("SIMULATION") + " ", Style.SIMULATION)


def title(machine: MachineFacts, simulated: bool, width: int, *, logged: bool = False) -> Line:
    """Return the title line: ` bootmenu            Raspberry Pi 3 Model B · arm64 · 6.1.0-56`.

    logged: whether an internal error was logged since the menu was opened.
    """
    left = [Span(" bootmenu ", Style.TITLE)]
    if simulated:
        left += [Span(" "), simulation()]
    architecture = str(machine.architecture) if machine.architecture else clean(machine.machine, 20)
    rest = " · ".join(part for part in (architecture, clean(machine.kernel_release, 60)) if part)
    named = " · ".join(part for part in (clean(machine.title, 100), rest) if part)
    if machine.title == machine.machine:
        named = rest
    badge = [Span(f" {_('! log')}", Style.WARN)] if logged else []
    room = width - sum(len(span.text) for span in (*left, *badge)) - 3
    return spread(width, left, [Span(named if len(named) <= room else rest, Style.STRONG), *badge, Span(" ")])


def banner(
    machine: Report,
    notices: Sequence[str],
    width: int,
    height: int,
    *,
    demo_offered: bool = False,
    visiting: bool = False,
) -> list[Line]:
    """Return findings about the whole machine, worst first, and notices.

    They take at most `height` lines; demo_offered adds one that offers the demonstration machine. visiting: nobody
    expects this machine to start anything, so that it is no alarm if it cannot.
    """
    column = verdict_width() + 2
    lines: list[Line] = []

    def labelled(label: Sequence[Span], text: str, style: Style = Style.STRONG) -> list[Line]:
        rows = block(width - 1, label, column, text, style)
        return (
            rows if height > 1 or len(rows) == 1 else block(width - 1, label, column, cut(text, width - column - 1))
        )

    alarms, notices = welcome.alarms(machine, notices, visiting=visiting)
    obstacles = welcome.obstacles(machine) if visiting else []
    for finding in alarms:
        text = f"{finding.code}: {findings.message(finding)}"
        text += f" → {findings.hint(finding)}" if finding.hint else ""
        lines += labelled([Span(" "), verdict(finding.severity)], text)
    for notice in (*notices, *map(welcome.obstacle_text, obstacles)):
        lines += labelled([Span(f" {_(NOTE)}", Style.WARN)], clean(localized(notice)))
    offer: list[Line] = []
    if demo_offered:
        text = _("look around on a demonstration machine, where nothing can happen")
        offer = labelled([Span(" "), Span("m", Style.KEY)], text, Style.TEXT)
    if height == 1:
        return [*lines[:1], *offer]
    height = max(2, height - len(offer))
    if len(lines) > height:
        more = len(lines) - height + 1
        lines = [
            *lines[: height - 1],
            spread(width, [], [Span(ngettext("{n} more line: d", "{n} more lines: d", more) + " ", Style.DIM)]),
        ]
    return [*lines, *offer]


def footer(labels: Sequence[tuple[str, ...]], width: int) -> Line:
    """Return the footer: ` Enter boot  d details  F1 ? help`, as many labels as fit; the first is cut if necessary.

    labels: key, label and, if it can be clicked, the key that a click stands for.
    """
    spans: list[Span] = []
    used = 1
    for shown, label, *press in labels:
        size = cells(shown) + 1 + cells(label) + (3 if spans else 0)
        if used + size > width:
            if spans or used + cells(shown) > width:
                break
            label = cut(label, width - used - cells(shown) - 1)
        spans += [Span("   " if spans else " "), Span(shown, Style.KEY, press="".join(press))]
        spans.append(Span(f" {label}", Style.DIM, press="".join(press)))
        used += size
    return Line(tuple(spans))


def heading(width: int, text: str) -> Line:
    """Return a rule with a title in it."""
    return rule(width, [Span(clean(text, 200), Style.HEADING)])
