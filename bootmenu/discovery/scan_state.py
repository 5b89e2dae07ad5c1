# SPDX-License-Identifier: MIT
"""The state of a running scan: each partition, and each entry on it."""

from __future__ import annotations

from collections.abc import Mapping

from bootmenu.discovery.devices import Device
from bootmenu.discovery.neighbour_trees import Asked
from bootmenu.discovery.scan_events import Position
from bootmenu.model.entry import BootEntry, Origin, Problem
from bootmenu.model.place import Place
from bootmenu.model.value import Record, field, replace
from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from bootmenu.compat import EntryFacts
    from bootmenu.discovery.scan_jobs import Job
    from bootmenu.model.entry import FileRef
    from bootmenu.model.finding import Report


class FoundPartition(Record, eq=False):
    """A partition, and how far it has been read."""

    device: Device
    position: Position
    copy_number: int
    """Number of earlier partitions with the same identity, as on copies of a disk."""
    parent: FoundPartition | None = None
    """The partition of which this one is a subvolume or an image file, or None for one of the machine's own."""
    reading: Job | None = None
    """The job that reads it, or read it."""
    opened: bool = False
    """Whether it could be mounted."""
    entries: list[FoundEntry] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    holds: dict[str, bool] = field(default_factory=dict)
    """Whether it has the files that configurations search for (`file=`), by path."""
    asked: set[str] = field(default_factory=set)
    """The paths for which a search has been started."""
    consulted: Asked = field(default_factory=Asked)
    """What was asked about other partitions when it was read."""


class FoundEntry(Record, eq=False):
    """An entry as it was parsed, as it is understood now, and as it was published."""

    partition: FoundPartition
    index: int
    """Its position among the entries of its partition."""
    parsed: BootEntry
    entry: BootEntry
    facts: EntryFacts
    judged: EntryFacts = field(init=False)
    """The facts on which its report is based: `facts` with the names of all partitions."""
    report: Report = field(init=False)
    targets: dict[str, FoundPartition] = field(default_factory=dict)
    """The partitions that its references mean, by reference, as far as they are open."""
    places: tuple[Place, ...] = field(init=False)
    """The place of its own partition, then of those that it takes files from."""
    shown: tuple[BootEntry, EntryFacts, Report, tuple[Place, ...]] | None = None
    """What was last published, or None while it is not shown, as it is new or a duplicate."""

    def __post_init__(self) -> None:
        self.places = (self.partition.device.place,)

    def follow(self, targets: Mapping[str, FoundPartition], entry: BootEntry, facts: EntryFacts) -> None:
        """Set what was read with the partitions that its references mean."""
        self.entry, self.facts = entry, facts
        files = references(self.parsed)
        others = (target.device.place for name, target in targets.items() if name in files)
        self.places = tuple(dict.fromkeys((self.partition.device.place, *others)))

    def is_judged_by(self, names: tuple[str, ...]) -> bool:
        """Return whether its report holds where these are the names of all partitions."""
        # what root= names was opened: other partitions change nothing
        is_sure = self.judged.partitions_complete or self.judged.root is not None
        return self.judged.partitions is names and is_sure

    @property
    def precedence(self) -> tuple[int, Position, int]:
        """Return the sort key among duplicates: the first one, in the most trusted place, is shown."""
        return self.place_rank, self.partition.position, self.index

    @property
    def origin(self) -> Origin:
        """Return the configuration that offers it."""
        return Origin(source=self.entry.source, config=self.entry.config)

    @property
    def is_bare(self) -> bool:
        """Return whether it is a kernel that was found without a configuration."""
        return self.entry.source == "bare"

    @property
    def place_rank(self) -> int:
        """Return the rank of its partition's place (Place.rank); 0 is the most trusted."""
        return self.partition.device.place.rank


def references(entry: BootEntry) -> list[str]:
    """Return an entry's references to other partitions, as its configuration writes them."""
    folder = [entry.dtb_folder] if entry.dtb_folder else []
    refs = (*(ref for _, ref in entry.files), *folder)
    return list(dict.fromkeys(ref.device for ref in refs if ref.device != entry.device))


def needs(found: FoundEntry) -> list[str]:
    """Return the references to the partitions that must be open before its facts are complete: those of its files,
    and that of its root file system."""
    from bootmenu.discovery import root_option

    wanted = root_option.reference(found.entry.cmdline)
    here = wanted is None or root_option.named_by(wanted, found.partition.device, ()) is not None
    return list(dict.fromkeys((*references(found.parsed), *(() if here else (wanted or "",)))))


def resolved(entry: BootEntry, targets: Mapping[str, FoundPartition]) -> BootEntry:
    """Return the entry with its references replaced by the kernel names of their targets."""

    def with_name(ref: FileRef) -> FileRef:
        target = targets.get(ref.device)
        return ref if target is None else replace(ref, device=target.device.name)

    return entry.with_files(with_name)
