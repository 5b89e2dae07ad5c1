# SPDX-License-Identifier: MIT
"""Run one scan, from the first probe for partitions to disks that are plugged in later, as a series of events.

Several threads read (scan_jobs.py, partition_reader.py). One thread, which runs `advance`, decides what a reference
means, which entries are duplicates, and what is published.
"""

from __future__ import annotations

import queue
import time
from collections import deque
from collections.abc import Callable, Iterator
from functools import cached_property, partial
from threading import Thread

from bootmenu.discovery.cross_references import CrossReferences
from bootmenu.discovery.devices import Device
from bootmenu.discovery.duplicate_index import DuplicateIndex
from bootmenu.discovery.partition_order import PartitionOrder
from bootmenu.discovery.partition_probe import Prober
from bootmenu.discovery.partition_table import PartitionTable
from bootmenu.discovery.scan_events import DeviceDone, ScanFinished
from bootmenu.discovery.scan_jobs import Job, JobPool
from bootmenu.discovery.scan_messages import (
    Broken,
    Consulted,
    Discovered,
    DisksChanged,
    Ended,
    Followed,
    Opened,
    OwnChanged,
    Parsed,
    Probed,
    Searched,
    Unreadable,
)
from bootmenu.discovery.scanned_entries import ScannedEntries
from bootmenu.discovery.silence_watch import SilenceWatch
from bootmenu.i18n import N_
from bootmenu.model.entry import Problem
from bootmenu.model.text import quoted
from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from bootmenu.discovery.cross_references import Batch, Search
    from bootmenu.discovery.hotplug import Change
    from bootmenu.discovery.partition_probe import Probe
    from bootmenu.discovery.partition_reader import PartitionReader
    from bootmenu.discovery.scan_events import ScanEvent
    from bootmenu.discovery.scan_messages import (
        JobReport,
    )
    from bootmenu.discovery.scan_state import FoundPartition


class ScanRunner:
    """One scan: its threads, and all partitions and entries found.

    probe: finds the partitions; it runs in a thread of its own. order: that of earlier scans, which is kept.
    silent_after: seconds without a report after which a device counts as silent. forever: report later changes, too;
    otherwise the scan ends when everything has answered.
    """

    def __init__(
        self,
        probe: Probe,
        open_reader: Callable[[PartitionTable], PartitionReader],
        *,
        order: PartitionOrder | None = None,
        silent_after: float,
        forever: bool = False,
    ) -> None:
        self.finished = False
        """Whether everything that answers has been read; from then on, only changes are."""
        self.over = False
        """Whether there will be no more events."""
        self._open_reader, self._silent_after, self._forever = open_reader, silent_after, forever
        self._began = time.monotonic()
        self._jobs = JobPool()
        self._interrupted: list[Job] = []
        """Jobs that a pause has interrupted, to be run again."""
        self._surveyed = True
        """Whether every partition was read with the others that there are now."""
        self._out: deque[ScanEvent] = deque()
        self._table = PartitionTable(self._out.append, order or PartitionOrder())
        self._duplicates = DuplicateIndex(self._out.append)
        self._references = CrossReferences(
            self._table.by_name, lambda: self._table.devices, self._jobs.silent_partitions
        )
        self._gone: set[str] = set()
        """Names of partitions that were removed while threads were reading."""
        self._entries = ScannedEntries(self._table, self._duplicates, self._references, lambda: self._reader)
        self._prober = Prober(probe, self._jobs)
        self._silence = SilenceWatch(self._jobs, self._table, self._out.append, silent_after)

    @cached_property
    def _reader(self) -> PartitionReader:
        return self._open_reader(self._table)  # for the first partition, since it needs much

    # --- for the scanner's thread; `devices`, `changed` and `wake` may be used by any thread

    @property
    def devices(self) -> dict[str, Device]:
        """Return the partitions that are present, by name, in the order of the list."""
        return self._table.devices

    def changed(self, change: Change) -> None:
        """Record a change of the block devices, which are then probed again."""
        if self._prober.changes.note(change):
            self._jobs.report(None, DisksChanged())

    def own_changed(self) -> None:
        """Look again which entries were made here."""
        self._jobs.report(None, OwnChanged())

    def wake(self) -> None:
        """Make `advance` return soon."""
        self._jobs.report(None, None)

    def advance(self) -> Iterator[ScanEvent]:
        """Wait for the next report and yield the events that result. Raise what the probe raises."""
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
        """Start no more jobs, and yield the remaining events until no thread reads. Threads stop before the next
        entry. seconds: how long to wait for a thread that hangs in a disk."""
        self._jobs.paused = True
        deadline = time.monotonic() + seconds
        while self._jobs.reads(self._silent_after) and time.monotonic() < deadline:
            self._step(deadline)
            while self._out:
                yield self._out.popleft()

    def resume(self) -> None:
        """Continue after `quiesce`; jobs that were interrupted run again."""
        self._jobs.paused = False
        interrupted, self._interrupted = self._interrupted, []
        for job in interrupted:
            if not job.cancelled:
                job.retry()

    def stop(self) -> list[Thread]:
        """Cancel all jobs, and wait briefly for threads that hang in no disk; return those that have not ended."""
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
            self._add_partition(partition.device, partition.parent)

    def _follow(self, batch: Batch) -> None:
        retry = partial(self._references.follow_again, batch.entries)
        self._jobs.submit(Job(self._jobs, partial(self._reader.follow, batch.entries), batch.blamed, retry))

    def _search(self, search: Search) -> None:
        partition, paths = search.partition, search.paths
        retry = partial(partition.asked.difference_update, paths)
        self._jobs.submit(Job(self._jobs, partial(self._reader.search, partition, paths), partition, retry))

    def _is_settled(self) -> bool:
        """Return whether everything that answers has been read, and start what is still to be read; when all is read,
        publish what was delayed."""
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
        if self._read_outdated():
            return False
        self._entries.judge_again()
        self._duplicates.publish_pending()
        return True

    def _read_outdated(self) -> bool:
        """Read the partitions again that depend on others that have come or gone since; return whether any does."""
        outdated = [] if self._surveyed else self._table.outdated(self._reader)
        self._surveyed = True
        for partition in outdated:
            self._read_again(partition)
        return bool(outdated)

    # --- reports of the threads

    def _step(self, deadline: float | None) -> None:
        """Start the jobs whose turn it is, then process one report, or report silent jobs, by a monotonic time."""
        if not self._jobs.has_heard:
            for batch in self._references.batches():
                self._follow(batch)
            if self._jobs.is_busy:
                self._jobs.accumulate()
        turn = self._jobs.start_next()
        deadlines = [job.heard + self._silent_after for job in self._jobs.running if job.is_answering]
        deadlines += [moment for moment in (deadline, turn) if moment is not None]
        try:
            job, message = self._jobs.take(min(deadlines, default=None))
        except queue.Empty:
            self._silence.report()
            return
        if isinstance(message, DisksChanged):
            self._prober.changes.schedule()
        if isinstance(message, OwnChanged):
            self._update_own()
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
            case Discovered(Device() as device, parent):
                self._add_partition(device, parent)
            case Discovered(Problem() as problem, None):
                if problem not in self._table.probe_problems:
                    self._table.add_problem(None, problem)
            case Discovered(Problem() as problem, parent):
                self._table.add_problem(parent, problem)
            case Probed(names, problems):
                for partition in self._table.probed(names, problems):
                    self._forget(partition)
            case Opened(partition):
                partition.opened = True
                self._surveyed = False
                self._references.resolve_all()
            case Consulted(partition, asked):
                partition.consulted = asked
                self._surveyed = False
            case Parsed(found):
                self._entries.add(found)
            case Followed(found, targets, entry, facts):
                self._entries.follow(found, targets, entry, facts)
            case Unreadable(partition, text, path):
                self._table.add_problem_of(partition, text, path)
            case Searched(partition, path, held):
                if path in partition.asked:
                    partition.holds[path] = held
            case Broken(error):
                self._break(job, error)
            case Ended():
                self._end(job)

    def _break(self, job: Job, error: Exception) -> None:
        if job.partition is None:
            self._prober.failed(self._silent_after)
            raise error
        text = N_("reading it failed: {error}", error=quoted(str(error) or type(error).__name__))
        self._table.add_problem_of(job.partition, text)

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

    def _add_partition(self, device: Device, parent: FoundPartition | None) -> None:
        earlier, instead = self._table.by_name.get(device.name), None
        if earlier is not None:
            if earlier.device == device:
                return
            if earlier.device.place.rank == device.place.rank:  # only its names, such as its label, were read since
                instead = earlier.position
            self._forget(earlier)
        partition = self._table.add(device, parent, instead)
        self._reader.names = self._table.names
        self._surveyed = False
        self._read(partition)

    def _forget(self, partition: FoundPartition) -> None:
        """Remove a partition with its entries and nested partitions. Entries of others that need it wait again."""
        for nested in self._table.nested(partition):
            self._forget(nested)
        self._jobs.cancel(partition)
        self._entries.remove_all(partition)
        self._table.remove(partition)
        self._reader.names = self._table.names
        self._surveyed = False
        self._reader.release(partition.device.name)
        if self._jobs.running:
            self._gone.add(partition.device.name)
        self._reader.forget_device_trees()
        self._references.resolve_all()

    def _release_gone(self) -> None:
        """Unmount removed partitions: a thread may have mounted one after it was removed."""
        for name in self._gone - self._table.by_name.keys():
            self._reader.release(name)
        if not self._jobs.running:
            self._gone.clear()

    def _update_own(self) -> None:
        """List the entries that a person keeps, as they were saved or deleted."""
        for partition in list(self._table.by_name.values()):
            if self._entries.update_own(partition):
                self._read_own(partition)

    def _read_own(self, partition: FoundPartition) -> None:
        if self._table.by_name.get(partition.device.name) is partition:
            retry = partial(self._read_own, partition)
            self._jobs.submit(Job(self._jobs, partial(self._reader.read_own, partition), partition, retry))
