# SPDX-License-Identifier: MIT
"""The one question before an entry is loaded: what would happen, and why it might not be wise."""

from __future__ import annotations

from bootmenu.discovery.scan import Listing
from bootmenu.language import _, told
from bootmenu.model.finding import Report, Severity
from bootmenu.ui.lines import BLANK, Ink, Line, Span, block, line, paragraph
from bootmenu.ui.text import cells, clean, fit
from bootmenu.ui.wording import full_name, overridden, reason, verdict, verdict_width


def question(
    listing: Listing, machine_report: Report, *, first_stage: bool, simulated: bool, yes: bool, width: int
) -> list[Line]:
    """yes: the dangerous choice is marked."""
    failed = listing.report.verdict is Severity.FAIL
    asked = _("Start it although it cannot work here?") if failed else _("Start this?")
    lines = [*paragraph(width, asked, Ink.STRONG), BLANK, *paragraph(width, full_name(listing))]
    why = reason(listing.report, machine_report)
    if why is not None:
        column = verdict_width() + 2
        lines.append(BLANK)
        lines += block(width - 1, [Span(" "), verdict(why.severity)], column, clean(told(why.message), 600))
        if why.hint:
            lines += block(
                width - 1, [Span(" " * (column - 2)), Span("→", Ink.KEY)], column, clean(told(why.hint), 400)
            )
    if failed:
        lines += [
            BLANK,
            *paragraph(width, _("That would override {codes}.").format(codes=overridden(listing.report))),
        ]
    if simulated:
        lines += [BLANK, *paragraph(width, _("SIMULATION: it goes as far as the jump, and nothing is executed."))]
    elif not first_stage:
        what = _("The running system ends at once: file systems are synced and unmounted, programs are not asked.")
        lines += [BLANK, *paragraph(width, what)]
    lines.append(BLANK)
    lines.append(_choice(_("No, back to the menu"), _("Esc"), not yes, width, "escape"))
    lines.append(_choice(_("Yes, start it anyway") if failed else _("Yes, start it"), "y", yes, width, "y"))
    return lines


def _choice(text: str, key: str, marked: bool, width: int, press: str) -> Line:
    size = max(5, cells(key))
    # the buttons of a question: one click takes the answer
    body = Span(fit(f"{'▶' if marked else ' '} {text}", max(10, width - 3 - size)), press=press)
    return line(" ", body, Span(fit(key, size, right=True), Ink.KEY, press=press), " ", selected=marked)
