# SPDX-License-Identifier: MIT
"""Read one partition: its configurations, its entries with their facts, and the files that others search for.

Unless stated otherwise, this runs in the thread of a job and may wait for a disk.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack

from bootmenu.compat import EntryFacts, check
from bootmenu.discovery import btrfs_snapshots, entry_facts, partition_table, root_option
from bootmenu.discovery.dtb_candidates import DtbFolders
from bootmenu.discovery.entry_ids import EntryIds
from bootmenu.discovery.mount_points import MountError
from bootmenu.discovery.neighbour_trees import NeighbourTrees
from bootmenu.discovery.partition_table import too_many_entries
from bootmenu.discovery.scan_messages import Consulted, Discovered, Followed, Opened, Parsed, Searched, Unreadable
from bootmenu.discovery.scan_state import FoundEntry, resolved
from bootmenu.discovery.storage import loop_images
from bootmenu.i18n import N_
from bootmenu.model.entry import Problem
from bootmenu.model.value import replace
from bootmenu.sources import Platform, read_partition
from bootmenu.sources.tree import Remembering, holds
from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from bootmenu.discovery.devices import Device
    from bootmenu.discovery.mounts import Mounts
    from bootmenu.discovery.partition_table import PartitionTable
    from bootmenu.discovery.scan_jobs import Job
    from bootmenu.discovery.scan_state import FoundPartition
    from bootmenu.model.entry import BootEntry
    from bootmenu.model.finding import Report
    from bootmenu.model.machine import MachineFacts
    from bootmenu.model.own_entry import OwnEntry
    from bootmenu.sources.tree import Tree

_STALE = N_("its journal was not replayed, since nothing is written to it here: the last changes may be missing")
"""Problem of a partition whose journal was not replayed."""

Predict = Callable[[EntryFacts], EntryFacts]
"""Return the facts of an entry with what a boot plan would change."""


class PartitionReader:
    """Reads partitions for a scan, any number at a time.

    predict_dtb: predicts the tree that loading passes on. may_read: whether the settings allow to read a partition
    for the entries of another one. own: returns the entries that were made here.
    """

    def __init__(
        self,
        mounts: Mounts,
        machine: MachineFacts,
        machine_report: Callable[[], Report],
        *,
        predict: Predict = lambda facts: facts,
        predict_dtb: entry_facts.PredictDtb | None = None,
        may_read: Callable[[Device], bool] = lambda _: True,
        own: Callable[[], Sequence[OwnEntry]] = tuple,
    ) -> None:
        self.device_trees = DtbFolders(machine.tree)
        self.names: tuple[str, ...] = ()
        """All names of all partitions."""
        self.table: PartitionTable | None = None
        """All partitions, of the scan that uses this."""
        self._own = own
        self._mounts = mounts
        self._machine = machine
        self._machine_report = machine_report
        self._predict = predict
        self._predict_dtb = predict_dtb
        self.may_read = may_read
        self._platform = Platform.of(machine)

    @property
    def devices(self) -> Mapping[str, Device]:
        """Return all partitions of the scan, by name; implements Surroundings.devices."""
        return self.table.devices if self.table is not None else {}

    @property
    def opened(self) -> Collection[str]:
        """Return the names of those that have answered; implements Surroundings.opened."""
        return self.table.opened if self.table is not None else ()

    def forget_device_trees(self) -> None:
        """Forget the indexes of device trees, so that they are read again: another partition may have the name of one
        that is gone."""
        self.device_trees = DtbFolders(self._machine.tree)

    def release(self, name: str) -> None:
        """Unmount a partition that is gone."""
        self._mounts.release(name)

    def read(self, partition: FoundPartition, job: Job) -> None:
        """Report the entries and problems of a partition, then its subvolumes and image files, which are read like
        partitions."""
        device = partition.device
        ids = EntryIds(device, partition.copy_number, partition_table.MAX_ENTRIES)
        try:
            with self._mounts.reading(device) as mounted, NeighbourTrees(device, self._mounts, self) as others:
                tree = others.around(mounted)
                job.report(Opened(partition))
                if loop_images.is_silent(device):
                    return
                if self._mounts.stale(device):
                    job.report(Unreadable(partition, _STALE))
                for parsed in read_partition(tree, self._platform):
                    if not job.may_continue:
                        return
                    if isinstance(parsed, Problem):
                        job.report(Unreadable(partition, parsed.message, parsed.path))
                    elif btrfs_snapshots.is_of_another(parsed, device):
                        continue
                    elif len(ids) < partition_table.MAX_ENTRIES:
                        index = len(ids)
                        named = replace(parsed, id=ids.assign(parsed))
                        entry, facts = self._gathered(named, {device.name: tree}, device)
                        found = FoundEntry(partition, index, named, entry, facts)
                        self.judge(found)
                        job.report(Parsed(found))
                    else:
                        job.report(Unreadable(partition, too_many_entries()))
                        break
                self._report_own(partition, tree, job)
            for image in others.images:
                job.report(Discovered(image, partition))
            job.report(Consulted(partition, others.asked))
            for nested in self._mounts.nested(device):
                if not job.may_continue:
                    return
                job.report(Discovered(nested, partition))
        except MountError as error:
            job.report(Unreadable(partition, error.message))

    def own_of(self, partition: FoundPartition) -> list[BootEntry]:
        """Return the entries of a partition that a person has made here and keeps."""
        if not (own := self._own()):
            return []
        from bootmenu.discovery.own_entries import offered

        return list(offered(own, partition.device, partition.copy_number))

    def read_own(self, partition: FoundPartition, job: Job) -> None:
        """Report the entries of a partition that were made here."""
        with contextlib.suppress(MountError), self._mounts.reading(partition.device) as tree:  # else there are none
            self._report_own(partition, Remembering(tree), job)

    def _report_own(self, partition: FoundPartition, tree: Tree, job: Job) -> None:
        for entry in self.own_of(partition):
            if not job.may_continue:
                return
            gathered, facts = self._gathered(entry, {partition.device.name: tree}, partition.device)
            found = FoundEntry(partition, partition_table.MAX_ENTRIES, entry, gathered, facts)
            self.judge(found)
            job.report(Parsed(found))

    def follow(self, batch: Sequence[FoundEntry], job: Job) -> None:
        """Read entries again that name other partitions. All entries of a batch name the same partitions."""
        partitions = {batch[0].partition, *batch[0].targets.values()}
        with ExitStack() as reading:
            trees: dict[str, Tree] = {}
            for partition in partitions:
                # unreadable now: the entry is read again when the partition returns
                with contextlib.suppress(MountError):
                    name = partition.device.name
                    trees[name] = Remembering(reading.enter_context(self._mounts.reading(partition.device)))
            for found in batch:
                if not job.may_continue:
                    return
                targets = found.targets
                devices = [target.device for target in targets.values()]
                parsed = resolved(found.parsed, targets)
                entry, facts = self._gathered(parsed, trees, found.partition.device, devices)
                job.report(Followed(found, targets, entry, facts))

    def search(self, partition: FoundPartition, paths: Sequence[str], job: Job) -> None:
        """Report for each path whether the partition has this file."""
        with ExitStack() as reading:
            tree = None
            with contextlib.suppress(MountError):
                tree = reading.enter_context(self._mounts.reading(partition.device))
            for path in paths:
                if not job.may_continue:
                    return
                job.report(Searched(partition, path, tree is not None and holds(tree, path)))

    def judge(self, found: FoundEntry, *, complete: bool = False) -> None:
        """Check an entry against the machine and the partitions found so far. complete: whether these are all. Does
        not wait for disks."""
        found.judged = replace(found.facts, partitions=self.names, partitions_complete=complete)
        found.report = check(self._machine, found.judged, self._machine_report())

    def judge_again(self, found: FoundEntry) -> bool:
        """Check an entry by all partitions, unless its report holds; return whether it was checked."""
        if found.is_judged_by(self.names):
            return False
        self.judge(found, complete=True)
        return True

    def _gathered(
        self, entry: BootEntry, trees: Mapping[str, Tree], own: Device, others: Sequence[Device] = ()
    ) -> tuple[BootEntry, EntryFacts]:
        """Return an entry with its facts. own: the partition that offers it. others: those that it names."""
        root = root_option.root_device(entry.cmdline, own, others)
        if not entry.is_own:  # what a person has typed stays as it is
            entry = btrfs_snapshots.in_snapshot(entry, self._mounts, own, root)
        entry, facts = entry_facts.gather(
            entry,
            trees,
            board=self._platform.board,
            public_keys=self._machine.public_keys,
            device_trees=self.device_trees,
            predict_dtb=self._predict_dtb,
        )
        return entry, self._predict(root_option.with_root(facts, entry.cmdline, self._mounts, own, others))
