# SPDX-License-Identifier: MIT
"""Schedule the probes for partitions after the kernel has reported changes."""

from __future__ import annotations

import time
from threading import Lock

from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from bootmenu.discovery.hotplug import Change

PROBE_DELAY = 0.2
"""Seconds from a change to the first probe, to wait for more changes: a disk appears with all its partitions."""
SECOND_PROBE_DELAY = 1.5
"""Seconds from a change to a second probe: udevd reads the names of a file system after the kernel's message."""
PROBE_INTERVAL = 0.5
"""Minimum number of seconds between two probes, however many changes there are."""
MAX_REMOVED = 1000
"""Maximum number of removed devices remembered until the next probe; beyond it, any may have been removed."""


class ChangeSchedule:
    """The changes since the last probe, and when to probe. Any thread may call `note`, one thread everything else."""

    def __init__(self) -> None:
        self._lock = Lock()
        """Protects the two attributes below."""
        self._removed: set[str] = set()
        """Kernel names of devices removed since the last probe."""
        self._noted = False
        """Whether a change was noted that has not been scheduled yet."""
        self._due: list[float] = []
        """Times to probe (monotonic), earliest first."""
        self._not_before = 0.0

    def __len__(self) -> int:
        return len(self._removed)

    @property
    def next_probe(self) -> float | None:
        """Return the time of the next probe (monotonic), or None if there was no change."""
        return max(self._due[0], self._not_before) if self._due else None

    def note(self, change: Change) -> bool:
        """Record a change; return whether `schedule` has to be called. Memory use is bounded, however many changes
        there are."""
        with self._lock:
            if change.gone and len(self._removed) <= MAX_REMOVED:
                self._removed.add(change.gone)
            first, self._noted = not self._noted, True
        return first

    def schedule(self) -> None:
        """Schedule probes for the changes noted so far."""
        now = time.monotonic()
        with self._lock:
            self._noted = False
        self._due = [self._due[0] if self._due else now + PROBE_DELAY, now + SECOND_PROBE_DELAY]

    def delay(self, seconds: float) -> None:
        """Prevent probes for some seconds."""
        self._not_before = time.monotonic() + seconds

    def take(self) -> set[str] | None:
        """Remove the probe that is due from the schedule. Return the names of devices that were removed before it, or
        None if there were too many to remember."""
        now = time.monotonic()
        self._due = [due for due in self._due if due > now]
        with self._lock:
            names, self._removed = self._removed, set()
        return names if len(names) <= MAX_REMOVED else None
