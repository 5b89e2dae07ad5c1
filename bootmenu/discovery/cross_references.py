# SPDX-License-Identifier: MIT
"""What an entry's names of other partitions mean by now, and which entries have to be read again for it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import NamedTuple

from bootmenu.discovery import resolve
from bootmenu.discovery.devices import Device
from bootmenu.discovery.resolve import searched
from bootmenu.discovery.scan_state import FoundEntry, FoundPartition, needs, references


class Batch(NamedTuple):
    """Entries that need the same partitions. blamed: the one whose silence it is when nothing is heard."""

    entries: list[FoundEntry]
    blamed: FoundPartition


class Search(NamedTuple):
    """Paths that a partition is to be asked for."""

    partition: FoundPartition
    paths: list[str]


class CrossReferences:
    """Entries that name other partitions.

    partitions: those that are present, by name, in any order. ordered: their devices, in the order of the list.
    silent: the partitions that do not answer.
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
        """Those whose references mean something else by now."""

    def __contains__(self, known: FoundEntry) -> bool:
        return known in self._foreign

    def __len__(self) -> int:
        return len(self._foreign) + len(self._to_follow)

    def add(self, known: FoundEntry) -> None:
        """Take in an entry, if it names other partitions."""
        if needs(known):
            self._foreign[known] = None
            self._resolve(known, {})

    def remove(self, known: FoundEntry) -> None:
        """Forget an entry that is gone."""
        self._foreign.pop(known, None)
        self._to_follow.pop(known, None)

    def resolve_all(self) -> None:
        """Find out anew what every reference means."""
        meanings: dict[tuple[str, str], FoundPartition | None] = {}
        for known in self._foreign:
            self._resolve(known, meanings)

    def follow_again(self, entries: Iterable[FoundEntry]) -> None:
        """Have these entries read again, as far as they are still known."""
        self._to_follow.update((known, None) for known in entries if known in self._foreign)

    def batches(self) -> list[Batch]:
        """Take the entries out that have to be read again.

        Those that need the same partitions come together, so that a disk that dies meanwhile delays only them. What
        needs a partition that does not answer waits until it does.
        """
        if not self._to_follow:
            return []
        answering = set(self._answering())
        batches: dict[object, list[FoundEntry]] = {}
        for known in list(self._to_follow):
            need = frozenset((known.partition, *known.targets.values()))
            if need <= answering:
                batches.setdefault((known.partition, need), []).append(known)
                del self._to_follow[known]
        return [Batch(batch, next(iter(batch[0].targets.values()), batch[0].partition)) for batch in batches.values()]

    def searches(self) -> list[Search]:
        """Return what partitions have to be asked for: the files by which configurations name a partition."""
        named = {path for known in self._foreign for ref in references(known.parsed) if (path := searched(ref))}
        for partition in self._partitions.values():
            # what is named no longer goes: a stick may name other files each time that it comes
            partition.asked &= named
            partition.holds = {path: held for path, held in partition.holds.items() if path in named}
        searches = []
        for partition in self._answering() if named else ():
            if paths := sorted(named - partition.asked):
                partition.asked.update(paths)
                searches.append(Search(partition, paths))
        return searches

    def _resolve(self, known: FoundEntry, meanings: dict[tuple[str, str], FoundPartition | None]) -> None:
        """Find out what an entry's references mean; it is read again when that has changed.

        meanings: what is known of other entries' references already, by reference and device.
        """
        means: dict[str, FoundPartition] = {}
        own = known.partition.device
        for reference in needs(known):
            if (reference, own.name) not in meanings:
                meanings[reference, own.name] = self._meaning(reference, own)
            partition = meanings[reference, own.name]
            if partition is not None and partition.opened:
                means[reference] = partition
        if means != known.targets:
            known.targets = means
            self._to_follow[known] = None

    def _meaning(self, reference: str, own: Device) -> FoundPartition | None:
        path = searched(reference)
        if path is None:
            device = resolve.resolve(reference, own, list(self._ordered().values()))
            return self._partitions[device.name] if device is not None else None
        asked = self._answering()
        if not all(path in partition.holds for partition in asked):
            return None  # the first of all counts
        return next((partition for partition in asked if partition.holds[path]), None)

    def _answering(self) -> list[FoundPartition]:
        silent = self._silent()
        answering = [known for known in self._partitions.values() if known.opened and known not in silent]
        return sorted(answering, key=lambda known: known.device.place.rank)
