# SPDX-License-Identifier: MIT
"""One thread, one task after the other."""

from __future__ import annotations

import threading
from functools import partial

import pytest

from bootmenu.kexec.worker import Worker


def test_tasks_run_one_after_the_other_in_another_thread() -> None:
    done: list[tuple[int, str]] = []

    def note(number: int) -> None:
        done.append((number, threading.current_thread().name))

    with Worker("hand") as worker:
        for number in range(50):
            worker.submit(partial(note, number))
    assert done == [(number, "hand") for number in range(50)], "all have ended when the block does"


def test_what_a_task_raises_is_raised_where_its_result_is_asked_for() -> None:
    def fail() -> None:
        raise TimeoutError("of a disk")

    with Worker() as worker:
        task = worker.submit(fail)
        with pytest.raises(TimeoutError, match="of a disk"):
            task.result()
        assert task.wait(0), "it has ended"
        later = worker.submit(lambda: None)
        later.result()
        assert later.error is None, "the thread goes on"


def test_only_a_task_that_has_not_begun_is_cancelled() -> None:
    begun, release = threading.Event(), threading.Event()
    done: list[str] = []

    def first() -> None:
        begun.set()
        release.wait()
        done.append("first")

    with Worker() as worker:
        running = worker.submit(first)
        waiting, last = (worker.submit(partial(done.append, name)) for name in ("second", "third"))
        begun.wait()
        assert not running.cancel()
        assert waiting.cancel()
        assert not running.wait(0.01)
        release.set()
    assert done == ["first", "third"]
    assert not last.cancel(), "it has ended"


def test_a_worker_without_tasks_needs_no_thread() -> None:
    before = threading.active_count()
    with Worker():
        assert threading.active_count() == before
