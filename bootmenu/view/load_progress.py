# SPDX-License-Identifier: MIT
"""The progress of a load: a row with a bar for each stage, a bar for the whole load, and what was done at its end."""

from __future__ import annotations

import math
from collections.abc import Mapping

from bootmenu.discovery.scan_events import Listing
from bootmenu.i18n import N_, _, for_each_language, localized, number
from bootmenu.kexec.plan import LoadPlan
from bootmenu.model.progress import Progress, Stage, StageState
from bootmenu.model.text import megabytes
from bootmenu.terminal.cells import cells, clean, fit, rate, seconds
from bootmenu.view.styled_text import Line, Span, Style, bar, block, clip, indented, middle, paragraph, progress_spans
from bootmenu.view.wording import full_name, overridden, stage_width

StageProgress = Mapping[Stage, Progress]
"""The latest progress of each stage that has begun."""

_READ = (Stage.KERNEL, Stage.INITRAMFS, Stage.DEVICE_TREE)
"""The stages that read files."""
_WIDEST = 92
"""Columns of the block in the middle of a wide screen."""
_WIDE = 70
"""Columns from which a row also has the size of the whole stage, and its time."""
_KNOWN_RATE = 50
"""One part in so many has to be read before a rate says how long the rest takes."""
_LONGEST_BAR = 24
_SHORTEST_BAR = 4


def loading(
    listing: Listing,
    plan: LoadPlan | None,
    known: StageProgress,
    message: str,
    width: int,
    height: int,
    *,
    test: bool = False,
) -> list[Line]:
    """Return the page that is shown while an entry is loaded, as a block in the middle.

    plan: None while it is being made. message: one sentence under the bar. height: the rows there are; if they are
    few, only the stages around the running one are shown. test: whether nothing is executed after the load.
    """
    room = min(width, _WIDEST)
    left = (width - room) // 2
    method = clean(plan.method, 40) if plan else ""
    method_row = _("Loading method: {method}").format(method=method) if plan else _("Choosing the loading method")
    title = block(room - 1, [], 1, full_name(listing.entry), Style.STRONG)
    stages = stages_of(plan, test=test)
    rows = [_stage(stage, known.get(stage), room) for stage in stages]
    total = _total(plan, known, room, test=test)
    below: list[Line] = []
    if message:
        below += paragraph(room, localized(message), Style.STRONG)
    codes = overridden(listing.report)
    if codes:
        below += block(room - 1, [Span(" "), Span(_("overridden"), Style.FAIL)], 3 + cells(_("overridden")), codes)
    for note in plan.notes if plan else ():
        below += block(
            room - 1, [Span(" "), Span(_("note"), Style.LABEL)], 3 + cells(_("note")), clean(localized(note))
        )
    if len(rows) + len(title) + 6 > height:
        few = max(1, height - 2 - min(len(below), height // 3))
        last = max((index for index, stage in enumerate(stages) if stage in known), default=0)
        first = max(0, min(last - few // 2, len(rows) - few))
        return [title[0], *rows[first : first + few], total, *below]
    blank = Line()
    lines = [*title, *paragraph(room, method_row, Style.DIM), blank, *rows, blank, total, blank, *below]
    return middle([indented(line, left) for line in lines], height)


def _total(plan: LoadPlan | None, known: StageProgress, width: int, *, test: bool) -> Line:
    """Return the bar of the whole load. On a narrow screen it has the time left, too: the rows are short."""
    part = fraction(plan, known, test=test) if plan else 0.0
    if width >= _WIDE:
        return bar(part, width - 9)
    left = seconds_left(plan, known) if plan else None
    wait = Span(f"  {_left(left)}" if left else "", Style.DIM)
    return Line((*bar(part, width - 11 - _columns()[1]).spans, wait))


def stages_of(plan: LoadPlan | None, *, test: bool) -> tuple[Stage, ...]:
    """Return the stages that a plan runs through; a test ends with the load."""
    stages = plan.stages if plan else tuple(Stage)
    return stages[: stages.index(Stage.LOAD) + 1] if test else stages


_NOW, _OK, _SKIP = N_("now"), N_("ok"), N_("skip")


@for_each_language
def _columns() -> tuple[int, int]:
    """Return the columns of a sign with its word, and of a time."""
    sign = 2 + max(cells(_(word)) for word in (_NOW, _OK, _SKIP))
    return sign, max(cells(seconds(99.9)), cells(_left(99)))


def _left(wait: int) -> str:
    """Return `3 s left`."""
    return _("{seconds} s left").format(seconds=wait)


def _stage(stage: Stage, progress: Progress | None, width: int) -> Line:
    """Return the row of a stage: its state, a bar, and bytes, rate and time of what reads files."""
    state = progress.state if progress else None
    sign_columns, time_columns = _columns()
    text, style = {
        None: ("", Style.TEXT),
        StageState.RUNNING: (f"▶ {_(_NOW)}", Style.KEY),
        StageState.DONE: (f"• {_(_OK)}", Style.PASS),
        StageState.SKIPPED: (f"  {_(_SKIP)}", Style.DIM),
    }[state]
    named = Span(fit(_(stage), stage_width()), Style.DIM if progress is None else Style.TEXT)
    spans = [Span(" "), Span(fit(text, sign_columns), style), Span(" "), named, Span("  ")]
    if progress is None:
        return Line(tuple(spans[:-1]))
    wide = width >= _WIDE
    size_columns, rate_columns, last_columns = 8, 9, cells(seconds(99.9)) + 1
    if wide:
        size_columns, rate_columns, last_columns = cells(_sizes(99_900_000, 99_900_000)) + 2, 10, time_columns + 2
    room = width - 1 - sum(cells(span.text) for span in spans) - size_columns - rate_columns
    length = min(room - last_columns, _LONGEST_BAR)
    if length >= _SHORTEST_BAR:
        spans += progress_spans(_part(progress), length) if state is not StageState.SKIPPED else [Span(" " * length)]
    detail = clean(localized(progress.detail), 200)
    if not progress.total or (stage is Stage.DEVICE_TREE and detail):
        spent = seconds(progress.seconds) if progress.seconds >= 0.05 else ""
        spans.append(Span(f"  {detail or spent}", Style.DIM))
        return Line(clip(spans, width - 1))
    running = state is StageState.RUNNING
    size = _sizes(progress.done, progress.total) if running and wide else megabytes(progress.done)
    spans.append(Span(fit(size, size_columns, right=True)))
    spans.append(Span(fit(rate(progress.rate) if progress.rate else "", rate_columns, right=True), Style.DIM))
    time = "" if running else seconds(progress.seconds)
    if running and wide and progress.remaining is not None and progress.done * _KNOWN_RATE >= progress.total:
        time = _left(math.ceil(progress.remaining))
    spans.append(Span(fit(time, last_columns, right=True), Style.DIM))
    if detail and width - 1 - sum(cells(span.text) for span in spans) >= 2 + cells(detail):
        spans.append(Span(f"  {detail}", Style.DIM))
    return Line(clip(spans, width - 1))


def _sizes(done: int, total: int) -> str:
    """Return `12.1 / 34.1 MB`."""
    return f"{number(done / 1_000_000, '.1f')} / {megabytes(total)}"


def _part(progress: Progress) -> float:
    """Return how much of a stage is done, 0.0 to 1.0."""
    if progress.state is not StageState.RUNNING:
        return 1.0
    return min(1.0, progress.done / progress.total) if progress.total else 0.0


def seconds_left(plan: LoadPlan, known: StageProgress) -> int | None:
    """Return the seconds until all files are read, at the rate so far; None if that is not known."""
    read = [known[stage] for stage in _READ if stage in known]
    done, spent = sum(progress.done for progress in read), sum(progress.seconds for progress in read)
    left = sum(_sizes_of(plan).values()) - done
    measured = done > 0 and spent > 0.001 and done * _KNOWN_RATE >= done + left
    return math.ceil(left * spent / done) if measured and left > 0 else None


def work_done(plan: LoadPlan, known: StageProgress) -> str:
    """Return what a load has done, as sentences: bytes, time, method, and what became of the disks."""
    read = [known[stage] for stage in _READ if stage in known]
    size, spent = sum(progress.done for progress in read), sum(progress.seconds for progress in read)
    words = _("{size} were read in {time} and loaded (loading method: {method}).")
    text = words.format(size=megabytes(size), time=seconds(spent), method=clean(plan.method, 40))
    if Stage.UNMOUNT in known:
        text += " " + _("The disks are synced and unmounted.")
    return text


def fraction(plan: LoadPlan, known: StageProgress, *, test: bool = False) -> float:
    """Return how much of a load is done, 0.0 to 1.0. Stages weigh as many bytes as they read, but at least 5 %."""
    sizes = _sizes_of(plan)
    least = max(sum(sizes.values()) / 20, 1)
    weights = {stage: max(sizes.get(stage, 0), least) for stage in stages_of(plan, test=test)}
    reached = 0.0
    for stage, weight in weights.items():
        if (progress := known.get(stage)) is not None:
            reached += weight * _part(progress)
    return reached / sum(weights.values())


def _sizes_of(plan: LoadPlan) -> dict[Stage, int]:
    """Return the bytes that each stage reads."""
    return {
        Stage.KERNEL: plan.kernel.size,
        Stage.INITRAMFS: sum(file.size for file in plan.initrds),
        Stage.DEVICE_TREE: plan.dtb.size if plan.dtb else 0,
    }
