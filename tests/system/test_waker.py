# SPDX-License-Identifier: MIT
"""What wakes a thread: from any thread, twice, after the end, and in a signal handler."""

from __future__ import annotations

import os
import select
import threading

import pytest

from bootmenu.system.waker import Waker


def test_it_wakes_and_can_be_waited_for_again() -> None:
    made = Waker()
    for _ in range(2):
        assert select.select([made], [], [], 0)[0] == []
        for _ in range(100_000):  # more than a pipe holds
            made.wake()
        assert select.select([made], [], [], 0)[0] == [made]
        while select.select([made], [], [], 0)[0]:
            made.clear()
    made.close()


def test_after_its_end_nothing_is_written_into_what_has_its_numbers_by_now() -> None:
    made = Waker()
    numbers = {made._read, made._write}
    made.close()
    ends = [end for _ in range(4) for end in os.pipe2(os.O_NONBLOCK)]
    assert numbers <= set(ends), "their numbers are others' now"
    made.wake()
    made.close()
    for read in ends[::2]:
        with pytest.raises(BlockingIOError):
            os.read(read, 1)
    for end in ends:
        os.close(end)


def test_whoever_closes_it_waits_for_whoever_wakes(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Waker()
    here, on, closed = threading.Event(), threading.Event(), threading.Event()
    write = os.write

    def stopped(descriptor: int, data: bytes) -> int:
        here.set()
        assert on.wait(10)
        return write(descriptor, data)

    def close() -> None:
        made.close()
        closed.set()

    monkeypatch.setattr(os, "write", stopped)
    threads = [threading.Thread(target=made.wake), threading.Thread(target=close)]
    threads[0].start()
    assert here.wait(10)
    threads[1].start()
    os.fstat(made._write)
    assert not closed.is_set()
    on.set()
    for thread in threads:
        thread.join(10)
    assert closed.is_set()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(made._write)


def test_a_signal_that_comes_while_it_is_closed_wakes_nobody_and_waits_for_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = Waker()
    close, written = os.close, []

    def interrupted(descriptor: int) -> None:
        close(descriptor)
        made.wake()

    monkeypatch.setattr(os, "close", interrupted)
    monkeypatch.setattr(os, "write", lambda *_: written.append(1))
    thread = threading.Thread(target=made.close, daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()
    assert written == []
