# SPDX-License-Identifier: MIT
"""Distribute the events of a scan to any number of subscribers, each at its own pace."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from threading import Condition

from bootmenu.discovery.devices import Device
from bootmenu.discovery.event_log import CompactedLog
from bootmenu.discovery.scan_events import DeviceGone, ScanEvent, ScanFinished


class ScanFeed:
    """The log of the current scan, and its subscribers.

    Every scan has its own log. Events that an earlier scan still publishes are dropped. The condition is held only
    briefly, never while waiting for anything else.
    """

    def __init__(self) -> None:
        self.condition = Condition()
        """Protects the attributes below, and is notified when they change."""
        self.log = CompactedLog()
        self.ended = False
        """Whether the scan publishes no more events."""
        self.error: Exception | None = None
        """The error that ended the scan, or None."""
        self._closed = False
        self._listeners: dict[Subscription, Callable[[], object]] = {}

    def begin(self) -> CompactedLog:
        """Start a scan and return its log; subscribers first get DeviceGone for all devices of the previous scan."""
        with self.condition:
            self.log = CompactedLog()
            self.ended, self.error = self._closed, None
        self._notify()
        return self.log

    def publish(self, log: CompactedLog, events: Iterable[ScanEvent]) -> None:
        """Add events of the scan with this log."""
        with self.condition:
            if log is not self.log:
                return
            for event in events:
                log.add(event)
        self._notify()

    def end(self, log: CompactedLog, error: Exception | None = None) -> None:
        """End the scan with this log: subscriptions end, or raise the error."""
        with self.condition:
            if log is not self.log:
                return
            self.ended, self.error = True, error
        self._notify()

    def close(self) -> None:
        """End this scan and every later one."""
        with self.condition:
            self.ended = self._closed = True
        self._notify()

    def subscribe(self, wake: Callable[[], object] | None = None) -> Subscription:
        """Return a subscription that begins with everything that the current scan has found so far. wake: called in
        some thread whenever there are new events, until the subscription is closed."""
        with self.condition:
            subscription = Subscription(self)
            if wake is not None:
                self._listeners[subscription] = wake
        return subscription

    def leave(self, subscription: Subscription) -> None:
        """Remove the listener of a subscription, and wake a reader blocked in it."""
        with self.condition:
            self._listeners.pop(subscription, None)
            self.condition.notify_all()

    def _notify(self) -> None:
        with self.condition:
            self.condition.notify_all()
            listeners = list(self._listeners.values())
        for listener in listeners:
            listener()


class Subscription(Iterator[ScanEvent]):
    """The events of a scan, then its changes, then those of all later scans.

    One thread reads it; any thread may close it, which wakes a reader blocked in it. A slow reader gets the current
    facts, and nothing that was found and gone again in between.
    """

    def __init__(self, feed: ScanFeed) -> None:
        self._feed = feed
        self._log = feed.log
        self._cursor = feed.log.cursor()
        self._pending: deque[ScanEvent] = deque()
        self._closed = False

    def __len__(self) -> int:
        return len(self._pending) + len(self._cursor)

    def __next__(self) -> ScanEvent:
        with self._feed.condition:
            while not self._fill():
                if self._closed or self._is_over():
                    raise StopIteration
                self._feed.condition.wait()
            return self._pending.popleft()

    def take(self) -> list[ScanEvent]:
        """Return the new events without waiting. Raise the error that has ended the scan, if there are none."""
        events: list[ScanEvent] = []
        with self._feed.condition:
            while self._fill():
                events += self._pending
                self._pending.clear()
            if not events:
                self._is_over()
        return events

    @property
    def closed(self) -> bool:
        """Return whether it was closed."""
        return self._closed

    @property
    def over(self) -> bool:
        """Return whether it was closed, or the scan publishes no more events."""
        with self._feed.condition:
            return self._closed or self._feed.ended

    def until_finished(self) -> Iterator[ScanEvent]:
        """Yield the events up to ScanFinished, or until the scan ends early."""
        for event in self:
            yield event
            if isinstance(event, ScanFinished):
                return

    def close(self) -> None:
        """End the subscription."""
        with self._feed.condition:
            self._closed = True
        self._feed.leave(self)

    def _fill(self) -> bool:
        """Fetch the next events from the log; return whether there are any."""
        if self._closed:
            return False
        if not self._pending and self._log is not self._feed.log:
            self._pending.extend(DeviceGone(Device(name=name)) for name in self._cursor.devices)
            self._log = self._feed.log
            self._cursor = self._log.cursor()
        if not self._pending and self._cursor:
            self._pending.extend(self._cursor.take())
        return bool(self._pending)

    def _is_over(self) -> bool:
        if self._feed.error is not None:
            raise self._feed.error
        return self._feed.ended
