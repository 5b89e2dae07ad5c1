# SPDX-License-Identifier: MIT
"""The results of the scan so far, by partition.

A new scan replaces the results of each partition as it has been read. Between scans, changes take effect at once.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator

from bootmenu.discovery.devices import Device
from bootmenu.discovery.scan_events import (
    DeviceDone,
    DeviceFound,
    DeviceGone,
    EntryFound,
    EntryGone,
    Listing,
    Position,
    ProblemFound,
    ProblemGone,
    ScanEvent,
    ScanFinished,
)
from bootmenu.model.entry import Problem
from bootmenu.model.value import Record, field
from bootmenu.typed import assert_never


class Group(Record):
    """A partition with its entries and problems."""

    device: Device
    listings: list[Listing] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    position: Position = ()
    found: bool = False
    """Whether the partition itself was found; otherwise only a problem with it is known."""
    done: bool = False
    """Whether it has been read to its end."""
    _indexes: list[int] = field(default_factory=list)
    """`EntryFound.index` of each of the `listings`."""

    def add(self, listing: Listing, index: int = 0) -> None:
        """Add an entry, or replace it, because its files may have appeared since. index: `EntryFound.index`."""
        for position, known in enumerate(self.listings):
            if known.entry.id == listing.entry.id:
                self.listings[position] = listing
                return
        position = bisect(self._indexes, index)
        self.listings.insert(position, listing)
        self._indexes.insert(position, index)

    def remove(self, entry_id: str) -> None:
        """Remove an entry, if it is here."""
        for index, known in enumerate(self.listings):
            if known.entry.id == entry_id:
                del self.listings[index], self._indexes[index]
                return


class ScanResults:
    """Collects the events of a scan into groups, in the order of their partitions."""

    def __init__(self) -> None:
        self._shown: dict[str, Group] = {}
        """The groups that the menu shows, by partition."""
        self._current: dict[str, Group] = {}
        """The groups of the current scan, by partition."""
        self.scanning = False
        self.finished = False
        """Whether a scan has finished at least once."""
        self.seconds = 0.0
        """Duration of the last finished scan."""

    def begin(self) -> None:
        """Start a new scan. The groups that are shown stay until their partitions have been read again."""
        self._current = {}
        self.scanning = True

    def add(self, event: ScanEvent) -> None:
        """Apply an event of the scan."""
        match event:
            case DeviceFound(device, position):
                group = self._group(device.name, position)
                group.device, group.position, group.found, group.done = device, position, True, False
            case EntryFound(listing, index):
                self._group(listing.entry.device).add(listing, index)
            case EntryGone(name, entry_id):
                if name in self._current:
                    self._current[name].remove(entry_id)
            case ProblemFound(problem, position):
                problems = self._group(problem.device, position).problems
                if problem not in problems:
                    problems.append(problem)
            case ProblemGone(problem):
                known = self._current.get(problem.device)
                if known is not None and problem in known.problems:
                    known.problems.remove(problem)
                if known is None or not (known.found or known.problems):
                    self._drop(problem.device)
            case DeviceGone(device):
                self._drop(device.name)
            case DeviceDone(device):
                group = self._group(device.name)
                group.device, group.found, group.done = device, True, True
                self._shown[device.name] = group
            case ScanFinished(seconds):
                self._shown = dict(self._current)
                self.seconds, self.finished = seconds, True
                for group in self._shown.values():
                    group.done = True
                self.scanning = False
            case _:
                assert_never(event)

    def replace(self, listing: Listing) -> None:
        """Replace an entry, until its partition is read again."""
        for groups in (self._shown, self._current):
            group = groups.get(listing.entry.device)
            if group is not None and any(known.entry.id == listing.entry.id for known in group.listings):
                group.add(listing)

    def stop(self) -> None:
        """End a scan that was cut short: what it had not reached stays as it was."""
        for name, group in self._current.items():
            self._shown.setdefault(name, group)
        for group in self._shown.values():
            group.done = True
        self.scanning = False

    def _group(self, name: str, position: Position = ()) -> Group:
        """Return the group of a partition in the current scan, adding it if necessary."""
        if name not in self._current:
            self._current[name] = Group(Device(name=name), position=position)
            # a partition that is not shown yet is shown while it is read
            self._shown.setdefault(name, self._current[name])
        return self._current[name]

    def _drop(self, name: str) -> None:
        self._current.pop(name, None)
        self._shown.pop(name, None)

    @property
    def groups(self) -> tuple[Group, ...]:
        """Return the groups that the menu shows, in its order."""
        return tuple(sorted(self._shown.values(), key=lambda group: group.position))

    @property
    def disks(self) -> frozenset[str]:
        """Return the Place.disk of every partition that was found."""
        return frozenset(group.device.place.disk for group in self._shown.values() if group.found)

    @property
    def listings(self) -> Iterator[Listing]:
        """Yield every entry, in the order of the menu."""
        for group in self.groups:
            yield from group.listings
