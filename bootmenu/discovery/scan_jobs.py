# SPDX-License-Identifier: MIT
"""Run the threads of a scan: how many read at the same time, which of them do not answer, and what they report.

Only these threads wait for disks. One that hangs in a dead disk is abandoned; it ends when the disk answers, or with
the process.
"""

from __future__ import annotations

import queue
import time
from collections import deque
from collections.abc import Callable
from threading import Event, Thread

from bootmenu.discovery.scan_messages import Broken, Ended, Parsed
from bootmenu.discovery.scan_state import FoundPartition
from bootmenu.model.entry import Problem
from bootmenu.model.value import Record
from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from bootmenu.discovery.scan_messages import JobReport

MAX_RUNNING = 8
"""Maximum number of partitions that are read at the same time, not counting those that do not answer."""
START_INTERVAL = 0.1
"""Seconds between the starts of two jobs while reports are queued: threads that compute only slow each other down.
Otherwise the threads wait for disks, and COLLECTING seconds are enough."""
COLLECTING = 0.01
"""Seconds for which reported entries are collected: processing them one by one would slow down the threads."""
_GRACE = 1.0
"""Seconds that `stop` waits for cancelled threads to end."""


class Job(Record, eq=False):
    """The work of one thread, which may wait for a disk for any time."""

    pool: JobPool
    work: Callable[[Job], None]
    partition: FoundPartition | None
    """The partition to report if nothing is heard from the job, or None for the probe."""
    retry: Callable[[], None]
    """Called after a pause that has interrupted the job, to do the work again."""
    thread: Thread | None = None
    heard: float = 0.0
    """Time of its last report (monotonic)."""
    cancelled: bool = False
    interrupted: bool = False
    """Whether a pause has ended it early."""
    problem: Problem | None = None
    """The problem that was published because it is silent, or None."""

    @property
    def is_answering(self) -> bool:
        """Return whether it is neither cancelled nor reported silent."""
        return self.problem is None and not self.cancelled

    @property
    def may_continue(self) -> bool:
        """Return whether its thread may read another entry; otherwise the thread ends. Note an interruption by a
        pause."""
        if self.pool.paused and not self.cancelled:
            self.interrupted = True
        return not (self.cancelled or self.interrupted)

    def report(self, message: JobReport) -> None:
        """Report to the ScanRunner."""
        self.pool.report(self, message)


class JobPool:
    """The waiting and the running jobs, and the queue of their reports. One thread uses it; jobs only report."""

    def __init__(self) -> None:
        self.paused = False
        """Whether no job is started, and running ones end before their next entry."""
        self.running: dict[Job, None] = {}
        self.waiting: deque[Job] = deque()
        self._heard: queue.SimpleQueue[tuple[Job | None, JobReport | None]] = queue.SimpleQueue()
        self._urgent = Event()
        """A report other than an entry arrived: do not wait for more."""
        self._started = 0.0
        """Time of the last start of a job (monotonic)."""

    @property
    def is_busy(self) -> bool:
        """Return whether any running job is answering."""
        return any(job.is_answering for job in self.running)

    def reads(self, seconds: float) -> bool:
        """Return whether any thread is running that has not been silent for that many seconds."""
        now = time.monotonic()
        return any(job.problem is None and now - job.heard < seconds for job in self.running)

    def newly_silent(self, seconds: float) -> list[Job]:
        """Return the jobs that have been silent for that many seconds and are not yet reported silent."""
        now = time.monotonic()
        return [job for job in self.running if job.is_answering and now - job.heard >= seconds]

    def heard(self, job: Job) -> Problem | None:
        """Record that a job has reported something; return the problem about its silence, or None."""
        job.heard = time.monotonic()
        problem, job.problem = job.problem, None
        return problem

    def silent_partitions(self) -> set[FoundPartition | None]:
        """Return the partitions that were reported silent."""
        return {job.partition for job in self.running if job.problem is not None}

    @property
    def has_heard(self) -> bool:
        """Return whether there is a report in the queue."""
        return not self._heard.empty()

    def __len__(self) -> int:
        return self._heard.qsize()

    def submit(self, job: Job) -> None:
        """Queue a job."""
        self.waiting.append(job)

    def start(self, job: Job) -> None:
        """Start a job now."""
        job.heard = self._started = time.monotonic()
        job.thread = Thread(target=self._run, args=(job,), name="bootmenu-read", daemon=True)
        self.running[job] = None
        job.thread.start()

    def start_next(self) -> float | None:
        """Start the next job if it is its turn. Return when another one may be started (monotonic), or None if none
        waits or others must end first."""
        running = sum(job.is_answering for job in self.running)
        if not self.waiting or self.paused or running >= MAX_RUNNING:
            return None
        turn = self._started + (COLLECTING if self._heard.empty() else START_INTERVAL)
        if running and time.monotonic() < turn:
            return turn
        self.start(self.waiting.popleft())
        return self._started + COLLECTING if self.waiting else None

    def _run(self, job: Job) -> None:
        """Do the work, in the job's thread."""
        try:
            if job.may_continue:
                job.work(job)
        except Exception as error:
            self.report(job, Broken(error))
        finally:
            self.report(job, Ended())

    def report(self, job: Job | None, message: JobReport | None) -> None:
        """Put a message into the queue, from any thread. None only wakes the thread that waits in `take`."""
        self._heard.put((job, message))
        if not isinstance(message, Parsed):
            self._urgent.set()

    def accumulate(self) -> None:
        """Wait briefly for more entries, so that they are processed together."""
        self._urgent.wait(COLLECTING)
        self._urgent.clear()

    def take(self, deadline: float | None) -> tuple[Job | None, JobReport | None]:
        """Return the next report; raise queue.Empty at the deadline (monotonic)."""
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        return self._heard.get(timeout=left)

    def cancel(self, partition: FoundPartition) -> None:
        """Cancel the jobs of a partition."""
        for job in (*self.running, *self.waiting):
            job.cancelled = job.cancelled or job.partition is partition
        self.waiting = deque(job for job in self.waiting if not job.cancelled)

    def stop(self) -> list[Thread]:
        """Cancel all jobs. Wait briefly for their threads, except for those that hang in a disk; return those that
        have not ended yet."""
        jobs = [*self.running, *self.waiting]
        for job in jobs:
            job.cancelled = True
        self.waiting.clear()
        threads = [job.thread for job in jobs if job.thread is not None and job.problem is None]
        end = time.monotonic() + _GRACE
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))
        return [thread for thread in threads if thread.is_alive()]
