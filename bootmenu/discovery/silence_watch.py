# SPDX-License-Identifier: MIT
"""Report devices that have not answered for some time, and withdraw the report when they do."""

from __future__ import annotations

from collections.abc import Callable

from bootmenu.discovery.scan_events import DeviceDone
from bootmenu.i18n import N_
from bootmenu.model.entry import Problem
from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from bootmenu.discovery.partition_table import PartitionTable
    from bootmenu.discovery.scan_events import ScanEvent
    from bootmenu.discovery.scan_jobs import Job, JobPool


class SilenceWatch:
    """Watches the jobs of a scan. silent_after: seconds without a report after which a device counts as
    silent."""

    def __init__(
        self, jobs: JobPool, table: PartitionTable, publish: Callable[[ScanEvent], None], silent_after: float
    ) -> None:
        self._jobs = jobs
        self._table = table
        self._publish = publish
        self._silent_after = silent_after

    def heard(self, job: Job) -> None:
        """Record that a job has reported something, and withdraw the problem about its silence."""
        problem = self._jobs.heard(job)
        # several jobs may wait for one disk, with the same problem: it exists until the last of them has an answer
        if problem is not None and not any(
            other.problem == problem and not other.cancelled for other in self._jobs.running
        ):
            self._table.remove_problem(job.partition, problem)

    def report(self) -> None:
        """Report the devices of jobs that have been silent for too long."""
        for job in self._jobs.newly_silent(self._silent_after):
            name = job.partition.device.name if job.partition else ""
            message = (
                N_("does not answer: nothing came from it for {seconds:g} s", seconds=self._silent_after)
                if name
                else N_(
                    "looking for partitions does not answer: nothing came from it for {seconds:g} s",
                    seconds=self._silent_after,
                )
            )
            job.problem = Problem(device=name, path="", message=message)
            self._table.add_problem(job.partition, job.problem)
            if job.partition is not None and job is job.partition.reading:
                self._publish(DeviceDone(job.partition.device, len(job.partition.entries)))
