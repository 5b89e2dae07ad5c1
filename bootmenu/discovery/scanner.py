# SPDX-License-Identifier: MIT
"""The one owner of scanning: nobody else begins, stops or wakes a scan, and only its threads read for one.

1. A thread of its own turns reports of reading threads into events (ScanRunner) and publishes them (ScanFeed).
2. Whoever wants events subscribes: a cursor into a log that keeps what is true, at the subscriber's own pace.
3. `rescan` begins a new log at once, and leaves the rest to the thread: the caller waits for nothing.
4. `pause` asks the thread to begin no reading, and returns when none goes on; `resume` lets it go on. Reading threads
   end before their next entry, and what was interrupted is read again. A rescan wanted meanwhile waits for `resume`.
5. A thread that hangs in a disk is waited for no longer than QUIET_WITHIN; it ends when the disk answers.
6. One condition protects what is wanted (paused, log, closed). It is held for moments only: whoever waits for the
   thread waits in the condition, and the thread reads, publishes, unmounts and joins without it.
7. Lock order: the scanner's condition, then the feed's. Listeners and `wake` are called with neither.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from threading import Condition, Thread

from bootmenu.discovery.devices import Device
from bootmenu.discovery.event_log import CompactedLog
from bootmenu.discovery.hotplug import Changes
from bootmenu.discovery.scan_feed import ScanFeed, Subscription
from bootmenu.discovery.scan_runner import ScanRunner

QUIET_WITHIN = 3.0
"""Seconds to wait in `pause` for a thread that hangs in a disk."""
_GRACE = 10.0
"""Seconds to wait for the threads at the end, which only have to notice it."""


class Scanner:
    """Scans when it is first asked to, and again at every `rescan`.

    begin: makes the runner of a new scan. release: lets go of what an earlier scan has mounted. changes: says when
    partitions come and go, and is closed with the scanner; None = nothing does, and a scan ends when all have
    answered.
    """

    def __init__(
        self, begin: Callable[[], ScanRunner], release: Callable[[], object], changes: Changes | None = None
    ) -> None:
        self.runner: ScanRunner | None = None
        """The scan that is current; None = there was none yet."""
        self._begin = begin
        self._release = release
        self._changes = changes
        self._feed = ScanFeed()
        self._condition = Condition()
        """Protects what follows, and is notified when it changes."""
        self._wanted: CompactedLog | None = None
        """The log of a scan that is to begin; None = none is."""
        self._paused = False
        self._quiet = True
        """No thread reads, and none begins to before `_paused` is False."""
        self._closed = False
        self._thread: Thread | None = None
        """Scans; None = there is nothing to scan."""
        self._listener: Thread | None = None
        self._left: list[Thread] = []
        """Threads of earlier scans that have not ended yet. Of the scanner's thread."""
        self._earlier: dict[str, Device] = {}
        """Partitions of earlier scans, until the present one has seen them all."""

    @property
    def devices(self) -> dict[str, Device]:
        """Return the partitions by name, also those that a scan which has just begun has not met again."""
        runner = self.runner
        return {**self._earlier, **(runner.devices if runner else {})}

    def subscribe(self, wake: Callable[[], object] | None = None) -> Subscription:
        """Return the events of the current scan from its beginning, and of every later one. wake: called in some
        thread whenever there is something new."""
        return self._feed.subscribe(wake)

    @property
    def has_failed(self) -> bool:
        """Return whether the current scan ended with an error."""
        return self._feed.error is not None

    def rescan(self) -> None:
        """Read everything afresh; while paused, as soon as it is resumed."""
        with self._condition:
            if self._closed:
                return
            self._wanted = self._feed.begin()
            self._start_threads()
            self._wake()

    def pause(self) -> None:
        """Return when no partition is read, and none is going to be before `resume`."""
        with self._condition:
            self._paused = True
            self._wake()
            self._condition.wait_for(lambda: self._quiet or not self._paused)

    @property
    def is_paused(self) -> bool:
        """Return whether nothing is read before `resume`."""
        return self._paused

    def resume(self) -> None:
        """Go on reading; nothing happens where it is not paused."""
        with self._condition:
            self._paused = False
            self._condition.notify_all()

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Pause until the end, unless it is paused already."""
        with self._condition:
            before = self._paused
        self.pause()
        try:
            yield
        finally:
            if not before:
                self.resume()

    def close(self) -> None:
        """End the scan for good, and its threads as far as no disk keeps them."""
        if self._changes is not None:
            self._changes.close()
        with self._condition:
            self._closed = True
            self._wake()
            threads = [thread for thread in (self._thread, self._listener) if thread is not None]
        self._feed.close()
        for thread in threads:
            thread.join(_GRACE)

    def _wake(self) -> None:
        self._condition.notify_all()
        if self.runner is not None:
            self.runner.wake()

    def _start_threads(self) -> None:
        if self._thread is None:
            self._quiet = False
            self._thread = Thread(target=self._work, name="bootmenu-scanner", daemon=True)
            self._thread.start()
        if self._listener is None and self._changes is not None:
            self._listener = Thread(target=self._listen, args=(self._changes,), name="bootmenu-hotplug", daemon=True)
            self._listener.start()

    # --- in the scanner's own thread

    def _work(self) -> None:
        """Do what is wanted until there is nothing to scan. A rescan begins another thread then."""
        log: CompactedLog | None = None
        while not self._is_done(log):
            try:
                if self._paused:
                    self._rest(log)
                elif (wanted := self._take_wanted()) is not None:
                    log = wanted
                    self._replace_runner()
                elif self.runner is not None and log is not None:
                    self._advance(self.runner, log)
            except Exception as error:  # each subscriber raises it
                if self.runner is not None:
                    self._left += self.runner.stop()
                if log is not None:
                    self._feed.end(log, error)

    def _is_done(self, log: CompactedLog | None) -> bool:
        """Return whether the thread has come to its end, which is noted in the same moment."""
        with self._condition:
            closed = self._closed
            done = closed or (log is not None and self._feed.ended and self._wanted is None and not self._paused)
            if done and not closed:
                self._end()
        if closed:
            if self.runner is not None:
                self.runner.stop()
            with self._condition:
                self._end()
        return done

    def _end(self) -> None:
        self._thread, self._quiet = None, True
        self._condition.notify_all()

    def _take_wanted(self) -> CompactedLog | None:
        with self._condition:
            if self._paused:
                return None
            wanted, self._wanted = self._wanted, None
            return wanted

    def _replace_runner(self) -> None:
        earlier = self.devices
        if self.runner is not None:
            self._left += self.runner.stop()
        self._release()
        self._earlier = earlier
        runner = self._begin()
        with self._condition:
            self.runner = runner

    def _advance(self, runner: ScanRunner, log: CompactedLog) -> None:
        events = list(runner.advance())
        if runner.finished:
            self._earlier = {}
        if events:
            self._feed.publish(log, events)
        if runner.over:
            self._feed.end(log)

    def _rest(self, log: CompactedLog | None) -> None:
        """Let every reading thread come to its end, and wait for `resume`."""
        runner = self.runner
        if runner is not None and log is not None:
            for event in runner.quiesce(QUIET_WITHIN):
                self._feed.publish(log, (event,))
        deadline = time.monotonic() + QUIET_WITHIN
        for thread in self._left:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._left = [thread for thread in self._left if thread.is_alive()]
        with self._condition:
            self._quiet = True
            self._condition.notify_all()
            self._condition.wait_for(lambda: self._closed or not self._paused)
            self._quiet = False
        if runner is not None:
            runner.resume()

    # --- in the thread that listens to the kernel

    def _listen(self, changes: Changes) -> None:
        with contextlib.suppress(OSError):  # then only a rescan finds what is new
            while (change := changes.wait()) is not None:
                with self._condition:
                    runner = self.runner
                if runner is not None:
                    runner.changed(change)
