# SPDX-License-Identifier: MIT
"""A thread that runs tasks in the order in which they are submitted.

concurrent.futures does the same, and imports logging for it, which takes a slow board longer than its kernel's load.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import Condition, Event, Thread
from types import TracebackType

from bootmenu.typed import Self


class Task:
    """What a worker does once."""

    def __init__(self, run: Callable[[], object], cancel: Callable[[Task], bool]) -> None:
        self._run = run
        self._cancel = cancel
        self._ended = Event()
        self.error: BaseException | None = None
        """What it raised."""

    def run(self) -> None:
        """Run it, in the worker's thread."""
        try:
            self._run()
        except BaseException as error:  # it is raised where the result is asked for
            self.error = error
        self._ended.set()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until it has ended; return whether it has. seconds: None waits as long as necessary."""
        return self._ended.wait(seconds)

    def result(self) -> None:
        """Wait until it has ended, and raise what it raised."""
        self.wait()
        if self.error is not None:
            raise self.error

    def cancel(self) -> bool:
        """Have it never begin; return False if it has begun already."""
        return self._cancel(self)


class Worker:
    """The thread, which begins with the first task. Leaving the `with` block waits until all tasks have ended."""

    def __init__(self, name: str = "") -> None:
        self._name = name
        self._waiting: deque[Task] = deque()
        self._closed = False
        self._changed = Condition()
        """Protects the two above, and is notified when they change."""
        self._thread: Thread | None = None

    def submit(self, run: Callable[[], object]) -> Task:
        """Have a function run after those that were submitted before."""
        task = Task(run, self._cancel)
        with self._changed:
            self._waiting.append(task)
            self._changed.notify()
        if self._thread is None:
            self._thread = Thread(target=self._work, name=self._name or None, daemon=True)
            self._thread.start()
        return task

    def _cancel(self, task: Task) -> bool:
        with self._changed:
            if task not in self._waiting:
                return False
            self._waiting.remove(task)
            return True

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if not self._waiting:
                    return
                task = self._waiting.popleft()
            task.run()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()
