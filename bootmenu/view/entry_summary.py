# SPDX-License-Identifier: MIT
"""The summary of one entry: why it gets its verdict, its files, and its kernel command line."""

from __future__ import annotations

from bootmenu.bootstate.state import Attempt, State
from bootmenu.compat.facts import EntryFacts, FileFacts, FileState
from bootmenu.discovery.scan_events import Listing
from bootmenu.i18n import N_, _, for_each_language, localized, ngettext
from bootmenu.model.entry import BootEntry, FileRef, Problem
from bootmenu.model.finding import Report, Severity
from bootmenu.model.kernel import Compression, KernelImage
from bootmenu.model.machine import MachineFacts
from bootmenu.model.text import megabytes
from bootmenu.terminal.cells import cells, clean
from bootmenu.view.findings import coded, finding
from bootmenu.view.styled_text import BLANK, Line, Span, Style, block, line, paragraph
from bootmenu.view.wording import own_findings, verdict

_LABELS = (
    *(N_("kernel"), N_("initramfs"), N_("companion"), N_("device tree"), N_("overlay"), N_("command line")),
    *(N_("from"), N_("loaded by"), N_("entry id"), N_("this board"), N_("related")),
    *(N_("method"), N_("fix-up"), N_("hook"), N_("note"), N_("no plan")),
    *(N_("partition"), N_("file"), N_("reason")),
)


@for_each_language
def label_width() -> int:
    """Return the column at which values start: the longest label has a blank before and after it."""
    return 2 + max(cells(_(label)) for label in _LABELS)


def none_given() -> str:
    """Return the text in place of an empty kernel command line."""
    return _("none given")


def summary(
    listing: Listing,
    machine: MachineFacts,
    machine_report: Report,
    width: int,
    *,
    state: State | None = None,
    method: str = "",
    roomy: bool = False,
) -> list[Line]:
    """Return the entry's history; the findings, its own before the machine's; its files and kernel command line.

    state: the remembered defaults and boots. method: the loading method. roomy: whether there is room for a blank
    line before the files.
    """
    state = state or State()
    first = history(listing.entry, state, width)
    if listing.report.verdict is Severity.FAIL and listing.entry.id in (state.default, state.once):
        first += _remark(_("It is skipped as long as it cannot be started."), Style.WARN, width)
    first += findings(listing.report, machine_report, width)
    lines = [*first, *([BLANK] if roomy and first else []), *files(listing, machine, width)]
    return [*lines, *field(_("loaded by"), clean(method, 40), width, style=Style.DIM)] if method else lines


def history(entry: BootEntry, state: State, width: int) -> list[Line]:
    """Return whether its last boot completed, how many tries boot counting leaves, and whether it is a default."""
    lines: list[Line] = []
    lost, good = state.lost_at(entry.id), state.good_at(entry.id)
    if lost is not None:
        lines += _remark(_lost_text(_when(lost)), Style.WARN, width)
    elif good is not None and good.at:
        lines += _remark(_good_text(_when(good)), Style.DIM, width)
    if entry.tries_left is not None:
        left = ngettext("Boot counting: {n} try left.", "Boot counting: {n} tries left.", entry.tries_left)
        none = _("Boot counting: no try left.")
        lines += _remark(left if entry.tries_left else none, Style.TEXT if entry.tries_left else Style.WARN, width)
    if entry.id == state.once:
        lines += _remark(_("The default of the next boot only."), Style.DIM, width)
    if entry.id == state.default:
        lines += _remark(_("Made the default here."), Style.DIM, width)
    return lines


def _remark(text: str, style: Style, width: int) -> list[Line]:
    sign = "!" if style is Style.WARN else "·"
    return block(width - 1, [Span(f" {sign}", style)], 3, text, style)


def _when(attempt: Attempt) -> tuple[str, str]:
    """Return day and time in UTC (2026-11-14, 09:30); empty if the clock was not set."""
    day, _mark, time = clean(attempt.at, 40).partition("T")
    return (day, time[:5]) if time else ("", "")


def _lost_text(when: tuple[str, str]) -> str:
    if not when[0]:
        return _("The last boot did not complete.")
    return _("The boot on {day} at {time} UTC did not complete.").format(day=when[0], time=when[1])


def _good_text(when: tuple[str, str]) -> str:
    if not when[0]:
        return _("Booted successfully.")
    return _("Booted successfully on {day} at {time} UTC.").format(day=when[0], time=when[1])


def findings(report: Report, machine_report: Report, width: int) -> list[Line]:
    """Return the findings, worst first, the entry's own before the machine's; if all passed, only their number."""
    lines: list[Line] = []
    own = own_findings(report, machine_report)
    for shown in own:
        if shown.severity is not Severity.PASS:
            lines += finding(shown, width)
    for shared in machine_report.findings:
        if shared.severity is not Severity.PASS and shared in report.findings:
            lines += coded(shared, _("applies to every entry: see the top"), width, Style.DIM)
    passes = len(report.of(Severity.PASS))
    if passes and not lines:
        lines.append(
            line(
                " ",
                verdict(Severity.PASS),
                Span(" " + ngettext("{n} check passed", "{n} checks passed", passes), Style.DIM),
            )
        )
    return lines


def files(listing: Listing, machine: MachineFacts, width: int) -> list[Line]:
    """Return kernel, initramfs, device tree, overlays, kernel command line, and the configuration they come from."""
    entry, facts = listing.entry, listing.facts
    lines: list[Line] = []
    for role, ref in entry.files:
        if role == "companion" and ref.part:
            continue  # what an image has of its own goes with it
        lines += _file(role, ref, facts, entry.device, width)
    if entry.dtb is None:
        first = next((i for i, (role, _ref) in enumerate(entry.files) if role == "overlay"), None)
        inherited = field(_("device tree"), own_tree(machine), width, style=Style.DIM)
        if first is None:
            lines += inherited
        else:  # before the overlays
            overlays = sum(len(_file(role, ref, facts, entry.device, width)) for role, ref in entry.files[first:])
            lines[len(lines) - overlays : len(lines) - overlays] = inherited
    text = clean(entry.cmdline.text, 4096)
    lines += field(_("command line"), text or none_given(), width, style=Style.TEXT if text.strip() else Style.DIM)
    for note in entry.notes:
        lines += field(_("note"), clean(localized(note), 1000), width, style=Style.DIM)
    if entry.manual:
        lines += field(_("note"), _("Never starts automatically."), width, style=Style.WARN)
        lines += field("", clean(localized(entry.manual), 1000), width, style=Style.WARN)
    source = _("the editor of this menu") if entry.is_own else clean(entry.source, 20)
    where = f"{path_of(entry.config, entry.device)} ({source})" if entry.config else source
    lines += field(_("from"), where, width, style=Style.DIM)
    return lines


def own_tree(machine: MachineFacts) -> str:
    """Return the text in place of a device tree, for an entry that names none: it gets the running one."""
    own = f" ({clean(machine.tree.model, 80)})" if machine.tree and machine.tree.model else ""
    return _("this machine's own") + own


def field(label: str, value: str, width: int, *, style: Style = Style.TEXT, tail: str = "") -> list[Line]:
    """Return a label and its value, which is wrapped in its own column."""
    return block(width - 1, [Span(" "), Span(label, Style.LABEL)], label_width(), value, style, tail=tail)


def known_file(facts: EntryFacts, role: str, ref: FileRef) -> FileFacts | None:
    """Return what is known of a file that an entry names, or None."""
    wanted = (role, ref.device, ref.path, ref.part)
    return next((f for f in facts.files if (f.role, f.device, f.path, f.part) == wanted), None)


def path_of(ref: FileRef, home: str) -> str:
    """Return the path of a file, with its part, and with its partition if that is not `home`."""
    path = clean(ref.path, 1000) + (f" ({clean(ref.part, 80)})" if ref.part else "")
    return path if ref.device == home else f"{clean(ref.device, 80)}:{path}"


def _file(role: str, ref: FileRef, facts: EntryFacts, home: str, width: int) -> list[Line]:
    known = known_file(facts, role, ref)
    size = known.used_size if known else None
    tail = megabytes(size) if size is not None else ""
    lines = field(_(role), path_of(ref, home), width, tail=tail)
    problem = _file_problem(ref, known)
    if problem:
        lines += block(width - 1, [], label_width(), problem, Style.FAIL)
    if role == "kernel" and facts.kernel is not None:
        about = _image(facts.kernel.image) if facts.kernel.image else ""
        if about:
            lines += block(width - 1, [], label_width(), about, Style.DIM)
    return lines


def _file_problem(ref: FileRef, known: FileFacts | None) -> str:
    """Return in a few words why the file cannot be used, or an empty text; the findings have the details."""
    if known is None:
        return _("not found") if ref.exists is False else ""
    match known.state:
        case FileState.PRESENT:
            return ""
        case FileState.MISSING:
            return _("not found")
        case FileState.OUTSIDE:
            return _("leads out of the partition")
        case FileState.UNUSABLE:
            return clean(localized(known.detail), 200) or _("not a usable file")
        case FileState.FORBIDDEN:
            return _("permission denied")
        case FileState.WAITING:
            return _("its partition has not been seen")


def _image(image: KernelImage) -> str:
    parts = [str(image.architecture)]
    if image.page_size:
        parts.append(_("{n} KiB pages").format(n=image.page_size // 1024))
    if image.compression is not Compression.NONE:
        parts.append(str(image.compression))
    if image.version:
        parts.append(clean(image.version, 100))
    return " · ".join(parts)


def problem_summary(problem: Problem, width: int) -> list[Line]:
    """Return the page of a problem: what could not be read, why, and that nothing else is affected."""
    lines = field(_("partition"), clean(problem.device, 100) or _("unknown"), width)
    if problem.path:
        lines += field(_("file"), clean(problem.path, 1000), width)
    lines += field(_("reason"), clean(localized(problem.message)), width, style=Style.STRONG)
    left_out = _("This was skipped. Everything else is listed.")
    return [*lines, BLANK, *paragraph(width, left_out, Style.DIM)]
