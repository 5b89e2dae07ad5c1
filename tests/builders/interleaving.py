# SPDX-License-Identifier: MIT
"""Threads that run one at a time and switch only where the test says: every interleaving can be run, and run again.

`Schedule` has stand-ins for the primitives of threading and queue, and a clock that stands still. Each use of one is
a step. By default a thread runs until it has to wait; `switches` says at which steps another one goes on instead, and
then the first one does not go on before no other thread can, as if it had been suspended for as long as it takes. A
wait with a time limit ends by it only when no thread can go on; where none has a limit, that is a deadlock.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

_MOST_STEPS = 20_000


class InterleavingError(AssertionError):
    """Something that must not happen did, in one of the threads."""


class DeadlockError(InterleavingError):
    """Every thread waits for another one."""


class _Abandoned(BaseException):
    """The schedule has failed, and every thread ends."""


class _Task:
    """One thread of the schedule."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.baton = threading.Semaphore(0)
        self.ready: Callable[[], bool] | None = None
        """Whether it can go on; None = it can."""
        self.deadline: float | None = None
        self.waits_for = ""
        self.done = False

    @property
    def can_go_on(self) -> bool:
        return not self.done and (self.ready is None or self.ready())


class Schedule:
    """One run. switches: at the step of that number, which of the other threads that can go on does."""

    def __init__(self, switches: Mapping[int, int] | None = None) -> None:
        self.switches = switches or {}
        self.trace: list[tuple[str, str, int]] = []
        """For each step: the thread, what it did, and how many others could have gone on."""
        self.now = 1000.0
        self.failure: BaseException | None = None
        self._interesting: range | None = None
        self._current = _Task("test")
        self._tasks = [self._current]
        self._delayed: list[_Task] = []
        """Threads that had to let another one go on: they do when no other thread can."""

    # --- what the test says

    def run(self, work: Callable[[], None]) -> None:
        """Do the test's own work as the first thread. Raise what went wrong in any of them."""
        try:
            work()
            self.block(lambda: all(task.done for task in self._tasks[1:]), "waits for all threads")
        except _Abandoned:
            pass
        except BaseException as error:
            self.fail(error)
        if self.failure is not None:
            for task in self._tasks[1:]:
                while not task.done:
                    task.baton.release()
                    threading.Event().wait(0.0005)
            raise self.failure

    @contextlib.contextmanager
    def interesting(self) -> Iterator[None]:
        """Switch only at steps until the end of this."""
        begin = len(self.trace)
        yield
        self._interesting = range(begin, len(self.trace))

    def switch_points(self, after: int = -1, names: tuple[str, ...] = ("",)) -> list[tuple[int, int]]:
        """Return where another thread could have gone on: the step, and which of the others. names: how the names of
        the threads begin at whose steps to look."""
        steps = self._interesting or range(len(self.trace))
        chosen = (number for number in steps if number > after and self.trace[number][0].startswith(names))
        return [(number, other) for number in chosen for other in range(self.trace[number][2])]

    def fail(self, error: BaseException) -> None:
        """End every thread."""
        self.failure = self.failure or error

    def check(self, holds: bool, otherwise: str) -> None:
        """Fail unless it is true."""
        if not holds:
            self.fail(InterleavingError(otherwise))
            raise _Abandoned

    def step(self, what: str) -> None:
        """Let another thread go on here, if it is its turn."""
        self.block(None, what)

    def block(self, ready: Callable[[], bool] | None, what: str, timeout: float | None = None) -> bool:
        """Go on when it is ready; return False when it is not at the end of the time."""
        task = self._current
        if self.failure is not None:
            raise _Abandoned
        task.ready, task.waits_for = ready, what
        task.deadline = None if timeout is None else self.now + timeout
        chosen = self._choose(task, what)
        if chosen is not task:
            self._current = chosen
            chosen.baton.release()
            task.baton.acquire()
        if self.failure is not None:
            raise _Abandoned
        is_ready = ready is None or ready()
        task.ready = task.deadline = None
        return is_ready

    def _choose(self, task: _Task, what: str) -> _Task:
        start = self._tasks.index(task) + 1
        order = self._tasks[start:] + self._tasks[: start - 1]
        order.sort(key=lambda other: other in self._delayed)
        others = [other for other in order if other.can_go_on]
        number = len(self.trace)
        self.trace.append((task.name, what, len(others)))
        if number > _MOST_STEPS:
            self.fail(InterleavingError("it never ends"))
            raise _Abandoned
        if number in self.switches and others:
            self._delayed.append(task)
            return others[self.switches[number] % len(others)]
        if task.can_go_on and not (task in self._delayed and others and others[0] not in self._delayed):
            return task
        if others:
            return others[0]
        limited = [each for each in self._tasks if not each.done and each.deadline is not None]
        if not limited:
            waits = ", ".join(f"{each.name}: {each.waits_for}" for each in self._tasks if not each.done)
            self.fail(DeadlockError(waits))
            raise _Abandoned
        first = min(limited, key=lambda each: each.deadline or 0.0)
        self.now = max(self.now, first.deadline or 0.0)
        return first

    def begin(self, name: str, work: Callable[[], object]) -> _Task:
        """Add a thread, which can go on at once."""
        task = _Task(name)

        def body() -> None:
            task.baton.acquire()
            try:
                if self.failure is None:
                    work()
            except _Abandoned:
                pass
            except BaseException as error:
                self.fail(error)
            self._end(task)

        self._tasks.append(task)
        threading.Thread(target=body, name=name, daemon=True).start()
        return task

    def _end(self, task: _Task) -> None:
        task.done = True
        if self.failure is None:
            try:
                chosen = self._choose(task, "end")
            except _Abandoned:
                chosen = self._tasks[0]
            self._current = chosen
            chosen.baton.release()
        else:
            self._tasks[0].baton.release()

    # --- what stands in for threading and queue

    def patch(self, patch: pytest.MonkeyPatch, *modules: ModuleType) -> None:
        """Let modules use the stand-ins, whatever they import."""
        stand_ins = {
            "Lock": lambda: Lock(self),
            "Condition": lambda: Condition(self),
            "Event": lambda: Event(self),
            "Thread": lambda **arguments: Thread(self, **arguments),
            "time": SimpleNamespace(monotonic=lambda: self.now),
            "queue": SimpleNamespace(SimpleQueue=lambda: SimpleQueue(self), Empty=queue.Empty),
        }
        for module in modules:
            for name, stand_in in stand_ins.items():
                if hasattr(module, name):
                    patch.setattr(module, name, stand_in)

    @property
    def current(self) -> _Task:
        """Return the thread that runs."""
        return self._current


class Lock:
    """See threading.Lock, and RLock."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._owner: _Task | None = None
        self._depth = 0

    def __enter__(self) -> None:
        if self._owner is not self._schedule.current:
            self._schedule.block(lambda: self._owner is None, "wants a lock")
            self._owner = self._schedule.current
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if not self._depth:
            self._owner = None
            if self._schedule.failure is None:
                self._schedule.step("has released a lock")


class Condition(Lock):
    """See threading.Condition."""

    def __init__(self, schedule: Schedule) -> None:
        super().__init__(schedule)
        self._notified = 0

    def wait(self, timeout: float | None = None) -> bool:
        """See threading.Condition."""
        before, depth = self._notified, self._depth
        self._owner, self._depth = None, 0
        told = self._schedule.block(lambda: self._notified > before, "waits for a condition", timeout)
        self._schedule.block(lambda: self._owner is None, "wants the lock of a condition")
        self._owner, self._depth = self._schedule.current, depth
        return told

    def wait_for(self, holds: Callable[[], bool], timeout: float | None = None) -> bool:
        """See threading.Condition."""
        while not holds():
            if not self.wait(timeout):
                return holds()
        return True

    def notify_all(self) -> None:
        """See threading.Condition."""
        self._notified += 1


class Event:
    """See threading.Event."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._set = False

    def set(self) -> None:
        """See threading.Event."""
        self._set = True
        self._schedule.step("has set an event")

    def clear(self) -> None:
        """See threading.Event."""
        self._set = False

    def is_set(self) -> bool:
        """See threading.Event."""
        return self._set

    def wait(self, timeout: float | None = None) -> bool:
        """See threading.Event."""
        return self._schedule.block(lambda: self._set, "waits for an event", timeout)


class SimpleQueue:
    """See queue.SimpleQueue."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._items: deque[Any] = deque()

    def put(self, item: object) -> None:
        """See queue.SimpleQueue."""
        self._items.append(item)
        self._schedule.step("has put into a queue")

    def get(self, timeout: float | None = None) -> Any:
        """See queue.SimpleQueue."""
        if not self._schedule.block(lambda: bool(self._items), "takes from a queue", timeout):
            raise queue.Empty
        return self._items.popleft()

    def empty(self) -> bool:
        """See queue.SimpleQueue."""
        return not self._items

    def qsize(self) -> int:
        """See queue.SimpleQueue."""
        return len(self._items)


class Thread:
    """See threading.Thread."""

    def __init__(
        self,
        schedule: Schedule,
        *,
        target: Callable[..., object],
        args: tuple[object, ...] = (),
        name: str,
        daemon: bool,
    ) -> None:
        self.name = name
        self._schedule = schedule
        self._work = lambda: target(*args)
        self._task: _Task | None = None

    def start(self) -> None:
        """See threading.Thread."""
        self._task = self._schedule.begin(self.name, self._work)
        self._schedule.step(f"has started {self.name}")

    def join(self, timeout: float | None = None) -> None:
        """See threading.Thread."""
        self._schedule.block(lambda: not self.is_alive(), f"joins {self.name}", timeout)

    def is_alive(self) -> bool:
        """See threading.Thread."""
        return self._task is not None and not self._task.done


def explore(scenario: Callable[[Schedule], None], first: tuple[str, ...] = (), second: tuple[str, ...] = ()) -> int:
    """Run a scenario without a switch, then with a switch to each other thread at each of its steps.

    Where threads are named, also with a first switch at each step of `first` and a second one at each later step
    of `second`. Return how many runs there were; raise what goes wrong in one of them, with the steps that led to it.
    """
    plain = Schedule()
    _run(scenario, plain)
    runs = 1
    for number, other in plain.switch_points():
        once = Schedule({number: other})
        _run(scenario, once)
        runs += 1
        if first and plain.trace[number][0].startswith(first):
            for later, _ in once.switch_points(number, second):
                _run(scenario, Schedule({number: other, later: 0}))
                runs += 1
    return runs


def _run(scenario: Callable[[Schedule], None], schedule: Schedule) -> None:
    try:
        scenario(schedule)
    except BaseException as error:
        last = list(enumerate(schedule.trace))[-60:]
        steps = "\n".join(f"{number:5} {name}: {what}" for number, (name, what, _) in last)
        error.add_note(f"switches: {dict(schedule.switches)}; the last steps:\n{steps}")
        raise
