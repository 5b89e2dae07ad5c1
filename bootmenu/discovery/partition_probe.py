# SPDX-License-Identifier: MIT
"""Probe the machine for partitions in a thread of its own: at the start, and after changes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from bootmenu.discovery.change_schedule import PROBE_INTERVAL, ChangeSchedule
from bootmenu.discovery.devices import Device
from bootmenu.discovery.scan_jobs import Job
from bootmenu.discovery.scan_messages import Discovered, Probed
from bootmenu.model.entry import Problem
from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from bootmenu.discovery.scan_jobs import JobPool

Probe = Callable[[], Iterable[Device | Problem]]
"""Yield the devices that can be read, and problems for those that cannot."""


class Prober:
    """Runs the probe as a job of the pool, one at a time."""

    def __init__(self, probe: Probe, jobs: JobPool) -> None:
        self.changes = ChangeSchedule()
        self._probe = probe
        self._jobs = jobs
        self._job: Job | None = None
        self.start()

    def start(self) -> None:
        """Start a probe now."""
        self._job = Job(self._jobs, self._run, None, self.start)
        self._jobs.start(self._job)

    @property
    def next_start(self) -> float | None:
        """Return the time of the next probe (monotonic), or None if one is running or there was no change."""
        return self.changes.next_probe if self._job is None else None

    @property
    def is_due(self) -> bool:
        """Return whether it is time for the next probe."""
        return self.next_start is not None and time.monotonic() >= self.next_start

    def failed(self, seconds: float) -> None:
        """Prevent probes for some seconds, as the last one raised an error."""
        self.changes.delay(seconds)

    def ended(self, job: Job) -> None:
        """Record the end of a job, which may be the probe."""
        if job is self._job:
            self._job = None
            self.changes.delay(PROBE_INTERVAL)

    def _run(self, job: Job) -> None:
        names, problems = set(), set()
        for found in self._probe():
            if not job.may_continue:
                return
            if isinstance(found, Problem):
                problems.add(found)
            else:
                names.add(found.name)
            job.report(Discovered(found))
        job.report(Probed(frozenset(names), frozenset(problems)))
