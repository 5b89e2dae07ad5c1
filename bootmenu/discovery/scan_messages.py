# SPDX-License-Identifier: MIT
"""What the threads that read partitions report to the one that decides."""

from __future__ import annotations

from bootmenu.compat import EntryFacts
from bootmenu.discovery.devices import Device
from bootmenu.discovery.scan_state import FoundEntry, FoundPartition
from bootmenu.model.entry import BootEntry, Problem
from bootmenu.model.value import Value


class Met(Value):
    """Something was found that can be read, or could be. parent: the partition that holds it; None = the machine."""

    found: Device | Problem
    parent: FoundPartition | None = None


class Probed(Value):
    """A probe for partitions is complete: these are present, and these problems hold."""

    names: frozenset[str]
    problems: frozenset[Problem]


class Opened(Value):
    """A partition is mounted."""

    partition: FoundPartition


class Parsed(Value):
    """A partition offers an entry."""

    entry: FoundEntry


class Followed(Value):
    """An entry was read again, as its references are understood now."""

    found: FoundEntry
    targets: dict[str, FoundPartition]
    entry: BootEntry
    facts: EntryFacts


class Unreadable(Value):
    """Something on a partition is wrong."""

    partition: FoundPartition
    message: str
    path: str = ""


class Searched(Value):
    """A partition holds a file, or does not."""

    partition: FoundPartition
    path: str
    held: bool


class Broken(Value):
    """Work failed with an error that nobody expected."""

    error: Exception


class Ended(Value):
    """A job has ended; it reports nothing more."""


class Changed(Value):
    """Partitions have come or gone, once or often."""


JobReport = Met | Probed | Opened | Parsed | Followed | Unreadable | Searched | Broken | Ended | Changed
