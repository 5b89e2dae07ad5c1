# SPDX-License-Identifier: MIT
"""The lines of an entry that is edited, and what the changed entry would be worth."""

from __future__ import annotations

from collections.abc import Sequence

from bootmenu.discovery.dtb_candidates import Fit, TreeChoice
from bootmenu.discovery.scan_events import Listing
from bootmenu.i18n import _, counted
from bootmenu.model.finding import Report
from bootmenu.model.machine import MachineFacts
from bootmenu.terminal.cells import cells, clean, fit
from bootmenu.view.entry_editor import Draft, Part, Slot, written
from bootmenu.view.entry_summary import findings, none_given, own_tree
from bootmenu.view.styled_text import Ink, Line, Span, block, rule
from bootmenu.view.wording import WORDS

SHOWN_CHOICES = 5
"""Device trees that are shown under their line; Tab goes through all of them."""


def fields(draft: Draft, machine: MachineFacts, choices: Sequence[TreeChoice] | None, width: int) -> list[Line]:
    """One row each; under the device tree those that lie ready. choices None = they are being looked for."""
    lines: list[Line] = []
    for index, slot in enumerate(draft.slots):
        current = index == draft.at
        lines.append(_field(draft, slot, machine, width, current=current))
        if current and slot.part is Part.TREE:
            lines += _choices(draft, choices, width)
    return lines


def row_of(draft: Draft) -> int:
    """The row of `fields` that is typed in."""
    return draft.at


def _column() -> int:
    """At which the lines begin that are typed."""
    return 4 + max(cells(_(part)) for part in Part)


def _field(draft: Draft, slot: Slot, machine: MachineFacts, width: int, *, current: bool) -> Line:
    index = draft.slots.index(slot)
    again = slot.part.many and index > 0 and draft.slots[index - 1].part is slot.part and not current
    label = "" if again and slot.line.text else _(slot.part)
    mark = Span("▶ " if current else "  ", Ink.KEY)
    head = (mark, Span(fit(label, _column() - 2), Ink.LABEL))
    room = width - _column() - 1
    if current:
        typed = slot.line.spans(room)
        used = sum(cells(span.text) for span in typed)
        hint = "" if slot.line.text else nothing(slot, machine)
        return Line((*head, *typed, Span(fit("  " + hint, max(0, room - used)) if hint else "", Ink.DIM)))
    if not slot.line.text:
        return Line((*head, Span(fit(nothing(slot, machine), room), Ink.DIM)))
    return Line((*head, Span(fit(clean(slot.line.text), room), Ink.TEXT)))


def nothing(slot: Slot, machine: MachineFacts) -> str:
    """What an empty line means."""
    match slot.part:
        case Part.COMMAND_LINE:
            return none_given()
        case Part.KERNEL:
            return _("there has to be one")
        case Part.TREE:
            return own_tree(machine)
        case Part.INITRAMFS | Part.OVERLAY:
            return _("none, or one more: /PATH or PARTITION:/PATH")


def ready(choices: Sequence[TreeChoice]) -> list[TreeChoice]:
    """Those that Tab goes through: for this board and its relatives."""
    return [choice for choice in choices if choice.fits is not Fit.OTHER]


def _choices(draft: Draft, choices: Sequence[TreeChoice] | None, width: int) -> list[Line]:
    if choices is None:
        return block(width - 1, [], _column(), _("looking for those that lie ready"), Ink.DIM)
    ours = ready(choices)
    if not ours:
        said = _("none lies ready for this board")
        if choices:
            said = counted(
                len(choices),
                "none lies ready for this board; {n} for another board does",
                "none lies ready for this board; {n} for other boards do",
            )
        return block(width - 1, [], _column(), said, Ink.DIM)
    texts = [written(choice.ref, draft.entry.device) for choice in ours]
    at = texts.index(draft.current.line.text) if draft.current.line.text in texts else 0
    start = max(0, min(at - SHOWN_CHOICES // 2, len(ours) - SHOWN_CHOICES))
    lines = []
    fits = max(cells(_("this board")), cells(_("a relative")))
    for number, choice in enumerate(ours[start : start + SHOWN_CHOICES], start=start):
        label = _("this board") if choice.fits is Fit.EXACT else _("a relative")
        room = width - _column() - 5 - fits
        mark = "•" if texts[number] == draft.current.line.text else " "
        lines.append(
            Line(
                (
                    Span(" " * _column()),
                    Span(f"{mark} ", Ink.KEY),
                    Span(fit(clean(texts[number]), room), Ink.TEXT),
                    Span("  " + fit(label, fits), Ink.DIM),
                )
            )
        )
    return lines


def verdict_rule(judged: Listing | None, width: int) -> Line:
    """`─ with these changes ─────────── cannot be started here ─`; None = it is being checked."""
    left = [Span(_("as it stands above"), Ink.HEADING)]
    if judged is None:
        return rule(width, left, [Span(_("being checked"), Ink.DIM)])
    severity = judged.report.verdict
    return rule(width, left, [Span(f"{WORDS[severity].sign} {_(WORDS[severity].sentence)}", Ink.of(severity))])


def judgement(judged: Listing | None, machine_report: Report, width: int) -> list[Line]:
    """What was found about the entry as it is edited, worst first."""
    return [] if judged is None else findings(judged.report, machine_report, width)
