# SPDX-License-Identifier: MIT
"""The threads of a scan: how many read at a time, which of them a disk keeps waiting, and what they report.

Only these threads wait for a disk. One that hangs in a dead disk is left behind; it ends when the disk answers, or
with the process.
"""

from __future__ import annotations

import queue
import time
from collections import deque
from collections.abc import Callable
from threading import Event, Thread

from bootmenu.discovery.scan_messages import Broken, Ended, JobReport, Parsed
from bootmenu.discovery.scan_state import FoundPartition
from bootmenu.model.entry import Problem
from bootmenu.model.value import Record

SIDE_BY_SIDE = 8
"""Partitions that are read at a time; those that do not answer are not counted."""
HEAD_START = 0.1
"""Seconds at most until the next partition is read beside one that keeps reporting: threads that compute only hinder
each other. One that has reported nothing for GATHERED waits for its disk, and is not waited for."""
GATHERED = 0.01
"""Seconds for which entries are left to accumulate: taking them in one by one would stop the threads that report."""
_GRACE = 1.0
"""Seconds to wait for threads to notice that they were cancelled."""


class Job(Record, eq=False):
    """One thread's work, which may wait for a disk as long as it likes."""

    pool: JobPool
    work: Callable[[Job], None]
    partition: FoundPartition | None
    """The partition that does not answer when nothing is heard; None = the probe for partitions itself."""
    retry: Callable[[], None]
    """Does the work again, when a pause has interrupted it."""
    thread: Thread | None = None
    heard: float = 0.0
    """When it reported something last (monotonic)."""
    cancelled: bool = False
    interrupted: bool = False
    """A pause ended it before its end."""
    complaint: Problem | None = None
    """Published about its silence; the job is not counted until it is heard again."""

    @property
    def is_answering(self) -> bool:
        """Return whether something may be expected of it."""
        return self.complaint is None and not self.cancelled

    @property
    def may_continue(self) -> bool:
        """Return whether its thread may read on. It asks before every entry that it reads."""
        if self.pool.paused and not self.cancelled:
            self.interrupted = True
        return not (self.cancelled or self.interrupted)

    def report(self, message: JobReport) -> None:
        """Tell the one who decides."""
        self.pool.report(self, message)


class JobPool:
    """Jobs that wait, jobs that run, and the queue of what they report. One thread uses it; jobs only report."""

    def __init__(self) -> None:
        self.paused = False
        """No job begins, and those that run end before the next entry."""
        self.running: dict[Job, None] = {}
        self.waiting: deque[Job] = deque()
        self._heard: queue.SimpleQueue[tuple[Job | None, JobReport | None]] = queue.SimpleQueue()
        self._urgent = Event()
        """The last report is no entry: more of those need not be waited for."""
        self._started = 0.0
        """When the last job was started."""

    @property
    def is_busy(self) -> bool:
        """Return whether a job runs that answers."""
        return any(job.is_answering for job in self.running)

    def reads(self, seconds: float) -> bool:
        """Return whether a thread may be reading that has not been silent for so many seconds."""
        now = time.monotonic()
        return any(job.complaint is None and now - job.heard < seconds for job in self.running)

    def silent(self, seconds: float) -> list[Job]:
        """Return the jobs that have not reported anything for so many seconds, and of which that is not known."""
        now = time.monotonic()
        return [job for job in self.running if job.is_answering and now - job.heard >= seconds]

    def heard(self, job: Job) -> Problem | None:
        """Note a sign of life of a job; return what was reported about its silence, or None."""
        job.heard = time.monotonic()
        complaint, job.complaint = job.complaint, None
        return complaint

    def complained(self) -> set[FoundPartition | None]:
        """Return the partitions whose silence was reported."""
        return {job.partition for job in self.running if job.complaint is not None}

    @property
    def has_heard(self) -> bool:
        """Return whether a report waits to be taken."""
        return not self._heard.empty()

    def __len__(self) -> int:
        return self._heard.qsize()

    def submit(self, job: Job) -> None:
        """Start a job when it is its turn."""
        self.waiting.append(job)

    def start(self, job: Job) -> None:
        """Start a job now."""
        job.heard = self._started = time.monotonic()
        job.thread = Thread(target=self._run, args=(job,), name="bootmenu-read", daemon=True)
        self.running[job] = None
        job.thread.start()

    def start_next(self) -> float | None:
        """Start the next job if it is its turn. Return when another one may be started (monotonic), or None where
        others must end first."""
        running = sum(job.is_answering for job in self.running)
        if not self.waiting or self.paused or running >= SIDE_BY_SIDE:
            return None
        turn = self._started + (GATHERED if self._heard.empty() else HEAD_START)
        if running and time.monotonic() < turn:
            return turn
        self.start(self.waiting.popleft())
        return self._started + GATHERED if self.waiting else None

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
        """Put a message into the queue, from any thread. None wakes the one who waits for one."""
        self._heard.put((job, message))
        if not isinstance(message, Parsed):
            self._urgent.set()

    def accumulate(self) -> None:
        """Wait a moment, so that more than one report can be taken at a time."""
        self._urgent.wait(GATHERED)
        self._urgent.clear()

    def take(self, deadline: float | None) -> tuple[Job | None, JobReport | None]:
        """Return the next report; raise queue.Empty at the deadline (monotonic)."""
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        return self._heard.get(timeout=left)

    def cancel(self, partition: FoundPartition) -> None:
        """Expect nothing more of the jobs of a partition."""
        for job in (*self.running, *self.waiting):
            job.cancelled = job.cancelled or job.partition is partition
        self.waiting = deque(job for job in self.waiting if not job.cancelled)

    def stop(self) -> list[Thread]:
        """Cancel every job. Wait a moment for threads that are at work, but for no disk that hangs; return those of
        them that have not ended yet."""
        jobs = [*self.running, *self.waiting]
        for job in jobs:
            job.cancelled = True
        self.waiting.clear()
        threads = [job.thread for job in jobs if job.thread is not None and job.complaint is None]
        end = time.monotonic() + _GRACE
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))
        return [thread for thread in threads if thread.is_alive()]
