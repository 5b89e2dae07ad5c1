# SPDX-License-Identifier: MIT
"""The form that edits an entry: its lines, and the verdict on the entry with these changes."""

from __future__ import annotations

from collections.abc import Sequence

from bootmenu.discovery.dtb_candidates import DtbChoice, Fit
from bootmenu.discovery.file_choices import FileChoices
from bootmenu.discovery.scan_events import Listing
from bootmenu.i18n import _, ngettext
from bootmenu.model.entry import FileRef
from bootmenu.model.finding import Report
from bootmenu.model.machine import MachineFacts
from bootmenu.model.value import Value, field
from bootmenu.terminal.cells import cells, clean, fit
from bootmenu.view.entry_editor import EntryEditor, EntryPart, Slot, file_text
from bootmenu.view.entry_summary import findings, none_given, own_tree
from bootmenu.view.styled_text import Line, Span, Style, block, rule
from bootmenu.view.wording import WORDS

SHOWN_CHOICES = 5
"""Number of choices that are listed under their line; Tab steps through all of them."""


class Choices(Value, kw_only=True):
    """What the lines of an entry can be chosen from."""

    trees: tuple[DtbChoice, ...] = ()
    files: FileChoices = field(default_factory=FileChoices)

    def of(self, part: EntryPart) -> tuple[FileRef, ...]:
        """Return the files for a line; none for a line that names no file."""
        match part:
            case EntryPart.KERNEL:
                return self.files.kernels
            case EntryPart.INITRAMFS:
                return self.files.initramfs
            case EntryPart.TREE:
                return tuple(choice.ref for choice in suitable_trees(self.trees))
            case EntryPart.OVERLAY:
                return self.files.overlays
        return ()


def fields(editor: EntryEditor, machine: MachineFacts, choices: Choices | None, width: int) -> list[Line]:
    """Return a row for each line of the editor, and under the current one what it can be chosen from.

    choices: None while they are searched for.
    """
    lines: list[Line] = []
    for index, slot in enumerate(editor.slots):
        current = index == editor.index
        lines.append(_field(editor, slot, machine, width, current=current))
        if current and slot.part.is_file:
            lines += _choices(editor, choices, width)
    return lines


def _column() -> int:
    """Return the column at which the editable text begins."""
    return 4 + max(cells(_(part)) for part in EntryPart)


def _field(editor: EntryEditor, slot: Slot, machine: MachineFacts, width: int, *, current: bool) -> Line:
    index = editor.slots.index(slot)
    repeated = slot.part.repeatable and index > 0 and editor.slots[index - 1].part is slot.part and not current
    label = "" if repeated and slot.line.text else _(slot.part)
    head = (
        Span("▶" if current else " ", Style.KEY),
        Span("│" if slot.changed else " ", Style.WARN),
        Span(fit(label, _column() - 2), Style.LABEL),
    )
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


def _choices(editor: EntryEditor, choices: Choices | None, width: int) -> list[Line]:
    """Return what the current line can be chosen from, around what it is now."""
    part = editor.current.part
    if choices is None:
        return block(width - 1, [], _column(), _("looking for files"), Style.DIM)
    files = choices.of(part)
    texts = [text for text in editor.choices(files) if text]
    if not texts:
        return block(width - 1, [], _column(), _no_tree(choices.trees), Style.DIM) if part is EntryPart.TREE else []
    now = editor.current.line.text
    chosen = texts.index(now) if now in texts else 0
    start = max(0, min(chosen - SHOWN_CHOICES // 2, len(texts) - SHOWN_CHOICES))
    fits = {} if editor.completions else _fits(editor, choices.trees)
    column = max(map(cells, fits.values()), default=0) if part is EntryPart.TREE else 0
    lines = []
    for text in texts[start : start + SHOWN_CHOICES]:
        room = width - _column() - 3 - (column + 2 if column else 0)
        label = [Span("  " + fit(fits.get(text, ""), column), Style.DIM)] if column else []
        shown = Span(fit(clean(text), room), Style.TEXT)
        lines.append(Line((Span(" " * _column()), Span("• " if text == now else "  ", Style.KEY), shown, *label)))
    if len(texts) > SHOWN_CHOICES:
        more = _("{chosen} of {n}").format(chosen=chosen + 1, n=len(texts)) if now in texts else str(len(texts))
        lines.append(Line((Span(" " * (_column() + 2)), Span(more, Style.DIM))))
    return lines


def _fits(editor: EntryEditor, trees: Sequence[DtbChoice]) -> dict[str, str]:
    """Return how well each suitable device tree fits, by its text."""
    words = {Fit.EXACT: _("this board"), Fit.RELATED: _("related")}
    return {file_text(tree.ref, editor.entry.device): words[tree.fits] for tree in suitable_trees(trees)}


def _no_tree(trees: Sequence[DtbChoice]) -> str:
    if not trees:
        return _("no device tree for this board found")
    return ngettext(
        "no device tree for this board found; {n} for another board",
        "no device tree for this board found; {n} for other boards",
        len(trees),
    )


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
