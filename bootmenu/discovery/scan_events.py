# SPDX-License-Identifier: MIT
"""What a scan tells, as a stream of events. Whoever draws takes them in one after the other and need ask nothing."""

from __future__ import annotations

from bootmenu.compat import EntryFacts
from bootmenu.discovery.devices import Device
from bootmenu.model.entry import BootEntry, Problem
from bootmenu.model.finding import Report
from bootmenu.model.place import NOWHERE, Place
from bootmenu.model.value import Value


class Listing(Value, kw_only=True):
    """One entry with what was found out about it."""

    entry: BootEntry
    facts: EntryFacts
    report: Report
    places: tuple[Place, ...] = ()
    """Of the partition that offers it, then of every other one that it takes files from; () = unknown."""

    @property
    def disks(self) -> frozenset[str]:
        """Return what tells the disks that it needs from others."""
        return frozenset(place.disk for place in self.places)

    @property
    def rank(self) -> int:
        """Return which of two goes first where both claim to be one: the smaller number, by its worst place."""
        return max((place.rank for place in self.places), default=NOWHERE.rank)


Rank = tuple[int, ...]
"""Where something stands in the list, by comparison: what lies in a partition stands behind it."""


class DeviceFound(Value):
    """A partition is there and is going to be read."""

    device: Device
    rank: Rank = ()


class DeviceDone(Value):
    """A partition has been read, or does not answer; `entries` is how many it offered. It may come again, when one
    that did not answer does."""

    device: Device
    entries: int


class DeviceGone(Value):
    """A partition was taken away. Its entries and problems have been told to be gone before."""

    device: Device


class EntryFound(Value):
    """One entry, or one that is known by its id and has changed: its files have come since, or its report.

    It belongs to the device named by `listing.entry.device`, and stands there behind those of a smaller `place`.
    """

    listing: Listing
    place: int = 0


class EntryGone(Value):
    """An entry is there no more, or it is one with another that is."""

    device: str
    entry_id: str


class ProblemFound(Value):
    """Something could not be read or made no sense. rank: of its device, where that is no partition."""

    problem: Problem
    rank: Rank = ()


class ProblemGone(Value):
    """What was told is true no longer: a disk answers after all, or has been taken away."""

    problem: Problem


class ScanFinished(Value):
    """Everything has been read that answers."""

    seconds: float


ScanEvent = DeviceFound | DeviceDone | DeviceGone | EntryFound | EntryGone | ProblemFound | ProblemGone | ScanFinished
