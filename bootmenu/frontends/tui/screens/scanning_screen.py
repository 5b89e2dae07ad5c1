# SPDX-License-Identifier: MIT
"""A screen that subscribes to the scan and keeps its results up to date."""

from __future__ import annotations

import gc
from threading import Semaphore
from typing import TypeVar

from textual import on
from textual.message import Message
from textual.timer import Timer

from bootmenu.discovery.scan_events import ScanEvent, ScanFinished
from bootmenu.discovery.scan_feed import Subscription
from bootmenu.frontends.tui.background import in_background
from bootmenu.frontends.tui.screens.base_screen import BootmenuScreen
from bootmenu.frontends.ui_context import UiContext
from bootmenu.session import menu_log
from bootmenu.session.scan_results import ScanResults
from bootmenu.session.session_protocol import BusyError

T = TypeVar("T")

_DRAW_EVERY = 0.1
"""Seconds between two redraws during a scan."""
_MANY_ENTRIES = 300
"""So many that a key would wait for a garbage collection which looks through them all: 0.3 s for 5,000 on a PC. Until
the next scan, collections look only at what is newer."""
_MAX_QUEUED = 1000
"""The most scan events that are queued for the screen."""


class ScanningScreen(BootmenuScreen[T]):
    """Follows the scan. A subclass draws the results in `draw_results`, and reports an error in `scan_failed`."""

    class EventReceived(Message):
        """A subscription delivered an event. slots: to be released when the screen has handled it."""

        def __init__(self, subscription: Subscription, event: ScanEvent, slots: Semaphore) -> None:
            super().__init__()
            self.subscription = subscription
            self.event = event
            self.slots = slots

    class ScanEnded(Message):
        """A subscription has ended. error: why, or None if it was closed."""

        def __init__(self, subscription: Subscription, error: Exception | None) -> None:
            super().__init__()
            self.subscription = subscription
            self.error = error

    def __init__(self, context: UiContext) -> None:
        super().__init__(context)
        self.results = ScanResults()
        self._subscription: Subscription | None = None
        """The subscription whose events the results show."""
        self._draw_timer: Timer | None = None

    def draw_results(self) -> None:
        """Redraw what depends on the results."""
        raise NotImplementedError

    def scan_failed(self, error: Exception) -> None:
        """Tell the user that a scan failed. It is already logged."""
        raise NotImplementedError

    def stop_work(self) -> None:
        """Unsubscribe from the scan."""
        super().stop_work()
        self._unsubscribe()

    def on_unmount(self) -> None:
        """Unsubscribe, which ends the thread, however the app ends; start no more scans."""
        self.closed = True
        self._unsubscribe()

    def start_scan(self) -> None:
        """Scan everything again; the results stay until they have been read again."""
        if self.closed:
            return
        try:
            subscription = self.context.session.scan()
        except BusyError as busy:  # the current subscription keeps the results up to date
            self._draw_now()
            self.scan_failed(busy)
            return
        self._unsubscribe()
        self._subscription = subscription
        if gc.get_freeze_count():
            gc.unfreeze()
            gc.collect()
        self.results.begin()
        self._draw_now()
        in_background(self, lambda: self._forward_events(subscription), "scan")

    def _unsubscribe(self) -> None:
        if self._subscription is not None:
            self._subscription.close()

    def _forward_events(self, subscription: Subscription) -> None:
        """Post the events of a subscription, in a thread."""
        error: Exception | None = None
        slots = Semaphore(_MAX_QUEUED)
        try:
            for event in subscription:
                # a suspended app, as during a shell, handles no messages, and their queue has no limit: let events
                # wait in the subscription, which has one
                while not slots.acquire(timeout=_DRAW_EVERY):
                    if subscription.closed:
                        return
                self.post_message(self.EventReceived(subscription, event, slots))
        except Exception as caught:
            error = caught
        self.post_message(self.ScanEnded(subscription, error))

    @on(EventReceived)
    def _event_received(self, message: EventReceived) -> None:
        message.slots.release()
        if message.subscription is not self._subscription:
            return
        self.results.add(message.event)
        if isinstance(message.event, ScanFinished):
            self._draw_now()
            if sum(len(group.listings) for group in self.results.groups) >= _MANY_ENTRIES:
                gc.freeze()
        elif self._draw_timer is None:
            self._draw_timer = self.set_timer(_DRAW_EVERY, self._draw_now)

    @on(ScanEnded)
    def _scan_ended(self, message: ScanEnded) -> None:
        if message.subscription is not self._subscription:
            return
        if self.results.scanning:
            self.results.stop()
            self._draw_now()
        if message.error is not None:
            menu_log.write_error(message.error)
            self.scan_failed(message.error)

    def _draw_now(self) -> None:
        self._draw_timer = None
        if not self.closed:
            self.draw_results()

    @property
    def settled(self) -> bool:
        """Return whether nothing waits to be drawn."""
        return self._draw_timer is None
