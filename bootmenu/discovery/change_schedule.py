# SPDX-License-Identifier: MIT
"""When partitions are to be probed again, after the kernel has said that some came or went."""

from __future__ import annotations

import time
from threading import Lock

from bootmenu.discovery.hotplug import Change

PROBE_DELAY = 0.2
"""Seconds to wait for more changes after one: a disk comes with all its partitions."""
SECOND_PROBE_DELAY = 1.5
"""Seconds after which to probe once more: udevd reads the names of a file system after the kernel's message."""
PROBE_INTERVAL = 0.5
"""Seconds between two probes at least, whatever comes and goes."""
MAX_REMOVED = 1000
"""Names of devices that are remembered until the next probe; after more, all of them may be others."""


class ChangeSchedule:
    """Any thread may `note` a change; everything else is one thread's."""

    def __init__(self) -> None:
        self._lock = Lock()
        """Protects the two that follow."""
        self._removed: set[str] = set()
        self._noted = False
        """A change was noted that has not been scheduled yet."""
        self._due: list[float] = []
        """When to probe, earliest first."""
        self._not_before = 0.0

    def __len__(self) -> int:
        return len(self._removed)

    @property
    def next_probe(self) -> float | None:
        """Return when to probe (monotonic); None = no change asks for it."""
        return max(self._due[0], self._not_before) if self._due else None

    def note(self, change: Change) -> bool:
        """Note that something has come or gone; return whether that has to be scheduled. However often it is called,
        nothing piles up."""
        with self._lock:
            if change.gone and len(self._removed) <= MAX_REMOVED:
                self._removed.add(change.gone)
            first, self._noted = not self._noted, True
        return first

    def schedule(self) -> None:
        """Take in what was noted."""
        now = time.monotonic()
        with self._lock:
            self._noted = False
        self._due = [self._due[0] if self._due else now + PROBE_DELAY, now + SECOND_PROBE_DELAY]

    def delay(self, seconds: float) -> None:
        """Allow no probe for some seconds."""
        self._not_before = time.monotonic() + seconds

    def take(self) -> set[str] | None:
        """Begin the probe that is due. Return the names of devices that were removed before it; None = any may have
        been."""
        now = time.monotonic()
        self._due = [due for due in self._due if due > now]
        with self._lock:
            names, self._removed = self._removed, set()
        return names if len(names) <= MAX_REMOVED else None
