# SPDX-License-Identifier: MIT
"""The menu is imported while its countdown runs, in parts, and not where that could be in the way."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from bootmenu.frontends import preload
from bootmenu.frontends.preload import BEFORE_START, ENOUGH_MEMORY, PARTS, READING, Preload
from tests.frontends.test_first_frame import counting, ended, frame

STEPS = f"""
import importlib, json, sys
from bootmenu.frontends import launcher
from bootmenu.session import machine_session, scan_results, shared_session
from bootmenu.view import policy
steps = []
for name in {PARTS!r}:
    before = set(sys.modules)
    importlib.import_module(name)
    steps.append(len(set(sys.modules) - before))
before = set(sys.modules)
from bootmenu.frontends import menu_run
import bootmenu.frontends.tui.app
print(json.dumps([steps, sorted(set(sys.modules) - before)]))
"""


def test_each_part_is_a_part_and_nothing_is_left() -> None:
    done = subprocess.run([sys.executable, "-c", STEPS], capture_output=True, text=True, check=True)
    steps, left = json.loads(done.stdout)
    assert left == []
    assert all(0 < step < sum(steps) / 4 for step in steps), steps


def test_it_begins_when_a_person_has_had_time_to_press_enter() -> None:
    imports = Preload(ENOUGH_MEMORY)
    assert imports.due(10.0, known=False, left=9) is None
    assert imports.due(11.0, known=True, left=9) == READING
    assert imports.due(11.4, known=True, left=9) == pytest.approx(READING - 0.4)
    assert imports.due(11.0 + READING, known=True, left=BEFORE_START + 1) == 0.0
    assert imports.due(12.0 + READING, known=True, left=BEFORE_START) is None
    assert imports.due(12.0 + READING, known=True, left=None) is None, "a key has stopped the countdown"
    assert imports.due(13.0 + READING, known=False, left=9) is None
    assert imports.due(14.0 + READING, known=True, left=9) == READING, "the default has gone and come back"


@pytest.mark.parametrize("available", [None, 0, ENOUGH_MEMORY - 1])
def test_little_memory_is_left_to_the_system_that_starts(available: int | None) -> None:
    assert Preload(available).due(10.0, known=True, left=9) is None


def test_it_ends_and_passes_over_what_cannot_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preload, "PARTS", ("json", "no.such.module"))
    imports, now = Preload(ENOUGH_MEMORY), 10.0 + READING
    assert imports.due(10.0, known=True, left=9) == READING
    for _ in range(2):
        assert imports.due(now, known=True, left=9) == 0.0
        imports.import_next()
    assert imports.due(now, known=True, left=9) is None


def test_it_is_done_while_the_countdown_runs_and_enter_starts_the_default() -> None:
    machine = f"fakes.replace(fakes.MACHINE, memory_available={ENOUGH_MEMORY})"
    with frame("60", session=f"fakes.FakeSession(machine={machine})") as line:
        line.until(lambda: counting(line) and "Starts in 54 s" in line.text, 20)
        line.type(b"\r")
        said = ended(line)
        assert "load-debian" in said
        assert "NO-TEXTUAL" not in said
