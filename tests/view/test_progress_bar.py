# SPDX-License-Identifier: MIT
"""The bar on a terminal, and the lines where there is none."""

from __future__ import annotations

import io
import threading

import pyte
import pytest

from bootmenu.view.progress_bar import ProgressBar, duration


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    """A stream that says it is a terminal; what it has shows as `rows`."""

    def __init__(self, columns: int) -> None:
        super().__init__()
        self._columns = columns

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return -1  # so that COLUMNS counts

    @property
    def rows(self) -> list[str]:
        screen = pyte.Screen(self._columns, 9)
        pyte.Stream(screen).feed(self.getvalue().replace("\n", "\r\n"))
        return [row.rstrip() for row in screen.display if row.strip()]


def test_a_terminal_has_one_line_that_is_drawn_again() -> None:
    clock, stream = Clock(), Terminal(100)
    progress = ProgressBar(stream, {"TERM": "xterm", "COLUMNS": "100"}, clock=clock)
    with progress.task("downloading 2 packages", 20_000_000) as task:
        clock.now += 4
        task.at(5_000_000)
        (bar,) = stream.rows
        assert bar.endswith("░  25 %, 5.0 MB of 20.0 MB, 0:12 left")
        assert bar.startswith("bootmenu: downloading 2 packages ███")
        assert len(bar) < 100
        progress("a line that stays")
        assert stream.rows == ["bootmenu: a line that stays", bar]
        clock.now += 1
    done = ["bootmenu: a line that stays", "bootmenu: downloading 2 packages: done, 20.0 MB in 0:05"]
    assert stream.rows == done
    with pytest.raises(KeyError), progress.task("one that fails", 1):
        raise KeyError
    progress("the reason")
    assert stream.rows == [*done, "bootmenu: the reason"]


@pytest.mark.parametrize("columns", [20, 31, 40, 55, 70])
def test_no_terminal_is_too_narrow(columns: int) -> None:
    stream = Terminal(columns)
    with ProgressBar(stream, {"TERM": "xterm", "COLUMNS": str(columns)}).task(
        "downloading 漢字 packages", 20_000_000
    ):
        assert len(stream.rows) == 1
        assert stream.rows[0].startswith("bootmenu:")


@pytest.mark.parametrize("seconds", [0.0, 9.0])
def test_elsewhere_a_line_comes_now_and_then(seconds: float) -> None:
    clock, stream = Clock(), io.StringIO()
    progress = ProgressBar(stream, {"TERM": "xterm"}, clock=clock)
    with progress.task("unpacking", 50, unit="packages") as task:
        for _ in range(50):
            clock.now += seconds / 10
            task.advance()
    lines = stream.getvalue().splitlines()
    assert lines[0] == "bootmenu: unpacking, 50 packages"
    assert lines[-1] == f"bootmenu: unpacking: done, 50 packages in {duration(seconds * 5)}"
    assert "\033" not in stream.getvalue()
    assert len(lines) == (2 if not seconds else 6)
    if seconds:
        assert lines[1] == "bootmenu: unpacking:  24 %, 12 of 50 packages, 0:34 left"


def test_what_does_not_report_is_measured() -> None:
    asked = threading.Event()
    stream = io.StringIO()

    def measure() -> int:
        asked.set()
        return 1

    with ProgressBar(stream, {}).task("a\033[31m", 2, measure=measure):
        assert asked.wait(20)
    assert "\033" not in stream.getvalue()
    with ProgressBar(stream, {}).task("of unknown length", 0):
        pass
    assert stream.getvalue().endswith("of unknown length\nbootmenu: of unknown length: done in 0:00\n")


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (65.4, "1:05"), (3665, "1:01:05"), (-1, "0:00")])
def test_a_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text
