# SPDX-License-Identifier: MIT
"""What the scan has told so far, partition by partition. A second scan replaces each partition as it is read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from bootmenu.discovery.devices import Device
from bootmenu.discovery.scan import (
    DeviceDone,
    DeviceFound,
    EntryFound,
    Listing,
    ProblemFound,
    ScanEvent,
    ScanFinished,
)
from bootmenu.model.entry import Problem


@dataclass
class Group:
    """One partition and what it offered."""

    device: Device
    listings: list[Listing] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    done: bool = False

    def add(self, listing: Listing) -> None:
        """An entry told again replaces itself: its files may have come since."""
        for index, known in enumerate(self.listings):
            if known.entry.id == listing.entry.id:
                self.listings[index] = listing
                return
        self.listings.append(listing)


class Catalogue:
    """Groups in the order in which their partitions were found."""

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
            case DeviceFound(device):
                self._group(device.name).device = device
            case EntryFound(listing):
                self._group(listing.entry.device).add(listing)
            case ProblemFound(problem):
                problems = self._group(problem.device).problems
                if problem not in problems:
                    problems.append(problem)
            case DeviceDone(device):
                group = self._group(device.name)
                group.device, group.done = device, True
                self._shown[device.name] = group
            case ScanFinished(seconds):
                self._shown = {name: self._fresh[name] for name in self._fresh}
                self.seconds, self.finished = seconds, True
                for group in self._shown.values():
                    group.done = True
                self.scanning = False

    def stop(self) -> None:
        """The scan ended before its end: what it had not reached stays as it was."""
        for name, group in self._fresh.items():
            self._shown.setdefault(name, group)
        for group in self._shown.values():
            group.done = True
        self.scanning = False

    def _group(self, name: str) -> Group:
        if name not in self._fresh:
            self._fresh[name] = Group(Device(name=name))
            # a partition that was never shown is shown as it fills
            self._shown.setdefault(name, self._fresh[name])
        return self._fresh[name]

    @property
    def groups(self) -> tuple[Group, ...]:
        """What the menu shows."""
        return tuple(self._shown.values())

    @property
    def listings(self) -> Iterator[Listing]:
        """Every entry, in the order of the menu."""
        for group in self._shown.values():
            yield from group.listings
