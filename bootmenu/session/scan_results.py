# SPDX-License-Identifier: MIT
"""What the scan has told so far, partition by partition. A second scan replaces each partition as it is read; what
comes and goes between scans does so at once."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator
from typing import assert_never

from bootmenu.discovery.devices import Device
from bootmenu.discovery.scan_events import (
    DeviceDone,
    DeviceFound,
    DeviceGone,
    EntryFound,
    EntryGone,
    Listing,
    ProblemFound,
    ProblemGone,
    Rank,
    ScanEvent,
    ScanFinished,
)
from bootmenu.model.entry import Problem
from bootmenu.model.value import Record, field


class Group(Record):
    """One partition and what it offered."""

    device: Device
    listings: list[Listing] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    rank: Rank = ()
    found: bool = False
    """False = only a problem is known of it."""
    done: bool = False
    _places: list[int] = field(default_factory=list)

    def add(self, listing: Listing, place: int = 0) -> None:
        """An entry told again replaces itself: its files may have come since."""
        for index, known in enumerate(self.listings):
            if known.entry.id == listing.entry.id:
                self.listings[index] = listing
                return
        index = bisect(self._places, place)
        self.listings.insert(index, listing)
        self._places.insert(index, place)

    def remove(self, entry_id: str) -> None:
        """An entry that is told no more."""
        for index, known in enumerate(self.listings):
            if known.entry.id == entry_id:
                del self.listings[index], self._places[index]
                return


class ScanResults:
    """Groups in the order of their partitions, which is mostly that in which they were found."""

    def __init__(self) -> None:
        self._shown: dict[str, Group] = {}
        self._fresh: dict[str, Group] = {}
        self.scanning = False
        self.finished = False
        """A scan has come to its end at least once."""
        self.seconds = 0.0

    def begin(self) -> None:
        """A scan starts. What is known stays until its partition has been read again."""
        self._fresh = {}
        self.scanning = True

    def add(self, event: ScanEvent) -> None:
        """Take in one event."""
        match event:
            case DeviceFound(device, rank):
                group = self._group(device.name, rank)
                group.device, group.rank, group.found, group.done = device, rank, True, False
            case EntryFound(listing, place):
                self._group(listing.entry.device).add(listing, place)
            case EntryGone(name, entry_id):
                if name in self._fresh:
                    self._fresh[name].remove(entry_id)
            case ProblemFound(problem, rank):
                problems = self._group(problem.device, rank).problems
                if problem not in problems:
                    problems.append(problem)
            case ProblemGone(problem):
                known = self._fresh.get(problem.device)
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
                self._shown = {name: self._fresh[name] for name in self._fresh}
                self.seconds, self.finished = seconds, True
                for group in self._shown.values():
                    group.done = True
                self.scanning = False
            case _:
                assert_never(event)

    def replace(self, listing: Listing) -> None:
        """Somebody knows more about an entry, until it is read again."""
        for groups in (self._shown, self._fresh):
            group = groups.get(listing.entry.device)
            if group is not None and any(known.entry.id == listing.entry.id for known in group.listings):
                group.add(listing)

    def stop(self) -> None:
        """The scan ended before its end: what it had not reached stays as it was."""
        for name, group in self._fresh.items():
            self._shown.setdefault(name, group)
        for group in self._shown.values():
            group.done = True
        self.scanning = False

    def _group(self, name: str, rank: Rank = ()) -> Group:
        if name not in self._fresh:
            self._fresh[name] = Group(Device(name=name), rank=rank)
            # a partition that was never shown is shown as it fills
            self._shown.setdefault(name, self._fresh[name])
        return self._fresh[name]

    def _drop(self, name: str) -> None:
        self._fresh.pop(name, None)
        self._shown.pop(name, None)

    @property
    def groups(self) -> tuple[Group, ...]:
        """What the menu shows."""
        return tuple(sorted(self._shown.values(), key=lambda group: group.rank))

    @property
    def disks(self) -> frozenset[str]:
        """Place.disk of every partition that is there."""
        return frozenset(group.device.place.disk for group in self._shown.values() if group.found)

    @property
    def listings(self) -> Iterator[Listing]:
        """Every entry, in the order of the menu."""
        for group in self.groups:
            yield from group.listings
