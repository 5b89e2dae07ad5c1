# SPDX-License-Identifier: MIT
"""A stream of events that another thread closes."""

from __future__ import annotations

from collections.abc import Generator
from threading import Event, Thread

import pytest

from bootmenu.discovery.scan_events import ScanEvent, ScanFinished, Stream


def test_whoever_waits_in_it_is_woken_and_closes_it() -> None:
    for _ in range(200):
        woken, inside, undone = Event(), Event(), Event()

        def inner(inside: Event = inside, woken: Event = woken) -> Generator[ScanEvent, None, None]:
            inside.set()
            woken.wait(10)
            yield ScanFinished(0.1)

        def events(_closed: Event, undone: Event = undone) -> Generator[ScanEvent, None, None]:
            try:
                yield from inner()
            finally:
                undone.set()

        stream = Stream(events, woken.set)
        found: list[ScanEvent] = []
        thread = Thread(target=lambda stream=stream, found=found: found.extend(stream))
        thread.start()
        inside.wait(10)
        stream.close()
        thread.join(10)
        assert not thread.is_alive()
        assert undone.is_set()
        assert found == []


def test_one_that_nobody_is_in_is_closed_at_once() -> None:
    undone: list[str] = []

    def events(_closed: Event) -> Generator[ScanEvent, None, None]:
        try:
            yield ScanFinished(0.1)
            yield ScanFinished(0.2)
        finally:
            undone.append("undone")

    stream = Stream(events)
    assert next(stream) == ScanFinished(0.1)
    stream.close()
    assert undone == ["undone"]
    with pytest.raises(StopIteration):
        next(stream)
