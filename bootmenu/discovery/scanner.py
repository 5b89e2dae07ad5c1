# SPDX-License-Identifier: MIT
"""Start, pause, repeat and end scans; nothing else does.

1. The scanner's thread turns the reports of reading threads into events (ScanRunner) and publishes them (ScanFeed).
2. Each subscriber has a cursor into a log of current facts, and reads at its own pace.
3. `rescan` starts a new log and returns at once; the thread does the rest.
4. `pause` tells the thread to start no reading, and returns when none is in progress; `resume` continues. Reading
   threads end before their next entry, and interrupted jobs run again. A rescan requested meanwhile waits for
   `resume`.
5. `pause` waits no longer than QUIET_WITHIN for a thread that hangs in a disk; it ends when the disk answers.
6. One condition protects what is requested (paused, log, closed). It is held only briefly: to wait for the thread is
   to wait for the condition, and the thread reads, publishes, unmounts and joins without holding it.
7. Lock order: the scanner's condition, then the feed's. Listeners and `wake` are called with neither held.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from threading import Condition, Thread

from bootmenu.discovery.scan_feed import ScanFeed
from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from bootmenu.discovery.devices import Device
    from bootmenu.discovery.event_log import CompactedLog
    from bootmenu.discovery.hotplug import Changes
    from bootmenu.discovery.scan_feed import Subscription
    from bootmenu.discovery.scan_runner import ScanRunner

QUIET_WITHIN = 3.0
"""Seconds to wait in `pause` for a thread that hangs in a disk."""
_GRACE = 10.0
"""Seconds for which `close` waits for the threads to end."""


class Scanner:
    """Scans at every `rescan`.

    begin: makes the runner of a new scan. release: unmounts what an earlier scan has mounted. changes: the source of
    changes to partitions, closed with the scanner, or None: then a scan ends when all partitions have answered.
    """

    def __init__(
        self, begin: Callable[[], ScanRunner], release: Callable[[], object], changes: Changes | None = None
    ) -> None:
        self.runner: ScanRunner | None = None
        """The current scan, or None before the first one."""
        self._begin = begin
        self._release = release
        self._changes = changes
        self._feed = ScanFeed()
        self._condition = Condition()
        """Protects the attributes below, and is notified when they change."""
        self._wanted: CompactedLog | None = None
        """The log of a requested scan that has not begun, or None."""
        self._paused = False
        self._quiet = True
        """Whether no thread reads, and none will start to while `_paused`."""
        self._closed = False
        self._thread: Thread | None = None
        """The scanner's thread, if running."""
        self._listener: Thread | None = None
        self._left: list[Thread] = []
        """Threads of earlier scans that have not ended yet. Used by the scanner's thread only."""
        self._earlier: dict[str, Device] = {}
        """Partitions of the previous scan, by name, until the current one has finished."""

    @property
    def devices(self) -> dict[str, Device]:
        """Return the partitions by name, including those that a running scan has not found again yet."""
        runner = self.runner
        return {**self._earlier, **(runner.devices if runner else {})}

    def subscribe(self, wake: Callable[[], object] | None = None) -> Subscription:
        """Return a subscription to the events of the current scan from its start, and of all later scans.

        wake: called in some thread whenever there are new events.
        """
        return self._feed.subscribe(wake)

    @property
    def watches(self) -> bool:
        """Return whether it learns of changes, so that a scan goes on after it has finished."""
        return self._changes is not None

    @property
    def has_failed(self) -> bool:
        """Return whether the current scan ended with an error."""
        return self._feed.error is not None

    @property
    def is_complete(self) -> bool:
        """Return whether the partitions are all that there are, as far as they answer; False during a scan."""
        runner = self.runner
        return self._wanted is None and (runner is None or runner.finished)

    def rescan(self) -> None:
        """Start a new scan; if paused, when resumed."""
        with self._condition:
            if self._closed:
                return
            self._wanted = self._feed.begin()
            self._start_threads()
            self._wake()

    def own_changed(self) -> None:
        """Look again which entries were made here; the next scan does so anyway."""
        with self._condition:
            runner = self.runner
        if runner is not None:
            runner.own_changed()

    def pause(self) -> None:
        """Stop reading until `resume`, and return when no partition is being read."""
        with self._condition:
            self._paused = True
            self._wake()
            self._condition.wait_for(lambda: self._quiet or not self._paused)

    @property
    def is_paused(self) -> bool:
        """Return whether scanning is paused."""
        return self._paused

    def resume(self) -> None:
        """Continue reading, if paused."""
        with self._condition:
            self._paused = False
            self._condition.notify_all()

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Pause for the duration of the `with` block, and resume after it unless it was paused before."""
        with self._condition:
            before = self._paused
        self.pause()
        try:
            yield
        finally:
            if not before:
                self.resume()

    def close(self) -> None:
        """End scanning for good, with all threads that do not hang in a disk."""
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
        """Carry out the requests until there is nothing left to scan; the next rescan starts another thread."""
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
        """Return whether the thread is to end, and if so, record that it has ended."""
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
        """Wait until all reading threads have ended, then for `resume`."""
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

    # --- in the thread that waits for messages of the kernel

    def _listen(self, changes: Changes) -> None:
        with contextlib.suppress(OSError):  # then only a rescan finds what is new
            while (change := changes.wait()) is not None:
                with self._condition:
                    runner = self.runner
                if runner is not None:
                    runner.changed(change)
