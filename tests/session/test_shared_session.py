# SPDX-License-Identifier: MIT
"""Several views of one session: one look for all, one rescan for all, and only one that loads."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from queue import SimpleQueue
from threading import Event, Lock, Thread, get_ident

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
    Stream,
)
from bootmenu.errors import BootmenuError
from bootmenu.kexec.kernel_errors import SimulatedJump
from bootmenu.kexec.plan import LoadPlan
from bootmenu.model.progress import Progress
from bootmenu.session.machine_session import BusyError
from bootmenu.session.shared_session import Shared, View
from bootmenu.system.power import Power, PowerError
from tests.builders import fakes


def until(holds: Callable[[], object]) -> None:
    """Wait for it to become true."""
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end, "did not happen"
        time.sleep(0.001)


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
    shared.close()


def test_a_view_that_comes_while_it_is_read_hears_the_rest_as_it_comes() -> None:
    session = fakes.FakeSession()
    session.scan_gate.clear()
    shared = Shared(session)
    heard, _ = read(shared.view().scan())
    assert [heard.get(timeout=10) for _ in fakes.FULL[:-1]] == list(fakes.FULL[:-1])
    session.scan_gate.set()
    assert heard.get(timeout=10) == fakes.FULL[-1]
    assert heard.get(timeout=10) is None
    shared.close()


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
    shared.close()


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
    shared.close()


def test_only_one_loads_and_the_other_is_told_what() -> None:
    session = fakes.FakeSession()
    shared = Shared(session)
    one, other = shared.view(), shared.view()
    list(other.scan())
    session.held.append(fakes.DEBIAN.entry.id)
    plan = one.plan(fakes.DEBIAN)
    assert list(one.load(plan)) == list(fakes.LOADING)
    for call in (lambda: list(other.load(plan)), lambda: other.execute(plan), other.scan):
        with pytest.raises(BootmenuError, match="Another console is starting Debian"):
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
            assert view.plan_trees(plan).final is not None
            for progress in view.load(plan):
                yield f"loading: {progress.stage}"
            for progress in view.prepare_jump(plan):
                yield f"leaving: {progress.stage}"
            with pytest.raises(SimulatedJump):
                view.execute(plan)
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
        shared.close()


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
    shared.close()


def test_a_scan_that_breaks_breaks_for_all_and_can_be_tried_again() -> None:
    session = fakes.FakeSession(scan_error=BootmenuError("no lsblk"))
    shared = Shared(session)
    one, other = shared.view(), shared.view()
    for view in (one, other):
        with pytest.raises(BootmenuError, match="no lsblk"):
            list(view.scan())
    session.scan_error = None
    assert list(one.scan()) == list(fakes.FULL)
    shared.close()


# ---- one console comes between the steps of another one ------------------------------------------------------


class Step:
    """A function at whose beginning threads wait: `here` is set when one does, and it goes on with `on`."""

    def __init__(self, owner: object, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.here, self.on = Event(), Event()
        function = getattr(owner, name)

        def stopped(*arguments: object) -> object:
            self.here.set()
            assert self.on.wait(10)
            return function(*arguments)

        monkeypatch.setattr(owner, name, stopped)


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


class Watched(fakes.FakeSession):
    """Knows whether anything looks at the partitions while something is loaded or the machine goes down."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.looking = 0
        self.seen: list[int] = []
        self.ending = Event()
        """A look that was told to end lets go of the partitions when this is set."""
        self.ending.set()
        self.held.append(fakes.DEBIAN.entry.id)

    def scan(self) -> Stream:
        def events(closed: Event) -> Generator[ScanEvent, None, None]:
            self.calls.append("scan")
            for event in self.events:
                while isinstance(event, ScanFinished) and not (closed.is_set() or self.scan_gate.wait(0.001)):
                    pass
                yield event

        return self._counted(Stream(events))

    def watch(self) -> Stream:
        return self._counted(super().watch())

    def _counted(self, inner: Stream) -> Stream:
        def events(closed: Event) -> Generator[ScanEvent, None, None]:
            self.looking += 1
            try:
                while not closed.is_set() and (event := next(inner, None)) is not None:
                    yield event
            finally:
                inner.close()
                assert self.ending.wait(30)
                self.looking -= 1

        return Stream(events, inner.close)

    def load(self, plan: LoadPlan) -> Iterator[Progress]:
        for progress in super().load(plan):
            self.seen.append(self.looking)
            yield progress

    def power(self, wanted: Power) -> None:
        self.seen.append(self.looking)
        super().power(wanted)


class SteppedLock:
    """A lock at which the first thread that wants it waits before it gets it."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.here, self.on, self.done = Event(), Event(), Event()
        self.first = Lock()

    def __enter__(self) -> None:
        if self.first.acquire(blocking=False):
            self.stopped = get_ident()
            self.here.set()
            assert self.on.wait(10)
        self.lock.acquire()

    def __exit__(self, *_: object) -> None:
        self.lock.release()
        if get_ident() == self.stopped:
            self.done.set()


@pytest.mark.parametrize("looks", ["scan", "watch"])
def test_a_look_that_was_wanted_before_a_load_is_not_begun_in_it(looks: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other console has asked for it, and comes to it only when this one loads."""
    session = Watched()
    shared = Shared(session)
    one, other = shared.view(), shared.view()
    for view in (one, other):
        list(view.scan())
    plan = one.plan(fakes.DEBIAN)
    list(one.load(plan))
    one.unload(plan)
    lock = SteppedLock()
    monkeypatch.setattr(shared, "_looking", lock)
    asked = in_thread(lambda: next(getattr(other, looks)()))
    assert lock.here.wait(10)
    steps = one.load(plan)
    next(steps)
    lock.on.set()
    assert lock.done.wait(10)
    assert shared.look.closed
    if looks == "scan":
        assert isinstance(asked.get(timeout=10), BusyError)
    list(steps)
    assert set(session.seen) == {0}
    one.unload(plan)
    if looks == "watch":
        session.later.put(LATE)
        assert asked.get(timeout=10) == LATE, "it has waited for the end of the load"
    shared.close()
    assert session.looking == 0


@pytest.mark.parametrize("point", ["before the look has ended", "before the next one begins"])
def test_a_load_waits_for_a_rescan_that_has_begun_and_ends_it(point: str, monkeypatch: pytest.MonkeyPatch) -> None:
    session = Watched()
    shared = Shared(session)
    one, other = shared.view(), shared.view()
    for view in (one, other):
        list(view.scan())
    if point == "before the look has ended":
        session.ending.clear()
        go_on = session.ending.set
        rescan = in_thread(other.scan)
        until(lambda: shared.look.closed)
    else:
        step = Step(shared, "_replace", monkeypatch)
        go_on = step.on.set
        rescan = in_thread(other.scan)
        assert step.here.wait(30)
    plan = one.plan(fakes.DEBIAN)
    loaded = in_thread(lambda: list(one.load(plan)))
    until(lambda: shared.owned)
    # whoever asks meanwhile is answered at once, as a screen may be that ends
    with pytest.raises(BusyError):
        other.execute(plan)
    assert other.unload(plan) == ""
    assert session.seen == [], "the partitions have not been let go of"
    go_on()
    assert loaded.get(timeout=10) == list(fakes.LOADING)
    assert isinstance(rescan.get(timeout=10), Stream)
    assert set(session.seen) == {0}
    one.unload(plan)
    shared.close()


def test_nobody_looks_or_loads_while_the_machine_goes_down(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Watched()
    shared = Shared(session)
    one, other = shared.view(), shared.view()
    for view in (one, other):
        list(view.scan())
    heard, _ = read(other.watch())
    step = Step(session, "power", monkeypatch)
    down = in_thread(lambda: one.power(Power.OFF))
    assert step.here.wait(30)
    assert session.looking == 0
    for call in (other.scan, lambda: list(other.load(other.plan(fakes.DEBIAN)))):
        with pytest.raises(BusyError, match="Another console is ending what runs here"):
            call()
    step.on.set()
    assert isinstance(down.get(timeout=10), PowerError)
    assert session.seen == [0]
    session.later.put(LATE)
    assert heard.get(timeout=10) == LATE, "it goes on running"
    shared.close()


def test_what_is_taken_out_is_never_what_another_console_has_loaded_since(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Watched()
    shared = Shared(session)
    one, other = shared.view(), shared.view()
    plan = one.plan(fakes.DEBIAN)
    with pytest.raises(SimulatedJump):
        one.execute(plan)
    step = Step(session, "unload", monkeypatch)
    left = in_thread(lambda: one.unload(plan))
    assert step.here.wait(30)
    with pytest.raises(BusyError):
        list(other.load(plan))
    step.on.set()
    assert left.get(timeout=10) == ""
    assert list(other.load(plan)) == list(fakes.LOADING)
    assert one.unload(plan) == ""
    assert session.calls.count("unload") == 1
    shared.close()


@pytest.mark.parametrize("begun", [False, True])
def test_a_scan_goes_on_through_a_rescan_and_a_load_of_another_console(begun: bool) -> None:
    session = Watched()
    shared = Shared(session)
    one, other = shared.view(), shared.view()
    if begun:
        for view in (one, other):
            list(view.scan())
    session.scan_gate.clear()
    heard, _ = read(other.scan())
    assert heard.get(timeout=10) == fakes.FULL[0]
    rescan = in_thread(lambda: list(one.scan()))
    if begun:
        until(lambda: session.calls.count("scan") == 3)
    plan = one.plan(fakes.DEBIAN)
    loaded = in_thread(lambda: list(one.load(plan)))
    until(lambda: shared.owned)
    session.scan_gate.set()
    assert loaded.get(timeout=10) == list(fakes.LOADING)
    assert set(session.seen) == {0}
    one.unload(plan)
    events: list[object] = []
    while (event := heard.get(timeout=10)) is not None:
        events.append(event)
    assert isinstance(events[-1], ScanFinished)
    assert {event.listing.entry.id for event in events if isinstance(event, EntryFound)} >= {"debian-49", "alpine"}
    finished = rescan.get(timeout=10)
    assert isinstance(finished, list)
    assert isinstance(finished[-1], ScanFinished)
    shared.close()


def test_a_first_look_that_comes_into_a_load_of_another_console_waits_for_its_end() -> None:
    session = Watched()
    session.scan_gate.clear()
    shared = Shared(session)
    one, other = shared.view(), shared.view()
    plan = one.plan(fakes.DEBIAN)
    loaded = in_thread(lambda: list(one.load(plan)))
    until(lambda: shared.look.closed)
    session.scan_gate.set()
    assert loaded.get(timeout=10) == list(fakes.LOADING)
    heard, _ = read(other.scan())
    one.unload(plan)
    events: list[object] = []
    while (event := heard.get(timeout=10)) is not None:
        events.append(event)
    assert isinstance(events[-1], ScanFinished)
    shared.close()


def test_after_the_end_nobody_looks_again() -> None:
    session = Watched()
    shared = Shared(session)
    view = shared.view()
    list(view.scan())
    heard, thread = read(view.watch())
    shared.close()
    assert heard.get(timeout=10) is None
    thread.join(30)
    assert list(view.scan()) == list(fakes.FULL), "what was found before"
    assert session.looking == 0
    assert session.calls.count("scan") == 1
