# SPDX-License-Identifier: MIT
"""Hands the events of a scan to any number of subscribers, each at its own pace."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from threading import Condition

from bootmenu.discovery.devices import Device
from bootmenu.discovery.event_log import CompactedLog
from bootmenu.discovery.scan_events import DeviceGone, ScanEvent, ScanFinished


class ScanFeed:
    """The log of the scan that is current, and who reads it.

    Every scan has a log of its own, and only the current one is written to: what an earlier scan still publishes is
    dropped. The lock is held for moments, never while anything else is waited for.
    """

    def __init__(self) -> None:
        self.condition = Condition()
        """Protects what follows, and is notified when it changes."""
        self.log = CompactedLog()
        self.ended = False
        """Nothing more comes of this scan."""
        self.error: Exception | None = None
        """Why it ended before its end."""
        self._closed = False
        self._listeners: dict[Subscription, Callable[[], object]] = {}

    def begin(self) -> CompactedLog:
        """Begin a scan, and return its log; subscribers are told that what they know is gone."""
        with self.condition:
            self.log = CompactedLog()
            self.ended, self.error = self._closed, None
        self._tell()
        return self.log

    def publish(self, log: CompactedLog, events: Iterable[ScanEvent]) -> None:
        """Add events of the scan with this log."""
        with self.condition:
            if log is not self.log:
                return
            for event in events:
                log.add(event)
        self._tell()

    def end(self, log: CompactedLog, error: Exception | None = None) -> None:
        """End the scan with this log: its subscribers raise the error, or have come to their end."""
        with self.condition:
            if log is not self.log:
                return
            self.ended, self.error = True, error
        self._tell()

    def close(self) -> None:
        """End this scan and every later one."""
        with self.condition:
            self.ended = self._closed = True
        self._tell()

    def subscribe(self, wake: Callable[[], object] | None = None) -> Subscription:
        """Return a subscription that begins with everything that the current scan has found so far. wake: called in
        some thread whenever there is something new, until the subscription is closed."""
        with self.condition:
            subscription = Subscription(self)
            if wake is not None:
                self._listeners[subscription] = wake
        return subscription

    def leave(self, subscription: Subscription) -> None:
        """Call the listener of a subscription no more, and end what waits in it."""
        with self.condition:
            self._listeners.pop(subscription, None)
            self.condition.notify_all()

    def _tell(self) -> None:
        with self.condition:
            self.condition.notify_all()
            listeners = list(self._listeners.values())
        for listener in listeners:
            listener()


class Subscription(Iterator[ScanEvent]):
    """The events of a scan as they come, then what changes; those of every later scan, too.

    One thread reads it; any thread may close it, which ends what waits in it. A reader that is slow is told what is
    true now, and nothing of what came and went in between.
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
        """Return what is new, without waiting. Raise what has ended the scan."""
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
        """Return whether its reader wants nothing more."""
        return self._closed

    @property
    def over(self) -> bool:
        """Return whether nothing more comes of the scan."""
        with self._feed.condition:
            return self._closed or self._feed.ended

    def until_finished(self) -> Iterator[ScanEvent]:
        """Yield the events up to the end of the scan. ScanFinished is the last one, unless it ended early."""
        for event in self:
            yield event
            if isinstance(event, ScanFinished):
                return

    def close(self) -> None:
        """Read no more events."""
        with self._feed.condition:
            self._closed = True
        self._feed.leave(self)

    def _fill(self) -> bool:
        """Take the next events from the log; return whether there are any."""
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
