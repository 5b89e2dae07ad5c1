# SPDX-License-Identifier: MIT
"""Several views of one session: one look for all, one rescan for all, and only one that loads."""

from __future__ import annotations

from collections.abc import Iterator
from queue import SimpleQueue
from threading import Thread

import pytest

from bootmenu.demo import demonstration
from bootmenu.discovery.devices import Device
from bootmenu.discovery.scan import DeviceFound, DeviceGone, EntryFound, Listing, ScanEvent, ScanFinished, Stream
from bootmenu.errors import BootmenuError
from bootmenu.kexec.errors import SimulatedJump
from bootmenu.shared import Shared, View
from tests.ui import fakes

LATE = DeviceFound(Device(name="sdz1"))


def read(stream: Stream) -> tuple[SimpleQueue[ScanEvent | None], Thread]:
    """In a thread, as screens do; None = it has come to its end."""
    heard: SimpleQueue[ScanEvent | None] = SimpleQueue()

    def body() -> None:
        for event in stream:
            heard.put(event)
        heard.put(None)

    thread = Thread(target=body, daemon=True)
    thread.start()
    return heard, thread


def test_every_view_hears_the_whole_of_one_scan() -> None:
    session = fakes.FakeSession()
    shared = Shared(session)
    views = [shared.view(), shared.view()]
    assert [list(view.scan()) for view in views] == [list(fakes.FULL)] * 2
    assert session.calls.count("scan") == 1
    shared.stop_looking()


def test_a_view_that_comes_while_it_is_read_hears_the_rest_as_it_comes() -> None:
    session = fakes.FakeSession()
    session.scan_gate.clear()
    shared = Shared(session)
    heard, _ = read(shared.view().scan())
    assert [heard.get(timeout=10) for _ in fakes.FULL[:-1]] == list(fakes.FULL[:-1])
    session.scan_gate.set()
    assert heard.get(timeout=10) == fakes.FULL[-1]
    assert heard.get(timeout=10) is None
    shared.stop_looking()


def test_what_comes_and_goes_is_heard_by_all_and_closing_wakes() -> None:
    session = fakes.FakeSession()
    shared = Shared(session)
    views = [shared.view(), shared.view()]
    for view in views:
        list(view.scan())
    streams = [view.watch() for view in views]
    heard = [read(stream) for stream in streams]
    session.later.put(LATE)
    for (queue, thread), stream in zip(heard, streams, strict=True):
        assert queue.get(timeout=10) == LATE
        stream.close()
        thread.join(10)
        assert not thread.is_alive()
    shared.stop_looking()


def test_a_rescan_of_one_is_everybodys() -> None:
    session = fakes.FakeSession()
    shared = Shared(session)
    one, other = shared.view(), shared.view()
    list(one.scan())
    list(other.scan())
    heard, _ = read(other.watch())
    session.events = (DeviceFound(fakes.ROOT), EntryFound(fakes.ALPINE), ScanFinished(0.1))
    assert list(one.scan()) == list(session.events)
    told = [heard.get(timeout=10) for _ in range(6)]
    gone = {event.device.name for event in told if isinstance(event, DeviceGone)}
    assert gone == {"mmcblk0p1", "sda2", "sdb1"}
    assert told[3:] == list(session.events)
    assert session.calls.count("scan") == 2
    shared.stop_looking()


def test_only_one_loads_and_the_other_is_told_what() -> None:
    session = fakes.FakeSession()
    shared = Shared(session)
    one, other = shared.view(), shared.view()
    session.held.append(fakes.DEBIAN.entry.id)
    plan = one.plan(fakes.DEBIAN)
    assert list(one.load(plan)) == list(fakes.LOADING)
    for call in (lambda: list(other.load(plan)), lambda: other.jump(plan), other.scan):
        with pytest.raises(BootmenuError, match="Another console is starting Debian"):
            call()
    other.unload(plan)
    assert "unload" not in session.calls, "it is not the other's"
    one.unload(plan)
    assert session.calls.count("unload") == 1
    assert list(other.load(plan)) == list(fakes.LOADING)
    with pytest.raises(SimulatedJump):
        other.jump(plan)
    assert list(one.load(plan)) == list(fakes.LOADING), "it came back"
    one.unload(plan)


def test_what_one_view_holds_is_held_by_the_session() -> None:
    session = fakes.FakeSession()
    view = Shared(session).view()
    with view.holding(fakes.DEBIAN):
        assert session.held == [fakes.DEBIAN.entry.id]
    assert session.held == []


def test_another_console_that_looks_again_takes_nothing_away_from_a_start() -> None:
    """Before any step of it; once it loads, the other one has to wait."""

    def start(view: View, own: Listing) -> Iterator[str]:
        with view.holding(own):
            yield "held"
            plan = view.plan(own)
            yield "planned"
            assert view.handed_trees(plan).handed is not None
            for progress in view.load(plan):
                yield f"loading: {progress.stage}"
            for progress in view.leave(plan):
                yield f"leaving: {progress.stage}"
            with pytest.raises(SimulatedJump):
                view.jump(plan)
            assert view.unload(plan) == ""

    with demonstration(pace=None) as session:
        shared = Shared(session)
        one, other = shared.view(), shared.view()
        found = [event.listing for event in one.scan() if isinstance(event, EntryFound)]
        list(other.scan())
        (own,) = [listing for listing in found if "own device tree" in listing.entry.title]
        number = sum(1 for _ in start(one, own))
        for at in range(number):
            refused = False
            for step, where in enumerate(start(one, own)):
                if step != at:
                    continue
                try:
                    events = list(other.scan())
                    assert any(isinstance(event, EntryFound) for event in events)
                    assert not any("does not answer" in str(event) for event in events)
                except BootmenuError as error:
                    refused = "Another console is starting" in error.message
                assert refused is where.startswith(("loading", "leaving"))
        shared.stop_looking()


def test_a_load_that_fails_lets_the_other_try() -> None:
    session = fakes.FakeSession(load_error=BootmenuError("no"))
    shared = Shared(session)
    session.held.append(fakes.DEBIAN.entry.id)
    plan = shared.view().plan(fakes.DEBIAN)
    for view in (shared.view(), shared.view()):
        with pytest.raises(BootmenuError, match="no"):
            list(view.load(plan))


def test_a_load_stops_the_look_and_what_failed_goes_on_with_it() -> None:
    session = fakes.FakeSession()
    shared = Shared(session)
    one, other = shared.view(), shared.view()
    for view in (one, other):
        list(view.scan())
    heard, _ = read(other.watch())
    plan = one.plan(fakes.DEBIAN)
    with one.holding(fakes.DEBIAN):
        list(one.load(plan))
    assert shared.look.ended
    one.unload(plan)
    mine, _ = read(one.watch())
    session.later.put(LATE)
    assert mine.get(timeout=10) == LATE
    assert heard.get(timeout=10) == LATE, "it never stopped listening"
    assert session.calls.count("scan") == 1
    shared.stop_looking()


def test_a_scan_that_breaks_breaks_for_all_and_can_be_tried_again() -> None:
    session = fakes.FakeSession(scan_error=BootmenuError("no lsblk"))
    shared = Shared(session)
    one, other = shared.view(), shared.view()
    for view in (one, other):
        with pytest.raises(BootmenuError, match="no lsblk"):
            list(view.scan())
    session.scan_error = None
    assert list(one.scan()) == list(fakes.FULL)
    shared.stop_looking()
