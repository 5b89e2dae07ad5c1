# SPDX-License-Identifier: MIT
"""Reads one partition: its configurations, its entries with their facts, and the files that others look for.

Everything here runs in the thread of a job and may wait for a disk.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack

from bootmenu.compat import EntryFacts, check
from bootmenu.discovery import entry_facts, root_option
from bootmenu.discovery.devices import Device
from bootmenu.discovery.dtb_candidates import DeviceTrees
from bootmenu.discovery.entry_ids import EntryIds
from bootmenu.discovery.mount_points import MountError
from bootmenu.discovery.mounts import Mounts
from bootmenu.discovery.scan_jobs import Job
from bootmenu.discovery.scan_messages import Followed, Met, Opened, Parsed, Searched, Unreadable
from bootmenu.discovery.scan_state import FoundEntry, FoundPartition, resolved
from bootmenu.i18n import N_
from bootmenu.model.entry import BootEntry, Problem
from bootmenu.model.finding import Report
from bootmenu.model.machine import MachineFacts
from bootmenu.model.value import replace
from bootmenu.sources import Platform, read_partition
from bootmenu.sources.tree import Remembering, Tree, exists

MAX_ENTRIES = 5000
"""Entries that are listed of one machine; a boot menu with more is none."""
_STALE = N_("its journal was not replayed, since nothing is written to it here: the last changes may be missing")
"""Problem of a partition whose journal was left to be replayed."""

Predict = Callable[[EntryFacts], EntryFacts]
"""Adds to an entry's facts what a plan would do for it."""


class PartitionReader:
    """Reads partitions for a scan, any number at a time. predict_dtb: what a plan would make of device trees."""

    def __init__(
        self,
        mounts: Mounts,
        machine: MachineFacts,
        machine_report: Report,
        *,
        predict: Predict = lambda facts: facts,
        predict_dtb: entry_facts.PredictDtb | None = None,
    ) -> None:
        self.device_trees = DeviceTrees(machine.tree)
        self.names: tuple[str, ...] = ()
        """Every name of every partition."""
        self._mounts = mounts
        self._machine = machine
        self._machine_report = machine_report
        self._predict = predict
        self._predict_dtb = predict_dtb
        self._platform = Platform.of(machine)

    def forget_device_trees(self) -> None:
        """Read folders of device trees again: another partition may have got the name of one that is gone."""
        self.device_trees = DeviceTrees(self._machine.tree)

    def release(self, name: str) -> None:
        """Unmount a partition that is gone."""
        self._mounts.release(name)

    def read(self, partition: FoundPartition, job: Job) -> None:
        """Report everything on a partition, then what lies in it and is read like a partition of its own."""
        device = partition.device
        ids = EntryIds(device, partition.copy_number, MAX_ENTRIES)
        try:
            with self._mounts.reading(device) as mounted:
                tree = Remembering(mounted)
                job.report(Opened(partition))
                if self._mounts.stale(device):
                    job.report(Unreadable(partition, _STALE))
                for found in read_partition(tree, self._platform):
                    if not job.goes_on:
                        return
                    if isinstance(found, Problem):
                        job.report(Unreadable(partition, found.message, found.path))
                    elif len(ids) < MAX_ENTRIES:
                        index = len(ids)
                        named = replace(found, id=ids.assign(found))
                        entry, facts = self._gathered(named, {device.name: tree}, device)
                        known = FoundEntry(partition, index, named, entry, facts)
                        self.judge(known)
                        job.report(Parsed(known))
                    else:
                        job.report(Unreadable(partition, too_many_entries()))
                        break
            for nested in self._mounts.nested(device):
                if not job.goes_on:
                    return
                job.report(Met(nested, partition))
        except MountError as error:
            job.report(Unreadable(partition, error.message))

    def follow(self, batch: Sequence[FoundEntry], job: Job) -> None:
        """Read entries again that name files of other partitions; all of a batch name the same ones."""
        partitions = {batch[0].partition, *batch[0].targets.values()}
        with ExitStack() as reading:
            trees: dict[str, Tree] = {}
            for partition in partitions:
                # one that has gone again is waited for
                with contextlib.suppress(MountError):
                    name = partition.device.name
                    trees[name] = Remembering(reading.enter_context(self._mounts.reading(partition.device)))
            for known in batch:
                if not job.goes_on:
                    return
                targets = known.targets
                devices = [target.device for target in targets.values()]
                parsed = resolved(known.parsed, targets)
                entry, facts = self._gathered(parsed, trees, known.partition.device, devices)
                job.report(Followed(known, targets, entry, facts))

    def search(self, partition: FoundPartition, paths: Sequence[str], job: Job) -> None:
        """Report which of these paths are files of a partition."""
        with ExitStack() as reading:
            tree = None
            with contextlib.suppress(MountError):
                tree = reading.enter_context(self._mounts.reading(partition.device))
            for path in paths:
                if not job.goes_on:
                    return
                job.report(Searched(partition, path, tree is not None and exists(tree, path)))

    def judge(self, known: FoundEntry) -> None:
        """Check an entry, by the names of all partitions that are known now. Waits for no disk."""
        known.judged = replace(known.facts, partitions=self.names)
        known.report = check(self._machine, known.judged, self._machine_report)

    def _gathered(
        self, entry: BootEntry, trees: Mapping[str, Tree], own: Device, others: Sequence[Device] = ()
    ) -> tuple[BootEntry, EntryFacts]:
        """Return an entry with its facts. own: the partition that offers it; others: those that it names."""
        entry, facts = entry_facts.gather(
            entry, trees, board=self._platform.board, device_trees=self.device_trees, predict_dtb=self._predict_dtb
        )
        return entry, self._predict(root_option.with_root(facts, entry.cmdline, self._mounts, own, others))


def too_many_entries() -> str:
    """Return the problem of a partition with entries that are not listed."""
    return N_("there are too many entries: the first {n:,} are listed", n=MAX_ENTRIES)
