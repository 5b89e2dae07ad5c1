# SPDX-License-Identifier: MIT
"""The partitions and problems that a scan has found, in the order of the list."""

from __future__ import annotations

from collections.abc import Callable, Collection

from bootmenu.discovery.devices import Device
from bootmenu.discovery.partition_order import Ranks
from bootmenu.discovery.scan_events import DeviceFound, DeviceGone, ProblemFound, ProblemGone, Rank, ScanEvent
from bootmenu.discovery.scan_state import FoundPartition
from bootmenu.model.entry import Problem

MAX_PROBLEMS = 1000
"""Problems that are listed of one partition."""


class PartitionTable:
    """Emits an event wherever a partition or a problem comes or goes. One thread changes it, any thread may ask for
    `devices`. ranks: the order of earlier scans, which is kept."""

    def __init__(self, emit: Callable[[ScanEvent], object], ranks: Ranks) -> None:
        self.by_name: dict[str, FoundPartition] = {}
        self.probe_problems: dict[Problem, Rank] = {}
        """What the probe could not read, which belongs to no partition."""
        self._emit = emit
        self._ranks = ranks

    @property
    def devices(self) -> dict[str, Device]:
        """Return the partitions that are present, by name, in the order of the list."""
        # any thread may ask, while another one adds to them
        known = sorted(self.by_name.copy().values(), key=lambda partition: partition.rank)
        return {partition.device.name: partition.device for partition in known}

    @property
    def names(self) -> tuple[str, ...]:
        """Return every name of every partition."""
        return tuple(name for known in self.by_name.values() for name in known.device.names)

    def probed(self, names: Collection[str], problems: Collection[Problem]) -> list[FoundPartition]:
        """Note that a probe is complete. Return the partitions that it has not found, which are gone."""
        self._ranks.looked(names)
        for problem in [problem for problem in self.probe_problems if problem not in problems]:
            self.remove_problem(None, problem)
        return [each for each in self.by_name.values() if each.parent is None and each.device.name not in names]

    def add(self, device: Device, parent: FoundPartition | None, instead: Rank | None) -> FoundPartition:
        """Add a partition. instead: the rank of the one that it takes the place of."""
        seat = self._ranks.seat(device, parent.rank if parent else None, instead)
        partition = FoundPartition(device, seat.rank, seat.copy_number, parent)
        self.by_name[device.name] = partition
        self._emit(DeviceFound(device, partition.rank))
        return partition

    def remove(self, partition: FoundPartition) -> None:
        """Remove a partition, with its problems; what lies in it has been removed before."""
        for problem in list(partition.problems):
            self.remove_problem(partition, problem)
        del self.by_name[partition.device.name]
        self._ranks.left(partition.device.name)
        self._emit(DeviceGone(partition.device))

    def nested(self, partition: FoundPartition) -> list[FoundPartition]:
        """Return the partitions that lie in one."""
        return [other for other in self.by_name.values() if other.parent is partition]

    def add_problem(self, partition: FoundPartition | None, problem: Problem) -> None:
        """Add a problem of a partition, or of the probe; the same problem is there once."""
        if partition is not None:
            if len(partition.problems) >= MAX_PROBLEMS or problem in partition.problems:
                return
            partition.problems.append(problem)
            rank = partition.rank
        else:  # whatever is wrong with one disk has one place in the list
            ranks = [rank for other, rank in self.probe_problems.items() if other.device == problem.device]
            rank = ranks[0] if ranks else self._ranks.seat(Device(name=problem.device)).rank
            self.probe_problems[problem] = rank
        self._emit(ProblemFound(problem, rank))

    def remove_problem(self, partition: FoundPartition | None, problem: Problem) -> None:
        """Remove a problem, if it was added."""
        if partition is None:
            known = self.probe_problems.pop(problem, None) is not None
        elif known := problem in partition.problems:
            partition.problems.remove(problem)
        if known:
            self._emit(ProblemGone(problem))
