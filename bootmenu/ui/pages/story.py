# SPDX-License-Identifier: MIT
"""The story of one entry: why it gets its verdict, what would be read, and the command line."""

from __future__ import annotations

from bootmenu.compat.facts import EntryFacts, FileFacts, FileState
from bootmenu.discovery.scan import Listing
from bootmenu.model.entry import BootEntry, FileRef, Problem
from bootmenu.model.finding import Finding, Report, Severity
from bootmenu.model.kernel import Compression, KernelImage
from bootmenu.model.machine import MachineFacts
from bootmenu.state import Attempt, State
from bootmenu.ui.lines import BLANK, Ink, Line, Span, block, line, paragraph
from bootmenu.ui.text import clean, count, megabytes
from bootmenu.ui.wording import VERDICT_WIDTH, own_findings, verdict

STACKED = 60
"""Columns; in fewer, a finding's message stands under its code and not beside it."""

LABEL = 14
"""Column at which the values start."""


def story(
    listing: Listing,
    machine: MachineFacts,
    machine_report: Report,
    width: int,
    *,
    state: State | None = None,
    method: str = "",
    roomy: bool = False,
) -> list[Line]:
    """What became of it last time; findings, the entry's own before the machine's; the files and the command line."""
    found = [*history(listing.entry, state or State(), width), *findings(listing.report, machine_report, width)]
    lines = [*found, *([BLANK] if roomy and found else []), *files(listing, machine, width)]
    return [*lines, *field("loaded by", clean(method, 40), width, ink=Ink.DIM)] if method else lines


def history(entry: BootEntry, state: State, width: int) -> list[Line]:
    """Whether it came back, how often it may still be tried, and whether it starts by itself."""
    lines: list[Line] = []
    lost, good = state.lost_at(entry.id), state.good_at(entry.id)
    if lost is not None:
        lines += _told(f"Tried{_when(lost)}, and never came back.", Ink.WARN, width)
    elif good is not None and good.at:
        lines += _told(f"Came up well{_when(good)}.", Ink.DIM, width)
    if entry.tries_left is not None:
        left = count(entry.tries_left, "try", "tries") if entry.tries_left else "no try"
        lines += _told(f"Boot counting: {left} left.", Ink.TEXT if entry.tries_left else Ink.WARN, width)
    if entry.id == state.once:
        lines += _told("The default of the next boot only.", Ink.DIM, width)
    if entry.id == state.default:
        lines += _told("Made the default here.", Ink.DIM, width)
    return lines


def _told(text: str, ink: Ink, width: int) -> list[Line]:
    sign = "!" if ink is Ink.WARN else "·"
    return block(width - 1, [Span(f" {sign}", ink)], 3, text, ink)


def _when(attempt: Attempt) -> str:
    """` on 2026-11-14 at 09:30 UTC`; empty when the clock was not set."""
    day, _, time = clean(attempt.at, 40).partition("T")
    return f" on {day} at {time[:5]} UTC" if time else ""


def findings(report: Report, machine_report: Report, width: int) -> list[Line]:
    """Worst first, the entry's own before the machine's; how many passed where there is nothing else."""
    lines: list[Line] = []
    own = own_findings(report, machine_report)
    for shown in own:
        if shown.severity is not Severity.PASS:
            lines += finding(shown, width)
    for shared in machine_report.findings:
        if shared.severity is not Severity.PASS and shared in report.findings:
            label = [Span(" "), verdict(shared.severity), Span(" " + clean(shared.code, 20), Ink.STRONG)]
            column = max(LABEL, VERDICT_WIDTH + len(shared.code) + 4)
            lines += block(width - 1, label, column, "holds for every entry here: see the top", Ink.DIM)
    passes = len(report.of(Severity.PASS))
    if passes and not lines:
        lines.append(line(" ", verdict(Severity.PASS), Span(f" {count(passes, 'check')} passed", Ink.DIM)))
    return lines


def finding(shown: Finding, width: int) -> list[Line]:
    """`■ FAIL IMG-PAGE` and the message in the same column as every value; the hint under it."""
    label = [Span(" "), verdict(shown.severity), Span(" " + clean(shown.code, 20), Ink.STRONG)]
    indent = VERDICT_WIDTH + 2
    lines = [Line(tuple(label))] if width < STACKED else []
    if lines:
        lines += block(width - 1, [], indent, clean(shown.message))
    else:
        indent = max(VERDICT_WIDTH + 15, VERDICT_WIDTH + len(shown.code) + 4)
        lines += block(width - 1, label, indent, clean(shown.message))
    if shown.hint:
        lines += block(
            width - 1, [Span(" " * (indent - 2)), Span("→", Ink.KEY)], indent, clean(shown.hint), Ink.STRONG
        )
    return lines


def files(listing: Listing, machine: MachineFacts, width: int) -> list[Line]:
    """Kernel, initramfs, device tree, overlays, command line, and where all that is written."""
    entry, facts = listing.entry, listing.facts
    lines: list[Line] = []
    for role, ref in entry.files:
        lines += _file(role, ref, facts, entry.device, width)
    if entry.dtb is None:
        own = f" ({clean(machine.tree.model, 80)})" if machine.tree and machine.tree.model else ""
        at = next((i for i, (role, _) in enumerate(entry.files) if role == "overlay"), None)
        inherited = field("device tree", "this machine's own" + own, width, ink=Ink.DIM)
        if at is None:
            lines += inherited
        else:
            overlays = sum(len(_file(role, ref, facts, entry.device, width)) for role, ref in entry.files[at:])
            lines[len(lines) - overlays : len(lines) - overlays] = inherited
    text = clean(entry.cmdline.text, 4096)
    lines += field("command line", text or "none given", width, ink=Ink.TEXT if text.strip() else Ink.DIM)
    source = clean(entry.source, 20)
    where = f"{_path(entry.config, entry.device)} ({source})" if entry.config else source
    lines += field("from", where, width, ink=Ink.DIM)
    return lines


def field(label: str, value: str, width: int, *, ink: Ink = Ink.TEXT, tail: str = "") -> list[Line]:
    """One labelled value, wrapped under its column."""
    return block(width - 1, [Span(" "), Span(label, Ink.LABEL)], LABEL, value, ink, tail=tail)


def _path(ref: FileRef, home: str) -> str:
    path = clean(ref.path, 1000) + (f" ({clean(ref.part, 80)})" if ref.part else "")
    return path if ref.device == home else f"{clean(ref.device, 80)}:{path}"


def _file(role: str, ref: FileRef, facts: EntryFacts, home: str, width: int) -> list[Line]:
    wanted = (role, ref.device, ref.path, ref.part)
    known = next((f for f in facts.files if (f.role, f.device, f.path, f.part) == wanted), None)
    size = (known.embedded.size if known.embedded else known.size) if known else None
    tail = megabytes(size) if size is not None else ""
    lines = field(role, _path(ref, home), width, tail=tail)
    trouble = _trouble(ref, known)
    if trouble:
        lines += block(width - 1, [], LABEL, trouble, Ink.FAIL)
    if role == "kernel" and facts.kernel is not None:
        about = _image(facts.kernel.image) if facts.kernel.image else ""
        if about:
            lines += block(width - 1, [], LABEL, about, Ink.DIM)
    return lines


def _trouble(ref: FileRef, known: FileFacts | None) -> str:
    """Why the file is not there, in short; empty when it is. The findings say it at length."""
    if known is None:
        return "is not there" if ref.exists is False else ""
    match known.state:
        case FileState.PRESENT:
            return ""
        case FileState.MISSING:
            return "is not there"
        case FileState.OUTSIDE:
            return "leads out of the partition"
        case FileState.UNUSABLE:
            return clean(known.detail, 200) or "is no usable file"
        case FileState.FORBIDDEN:
            return "may not be read"
        case FileState.WAITING:
            return "its partition has not been seen"


def _image(image: KernelImage) -> str:
    parts = [str(image.architecture)]
    if image.page_size:
        parts.append(f"{image.page_size // 1024} KiB pages")
    if image.compression is not Compression.NONE:
        parts.append(str(image.compression))
    if image.version:
        parts.append(clean(image.version, 100))
    return " · ".join(parts)


def problem_story(problem: Problem, width: int) -> list[Line]:
    """What could not be read, where, and that nothing else is affected."""
    lines = field("partition", clean(problem.device, 100) or "unknown", width)
    if problem.path:
        lines += field("file", clean(problem.path, 1000), width)
    lines += field("reason", clean(problem.message), width, ink=Ink.STRONG)
    return [*lines, BLANK, *paragraph(width, "This was left out. Everything else is listed all the same.", Ink.DIM)]
