# SPDX-License-Identifier: MIT
"""Progress of a long command on a stream: a bar with the time left on a terminal, plain lines anywhere else.

progress = ProgressBar(sys.stderr, os.environ)
progress("reading the package lists")  # a line that stays
with progress.task("downloading 54 packages", 27_100_000) as task:
    task.advance(len(piece))
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping

from bootmenu.model.text import megabytes, printable
from bootmenu.terminal.capabilities import columns_of
from bootmenu.terminal.cells import cells, cut
from bootmenu.typed import TextIO

_REDRAWN = 0.1
"""Seconds between two drawings of the bar."""
_REPEATED = 10.0
"""Seconds between two lines about a task where there is no terminal, as in the log of a build."""
_MEASURED = 0.25
"""Seconds between two calls of a task's `measure`."""
_SETTLED = 1.0
"""Seconds after which the time left is worth printing."""
_BAR = range(8, 31)
"""Columns of the bar itself; on a terminal without room for the shortest there is none."""


class ProgressBar:
    """Prints what a command does on a stream. One at a time per stream; methods may be called from any thread."""

    def __init__(
        self,
        stream: TextIO | None,
        environ: Mapping[str, str],
        *,
        prefix: str = "bootmenu: ",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """stream: usually sys.stderr, as standard output is for data; None to print nothing.
        environ: for TERM and COLUMNS. prefix: what each line begins with. clock: returns seconds."""
        self._stream = stream
        self._environ = environ
        self._prefix = prefix
        self._lock = threading.RLock()
        self._task: ProgressTask | None = None
        self.clock = clock
        self.draws = stream is not None and stream.isatty() and environ.get("TERM", "dumb") not in ("dumb", "")
        """Whether a bar is drawn."""

    def __call__(self, text: str) -> None:
        """Print a line that stays, above the bar if there is one."""
        with self._lock:
            self._write(("\r\033[K" if self._task and self.draws else "") + f"{self._prefix}{printable(text)}\n")
            if self._task:
                self._draw(self._task)

    @contextlib.contextmanager
    def task(
        self, title: str, total: int, *, unit: str = "", measure: Callable[[], int] | None = None
    ) -> Iterator[ProgressTask]:
        """Show a task until the end of the `with` block, and then how long it took, unless it failed.

        title: what is done, like "downloading 54 packages". total: how much of it there is; in bytes, or in `unit`,
        like "packages". measure: returns how much is done; it is called by a thread, for work that a program does
        which does not report.
        """
        task = ProgressTask(self, title, total, unit)
        with self._lock:
            self._task = task
            if self.draws:
                self._draw(task)
            else:
                self._write(f"{self._prefix}{printable(title)}{f', {task.amount(total)}' if total else ''}\n")
        over = threading.Event()
        watcher = threading.Thread(target=_watch, args=(task, measure, over), daemon=True) if measure else None
        try:
            if watcher:
                watcher.start()
            yield task
        except BaseException:
            self._end(watcher, over)
            raise
        self._end(watcher, over)
        spent = self.clock() - task.began
        size = f", {task.amount(total)}" if total else ""
        self(f"{title}: done{size} in {duration(spent)}")

    def _end(self, watcher: threading.Thread | None, over: threading.Event) -> None:
        over.set()
        if watcher:
            watcher.join()
        with self._lock:
            self._task = None
            if self.draws:
                self._write("\r\033[K")

    def update(self, task: ProgressTask) -> None:
        """Draw a task again if it is time; called by the task."""
        with self._lock:
            now = self.clock()
            if task is not self._task or now - task.shown < (_REDRAWN if self.draws else _REPEATED):
                return
            task.shown = now
            if self.draws:
                self._draw(task)
            else:
                self._write(f"{self._prefix}{printable(task.title)}: {task.state()}\n")

    def _draw(self, task: ProgressTask) -> None:
        if not self.draws or self._stream is None:
            return
        columns = columns_of(self._stream.fileno(), self._environ)
        right = f" {task.state()}"
        left = cut(f"{self._prefix}{printable(task.title)}", max(columns - 2 - cells(right), columns // 2)) + " "
        length = min(columns - 1 - cells(left) - cells(right), _BAR[-1])
        filled = int(length * task.fraction)
        bar = "█" * filled + "░" * (length - filled) if length >= _BAR[0] else ""
        self._write(f"\r{cut(f'{left}{bar}{right}', columns - 1)}\033[K")

    def _write(self, text: str) -> None:
        if self._stream is not None:
            self._stream.write(text)
            self._stream.flush()


class ProgressTask:
    """One task of a ProgressBar: how much of it is done."""

    def __init__(self, bar: ProgressBar, title: str, total: int, unit: str) -> None:
        """Begin; see ProgressBar.task."""
        self._bar, self._unit, self._total = bar, unit, total
        self._done = 0
        self.title = title
        self.began = bar.clock()
        """When it began, by the bar's clock."""
        self.shown = self.began
        """When it was printed last."""

    def at(self, done: int) -> None:
        """Say how much is done altogether."""
        self._done = done
        self._bar.update(self)

    def advance(self, more: int = 1) -> None:
        """Say that more is done."""
        self.at(self._done + more)

    @property
    def fraction(self) -> float:
        """Return how much is done, from 0.0 to 1.0; 0.0 if the total is not known."""
        return min(max(self._done / self._total, 0.0), 1.0) if self._total > 0 else 0.0

    def amount(self, number: int) -> str:
        """Return an amount with its unit: `27.1 MB`, or `54 packages`."""
        return f"{number} {self._unit}" if self._unit else megabytes(number)

    def state(self) -> str:
        """Return `45 %, 12.2 MB of 27.1 MB, 0:14 left`; without a total only `12.2 MB`."""
        if self._total <= 0:
            return self.amount(self._done)
        done = f"{self._done}" if self._unit else megabytes(self._done)
        text = f"{int(self.fraction * 100):3d} %, {done} of {self.amount(self._total)}"
        spent = self._bar.clock() - self.began
        if spent < _SETTLED or not 0 < self.fraction < 1:
            return text
        return f"{text}, {duration(spent / self.fraction - spent)} left"


SILENT = ProgressBar(None, {})
"""Prints nothing, for callers without a stream."""


def duration(seconds: float) -> str:
    """Return a time in seconds as minutes and seconds, `1:05`; with hours, `1:01:05`, if there are any."""
    minutes, rest = divmod(round(max(seconds, 0)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _watch(task: ProgressTask, measure: Callable[[], int], over: threading.Event) -> None:
    while not over.wait(_MEASURED):
        task.at(measure())
