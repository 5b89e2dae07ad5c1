# SPDX-License-Identifier: MIT
"""The events of a scan. Applied in order, they are enough to keep the list of entries up to date."""

from __future__ import annotations

from bootmenu.discovery.devices import Device
from bootmenu.model.entry import BootEntry, Problem
from bootmenu.model.place import NOWHERE, Place
from bootmenu.model.value import Value
from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from bootmenu.compat import EntryFacts
    from bootmenu.model.finding import Report


class Listing(Value, kw_only=True):
    """One entry with its facts and its report."""

    entry: BootEntry
    facts: EntryFacts
    report: Report
    places: tuple[Place, ...] = ()
    """Place of the partition that offers it, then of every other one that it takes files from; () if unknown."""

    @property
    def disks(self) -> frozenset[str]:
        """Return the ids of the disks that it needs (Place.disk)."""
        return frozenset(place.disk for place in self.places)

    @property
    def rank(self) -> int:
        """Return the rank of its least trusted place (Place.rank); the smaller, the more trusted."""
        return max((place.rank for place in self.places), default=NOWHERE.rank)


Position = tuple[int, ...]
"""Sort key of a partition in the list. That of a nested partition begins with its parent's, so it comes after it."""


class DeviceFound(Value):
    """A partition was found and will be read."""

    device: Device
    position: Position = ()


class DeviceDone(Value):
    """A partition has been read, or does not answer; `entries` is the number of entries that it offers. Sent again if
    the partition answers later."""

    device: Device
    entries: int


class DeviceGone(Value):
    """A partition was removed. Its entries and problems were reported gone before it."""

    device: Device


class EntryFound(Value):
    """An entry is new, or one with the same id has changed: its files were found since, or its report is another.

    It belongs to the device `listing.entry.device`, whose entries are sorted by `index`.
    """

    listing: Listing
    index: int = 0


class EntryGone(Value):
    """An entry is gone, or is now a duplicate of one that is shown."""

    device: str
    entry_id: str


class ProblemFound(Value):
    """Something could not be read, or is invalid. position: that of its device, also if this is not a partition."""

    problem: Problem
    position: Position = ()


class ProblemGone(Value):
    """A problem no longer exists: a disk answers after all, or was removed."""

    problem: Problem


class ScanFinished(Value):
    """Everything that answers has been read. seconds: the duration of the scan."""

    seconds: float


ScanEvent = DeviceFound | DeviceDone | DeviceGone | EntryFound | EntryGone | ProblemFound | ProblemGone | ScanFinished
