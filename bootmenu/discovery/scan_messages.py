# SPDX-License-Identifier: MIT
"""The messages from the threads that read partitions to the ScanRunner."""

from __future__ import annotations

from bootmenu.discovery.devices import Device
from bootmenu.discovery.neighbour_trees import Asked
from bootmenu.discovery.scan_state import FoundEntry, FoundPartition
from bootmenu.model.entry import BootEntry, Problem
from bootmenu.model.value import Value
from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from bootmenu.compat import EntryFacts


class Discovered(Value):
    """A partition or a problem was found. parent: the partition that contains it, or None at the top level."""

    found: Device | Problem
    parent: FoundPartition | None = None


class Probed(Value):
    """A probe for partitions is complete. names: the partitions present. problems: those that still exist."""

    names: frozenset[str]
    problems: frozenset[Problem]


class Opened(Value):
    """A partition is mounted."""

    partition: FoundPartition


class Parsed(Value):
    """A partition offers an entry."""

    entry: FoundEntry


class Followed(Value):
    """An entry was read again with the partitions that its references mean (`targets`)."""

    found: FoundEntry
    targets: dict[str, FoundPartition]
    entry: BootEntry
    facts: EntryFacts


class Unreadable(Value):
    """Something on a partition is invalid or cannot be read. path: where, or empty for the partition itself."""

    partition: FoundPartition
    message: str
    path: str = ""


class Consulted(Value):
    """A partition has been read, and what was asked about others is known."""

    partition: FoundPartition
    asked: Asked


class Searched(Value):
    """A partition was searched for a file. held: whether it has the file."""

    partition: FoundPartition
    path: str
    held: bool


class Broken(Value):
    """A job failed with an unexpected error."""

    error: Exception


class Ended(Value):
    """A job has ended; it reports nothing more."""


class DisksChanged(Value):
    """Disks were added, removed or changed, once or several times (ScanRunner.changed)."""


class OwnChanged(Value):
    """The entries that were made here have changed (ScanRunner.own_changed)."""


JobReport = (
    Discovered
    | Probed
    | Opened
    | Parsed
    | Followed
    | Unreadable
    | Consulted
    | Searched
    | Broken
    | Ended
    | DisksChanged
    | OwnChanged
)
