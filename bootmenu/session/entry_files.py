# SPDX-License-Identifier: MIT
"""What the editor of an entry asks about the partitions. All of it may read disks, and be called in any thread."""

from __future__ import annotations

from bootmenu.discovery import file_choices, own_entries
from bootmenu.discovery.file_choices import FileChoices
from bootmenu.model.entry import BootEntry
from bootmenu.model.own_entry import OwnEntry
from bootmenu.session.partition_access import PartitionAccess
from bootmenu.sources.references import canonical, joined


class EntryFiles:
    """Finds files for an entry, and makes it one that can be kept."""

    def __init__(self, partitions: PartitionAccess) -> None:
        self._partitions = partitions

    def choices(self, entry: BootEntry) -> FileChoices:
        """Return the files that could take the place of the entry's."""
        devices = {entry.device, *(file.device for _, file in entry.files)}
        with self._partitions.reading_if_possible(devices) as trees:
            return file_choices.choices(entry, trees)

    def completions(self, entry: BootEntry, text: str) -> tuple[str, ...]:
        """Return how a path can go on that is being typed: `/PATH`, or `PARTITION:/PATH`; sorted, all of them longer
        than the text or equal to it. Nothing is found on a partition that cannot be read."""
        outer, inside, path = text.rpartition(":/")
        if not inside and not text.startswith("/"):
            names = [name for name in self._partitions.known() if name and name.startswith(text)]
            return tuple(f"{name}:/" for name in sorted(names)) if text else self.completions(entry, "/")
        device = self._partitions.device_of(entry, canonical(outer)) if inside else entry.device
        path = f"/{path}" if inside else text
        with self._partitions.reading_if_possible([device]) as trees:
            found = file_choices.completions(trees[device], path) if device in trees else ()
        return tuple(joined(outer, each) for each in found)

    def own_entry(self, entry: BootEntry, title: str) -> OwnEntry:
        """Return an edited entry as the state keeps it under a title (State.with_own)."""
        return own_entries.stored(self._partitions.resolved(entry), title, self._partitions.known())
