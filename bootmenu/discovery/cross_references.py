# SPDX-License-Identifier: MIT
"""Resolve the references of entries to other partitions, and find the entries to read again when they change."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from bootmenu.discovery import resolve
from bootmenu.discovery.resolve import searched
from bootmenu.discovery.scan_state import FoundEntry, FoundPartition, needs, references
from bootmenu.model.value import Value
from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from bootmenu.discovery.devices import Device


class Batch(Value):
    """Entries that need the same partitions. blamed: the partition to report if nothing is heard."""

    entries: list[FoundEntry]
    blamed: FoundPartition


class Search(Value):
    """Paths to search for on a partition."""

    partition: FoundPartition
    paths: list[str]


class CrossReferences:
    """The entries that name other partitions.

    partitions: those that are present, by name, in any order. ordered: returns their devices, in the order of the
    list. silent: returns the partitions that do not answer.
    """

    def __init__(
        self,
        partitions: Mapping[str, FoundPartition],
        ordered: Callable[[], Mapping[str, Device]],
        silent: Callable[[], Collection[FoundPartition | None]],
    ) -> None:
        self._partitions = partitions
        self._ordered = ordered
        self._silent = silent
        self._foreign: dict[FoundEntry, None] = {}
        self._to_follow: dict[FoundEntry, None] = {}
        """The entries to read again, as their references mean something else now."""

    def __contains__(self, found: FoundEntry) -> bool:
        return found in self._foreign

    def __len__(self) -> int:
        return len(self._foreign) + len(self._to_follow)

    def add(self, found: FoundEntry) -> None:
        """Add an entry if it names other partitions."""
        if needs(found):
            self._foreign[found] = None
            self._resolve(found, {})

    def remove(self, found: FoundEntry) -> None:
        """Forget an entry that is gone."""
        self._foreign.pop(found, None)
        self._to_follow.pop(found, None)

    def resolve_all(self) -> None:
        """Resolve all references again."""
        meanings: dict[tuple[str, str], FoundPartition | None] = {}
        for found in self._foreign:
            self._resolve(found, meanings)

    def follow_again(self, entries: Iterable[FoundEntry]) -> None:
        """Read those of these entries again that still exist."""
        self._to_follow.update((found, None) for found in entries if found in self._foreign)

    def batches(self) -> list[Batch]:
        """Return the entries to read again, and forget that they are to be.

        Those that need the same partitions are in one batch, so that a disk that dies meanwhile delays no others.
        Entries that need a partition that does not answer are kept until it does.
        """
        if not self._to_follow:
            return []
        answering = set(self._answering())
        batches: dict[object, list[FoundEntry]] = {}
        for found in list(self._to_follow):
            need = frozenset((found.partition, *found.targets.values()))
            if need <= answering:
                batches.setdefault((found.partition, need), []).append(found)
                del self._to_follow[found]
        return [Batch(batch, next(iter(batch[0].targets.values()), batch[0].partition)) for batch in batches.values()]

    def searches(self) -> list[Search]:
        """Return the searches to make: configurations name some partitions by a file on them (`file=`)."""
        named = {path for found in self._foreign for ref in references(found.parsed) if (path := searched(ref))}
        for partition in self._partitions.values():
            # forget files that are no longer named: a stick may name others each time it is plugged in
            partition.asked &= named
            partition.holds = {path: held for path, held in partition.holds.items() if path in named}
        searches = []
        for partition in self._answering() if named else ():
            if paths := sorted(named - partition.asked):
                partition.asked.update(paths)
                searches.append(Search(partition, paths))
        return searches

    def _resolve(self, found: FoundEntry, meanings: dict[tuple[str, str], FoundPartition | None]) -> None:
        """Resolve an entry's references; if the result changed, the entry is to be read again.

        meanings: results for references of other entries, by reference and device; completed here.
        """
        means: dict[str, FoundPartition] = {}
        own = found.partition.device
        for reference in needs(found):
            if (reference, own.name) not in meanings:
                meanings[reference, own.name] = self._meaning(reference, own)
            partition = meanings[reference, own.name]
            if partition is not None and partition.opened:
                means[reference] = partition
        if means != found.targets:
            found.targets = means
            self._to_follow[found] = None

    def _meaning(self, reference: str, own: Device) -> FoundPartition | None:
        path = searched(reference)
        if path is None:
            device = resolve.resolve(reference, own, list(self._ordered().values()))
            return self._partitions[device.name] if device is not None else None
        asked = self._answering()
        if not all(path in partition.holds for partition in asked):
            return None  # unknown until all have answered: the first in the order wins
        holder = next((partition for partition in asked if partition.holds[path]), None)
        image = reference.removeprefix(f"file={path}")
        return holder if holder is None or not image else self._partitions.get(f"{holder.device.name}{image}")

    def _answering(self) -> list[FoundPartition]:
        silent = self._silent()
        answering = [
            partition for partition in self._partitions.values() if partition.opened and partition not in silent
        ]
        return sorted(answering, key=lambda partition: partition.device.place.rank)
