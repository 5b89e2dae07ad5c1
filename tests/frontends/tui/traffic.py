# SPDX-License-Identifier: MIT
"""Count the bytes that the menu sends: the same on every machine, so tests can set limits."""

from __future__ import annotations

import os
import re
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Semaphore

from bootmenu.kexec.plan import LoadPlan
from bootmenu.model.progress import Progress, Stage, StageState
from tests.builders.fakes import FakeSession, step
from tests.frontends.pseudo_terminal import Line, menu_on_a_line

_CURSOR = re.compile(rb"\x1b\[(\d+)(?:;\d+)?H|\x1b\[(\d+);\d+r|\r+[\n\v]|[^\x1b\r]+|.", re.DOTALL)
_SIZE = 35_100_000


@dataclass(frozen=True, slots=True)
class Traffic:
    """Bytes that are sent at 80x24."""

    first: int
    """From the start until the first screen is complete."""
    key: int
    """The maximum for a cursor key, in the rows of the list."""
    summary: int
    """The maximum for the summary of an entry, after the cursor rests on it."""
    scroll: int
    """For a cursor key that scrolls the page by a line."""
    progress: int
    """The maximum for a step of the progress."""
    idle: int
    """During a second without keys."""


class Stepped(FakeSession):
    """A session whose load proceeds by a hundredth of the kernel at each SIGUSR1."""

    def __post_init__(self) -> None:
        FakeSession.__post_init__(self)
        self._go = Semaphore(0)
        signal.signal(signal.SIGUSR1, lambda *_: self._go.release())

    def load(self, plan: LoadPlan) -> Iterator[Progress]:
        """Yield the progress of the kernel, a step for each SIGUSR1."""
        for percent in range(40, 100):
            yield step(Stage.KERNEL, StageState.RUNNING, _SIZE * percent // 100, _SIZE, percent / 300)
            self._go.acquire()


def by_row(sent: bytes) -> Counter[int]:
    """Count the bytes by the row in which the cursor was, from 1; 0 if the row is unknown."""
    found: Counter[int] = Counter()
    row = 0
    for token in _CURSOR.finditer(sent):
        if token[1] or token[2]:
            row = int(token[1] or token[2])
        elif token[0].endswith((b"\n", b"\v")):
            row += 1
        found[row] += len(token[0])
    return found


def _sent(line: Line, act: Callable[[], None], parts: Callable[[], Sequence[object]]) -> bytes:
    """Return what is sent until every part of the screen has changed and the line is quiet."""
    before, shown = len(line.sent), parts()
    act()
    line.until(lambda: all(was != now for was, now in zip(shown, parts(), strict=True)))
    line.settle()
    return line.sent[before:]


def measure(term: str) -> Traffic:
    """Measure the menu on a terminal of this name with UTF-8."""
    session = '__import__("tests.frontends.tui.traffic", fromlist=["x"]).Stepped()'
    with menu_on_a_line(term, session=session, BOOTMENU_GLYPHS="utf-8") as line:

        def rule() -> int:
            return next(y for y, row in enumerate(line.screen.display[2:], 2) if row.startswith("─"))

        def parts() -> tuple[list[str], list[str]]:
            return line.screen.display[1 : rule()], line.screen.display[rule() :]

        line.until(lambda: "▶ 1" in line.text and "/vmlinuz" in line.text)
        line.settle()
        first = len(line.sent)
        idle = len(line.read(1.0))
        keys, stories = [], []
        for key in (b"\x1b[B", b"\x1b[B", b"\x1b[B", b"k", b"k", b"k"):
            found = by_row(_sent(line, partial(line.type, key), parts))
            keys.append(sum(size for row, size in found.items() if 2 <= row <= rule()))
            stories.append(found.total() - keys[-1])
        line.type(b"d")
        line.until(lambda: "What was checked" in line.text)
        line.settle()
        scrolled = len(_sent(line, partial(line.type, b"\x1b[B"), lambda: [line.text]))
        line.type(b"q")
        line.until(lambda: "▶ 1" in line.text)
        line.settle()
        line.type(b"\r")
        line.until(lambda: "/ 35.1 MB" in line.text)
        line.settle()
        steps = []
        for _ in range(5):
            sent = _sent(line, partial(os.kill, line.process.pid, signal.SIGUSR1), lambda: [line.text])
            steps.append(len(sent))
    return Traffic(
        first=first,
        key=max(keys),
        summary=max(stories),
        scroll=scrolled,
        progress=max(steps),
        idle=idle,
    )
