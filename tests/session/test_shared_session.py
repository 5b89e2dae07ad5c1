# SPDX-License-Identifier: MIT
"""Several views of one session: one look for all, one rescan for all, and only one that loads."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from queue import SimpleQueue
from threading import Event, Thread

import pytest

from bootmenu.demo import demonstration
from bootmenu.discovery.devices import Device
from bootmenu.discovery.scan_events import (
    DeviceFound,
    DeviceGone,
    EntryFound,
    Listing,
    ScanEvent,
    ScanFinished,
)
from bootmenu.discovery.scan_feed import ScanFeed
from bootmenu.errors import BootmenuError
from bootmenu.kexec.kernel_errors import LoadError, SimulatedJump
from bootmenu.model.progress import Stage
from bootmenu.session.history import History
from bootmenu.session.session_protocol import BusyError
from bootmenu.session.shared_session import ConsoleSession, SharedSession
from bootmenu.system.power import Power, PowerError
from tests.builders import fakes


def until(holds: Callable[[], object]) -> None:
    """Wait for it to become true."""
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end, "did not happen"
        time.sleep(0.001)


LATE = DeviceFound(Device(name="sdz1"))


def read(stream: Iterable[ScanEvent]) -> tuple[SimpleQueue[ScanEvent | None], Thread]:
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
    shared = SharedSession(session)
    views = [shared.console(), shared.console()]
    assert [list(view.scan().until_finished()) for view in views] == [list(fakes.FULL)] * 2
    assert session.calls.count("scan") == 1
    shared.close()


def test_a_view_that_comes_while_it_is_read_hears_the_rest_as_it_comes() -> None:
    session = fakes.FakeSession()
    session.scan_gate.clear()
    shared = SharedSession(session)
    heard, _ = read(shared.console().scan().until_finished())
    assert [heard.get(timeout=10) for _ in fakes.FULL[:-1]] == list(fakes.FULL[:-1])
    session.scan_gate.set()
    assert heard.get(timeout=10) == fakes.FULL[-1]
    assert heard.get(timeout=10) is None
    shared.close()


def test_what_comes_and_goes_is_heard_by_all_and_closing_wakes() -> None:
    session = fakes.FakeSession()
    shared = SharedSession(session)
    views = [shared.console(), shared.console()]
    streams = [view.scan() for view in views]
    for stream in streams:
        list(stream.until_finished())
    heard = [read(stream) for stream in streams]
    session.later.put(LATE)
    for (queue, thread), stream in zip(heard, streams, strict=True):
        assert queue.get(timeout=10) == LATE
        stream.close()
        thread.join(10)
        assert not thread.is_alive()
    shared.close()


def test_a_rescan_of_one_is_everybodys() -> None:
    session = fakes.FakeSession()
    shared = SharedSession(session)
    one, other = shared.console(), shared.console()
    list(one.scan().until_finished())
    following = other.scan()
    list(following.until_finished())
    heard, _ = read(following)
    session.events = (DeviceFound(fakes.ROOT), EntryFound(fakes.ALPINE), ScanFinished(0.1))
    assert list(one.scan().until_finished()) == list(session.events)
    told = [heard.get(timeout=10) for _ in range(6)]
    gone = {event.device.name for event in told if isinstance(event, DeviceGone)}
    assert gone == {"mmcblk0p1", "sda2", "sdb1"}
    assert told[3:] == list(session.events)
    assert session.calls.count("scan") == 2
    shared.close()


def test_only_one_loads_and_the_other_is_told_what() -> None:
    session = fakes.FakeSession()
    shared = SharedSession(session)
    one, other = shared.console(), shared.console()
    list(other.scan().until_finished())
    session.held.append(fakes.DEBIAN.entry.id)
    plan = one.plan(fakes.DEBIAN)
    assert list(one.load(plan)) == list(fakes.LOADING)
    for call in (lambda: list(other.load(plan)), lambda: other.execute(plan), other.scan):
        with pytest.raises(BootmenuError, match=r"Another console is starting Debian .*, 6\.1\.0"):
            call()
    other.unload(plan)
    assert "unload" not in session.calls, "it is not the other's"
    one.unload(plan)
    assert session.calls.count("unload") == 1
    assert list(other.load(plan)) == list(fakes.LOADING)
    with pytest.raises(SimulatedJump):
        other.execute(plan)
    assert list(one.load(plan)) == list(fakes.LOADING), "it came back"
    one.unload(plan)


def test_what_one_view_holds_is_held_by_the_session() -> None:
    session = fakes.FakeSession()
    view = SharedSession(session).console()
    with view.holding(fakes.DEBIAN):
        assert session.held == [fakes.DEBIAN.entry.id]
    assert session.held == []


def test_another_console_that_looks_again_takes_nothing_away_from_a_start() -> None:
    """Before any step of it; once it loads, the other one has to wait."""

    def start(view: ConsoleSession, own: Listing) -> Iterator[str]:
        with view.holding(own):
            yield "held"
            plan = view.plan(own)
            yield "planned"
            assert view.plan_dtbs(plan).final is not None
            for progress in view.load(plan):
                yield f"loading: {progress.stage}"
            for progress in view.prepare_jump(plan):
                yield f"leaving: {progress.stage}"
            with pytest.raises(SimulatedJump):
                view.execute(plan)
            assert view.unload(plan) == ""

    with demonstration(pace=None) as session:
        shared = SharedSession(session)
        one, other = shared.console(), shared.console()
        found = [event.listing for event in one.scan().until_finished() if isinstance(event, EntryFound)]
        list(other.scan().until_finished())
        (own,) = [listing for listing in found if "own device tree" in listing.entry.title]
        number = sum(1 for _ in start(one, own))
        for at in range(number):
            refused = False
            for step, where in enumerate(start(one, own)):
                if step != at:
                    continue
                try:
                    events = list(other.scan().until_finished())
                    assert any(isinstance(event, EntryFound) for event in events)
                    assert not any("does not answer" in str(event) for event in events)
                except BootmenuError as error:
                    refused = "Another console is starting" in error.message
                assert refused is where.startswith(("loading", "leaving"))
        shared.close()


def test_a_load_that_fails_lets_the_other_try() -> None:
    session = fakes.FakeSession(load_error=BootmenuError("no"))
    shared = SharedSession(session)
    session.held.append(fakes.DEBIAN.entry.id)
    plan = shared.console().plan(fakes.DEBIAN)
    for view in (shared.console(), shared.console()):
        with pytest.raises(BootmenuError, match="no"):
            list(view.load(plan))


def test_a_load_pauses_the_scan_which_goes_on_when_nothing_is_loaded_any_more() -> None:
    session = fakes.FakeSession()
    shared = SharedSession(session)
    one, other = shared.console(), shared.console()
    mine, theirs = one.scan(), other.scan()
    for subscription in (mine, theirs):
        list(subscription.until_finished())
    heard, _ = read(theirs)
    plan = one.plan(fakes.DEBIAN)
    with one.holding(fakes.DEBIAN):
        list(one.load(plan))
    assert session.scanner.is_paused
    one.unload(plan)
    session.later.put(LATE)
    assert next(mine) == LATE
    assert heard.get(timeout=10) == LATE, "it never stopped listening"
    assert session.calls.count("scan") == 1
    shared.close()


def test_a_scan_that_breaks_breaks_for_all_and_can_be_tried_again() -> None:
    session = fakes.FakeSession(scan_error=BootmenuError("no lsblk"))
    shared = SharedSession(session)
    one, other = shared.console(), shared.console()
    for view in (one, other):
        with pytest.raises(BootmenuError, match="no lsblk"):
            list(view.scan())
    session.scan_error = None
    assert list(one.scan().until_finished()) == list(fakes.FULL)
    shared.close()


def test_nothing_is_scanned_or_loaded_while_the_machine_goes_down() -> None:
    session = fakes.FakeSession()
    shared = SharedSession(session)
    one, other = shared.console(), shared.console()
    following = other.scan()
    list(following.until_finished())
    session.power_gate.clear()
    down = in_thread(lambda: one.power(Power.OFF))
    until(lambda: session.scanner.is_paused)
    for call in (other.scan, lambda: list(other.load(other.plan(fakes.DEBIAN)))):
        with pytest.raises(BusyError, match="Another console is restarting or switching off"):
            call()
    session.power_gate.set()
    assert isinstance(down.get(timeout=10), PowerError)
    session.later.put(LATE)
    assert next(following) == LATE, "it goes on running"
    shared.close()


def test_whoever_asks_while_another_console_waits_for_a_pause_is_answered_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A screen asks that may end."""
    session = fakes.FakeSession()
    session.held.append(fakes.DEBIAN.entry.id)
    shared = SharedSession(session)
    one, other = shared.console(), shared.console()
    list(other.scan().until_finished())
    asked, quiet = Event(), Event()

    def pause() -> None:
        asked.set()
        assert quiet.wait(10)

    monkeypatch.setattr(session.scanner, "pause", pause)
    plan = one.plan(fakes.DEBIAN)
    loaded = in_thread(lambda: list(one.load(plan)))
    assert asked.wait(10)
    with pytest.raises(BusyError):
        other.execute(plan)
    with pytest.raises(BusyError):
        other.scan()
    assert other.unload(plan) == ""
    quiet.set()
    assert loaded.get(timeout=10) == list(fakes.LOADING)
    shared.close()


def in_thread(work: Callable[[], object]) -> SimpleQueue[object]:
    """What it returns, or the error that it raises."""
    answer: SimpleQueue[object] = SimpleQueue()

    def body() -> None:
        try:
            answer.put(work())
        except Exception as error:
            answer.put(error)

    Thread(target=body, daemon=True).start()
    return answer


def test_a_first_scan_that_comes_into_a_load_of_another_console_waits_for_its_end() -> None:
    session = fakes.FakeSession()
    session.scan_gate.clear()
    session.held.append(fakes.DEBIAN.entry.id)
    shared = SharedSession(session)
    one, other = shared.console(), shared.console()
    plan = one.plan(fakes.DEBIAN)
    assert list(one.load(plan)) == list(fakes.LOADING)
    session.scan_gate.set()
    following = other.scan()
    assert not any(isinstance(event, ScanFinished) for event in following.take())
    one.unload(plan)
    assert isinstance(list(following.until_finished())[-1], ScanFinished)
    shared.close()


def test_after_the_end_nothing_is_scanned_again() -> None:
    session = fakes.FakeSession()
    shared = SharedSession(session)
    console = shared.console()
    following = console.scan()
    list(following.until_finished())
    heard, thread = read(following)
    shared.close()
    assert heard.get(timeout=10) is None
    thread.join(30)
    assert not thread.is_alive()
    assert list(console.scan()) == list(fakes.FULL), "what was found before"
    assert session.calls.count("scan") == 1


def test_a_subscription_that_is_closed_wakes_its_reader_and_calls_nobody() -> None:
    woken: list[None] = []
    feed = ScanFeed()
    subscription = feed.subscribe(lambda: woken.append(None))
    heard, thread = read(subscription)
    feed.publish(feed.log, [LATE])
    assert heard.get(timeout=10) == LATE
    assert woken == [None]
    subscription.close()
    assert heard.get(timeout=10) is None
    thread.join(10)
    feed.publish(feed.log, [LATE])
    assert woken == [None]
    assert list(subscription) == []


def test_what_an_earlier_scan_still_publishes_is_dropped() -> None:
    feed = ScanFeed()
    before = feed.log
    subscription = feed.subscribe()
    feed.begin()
    feed.publish(before, [LATE])
    feed.end(before, ValueError("seven"))
    assert subscription.take() == []
    assert not subscription.over


def told(shared: SharedSession) -> list[str]:
    return [done.message for done in shared.session.history.items if done.at >= 80]


def test_what_was_done_is_remembered_for_every_console() -> None:
    plan = fakes.plan_for(fakes.DEBIAN)
    session = fakes.FakeSession()
    session.held.append(plan.entry.id)
    shared = SharedSession(session)
    one, other = shared.console(), shared.console()
    list(one.load(plan))
    one.unload(plan)
    other.scan()
    other.scan()
    name = plan.entry.full_name
    assert told(shared) == [
        "The menu started.",
        f"{name} is being loaded.",
        f"{name} is loaded.",
        f"{name} was unloaded.",
        "Every partition is read again.",
    ]
    assert one.history is other.history


def test_why_something_was_not_done_is_remembered() -> None:
    plan = fakes.plan_for(fakes.DEBIAN)
    session = fakes.FakeSession(load_error=LoadError("the kernel said no", stage=Stage.LOAD))
    session.held.append(plan.entry.id)
    shared = SharedSession(session)
    with pytest.raises(LoadError):
        list(shared.console().load(plan))
    assert told(shared)[-1] == f"{plan.entry.full_name} was not loaded: the kernel said no"


def test_only_the_last_things_are_kept() -> None:
    history = History(clock=itertools.count().__next__)
    for number in range(1000):
        history.add(str(number))
    assert [done.message for done in history.items][::199] == ["800", "999"]
