# SPDX-License-Identifier: MIT
"""A screen that subscribes to the scan, and keeps its results up to date with what comes and goes."""

from __future__ import annotations

from threading import Semaphore
from typing import TypeVar

from textual import on
from textual.message import Message
from textual.timer import Timer

from bootmenu.discovery.scan_events import ScanEvent, ScanFinished
from bootmenu.discovery.scan_feed import Subscription
from bootmenu.frontends.tui.screens.base_screen import BootmenuScreen
from bootmenu.frontends.ui_context import UiContext
from bootmenu.session import menu_log
from bootmenu.session.scan_results import ScanResults
from bootmenu.session.session_protocol import BusyError

T = TypeVar("T")

_DRAW_EVERY = 0.1
"""Seconds for which findings are gathered before they are drawn: ten pictures a second are enough for a line."""
_AHEAD = 1000
"""Events that wait for the screen at most."""


class ScanningScreen(BootmenuScreen[T]):
    """A subclass draws the results in `draw_found`, and says in `looking_failed` that a scan ended early."""

    class Found(Message):
        """A subscription has an event. taken: released when the screen has it."""

        def __init__(self, subscription: Subscription, event: ScanEvent, taken: Semaphore) -> None:
            super().__init__()
            self.subscription = subscription
            self.event = event
            self.taken = taken

    class ScanEnded(Message):
        """Nothing more comes of a subscription. error: what has ended it; None = there was nothing more."""

        def __init__(self, subscription: Subscription, error: Exception | None) -> None:
            super().__init__()
            self.subscription = subscription
            self.error = error

    def __init__(self, context: UiContext) -> None:
        super().__init__(context)
        self.results = ScanResults()
        self._subscription: Subscription | None = None
        """What the results are taken from."""
        self._drawing: Timer | None = None

    def draw_found(self) -> None:
        """Bring what is seen of the results up to date."""
        raise NotImplementedError

    def looking_failed(self, error: Exception) -> None:
        """Say that a scan failed; the log has it already."""
        raise NotImplementedError

    def let_go(self) -> None:
        """Take in nothing more."""
        super().let_go()
        self._unsubscribe()

    def on_unmount(self) -> None:
        """End the thread that reads, however the app ends; none begins any more."""
        self.gone = True
        self._unsubscribe()

    def start_scan(self) -> None:
        """Read everything afresh; what is shown stays until it has been read again."""
        if self.gone:
            return
        try:
            subscription = self.context.session.scan()
        except BusyError as busy:  # what is known is kept up to date by the subscription that there is
            self._draw_now()
            self.looking_failed(busy)
            return
        self._unsubscribe()
        self._subscription = subscription
        self.results.begin()
        self._draw_now()
        self.run_worker(lambda: self._follow(subscription), thread=True, group="scan", exit_on_error=False)

    def _unsubscribe(self) -> None:
        if self._subscription is not None:
            self._subscription.close()

    def _follow(self, subscription: Subscription) -> None:
        """Post the events of a subscription, in a thread."""
        error: Exception | None = None
        room = Semaphore(_AHEAD)
        try:
            for event in subscription:
                # a screen that is away, as for a shell, takes none: what waits in a subscription is bounded, messages
                # are not
                while not room.acquire(timeout=_DRAW_EVERY):
                    if subscription.closed:
                        return
                self.post_message(self.Found(subscription, event, room))
        except Exception as caught:
            error = caught
        self.post_message(self.ScanEnded(subscription, error))

    @on(Found)
    def _found(self, message: Found) -> None:
        message.taken.release()
        if message.subscription is not self._subscription:
            return
        self.results.add(message.event)
        if isinstance(message.event, ScanFinished):
            self._draw_now()
        elif self._drawing is None:
            self._drawing = self.set_timer(_DRAW_EVERY, self._draw_now)

    @on(ScanEnded)
    def _scan_ended(self, message: ScanEnded) -> None:
        if message.subscription is not self._subscription:
            return
        if self.results.scanning:
            self.results.stop()
            self._draw_now()
        if message.error is not None:
            menu_log.write_error(message.error)
            self.looking_failed(message.error)

    def _draw_now(self) -> None:
        self._drawing = None
        if not self.gone:
            self.draw_found()

    @property
    def settled(self) -> bool:
        """Nothing that is known waits to be drawn."""
        return self._drawing is None
