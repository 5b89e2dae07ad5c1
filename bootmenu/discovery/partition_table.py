# SPDX-License-Identifier: MIT
"""The partitions and problems that a scan has found, in the order of the list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection

from bootmenu.discovery.devices import Device
from bootmenu.discovery.scan_events import DeviceFound, DeviceGone, ProblemFound, ProblemGone
from bootmenu.discovery.scan_state import FoundPartition
from bootmenu.i18n import N_
from bootmenu.model.entry import Problem
from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from bootmenu.discovery.neighbour_trees import Surroundings
    from bootmenu.discovery.partition_order import PartitionOrder
    from bootmenu.discovery.scan_events import Position, ScanEvent
    from bootmenu.discovery.scan_state import FoundEntry

MAX_ENTRIES = 5000
"""Maximum number of entries of one partition, of all internal disks together, and of all other disks together."""
MAX_PROBLEMS = 1000
"""Maximum number of problems that are listed for one partition."""


class PartitionTable:
    """Emits an event whenever a partition or a problem is added or removed. One thread changes it; any thread may
    read `devices`. order: that of earlier scans, which is kept."""

    def __init__(self, emit: Callable[[ScanEvent], object], order: PartitionOrder) -> None:
        self.by_name: dict[str, FoundPartition] = {}
        self.probe_problems: dict[Problem, Position] = {}
        """Problems that belong to no partition, such as a disk that could not be read, with their positions."""
        self._counts: Counter[bool] = Counter()
        """Number of entries, by whether their disk is internal; each kind has its own limit."""
        self._emit = emit
        self._order = order

    @property
    def devices(self) -> dict[str, Device]:
        """Return the partitions that are present, by name, in the order of the list."""
        # copied, as another thread may change it meanwhile
        in_order = sorted(self.by_name.copy().values(), key=lambda partition: partition.position)
        return {partition.device.name: partition.device for partition in in_order}

    @property
    def opened(self) -> frozenset[str]:
        """Return the names of the partitions that have answered."""
        return frozenset(name for name, partition in self.by_name.copy().items() if partition.opened)

    def outdated(self, surroundings: Surroundings) -> list[FoundPartition]:
        """Return the partitions whose entries depend on others that have come or gone since they were read."""
        return [
            partition
            for partition in self.by_name.values()
            if partition.consulted.is_outdated(partition.device, surroundings)
        ]

    @property
    def names(self) -> tuple[str, ...]:
        """Return every name of every partition."""
        return tuple(name for partition in self.by_name.values() for name in partition.device.names)

    def probed(self, names: Collection[str], problems: Collection[Problem]) -> list[FoundPartition]:
        """Record a complete probe, and return the partitions that it did not find, which are gone."""
        self._order.scan_completed(names)
        for problem in [problem for problem in self.probe_problems if problem not in problems]:
            self.remove_problem(None, problem)
        return [each for each in self.by_name.values() if each.parent is None and each.device.name not in names]

    def add(self, device: Device, parent: FoundPartition | None, instead: Position | None) -> FoundPartition:
        """Add a partition. instead: the position of the one that it replaces, or None."""
        ordered = self._order.add(device, parent.position if parent else None, instead)
        partition = FoundPartition(device, ordered.position, ordered.copy_number, parent)
        self.by_name[device.name] = partition
        self._emit(DeviceFound(device, partition.position))
        return partition

    def remove(self, partition: FoundPartition) -> None:
        """Remove a partition with its problems; its entries and nested partitions must have been removed before."""
        for problem in list(partition.problems):
            self.remove_problem(partition, problem)
        self._counts[partition.device.place.internal] -= len(partition.entries)
        del self.by_name[partition.device.name]
        self._order.remove(partition.device.name)
        self._emit(DeviceGone(partition.device))

    def add_entry(self, found: FoundEntry) -> bool:
        """Add an entry to those of its partition; return False if there are too many, which is a problem then."""
        internal = found.partition.device.place.internal
        if self._counts[internal] >= MAX_ENTRIES:
            self.add_problem_of(found.partition, too_many_entries())
            return False
        self._counts[internal] += 1
        found.partition.entries.append(found)
        return True

    def remove_entry(self, found: FoundEntry) -> None:
        """Remove an entry from those of its partition."""
        found.partition.entries.remove(found)
        self._counts[found.partition.device.place.internal] -= 1

    def nested(self, partition: FoundPartition) -> list[FoundPartition]:
        """Return the subvolumes and image files of a partition that were found."""
        return [other for other in self.by_name.values() if other.parent is partition]

    def add_problem_of(self, partition: FoundPartition, message: str, path: str = "") -> None:
        """Add a problem of a partition, or of a file on it."""
        self.add_problem(partition, Problem(device=partition.device.name, path=path, message=message))

    def add_problem(self, partition: FoundPartition | None, problem: Problem) -> None:
        """Add a problem of a partition, or of the probe if it is None; do nothing if the same one exists."""
        if partition is not None:
            if len(partition.problems) >= MAX_PROBLEMS or problem in partition.problems:
                return
            partition.problems.append(problem)
            position = partition.position
        else:  # all problems of one disk have one position in the list
            positions = [
                position for other, position in self.probe_problems.items() if other.device == problem.device
            ]
            position = positions[0] if positions else self._order.add(Device(name=problem.device)).position
            self.probe_problems[problem] = position
        self._emit(ProblemFound(problem, position))

    def remove_problem(self, partition: FoundPartition | None, problem: Problem) -> None:
        """Remove a problem, if it exists."""
        if partition is None:
            existed = self.probe_problems.pop(problem, None) is not None
        elif existed := problem in partition.problems:
            partition.problems.remove(problem)
        if existed:
            self._emit(ProblemGone(problem))


def too_many_entries() -> str:
    """Return the message of a problem: some entries are not listed."""
    return N_("there are too many entries: the first {n:,} are listed", n=MAX_ENTRIES)
