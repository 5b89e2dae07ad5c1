# SPDX-License-Identifier: MIT
"""A screen that looks at the partitions: a scan in a thread, then what comes and goes, gathered in a results."""

from __future__ import annotations

from threading import Event, Semaphore
from typing import TypeVar

from textual import on
from textual.message import Message
from textual.timer import Timer

from bootmenu.discovery.scan_events import ScanEvent, ScanFinished, Stream
from bootmenu.frontends.tui.screens.base_screen import BootmenuScreen
from bootmenu.frontends.ui_context import UiContext
from bootmenu.session import internal_errors
from bootmenu.session.machine_session import BusyError
from bootmenu.session.scan_results import ScanResults

T = TypeVar("T")

_PATIENCE = 0.1
"""Seconds for which findings are gathered before they are drawn: ten pictures a second are enough for a line."""
_AHEAD = 1000
"""Events that wait for the screen at most."""


class ScanningScreen(BootmenuScreen[T]):
    """A subclass draws the results in `draw_found`, and tells in `looking_failed` that a scan ended early."""

    class Told(Message):
        """The scan has an event. scan: which scan it was."""

        def __init__(self, scan: int, event: ScanEvent, taken: Semaphore) -> None:
            super().__init__()
            self.scan = scan
            self.event = event
            self.taken = taken
            """Released when the screen has it."""

    class ScanBegun(Message):
        """What comes from now on is of that scan."""

        def __init__(self, scan: int) -> None:
            super().__init__()
            self.scan = scan

    class ScanRefused(Message):
        """There is no scan now: what is known stays, and is kept up to date."""

        def __init__(self, scan: int, error: BusyError) -> None:
            super().__init__()
            self.scan = scan
            self.error = error

    class ScanStopped(Message):
        """The scan ended without finishing. error None = it was told to."""

        def __init__(self, scan: int, error: Exception | None) -> None:
            super().__init__()
            self.scan = scan
            self.error = error

    def __init__(self, context: UiContext, *, after: Event | None = None) -> None:
        """after: set when somebody else has let go of the partitions."""
        super().__init__(context)
        self.results = ScanResults()
        self._wanted = 0
        """How many scans have been asked for."""
        self._scan = 0
        """Which of them the results is about."""
        self._begun = 0
        """Which of them was begun last; of the thread that looks."""
        self._stop = Event()
        self._stream: Stream | None = None
        self._idle = after or Event()
        if after is None:
            self._idle.set()
        self._drawing: Timer | None = None

    def draw_found(self) -> None:
        """Bring what is seen of the results up to date."""
        raise NotImplementedError

    def looking_failed(self, error: Exception) -> None:
        """Tell it; the log has it already."""
        raise NotImplementedError

    def let_go(self) -> None:
        """Let go of the partitions."""
        super().let_go()
        self.stop_scan()

    def on_unmount(self) -> None:
        """However the app ends, its threads do, too; and none begins any more."""
        self.gone = True
        self.stop_scan()

    def start_scan(self) -> None:
        """Look afresh; what is shown stays until it has been read again."""
        self.results.scanning = True
        self._draw_now()
        self._wanted += 1
        self._start_looking(afresh=True)

    def go_on_looking(self) -> None:
        """What comes and goes, after it was stopped; nothing is read again."""
        self._start_looking(afresh=False)

    def _start_looking(self, *, afresh: bool) -> None:
        """In a thread: a scan, if it is to be afresh; then what comes and goes, until it is told to stop."""
        earlier = self.stop_scan()
        if self.gone:
            return
        self._stop, self._idle = Event(), Event()
        wanted, stop, idle = self._wanted, self._stop, self._idle
        self.run_worker(
            lambda: self._look(wanted, stop, earlier, idle, afresh=afresh),
            thread=True,
            group="scan",
            exit_on_error=False,
        )

    def _look(self, wanted: int, stop: Event, earlier: Event, idle: Event, *, afresh: bool) -> None:
        """In a thread, after the one before has let go of the partitions."""
        error: Exception | None = None
        try:
            earlier.wait()
            whole = not afresh
            if afresh and not stop.is_set():
                stream = self._begin(wanted)
                whole = stream is None or self._follow(self._begun, stop, stream)
            if whole and not stop.is_set():
                self._follow(self._begun, stop, self.context.session.watch())
            if whole:
                return
        except Exception as caught:
            error = caught
        finally:
            idle.set()
        self.post_message(self.ScanStopped(wanted, error))

    def _begin(self, scan: int) -> Stream | None:
        """Begin a scan; None = it is refused."""
        try:
            stream = self.context.session.scan()
        except BusyError as busy:
            self.post_message(self.ScanRefused(scan, busy))
            return None
        self._begun = scan
        self.post_message(self.ScanBegun(scan))
        return stream

    def _follow(self, number: int, stop: Event, stream: Stream) -> bool:
        """Hand events on until there are no more; whether the scan has come to its end."""
        self._stream = stream
        finished = False
        room = Semaphore(_AHEAD)
        # stop_scan sets the one, then closes what it sees of the other
        while not stop.is_set() and (event := next(stream, None)) is not None:
            # a screen that is away, as for a shell, takes none: what waits in the stream is bounded, messages are not
            while not room.acquire(timeout=_PATIENCE):
                if stop.is_set():
                    break
            self.post_message(self.Told(number, event, room))
            finished = finished or isinstance(event, ScanFinished)
        stream.close()
        return finished

    def wait_for(self, other: Event) -> None:
        """The next scan begins when this is set: somebody else has let go of the partitions."""
        self._idle = other

    def stop_scan(self) -> Event:
        """Tell whoever looks to stop; the event is set when the partitions have been let go of."""
        self._stop.set()
        if self._stream is not None:
            self._stream.close()
        return self._idle

    @on(Told)
    def _told(self, message: Told) -> None:
        message.taken.release()
        if message.scan != self._scan:
            return
        self.results.add(message.event)
        if isinstance(message.event, ScanFinished):
            self._draw_now()
        elif self._drawing is None:
            self._drawing = self.set_timer(_PATIENCE, self._draw_now)

    @on(ScanBegun)
    def _scan_begun(self, message: ScanBegun) -> None:
        self._scan = message.scan
        self.results.begin()

    @on(ScanRefused)
    def _scan_refused(self, message: ScanRefused) -> None:
        self.results.scanning = self.results.scanning and message.scan != self._wanted
        self._draw_now()
        self.looking_failed(message.error)

    @on(ScanStopped)
    def _scan_stopped(self, message: ScanStopped) -> None:
        if message.scan != self._wanted:
            return
        self.results.stop()
        self._draw_now()
        if message.error is not None:
            internal_errors.write(message.error)
            self.looking_failed(message.error)

    def _draw_now(self) -> None:
        self._drawing = None
        if not self.gone:
            self.draw_found()

    @property
    def settled(self) -> bool:
        """Nothing that is known waits to be drawn."""
        return self._drawing is None
