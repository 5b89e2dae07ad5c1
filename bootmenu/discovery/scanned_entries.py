# SPDX-License-Identifier: MIT
"""The entries of a scan: which are listed, what their references mean, and which of them are duplicates."""

from __future__ import annotations

from collections.abc import Callable

from bootmenu.discovery.duplicate_index import dedupe_key
from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from bootmenu.compat import EntryFacts
    from bootmenu.discovery.cross_references import CrossReferences
    from bootmenu.discovery.duplicate_index import DedupeKey, DuplicateIndex
    from bootmenu.discovery.partition_reader import PartitionReader
    from bootmenu.discovery.partition_table import PartitionTable
    from bootmenu.discovery.scan_state import FoundEntry, FoundPartition
    from bootmenu.model.entry import BootEntry


class ScannedEntries:
    """Adds and removes entries, and publishes what changes by that. reader: returns the reader of the scan."""

    def __init__(
        self,
        table: PartitionTable,
        duplicates: DuplicateIndex,
        references: CrossReferences,
        reader: Callable[[], PartitionReader],
    ) -> None:
        self._table = table
        self._duplicates = duplicates
        self._references = references
        self._reader = reader

    def add(self, found: FoundEntry) -> None:
        """Add an entry that was read; one that a person has made in place of an earlier one with its id."""
        if found.parsed.is_own:
            # it may have been changed or deleted since it was read, or be read twice
            known = [other for other in found.partition.entries if other.parsed.id == found.parsed.id]
            if found.parsed not in self._reader().own_of(found.partition) or any(
                one.parsed == found.parsed for one in known
            ):
                return
            for other in known:
                self._remove(other)
        if self._table.add_entry(found):
            self._references.add(found)
            self._duplicates.publish(self._duplicates.add(found))

    def follow(
        self, found: FoundEntry, targets: dict[str, FoundPartition], entry: BootEntry, facts: EntryFacts
    ) -> None:
        """Take what was read with the partitions that an entry's references mean."""
        # otherwise they mean something else by now, and it is read again for that
        if found.targets is targets and found in self._references:
            keys = self._duplicates.remove(found)
            found.follow(targets, entry, facts)
            self._reader().judge(found)
            self._duplicates.publish(keys | self._duplicates.add(found))

    def remove_all(self, partition: FoundPartition) -> None:
        """Remove the entries of a partition that is gone; the table forgets it with them."""
        changed: set[DedupeKey] = set()
        for found in partition.entries:
            changed |= self._hide(found)
        self._duplicates.publish(changed)

    def update_own(self, partition: FoundPartition) -> bool:
        """Remove those that are not kept any more; return whether some are not listed, and are to be read."""
        wanted = self._reader().own_of(partition)
        ids = {entry.id for entry in wanted}
        for found in [found for found in partition.entries if found.parsed.is_own and found.parsed.id not in ids]:
            self._remove(found)
        return any(entry not in [found.parsed for found in partition.entries] for entry in wanted)

    def judge_again(self) -> None:
        """Check entries again by all partitions: root= may name one that was added or removed since, or none."""
        entries = (found for partition in self._table.by_name.values() for found in partition.entries)
        changed = [dedupe_key(found) for found in entries if self._reader().judge_again(found)]
        self._duplicates.publish(dict.fromkeys(changed), at_once=True)

    def _remove(self, found: FoundEntry) -> None:
        keys = self._hide(found)
        self._table.remove_entry(found)
        self._duplicates.publish(keys)

    def _hide(self, found: FoundEntry) -> set[DedupeKey]:
        self._duplicates.hide(found)
        self._references.remove(found)
        return self._duplicates.remove(found)
