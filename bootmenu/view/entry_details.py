# SPDX-License-Identifier: MIT
"""The details of one entry: its files, each finding with its evidence, and the boot plan."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from bootmenu.discovery.dtb_candidates import DtbChoice, Fit
from bootmenu.discovery.scan_events import Listing
from bootmenu.errors import BootmenuError
from bootmenu.i18n import _, localized, number
from bootmenu.kexec.plan import LoadPlan
from bootmenu.model.finding import Finding, Report, Severity
from bootmenu.model.machine import MachineFacts
from bootmenu.terminal.cells import clean
from bootmenu.view.boot_plan import plan_rows
from bootmenu.view.entry_summary import field, files, label_width
from bootmenu.view.findings import evidence, finding, text_column
from bootmenu.view.page_edges import heading
from bootmenu.view.styled_text import BLANK, Line, Span, Style, block, paragraph, rule
from bootmenu.view.wording import NOTE, full_name, own_findings, verdict_width


def details(
    listing: Listing,
    machine: MachineFacts,
    machine_report: Report,
    plan: LoadPlan | BootmenuError | None,
    width: int,
    *,
    unfolded: bool = False,
) -> list[Line]:
    """Return the details of an entry, without the machine's. plan: None while it is being made. unfolded: with the
    evidence of the findings."""
    lines = [heading(width, full_name(listing.entry)), *files(listing, machine, width)]
    lines += field(_("entry id"), clean(listing.entry.id, 300), width, style=Style.DIM)
    for place in listing.places:
        if place.path:  # in the form that the setting kiosk.disks takes
            name = f"PARTUUID={place.partuuid} on {place.path}" if place.partuuid else place.path
            lines += field(_("place"), f"{place.bus}: {clean(name, 400)}", width, style=Style.DIM)
    lines += [BLANK, _checks_heading(width, _("What was checked"), unfolded)]
    for found in own_findings(listing.report, machine_report):
        lines += _finding(found, width, unfolded)
    lines += [BLANK, heading(width, _("Boot plan")), *plan_section(plan, width)]
    return lines


SHOWN_TREES = 8
"""Number of device trees that are listed; the others are only counted."""


def device_trees(choices: Sequence[DtbChoice] | BootmenuError | None, listing: Listing, width: int) -> list[Line]:
    """Return the device trees that the entry could use: those for this board, then those for related boards.

    choices: None while they are searched for. Without any, no lines are returned.
    """
    if isinstance(choices, BootmenuError):
        return [
            BLANK,
            heading(width, _("Device trees")),
            *paragraph(width, clean(localized(choices.message)), Style.FAIL),
        ]
    if not choices:
        return []
    lines = [BLANK, heading(width, _("Device trees"))]
    chosen = listing.entry.dtb.path if listing.entry.dtb else None
    ours = [choice for choice in choices if choice.fits is not Fit.OTHER]
    for choice in ours[:SHOWN_TREES]:
        label = _("this board") if choice.fits is Fit.EXACT else _("related")
        path = clean(choice.ref.path, 1000)
        if choice.ref.device != listing.entry.device:
            path = f"{clean(choice.ref.device, 80)}:{path}"
        lines += field(label, path, width, tail=_("chosen") if choice.ref.path == chosen else "")
        about = clean(choice.model or ", ".join(choice.compatible[:2]), 200)
        if about:
            lines += block(width - 1, [], label_width(), about, Style.DIM)
    more, others = len(ours[SHOWN_TREES:]), len(choices) - len(ours)
    rest = ""
    if more and others:
        rest = _("{n} more for this and related boards, {others} for other boards.")
    elif more:
        rest = _("{n} more for this and related boards.")
    elif others:
        rest = _("{others} for other boards.")
    if rest:
        lines += paragraph(width, rest.format(n=number(more, ","), others=number(others, ",")), Style.DIM)
    return lines


def machine_details(
    machine_report: Report, notices: Sequence[str], width: int, *, unfolded: bool = False
) -> list[Line]:
    """Return the notices and findings that apply to every entry. unfolded: with the evidence of the findings."""
    lines = [_checks_heading(width, _("This machine, for every entry"), unfolded)]
    for notice in notices:
        lines += block(
            width - 1, [Span(f" {_(NOTE)}", Style.WARN)], verdict_width() + 2, clean(localized(notice)), Style.STRONG
        )
    for found in machine_report.findings:
        lines += _finding(found, width, unfolded)
    return lines if len(lines) > 1 else [*lines, *paragraph(width, _("Nothing was checked."), Style.DIM)]


def _checks_heading(width: int, text: str, unfolded: bool) -> Line:
    """Return a rule with a title, and the key that unfolds or folds the evidence."""
    hint = _("Enter hides the evidence") if unfolded else _("Enter shows the evidence")
    return rule(width, [Span(text, Style.HEADING)], [Span(hint, Style.KEY, press="enter")])


def _finding(found: Finding, width: int, unfolded: bool) -> list[Line]:
    """Return a finding, and under it why that matters, if something is wrong, and if it is unfolded the values that
    were compared."""
    from bootmenu.view.check_help import why  # not before somebody asks for details

    lines = finding(found, width)
    if found.severity is not Severity.PASS and (reason := why(found.code)):
        lines += block(width - 1, [], text_column(), reason)
    for name, value in evidence(found) if unfolded else ():
        text = value if isinstance(value, str) else json.dumps(_without_null(value), ensure_ascii=False, default=str)
        lines += block(width - 1, [], text_column(), f"{name}: {clean(text, 1000)}", Style.DIM)
    return lines


def _without_null(value: object) -> object:
    """Return a value with "none" in place of None, since people do not read null."""
    match value:
        case None:
            return "none"
        case list() | tuple():
            return [_without_null(inner) for inner in value]
        case Mapping():
            return {str(key): _without_null(inner) for key, inner in value.items()}
        case _:
            return value


def plan_section(plan: LoadPlan | BootmenuError | None, width: int) -> list[Line]:
    """Return the boot plan, or why there is none. plan: None while it is being made."""
    if plan is None:
        return paragraph(width, _("The plan is still being made."), Style.DIM)
    if isinstance(plan, BootmenuError):
        column = label_width()
        lines = block(width - 1, [Span(" "), Span(_("no plan"), Style.FAIL)], column, clean(localized(plan.message)))
        if plan.hint:
            arrow = [Span(" " * (column - 2)), Span("→", Style.KEY)]
            lines += block(width - 1, arrow, column, clean(localized(plan.hint)), Style.STRONG)
        return lines
    lines = []
    for row in plan_rows(plan):
        lines += field(row.name, clean(row.text), width, tail=row.size)
        if row.requirement:
            lines += field("", clean(row.requirement), width, style=Style.DIM)
    return lines
