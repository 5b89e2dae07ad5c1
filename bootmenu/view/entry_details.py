# SPDX-License-Identifier: MIT
"""The details of one entry: its files, each finding with its evidence, and the boot plan."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from bootmenu.discovery.dtb_candidates import DtbChoice, Fit
from bootmenu.discovery.scan_events import Listing
from bootmenu.errors import BootmenuError
from bootmenu.i18n import _, localized, number
from bootmenu.kexec.plan import LoadPlan
from bootmenu.model.finding import Finding, Report, Severity
from bootmenu.model.machine import MachineFacts
from bootmenu.model.value import Value, replace
from bootmenu.terminal.cells import clean
from bootmenu.view.boot_plan import plan_rows
from bootmenu.view.entry_summary import field, files, label_width
from bootmenu.view.findings import evidence, finding, text_column
from bootmenu.view.page_edges import heading
from bootmenu.view.styled_text import BLANK, Line, Span, Style, block, paragraph, rule
from bootmenu.view.wording import NOTE, full_name, own_findings, verdict_width


class Unfolded(Value, kw_only=True):
    """The findings whose evidence is shown, by their number: the entry's own are counted first."""

    every: bool = False
    findings: frozenset[int] = frozenset()
    marked: int | None = None
    """The finding that a key unfolds; None for none."""

    def shows(self, place: int) -> bool:
        """Return whether the evidence of a finding is shown."""
        return self.every or place in self.findings

    def toggled(self) -> Unfolded:
        """Return the same with the marked finding unfolded, or folded."""
        if self.marked is None:
            return self
        return replace(self, findings=self.findings ^ {self.marked})


def with_evidence(listing: Listing | None, machine_report: Report) -> list[int]:
    """Return the numbers of the findings on the page that have evidence."""
    own = own_findings(listing.report, machine_report) if listing is not None else ()
    every = (*own, *machine_report.findings)
    return [place for place, found in enumerate(every) if any(True for _each in evidence(found))]


def details(
    listing: Listing,
    machine: MachineFacts,
    machine_report: Report,
    plan: LoadPlan | BootmenuError | None,
    width: int,
    unfolded: Unfolded,
) -> list[Line]:
    """Return the details of an entry, without the machine's. plan: None while it is being made."""
    lines = [heading(width, full_name(listing.entry)), *files(listing, machine, width)]
    lines += field(_("entry id"), clean(listing.entry.id, 300), width, style=Style.DIM)
    for place in listing.places:
        if place.path:  # in the form that the setting kiosk.disks takes
            name = f"PARTUUID={place.partuuid} on {place.path}" if place.partuuid else place.path
            lines += field(_("place"), f"{place.bus}: {clean(name, 400)}", width, style=Style.DIM)
    lines += [BLANK, _checks_heading(width, _("What was checked"), unfolded)]
    for index, found in enumerate(own_findings(listing.report, machine_report)):
        lines += _finding(found, width, index, unfolded)
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
    machine_report: Report, notices: Sequence[str], width: int, unfolded: Unfolded, first: int = 0
) -> list[Line]:
    """Return the notices and findings that apply to every entry. first: the number of the first of them."""
    lines = [_checks_heading(width, _("This machine, for every entry"), unfolded)]
    for notice in notices:
        lines += block(
            width - 1, [Span(f" {_(NOTE)}", Style.WARN)], verdict_width() + 2, clean(localized(notice)), Style.STRONG
        )
    for place, found in enumerate(machine_report.findings, first):
        lines += _finding(found, width, place, unfolded)
    return lines if len(lines) > 1 else [*lines, *paragraph(width, _("Nothing was checked."), Style.DIM)]


def _checks_heading(width: int, text: str, unfolded: Unfolded) -> Line:
    """Return a rule with a title, and the key that unfolds or folds the evidence of the marked finding."""
    is_open = unfolded.marked is not None and unfolded.shows(unfolded.marked)
    hint = _("Enter hides the evidence") if is_open else _("Enter shows the evidence")
    return rule(width, [Span(text, Style.HEADING)], [Span(hint, Style.KEY, press="enter")])


def _finding(found: Finding, width: int, place: int, unfolded: Unfolded) -> list[Line]:
    """Return a finding, and under it why that matters, if something is wrong, and if it is unfolded the values that
    were compared. place: its number."""
    from bootmenu.view.check_help import why  # not before somebody asks for details

    lines = finding(found, width)
    if unfolded.marked == place:
        lines[0] = replace(lines[0], spans=(Span("▶", Style.KEY), *lines[0].spans[1:]))
    lines[0] = replace(lines[0], part=place)
    if found.severity is not Severity.PASS and (reason := why(found.code)):
        lines += block(width - 1, [], text_column(), reason)
    for text in evidence_texts(found) if unfolded.shows(place) else ():
        lines += block(width - 1, [], text_column(), text, Style.DIM)
    return lines


def evidence_texts(found: Finding) -> Iterator[str]:
    """Yield the values that a check compared, each with its name: `page_size: 16384`."""
    for name, value in evidence(found):
        text = value if isinstance(value, str) else json.dumps(_without_null(value), ensure_ascii=False, default=str)
        yield f"{name}: {clean(text, 1000)}"


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
