# SPDX-License-Identifier: MIT
"""The lines of an entry that is edited, and what the changed entry would be worth."""

from __future__ import annotations

from collections.abc import Sequence

from bootmenu.discovery.dtb_candidates import Fit, TreeChoice
from bootmenu.discovery.scan_events import Listing
from bootmenu.i18n import _, ngettext
from bootmenu.model.finding import Report
from bootmenu.model.machine import MachineFacts
from bootmenu.terminal.cells import cells, clean, fit
from bootmenu.view.entry_editor import EntryEditor, EntryPart, Slot, written
from bootmenu.view.entry_summary import findings, none_given, own_tree
from bootmenu.view.styled_text import Line, Span, Style, block, rule
from bootmenu.view.wording import WORDS

SHOWN_CHOICES = 5
"""Device trees that are shown under their line; Tab goes through all of them."""


def fields(
    editor: EntryEditor, machine: MachineFacts, choices: Sequence[TreeChoice] | None, width: int
) -> list[Line]:
    """One row each; under the device tree those that lie ready. choices None = they are being looked for."""
    lines: list[Line] = []
    for index, slot in enumerate(editor.slots):
        current = index == editor.at
        lines.append(_field(editor, slot, machine, width, current=current))
        if current and slot.part is EntryPart.TREE:
            lines += _choices(editor, choices, width)
    return lines


def row_of(editor: EntryEditor) -> int:
    """The row of `fields` that is typed in."""
    return editor.at


def _column() -> int:
    """At which the lines begin that are typed."""
    return 4 + max(cells(_(part)) for part in EntryPart)


def _field(editor: EntryEditor, slot: Slot, machine: MachineFacts, width: int, *, current: bool) -> Line:
    index = editor.slots.index(slot)
    again = slot.part.many and index > 0 and editor.slots[index - 1].part is slot.part and not current
    label = "" if again and slot.line.text else _(slot.part)
    mark = Span("▶ " if current else "  ", Style.KEY)
    head = (mark, Span(fit(label, _column() - 2), Style.LABEL))
    room = width - _column() - 1
    if current:
        typed = slot.line.spans(room)
        used = sum(cells(span.text) for span in typed)
        hint = "" if slot.line.text else nothing(slot, machine)
        return Line((*head, *typed, Span(fit("  " + hint, max(0, room - used)) if hint else "", Style.DIM)))
    if not slot.line.text:
        return Line((*head, Span(fit(nothing(slot, machine), room), Style.DIM)))
    return Line((*head, Span(fit(clean(slot.line.text), room), Style.TEXT)))


def nothing(slot: Slot, machine: MachineFacts) -> str:
    """What an empty line means."""
    match slot.part:
        case EntryPart.COMMAND_LINE:
            return none_given()
        case EntryPart.KERNEL:
            return _("there has to be one")
        case EntryPart.TREE:
            return own_tree(machine)
        case EntryPart.INITRAMFS | EntryPart.OVERLAY:
            return _("none, or one more: /PATH or PARTITION:/PATH")
        case EntryPart.EDIT:
            return _("none, or one more: disable /NODE, or /NODE NAME = VALUE")


def ready(choices: Sequence[TreeChoice]) -> list[TreeChoice]:
    """Those that Tab goes through: for this board and its relatives."""
    return [choice for choice in choices if choice.fits is not Fit.OTHER]


def _choices(editor: EntryEditor, choices: Sequence[TreeChoice] | None, width: int) -> list[Line]:
    if choices is None:
        return block(width - 1, [], _column(), _("looking for device trees"), Style.DIM)
    ours = ready(choices)
    if not ours:
        said = _("no device tree for this board found")
        if choices:
            said = ngettext(
                "no device tree for this board found; {n} for another board",
                "no device tree for this board found; {n} for other boards",
                len(choices),
            )
        return block(width - 1, [], _column(), said, Style.DIM)
    texts = [written(choice.ref, editor.entry.device) for choice in ours]
    at = texts.index(editor.current.line.text) if editor.current.line.text in texts else 0
    start = max(0, min(at - SHOWN_CHOICES // 2, len(ours) - SHOWN_CHOICES))
    lines = []
    fits = max(cells(_("this board")), cells(_("a relative")))
    for number, choice in enumerate(ours[start : start + SHOWN_CHOICES], start=start):
        label = _("this board") if choice.fits is Fit.EXACT else _("a relative")
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
    """`─ with these changes ─────────── cannot be started here ─`; None = it is being checked."""
    left = [Span(_("as it stands above"), Style.HEADING)]
    if judged is None:
        return rule(width, left, [Span(_("being checked"), Style.DIM)])
    severity = judged.report.verdict
    return rule(width, left, [Span(f"{WORDS[severity].sign} {_(WORDS[severity].sentence)}", Style.of(severity))])


def judgement(judged: Listing | None, machine_report: Report, width: int) -> list[Line]:
    """What was found about the entry as it is edited, worst first."""
    return [] if judged is None else findings(judged.report, machine_report, width)
