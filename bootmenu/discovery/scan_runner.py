# SPDX-License-Identifier: MIT
"""One scan, from the probe for partitions to whatever is plugged in afterwards, as a series of events.

Threads read (scan_jobs.py, partition_reader.py); the one thread that runs `advance` decides: what a reference means,
which entries are one, what is published.
"""

from __future__ import annotations

import queue
import time
from collections import Counter, deque
from collections.abc import Iterator
from functools import partial
from threading import Thread

from bootmenu.discovery import partition_reader
from bootmenu.discovery.cross_references import Batch, CrossReferences, Search
from bootmenu.discovery.devices import Device
from bootmenu.discovery.duplicate_index import DedupeKey, DuplicateIndex, dedupe_key
from bootmenu.discovery.hotplug import Change
from bootmenu.discovery.partition_order import Ranks
from bootmenu.discovery.partition_probe import Probe, Prober
from bootmenu.discovery.partition_reader import PartitionReader, too_many_entries
from bootmenu.discovery.partition_table import PartitionTable
from bootmenu.discovery.scan_events import DeviceDone, ScanEvent, ScanFinished
from bootmenu.discovery.scan_jobs import Job, JobPool
from bootmenu.discovery.scan_messages import (
    Broken,
    Changed,
    Ended,
    Followed,
    JobReport,
    Met,
    Opened,
    Parsed,
    Probed,
    Searched,
    Unreadable,
)
from bootmenu.discovery.scan_state import FoundEntry, FoundPartition
from bootmenu.discovery.silence_watch import SilenceWatch
from bootmenu.i18n import N_
from bootmenu.model.entry import Problem
from bootmenu.model.text import quoted

SILENT_AFTER = 10.0
"""Seconds without a sign of life after which a device does not answer."""


class ScanRunner:
    """Everything known of the partitions since the last probe of all of them.

    probe: asked in a thread of its own. ranks: the order of earlier scans, which is kept. patience: seconds. forever:
    changes may come after the scan; else it ends when everything has answered.
    """

    def __init__(
        self,
        probe: Probe,
        reader: PartitionReader,
        *,
        ranks: Ranks | None = None,
        patience: float = SILENT_AFTER,
        forever: bool = False,
    ) -> None:
        self.finished = False
        """Everything has been read that answers; from now on only changes are."""
        self.over = False
        """Nothing more comes."""
        self._reader = reader
        self._patience = patience
        self._forever = forever
        self._began = time.monotonic()
        self._jobs = JobPool()
        self._interrupted: list[Job] = []
        """What a pause has ended before its end."""
        self._out: deque[ScanEvent] = deque()
        self._table = PartitionTable(self._out.append, ranks or Ranks())
        self._duplicates = DuplicateIndex(self._out.append)
        self._references = CrossReferences(self._table.by_name, lambda: self._table.devices, self._jobs.complained)
        self._gone: set[str] = set()
        """Names of partitions that went while threads were at work."""
        self._counts: Counter[bool] = Counter()
        """Entries of what is inside the machine, and of everything else: neither keeps the other one out."""
        self._prober = Prober(probe, self._jobs)
        self._silence = SilenceWatch(self._jobs, self._table, self._out.append, patience)

    # --- for the scanner; `devices`, `changed` and `wake` also for any other thread

    @property
    def devices(self) -> dict[str, Device]:
        """Return the partitions that are present, by name, in the order of the list."""
        return self._table.devices

    def changed(self, change: Change) -> None:
        """Note that something has come or gone."""
        if self._prober.changes.note(change):
            self._jobs.report(None, Changed())

    def wake(self) -> None:
        """Make `advance` return soon."""
        self._jobs.report(None, None)

    def advance(self) -> Iterator[ScanEvent]:
        """Wait for what comes next, and yield what follows from it. Raise what the probe raises."""
        if self._is_settled():
            if not self.finished:
                self.finished = True
                self._out.append(ScanFinished(time.monotonic() - self._began))
            self.over = not (self._forever or self._jobs.running)
        if not self._out and not self.over:
            if self.finished:
                self._probe_if_due()
            self._step(self._prober.next_start if self.finished else None)
        while self._out:
            yield self._out.popleft()

    def quiesce(self, seconds: float) -> Iterator[ScanEvent]:
        """Begin nothing more, and yield what still comes until no thread reads; wait no longer than that for a thread
        that hangs in a disk. It ends before it reads another entry."""
        self._jobs.paused = True
        deadline = time.monotonic() + seconds
        while self._jobs.reads(self._patience) and time.monotonic() < deadline:
            self._step(deadline)
            while self._out:
                yield self._out.popleft()

    def go_on(self) -> None:
        """Read on, after `quiesce`: what was interrupted is read again."""
        self._jobs.paused = False
        interrupted, self._interrupted = self._interrupted, []
        for job in interrupted:
            if not job.cancelled:
                job.retry()

    def stop(self) -> list[Thread]:
        """Cancel everything. Wait a moment for threads that are at work, but for no disk that hangs; return those of
        them that have not ended yet."""
        return self._jobs.stop()

    # --- jobs

    def _probe_if_due(self) -> None:
        if self._prober.is_due:
            names = self._prober.changes.take()
            for name in list(self._table.by_name) if names is None else names:
                if (partition := self._table.by_name.get(name)) is not None:
                    self._forget(partition)
            self._prober.start()

    def _read(self, partition: FoundPartition) -> None:
        retry = partial(self._read_again, partition)
        partition.reading = Job(self._jobs, partial(self._reader.read, partition), partition, retry)
        self._jobs.submit(partition.reading)

    def _read_again(self, partition: FoundPartition) -> None:
        if self._table.by_name.get(partition.device.name) is partition:
            self._forget(partition)
            self._meet(partition.device, partition.parent)

    def _follow(self, batch: Batch) -> None:
        retry = partial(self._references.follow_again, batch.entries)
        self._jobs.submit(Job(self._jobs, partial(self._reader.follow, batch.entries), batch.blamed, retry))

    def _search(self, search: Search) -> None:
        partition, paths = search
        retry = partial(partition.asked.difference_update, paths)
        self._jobs.submit(Job(self._jobs, partial(self._reader.search, partition, paths), partition, retry))

    def _is_settled(self) -> bool:
        """Return True when nothing more comes from anything that answers; publish what was left to accumulate."""
        if self._jobs.waiting or self._jobs.is_busy or self._interrupted:
            return False
        searches = self._references.searches()
        for search in searches:
            self._search(search)
        if searches:
            return False
        self._references.resolve_all()
        batches = self._references.batches()
        for batch in batches:
            self._follow(batch)
        if batches:
            return False
        self._judge_again()
        self._duplicates.publish_pending()
        return True

    # --- what threads report

    def _step(self, deadline: float | None) -> None:
        """Start what may be started, then take in one report, or the silence of a job; return at the deadline."""
        if not self._jobs.has_heard:
            for batch in self._references.batches():
                self._follow(batch)
            if self._jobs.is_busy:
                self._jobs.accumulate()
        turn = self._jobs.start_next()
        deadlines = [job.heard + self._patience for job in self._jobs.running if job.counts]
        deadlines += [moment for moment in (deadline, turn) if moment is not None]
        try:
            job, message = self._jobs.take(min(deadlines, default=None))
        except queue.Empty:
            self._silence.report()
            return
        if isinstance(message, Changed):
            self._prober.changes.schedule()
        if job is None or message is None:
            return
        if job.cancelled:
            if isinstance(message, Ended):
                self._jobs.running.pop(job, None)
                self._release_gone()
            return
        self._silence.heard(job)
        self._take(job, message)

    def _take(self, job: Job, message: JobReport) -> None:
        match message:
            case Met(Device() as device, parent):
                self._meet(device, parent)
            case Met(Problem() as problem, None):
                if problem not in self._table.probe_problems:
                    self._table.add_problem(None, problem)
            case Met(Problem() as problem, parent):
                self._table.add_problem(parent, problem)
            case Probed(names, problems):
                for partition in self._table.probed(names, problems):
                    self._forget(partition)
            case Changed():
                pass  # scheduled already
            case Opened(partition):
                partition.opened = True
                self._references.resolve_all()
            case Parsed(known):
                self._add(known)
            case Followed(known, targets, entry, facts):
                # else its references mean something else by now, and it is read once more
                if known.targets is targets and known in self._references:
                    keys = self._duplicates.remove(known)
                    known.follow(targets, entry, facts)
                    self._reader.judge(known)
                    self._duplicates.publish(keys | self._duplicates.add(known))
            case Unreadable(partition, text, path):
                problem = Problem(device=partition.device.name, path=path, message=text)
                self._table.add_problem(partition, problem)
            case Searched(partition, path, held):
                if path in partition.asked:
                    partition.holds[path] = held
            case Broken(error):
                self._break(job, error)
            case Ended():
                self._end(job)

    def _break(self, job: Job, error: Exception) -> None:
        if job.partition is None:
            self._prober.failed(self._patience)
            raise error
        name = job.partition.device.name
        text = N_("reading it failed: {error}", error=quoted(str(error) or type(error).__name__))
        self._table.add_problem(job.partition, Problem(device=name, path="", message=text))

    def _end(self, job: Job) -> None:
        del self._jobs.running[job]
        self._release_gone()
        self._prober.ended(job)
        if job.interrupted:
            self._interrupted.append(job)
        elif job.partition is not None and job is job.partition.reading:
            self._duplicates.publish_pending()
            self._out.append(DeviceDone(job.partition.device, len(job.partition.entries)))

    # --- partitions and entries

    def _meet(self, device: Device, parent: FoundPartition | None) -> None:
        known, instead = self._table.by_name.get(device.name), None
        if known is not None:
            if known.device == device:
                return
            if known.device.place.rank == device.place.rank:  # its name or its label has been read since
                instead = known.rank
            self._forget(known)
        partition = self._table.add(device, parent, instead)
        self._reader.names = self._table.names
        self._read(partition)

    def _forget(self, partition: FoundPartition) -> None:
        """Remove a partition with what lies in it. Entries of others that need it wait again."""
        for nested in self._table.nested(partition):
            self._forget(nested)
        self._jobs.cancel(partition)
        changed: set[DedupeKey] = set()
        for known in partition.entries:
            self._duplicates.hide(known)
            changed |= self._duplicates.remove(known)
            self._references.remove(known)
        self._counts[partition.device.place.internal] -= len(partition.entries)
        self._duplicates.publish(changed)
        self._table.remove(partition)
        self._reader.names = self._table.names
        self._reader.release(partition.device.name)
        if self._jobs.running:
            self._gone.add(partition.device.name)
        self._reader.forget_device_trees()
        self._references.resolve_all()

    def _release_gone(self) -> None:
        """Unmount what has gone: a thread that was on its way to a partition may have mounted it afterwards."""
        for name in self._gone - self._table.by_name.keys():
            self._reader.release(name)
        if not self._jobs.running:
            self._gone.clear()

    def _add(self, known: FoundEntry) -> None:
        partition = known.partition
        inside = partition.device.place.internal
        if self._counts[inside] >= partition_reader.MAX_ENTRIES:
            problem = Problem(device=partition.device.name, path="", message=too_many_entries())
            self._table.add_problem(partition, problem)
            return
        self._counts[inside] += 1
        partition.entries.append(known)
        self._references.add(known)
        self._duplicates.publish(self._duplicates.add(known))

    def _judge_again(self) -> None:
        """Check every entry whose root= may name a partition that was found later."""
        changed: dict[DedupeKey, None] = {}
        for partition in self._table.by_name.values():
            for known in partition.entries:
                if known.judged.partitions is not self._reader.names:
                    self._reader.judge(known)
                    changed[dedupe_key(known)] = None
        self._duplicates.publish(changed, at_once=True)
