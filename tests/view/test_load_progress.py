# SPDX-License-Identifier: MIT
"""Test the time left of a load, and what is said at its end."""

from __future__ import annotations

import pytest

from bootmenu.model.progress import Progress, Stage, StageState
from bootmenu.view.load_progress import loading, seconds_left, work_done
from tests.builders import fakes

PLAN = fakes.plan_for(fakes.DEBIAN)
SIZE = PLAN.kernel.size + sum(file.size for file in PLAN.initrds)


def read(part: float, seconds: float) -> dict[Stage, Progress]:
    """Return the progress of a load that has read a part of its files, all of them in the first stage."""
    return {Stage.KERNEL: fakes.step(Stage.KERNEL, StageState.RUNNING, int(SIZE * part), SIZE, seconds)}


@pytest.mark.parametrize(
    ("part", "seconds", "left"),
    [(0.5, 4.0, 4), (0.25, 1.0, 3), (0.03, 1.0, 33), (0.01, 1.0, None), (0.0, 1.0, None), (1.0, 9.0, None)],
)
def test_the_time_left_is_known_as_soon_as_the_rate_is(part: float, seconds: float, left: int | None) -> None:
    assert seconds_left(PLAN, read(part, seconds)) == left


@pytest.mark.parametrize("width", [60, 80, 200])
@pytest.mark.parametrize(("part", "shown"), [(0.5, True), (0.01, False)])
def test_every_width_shows_the_time_left_once_it_is_known(width: int, part: float, shown: bool) -> None:
    lines = loading(fakes.DEBIAN, PLAN, read(part, 4.0), "", width, 24)
    assert sum("4 s left" in line.text for line in lines) == shown
    assert all(line.width <= width for line in lines)


def test_what_was_done_is_said_in_words() -> None:
    known = {step.stage: step for step in fakes.LOADING}
    loaded = "69.2 MB were read in 0.6 s and loaded (loading method: kexec_file_load)."
    assert work_done(PLAN, known) == loaded
    known |= {step.stage: step for step in fakes.LEAVING}
    assert work_done(PLAN, known) == f"{loaded} The disks are synced and unmounted."
