# SPDX-License-Identifier: MIT
"""Everything that is known about one entry: each finding with its evidence, and what loading would do."""

from __future__ import annotations

import json
from collections.abc import Sequence

from bootmenu.discovery.devicetrees import Fit, TreeChoice
from bootmenu.discovery.scan import Listing
from bootmenu.errors import BootmenuError
from bootmenu.kexec.plan import LoadPlan, PlannedFile
from bootmenu.model.finding import Finding, Report
from bootmenu.model.kernel import Compression
from bootmenu.model.machine import MachineFacts
from bootmenu.ui.lines import BLANK, Ink, Line, Span, block, paragraph
from bootmenu.ui.pages.banner import heading
from bootmenu.ui.pages.story import LABEL, STACKED, field, files, finding
from bootmenu.ui.text import clean, megabytes
from bootmenu.ui.wording import VERDICT_WIDTH, full_name, own_findings


def details(
    listing: Listing, machine: MachineFacts, machine_report: Report, plan: LoadPlan | BootmenuError | None, width: int
) -> list[Line]:
    """Of the entry alone. plan None = it is being worked out."""
    lines = [heading(width, full_name(listing)), *files(listing, machine, width)]
    lines += field("entry id", clean(listing.entry.id, 300), width, ink=Ink.DIM)
    lines += [BLANK, heading(width, "What was checked")]
    for found in own_findings(listing.report, machine_report):
        lines += _with_evidence(found, width)
    lines += [BLANK, heading(width, "What loading it would do"), *planned(plan, width)]
    return lines


SHOWN_TREES = 8
"""Device trees that are named one by one; of the others only the number."""


def device_trees(choices: Sequence[TreeChoice] | BootmenuError | None, listing: Listing, width: int) -> list[Line]:
    """What could be handed on in place of what is: the trees for this board, then its relatives. None = they are
    being looked for; no lines where there are none."""
    if isinstance(choices, BootmenuError):
        return [BLANK, heading(width, "Device trees"), *paragraph(width, clean(choices.message), Ink.FAIL)]
    if not choices:
        return []
    lines = [BLANK, heading(width, "Device trees")]
    chosen = listing.entry.dtb.path if listing.entry.dtb else None
    ours = [choice for choice in choices if choice.fits is not Fit.OTHER]
    for choice in ours[:SHOWN_TREES]:
        label = "this board" if choice.fits is Fit.EXACT else "a relative"
        path = clean(choice.ref.path, 1000)
        if choice.ref.device != listing.entry.device:
            path = f"{clean(choice.ref.device, 80)}:{path}"
        lines += field(label, path, width, tail="chosen" if choice.ref.path == chosen else "")
        about = clean(choice.model or ", ".join(choice.compatible[:2]), 200)
        if about:
            lines += block(width - 1, [], LABEL, about, Ink.DIM)
    more, others = len(ours[SHOWN_TREES:]), len(choices) - len(ours)
    rest = [f"{more:,} more for it and its relatives"] if more else []
    rest += [f"{others:,} for other boards"] if others else []
    if rest:
        lines += paragraph(width, f"{'And ' if ours else ''}{', '.join(rest)}.", Ink.DIM)
    return lines


def machine_details(machine_report: Report, notices: Sequence[str], width: int) -> list[Line]:
    """The findings and notices that hold for every entry."""
    lines = [heading(width, "This machine, for every entry")]
    for notice in notices:
        lines += block(width - 1, [Span(" ! note", Ink.WARN)], VERDICT_WIDTH + 2, clean(notice), Ink.STRONG)
    for found in machine_report.findings:
        lines += _with_evidence(found, width)
    return lines if len(lines) > 1 else [*lines, *paragraph(width, "Nothing was checked.", Ink.DIM)]


def _with_evidence(found: Finding, width: int) -> list[Line]:
    lines = finding(found, width)
    indent = VERDICT_WIDTH + (2 if width < STACKED else 15)
    for name, value in found.evidence.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
        lines += block(width - 1, [], indent, f"{clean(name, 60)}: {clean(text, 1000)}", Ink.DIM)
    return lines


def planned(plan: LoadPlan | BootmenuError | None, width: int) -> list[Line]:
    """The plan: the method and why, the files, the edits and the notes."""
    if plan is None:
        return paragraph(width, "Being worked out.", Ink.DIM)
    if isinstance(plan, BootmenuError):
        lines = block(width - 1, [Span(" "), Span("no plan", Ink.FAIL)], 14, clean(plan.message))
        if plan.hint:
            lines += block(width - 1, [Span(" " * 12), Span("→", Ink.KEY)], 14, clean(plan.hint), Ink.STRONG)
        return lines
    lines = field("method", f"{clean(plan.method, 60)}: {clean(plan.reason, 500)}", width)
    lines += _file("kernel", plan.kernel, width)
    for initrd in plan.initrds:
        lines += _file("initramfs", initrd, width)
    if plan.dtb is not None:
        lines += _file("device tree", plan.dtb, width)
    for edit in plan.edits:
        lines += field("edit", clean(str(edit), 500), width)
    lines += field("command line", clean(plan.command_line) or "none", width)
    for hook in plan.hooks:
        lines += field("hook", clean(hook, 200), width)
    for overlay in plan.overlays:
        lines += _file("overlay", overlay, width)
    for note in plan.notes:
        lines += field("note", clean(note), width, ink=Ink.STRONG)
    return lines


def _file(label: str, file: PlannedFile, width: int) -> list[Line]:
    text = f"{clean(file.ref.device, 80)}:{clean(file.ref.path, 1000)}"
    if file.ref.part:
        text += f" ({clean(file.ref.part, 80)})"
    if file.compression is not Compression.NONE:
        text += f" ({file.compression})"
    return field(label, text, width, tail=megabytes(file.size))
