# SPDX-License-Identifier: MIT
"""What a scan knows of each partition and of each entry on it, while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bootmenu.compat import EntryFacts
from bootmenu.discovery import root_option
from bootmenu.discovery.devices import Device
from bootmenu.discovery.scan_events import Rank
from bootmenu.model.entry import BootEntry, FileRef, Origin, Problem
from bootmenu.model.finding import Report
from bootmenu.model.place import Place
from bootmenu.model.value import Record, field, replace

if TYPE_CHECKING:
    from bootmenu.discovery.scan_jobs import Job


class FoundPartition(Record, eq=False):
    """A device, and how far it has been read."""

    device: Device
    rank: Rank
    copy_number: int
    """How many partitions with the same identity come before it: copies of a disk."""
    parent: FoundPartition | None = None
    """The partition that this one is a subvolume or an image file of; None = it is one of the machine's own."""
    reading: Job | None = None
    opened: bool = False
    entries: list[FoundEntry] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    holds: dict[str, bool] = field(default_factory=dict)
    """Whether a path that some configuration names by `file=` is a file here."""
    asked: set[str] = field(default_factory=set)
    """The paths that it has been asked for."""


class FoundEntry(Record, eq=False):
    """An entry as it was parsed, as it is understood now, and as subscribers know it."""

    partition: FoundPartition
    index: int
    parsed: BootEntry
    entry: BootEntry
    facts: EntryFacts
    judged: EntryFacts = field(init=False)
    """The facts with the names of the partitions that its report knows."""
    report: Report = field(init=False)
    targets: dict[str, FoundPartition] = field(default_factory=dict)
    """The partition that each of its references means, by the reference."""
    places: tuple[Place, ...] = field(init=False)
    """The place of its own partition, then of those that it takes files from."""
    shown: tuple[BootEntry, EntryFacts, Report, tuple[Place, ...]] | None = None
    """What was published of it last; None = nothing: it is new, or a duplicate of another entry."""

    def __post_init__(self) -> None:
        self.places = (self.partition.device.place,)

    def follow(self, targets: Mapping[str, FoundPartition], entry: BootEntry, facts: EntryFacts) -> None:
        """Take in what was read of it with the partitions that its references mean."""
        self.entry, self.facts = entry, facts
        files = references(self.parsed)
        others = (target.device.place for name, target in targets.items() if name in files)
        self.places = tuple(dict.fromkeys((self.partition.device.place, *others)))

    @property
    def precedence(self) -> tuple[int, Rank, int]:
        """Return the sort key among duplicates: the first is shown, the one furthest inside the machine."""
        return self.place_rank, self.partition.rank, self.index

    @property
    def origin(self) -> Origin:
        """Return which configuration offers it."""
        return Origin(source=self.entry.source, config=self.entry.config)

    @property
    def is_bare(self) -> bool:
        """Return whether no configuration offers it."""
        return self.entry.source == "bare"

    @property
    def place_rank(self) -> int:
        """Return how far outside of the machine its partition is."""
        return self.partition.device.place.rank


def references(entry: BootEntry) -> list[str]:
    """Return the other partitions that an entry names, as its configuration calls them."""
    folder = [entry.dtb_folder] if entry.dtb_folder else []
    refs = (*(ref for _, ref in entry.files), *folder)
    return list(dict.fromkeys(ref.device for ref in refs if ref.device != entry.device))


def needs(found: FoundEntry) -> list[str]:
    """Return what has to be open before its facts are complete: the partitions of its files, and that of its root."""
    wanted = root_option.reference(found.entry.cmdline)
    here = wanted is None or root_option.named_by(wanted, found.partition.device, ()) is not None
    return list(dict.fromkeys((*references(found.parsed), *(() if here else (wanted or "",)))))


def resolved(entry: BootEntry, targets: Mapping[str, FoundPartition]) -> BootEntry:
    """Return the entry with kernel names in place of references."""

    def known(ref: FileRef) -> FileRef:
        target = targets.get(ref.device)
        return ref if target is None else replace(ref, device=target.device.name)

    return replace(
        entry,
        kernel=known(entry.kernel),
        initrds=tuple(map(known, entry.initrds)),
        dtb=known(entry.dtb) if entry.dtb else None,
        dtb_folder=known(entry.dtb_folder) if entry.dtb_folder else None,
        overlays=tuple(map(known, entry.overlays)),
    )
