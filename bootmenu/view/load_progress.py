# SPDX-License-Identifier: MIT
"""The progress of a load: a row for each stage with bytes, rate and time, and a bar for the whole load."""

from __future__ import annotations

from collections.abc import Mapping

from bootmenu.discovery.scan_events import Listing
from bootmenu.i18n import N_, _, localized, number
from bootmenu.kexec.plan import LoadPlan
from bootmenu.model.progress import Progress, Stage, StageState
from bootmenu.model.text import megabytes
from bootmenu.terminal.cells import cells, clean, cut, fit, rate, seconds
from bootmenu.view.styled_text import BLANK, Line, Span, Style, bar, block, clip, spread
from bootmenu.view.wording import full_name, overridden, stage_width

StageProgress = Mapping[Stage, Progress]
"""The latest progress of each stage that has begun."""


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
    """Return the page that is shown while an entry is loaded.

    plan: None while it is being made. message: one sentence under the bar. height: the rows there are; if they are
    few, only the stages around the running one are shown. test: whether nothing is executed after the load.
    """
    method = clean(plan.method, 40) if plan else _("choosing the loading method")
    title = spread(width, [Span(" " + full_name(listing.entry), Style.STRONG)], [Span(method + " ", Style.DIM)])
    stages = stages_of(plan, test=test)
    rows = [_stage(stage, known.get(stage), width) for stage in stages]
    total = bar(fraction(plan, known, test=test) if plan else 0.0, min(width - 9, 60))
    below: list[Line] = []
    if message:
        below += block(width - 1, [], 1, clean(localized(message)), Style.DIM)
    codes = overridden(listing.report)
    if codes:
        below += block(width - 1, [Span(" "), Span(_("overridden"), Style.FAIL)], 3 + cells(_("overridden")), codes)
    for note in plan.notes if plan else ():
        below += block(
            width - 1, [Span(" "), Span(_("note"), Style.LABEL)], 3 + cells(_("note")), clean(localized(note))
        )
    if len(rows) + 6 > height:
        room = max(1, height - 2 - min(len(below), height // 3))
        last = max((index for index, stage in enumerate(stages) if stage in known), default=0)
        first = max(0, min(last - room // 2, len(rows) - room))
        return [title, *rows[first : first + room], total, *below]
    return [BLANK, title, BLANK, *rows, BLANK, total, BLANK, *below]


def stages_of(plan: LoadPlan | None, *, test: bool) -> tuple[Stage, ...]:
    """Return the stages that a plan runs through; a test ends with the load."""
    stages = plan.stages if plan else tuple(Stage)
    return stages[: stages.index(Stage.LOAD) + 1] if test else stages


_NOW, _OK, _SKIP = N_("now"), N_("ok"), N_("skip")


def _stage(stage: Stage, progress: Progress | None, width: int) -> Line:
    state = progress.state if progress else None
    column = 3 + max(cells(_(word)) for word in (_NOW, _OK, _SKIP))
    text, style = {
        None: ("", Style.TEXT),
        StageState.RUNNING: (f"▶ {_(_NOW)}", Style.KEY),
        StageState.DONE: (f"• {_(_OK)}", Style.PASS),
        StageState.SKIPPED: (f"  {_(_SKIP)}", Style.DIM),
    }[state]
    sign = Span(fit(text, column), style)
    named = Span(fit(_(stage), stage_width()), Style.DIM if progress is None else Style.TEXT)
    spans = [Span(" "), sign, Span(" "), named]
    if progress is None:
        return Line(tuple(spans))
    narrow = width < 70
    if progress.total or progress.done:
        size = megabytes(progress.done)
        if state is StageState.RUNNING and progress.total and not narrow:
            size = f"{number(progress.done / 1_000_000, '.1f')} / {megabytes(progress.total)}"
        spans.append(Span(fit(size, 10 if narrow else 16, right=True)))
        spans.append(Span(fit(rate(progress.rate) if progress.rate else "", 11, right=True), Style.DIM))
        spans.append(Span(fit(seconds(progress.seconds), 8, right=True), Style.DIM))
        if progress.detail:
            spans.append(Span("  " + clean(localized(progress.detail), 200), Style.DIM))
    elif progress.detail:
        spans.append(Span("  " + cut(clean(localized(progress.detail), 200), width), Style.DIM))
    elif progress.seconds >= 0.05:
        spans.append(Span(" " * (21 if narrow else 27) + fit(seconds(progress.seconds), 8, right=True), Style.DIM))
    return Line(clip(spans, width - 1))


def fraction(plan: LoadPlan, known: StageProgress, *, test: bool = False) -> float:
    """Return how much of a load is done, 0.0 to 1.0. Stages weigh as many bytes as they read, but at least 5 %."""
    sizes = {
        Stage.KERNEL: plan.kernel.size,
        Stage.INITRAMFS: sum(file.size for file in plan.initrds),
        Stage.DEVICE_TREE: plan.dtb.size if plan.dtb else 0,
    }
    least = max(sum(sizes.values()) / 20, 1)
    weights = {stage: max(sizes.get(stage, 0), least) for stage in stages_of(plan, test=test)}
    reached = 0.0
    for stage, weight in weights.items():
        progress = known.get(stage)
        if progress is None:
            continue
        if progress.state is not StageState.RUNNING:
            reached += weight
        elif progress.total:
            reached += weight * min(1.0, progress.done / progress.total)
    return reached / sum(weights.values())
