# SPDX-License-Identifier: MIT
"""The question before an entry is loaded: what will happen, what speaks against it, and the two answers."""

from __future__ import annotations

from bootmenu.discovery.scan_events import Listing
from bootmenu.i18n import _
from bootmenu.model.finding import Report, Severity
from bootmenu.terminal.cells import cells, fit
from bootmenu.view import findings
from bootmenu.view.styled_text import BLANK, Line, Span, Style, block, line, paragraph
from bootmenu.view.wording import full_name, overridden, reasons, verdict, verdict_width


def question(
    listing: Listing, machine_report: Report, *, first_stage: bool, simulated: bool, width: int
) -> list[Line]:
    """Return the question, the findings that speak against the entry, and the consequences of a yes.

    first_stage: whether bootmenu runs in a first stage; elsewhere the running system ends.
    """
    failed = listing.report.verdict is Severity.FAIL
    asked = _("Start it although it cannot work here?") if failed else _("Start this?")
    lines = [*paragraph(width, asked, Style.STRONG), BLANK, *paragraph(width, full_name(listing.entry))]
    column = verdict_width() + 2
    for finding in reasons(listing.report, machine_report):
        lines.append(BLANK)
        lines += block(width - 1, [Span(" "), verdict(finding.severity)], column, findings.message(finding))
        if finding.hint:
            arrow = Span("→", Style.KEY)
            lines += block(width - 1, [Span(" " * (column - 2)), arrow], column, findings.hint(finding))
    if failed:
        codes = _("That would override {codes}.").format(codes=overridden(listing.report))
        lines += [BLANK, *paragraph(width, codes)]
    if simulated:
        lines += [BLANK, *paragraph(width, _("SIMULATION: it goes as far as the jump, and nothing is executed."))]
    elif not first_stage:
        end = _("The running system ends at once: file systems are synced and unmounted, programs are not asked.")
        lines += [BLANK, *paragraph(width, end)]
    return lines


def answers(*, failed: bool, yes: bool, width: int) -> list[Line]:
    """Return No, and Yes under it. yes: whether Yes is the marked one."""
    start = _("Yes, start it anyway") if failed else _("Yes, start it")
    return [
        _answer(_("No, back to the menu"), _("Esc"), not yes, width, "escape"),
        _answer(start, "y", yes, width, "y"),
    ]


def _answer(text: str, key: str, marked: bool, width: int, press: str) -> Line:
    size = max(5, cells(key)) if width >= 30 else 0
    # answers are buttons: unlike in a list, one click is enough
    body = Span(fit(f"{'▶' if marked else ' '} {text}", max(10, width - (3 if size else 2) - size)), press=press)
    return line(" ", body, Span(fit(key, size, right=True), Style.KEY, press=press), " ", selected=marked)
