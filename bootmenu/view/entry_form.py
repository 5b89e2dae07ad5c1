# SPDX-License-Identifier: MIT
"""The form that edits an entry: its lines, and the verdict on the entry with these changes."""

from __future__ import annotations

from collections.abc import Sequence

from bootmenu.discovery.dtb_candidates import DtbChoice, Fit
from bootmenu.discovery.scan_events import Listing
from bootmenu.i18n import _, ngettext
from bootmenu.model.finding import Report
from bootmenu.model.machine import MachineFacts
from bootmenu.terminal.cells import cells, clean, fit
from bootmenu.view.entry_editor import EntryEditor, EntryPart, Slot, file_text
from bootmenu.view.entry_summary import findings, none_given, own_tree
from bootmenu.view.styled_text import Line, Span, Style, block, rule
from bootmenu.view.wording import WORDS

SHOWN_CHOICES = 5
"""Number of device trees that are listed under their line; Tab steps through all of them."""


def fields(editor: EntryEditor, machine: MachineFacts, choices: Sequence[DtbChoice] | None, width: int) -> list[Line]:
    """Return a row for each line of the editor, and the choices of device tree under their line if that is edited.

    choices: None while they are searched for.
    """
    lines: list[Line] = []
    for index, slot in enumerate(editor.slots):
        current = index == editor.index
        lines.append(_field(editor, slot, machine, width, current=current))
        if current and slot.part is EntryPart.TREE:
            lines += _choices(editor, choices, width)
    return lines


def _column() -> int:
    """Return the column at which the editable text begins."""
    return 4 + max(cells(_(part)) for part in EntryPart)


def _field(editor: EntryEditor, slot: Slot, machine: MachineFacts, width: int, *, current: bool) -> Line:
    index = editor.slots.index(slot)
    repeated = slot.part.repeatable and index > 0 and editor.slots[index - 1].part is slot.part and not current
    label = "" if repeated and slot.line.text else _(slot.part)
    mark = Span("▶ " if current else "  ", Style.KEY)
    head = (mark, Span(fit(label, _column() - 2), Style.LABEL))
    room = width - _column() - 1
    if current:
        typed = slot.line.spans(room)
        used = sum(cells(span.text) for span in typed)
        hint = "" if slot.line.text else placeholder(slot, machine)
        return Line((*head, *typed, Span(fit("  " + hint, max(0, room - used)) if hint else "", Style.DIM)))
    if not slot.line.text:
        return Line((*head, Span(fit(placeholder(slot, machine), room), Style.DIM)))
    return Line((*head, Span(fit(clean(slot.line.text), room), Style.TEXT)))


def placeholder(slot: Slot, machine: MachineFacts) -> str:
    """Return the text that is shown in an empty line: what it means."""
    match slot.part:
        case EntryPart.COMMAND_LINE:
            return none_given()
        case EntryPart.KERNEL:
            return _("required")
        case EntryPart.TREE:
            return own_tree(machine)
        case EntryPart.INITRAMFS | EntryPart.OVERLAY:
            return _("none, or one more: /PATH or PARTITION:/PATH")
        case EntryPart.EDIT:
            return _("none, or one more: disable /NODE, or /NODE NAME = VALUE")


def suitable_trees(choices: Sequence[DtbChoice]) -> list[DtbChoice]:
    """Return the trees that Tab steps through: those for this board and for related boards."""
    return [choice for choice in choices if choice.fits is not Fit.OTHER]


def _choices(editor: EntryEditor, choices: Sequence[DtbChoice] | None, width: int) -> list[Line]:
    if choices is None:
        return block(width - 1, [], _column(), _("looking for device trees"), Style.DIM)
    ours = suitable_trees(choices)
    if not ours:
        message = _("no device tree for this board found")
        if choices:
            message = ngettext(
                "no device tree for this board found; {n} for another board",
                "no device tree for this board found; {n} for other boards",
                len(choices),
            )
        return block(width - 1, [], _column(), message, Style.DIM)
    texts = [file_text(choice.ref, editor.entry.device) for choice in ours]
    chosen = texts.index(editor.current.line.text) if editor.current.line.text in texts else 0
    start = max(0, min(chosen - SHOWN_CHOICES // 2, len(ours) - SHOWN_CHOICES))
    lines = []
    fits = max(cells(_("this board")), cells(_("related")))
    for number, choice in enumerate(ours[start : start + SHOWN_CHOICES], start=start):
        label = _("this board") if choice.fits is Fit.EXACT else _("related")
        room = width - _column() - 5 - fits
        mark = "•" if texts[number] == editor.current.line.text else " "
        lines.append(
            Line(
                (
                    Span(" " * _column()),
                    Span(f"{mark} ", Style.KEY),
                    Span(fit(clean(texts[number]), room), Style.TEXT),
                    Span("  " + fit(label, fits), Style.DIM),
                )
            )
        )
    return lines


def verdict_rule(judged: Listing | None, width: int) -> Line:
    """Return the rule above the findings: `─ with these changes ──────── cannot be started here ─`.

    judged: None while the entry is being checked.
    """
    left = [Span(_("with these changes"), Style.HEADING)]
    if judged is None:
        return rule(width, left, [Span(_("checking"), Style.DIM)])
    severity = judged.report.verdict
    return rule(width, left, [Span(f"{WORDS[severity].sign} {_(WORDS[severity].sentence)}", Style.of(severity))])


def new_findings(judged: Listing | None, machine_report: Report, width: int) -> list[Line]:
    """Return the findings about the entry with its changes, worst first; none while it is being checked."""
    return [] if judged is None else findings(judged.report, machine_report, width)
