# SPDX-License-Identifier: MIT
"""Which entries are one: those that agree in everything but where they are. The first of them is shown."""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Callable, Iterable

from bootmenu.discovery.scan_events import EntryFound, EntryGone, Listing, ScanEvent
from bootmenu.discovery.scan_state import FoundEntry
from bootmenu.model.entry import BootEntry
from bootmenu.model.value import Record, field, replace

DedupeKey = tuple[object, ...]
"""Everything about an entry but where it is."""
_File = tuple[str, str]
"""Device and path, after links."""

_SHOWN_AT_ONCE = 32


class Duplicates(Record, eq=False):
    """Entries with one dedupe key, the one that is shown first in front."""

    entries: list[FoundEntry] = field(default_factory=list)
    pending: int = 0
    """How many came or changed since they were published."""

    @property
    def is_due(self) -> bool:
        """Return whether to publish now. A few are published at once; of very many each one that comes would publish
        all anew, so those wait until there are some more, or until the scan is quiet."""
        return self.pending > len(self.entries) // _SHOWN_AT_ONCE


class DuplicateIndex:
    """All entries by their dedupe keys. Emits an event wherever what is to be seen of them changes."""

    def __init__(self, emit: Callable[[ScanEvent], object]) -> None:
        self._emit = emit
        self._groups: dict[DedupeKey, Duplicates] = {}
        self._pending: dict[DedupeKey, None] = {}
        """Groups that are published when the scan is quiet."""
        self._offered: Counter[tuple[_File, int]] = Counter()
        """How often configurations offer a kernel, by the rank of their place: a bare kernel among them is no entry
        of its own."""
        self._bare: dict[_File, list[FoundEntry]] = {}

    def __len__(self) -> int:
        return len(self._groups) + len(self._pending) + len(self._offered) + len(self._bare)

    def add(self, known: FoundEntry) -> set[DedupeKey]:
        """Put an entry beside its duplicates; return the keys of the groups that this may change."""
        key, kernel = dedupe_key(known), _kernel(known)
        group = self._groups.setdefault(key, Duplicates())
        bisect.insort(group.entries, known, key=lambda known: known.precedence)
        if known.is_bare:
            self._bare.setdefault(kernel, []).append(known)
            return {key}
        self._offered[kernel, known.place_rank] += 1
        return {key, *map(dedupe_key, self._bare.get(kernel, ()))}

    def remove(self, known: FoundEntry) -> set[DedupeKey]:
        """Take an entry out; return the keys of the groups that this may change."""
        key, kernel = dedupe_key(known), _kernel(known)
        group = self._groups[key]
        group.entries.remove(known)
        if not group.entries:
            del self._groups[key]
        if known.is_bare:
            self._bare[kernel].remove(known)
            if not self._bare[kernel]:
                del self._bare[kernel]
            return {key}
        self._offered[kernel, known.place_rank] -= 1
        if not self._offered[kernel, known.place_rank]:
            del self._offered[kernel, known.place_rank]
        return {key, *map(dedupe_key, self._bare.get(kernel, ()))}

    def publish(self, keys: Iterable[DedupeKey], *, at_once: bool = False) -> None:
        """Emit what is to be seen of these entries, where that differs from what was emitted before."""
        for key in list(keys):
            group = self._groups.get(key)
            if group is not None:
                group.pending += 1
                if not at_once and not group.is_due:
                    self._pending[key] = None
                    continue
                group.pending = 0
                self._publish_group(group.entries)
            self._pending.pop(key, None)

    def publish_pending(self) -> None:
        """Emit what was left to accumulate."""
        self.publish(self._pending, at_once=True)

    def hide(self, known: FoundEntry) -> None:
        """Emit that an entry is gone, where it was shown."""
        if known.shown is not None:
            known.shown = None
            self._emit(EntryGone(known.partition.device.name, known.entry.id))

    def _publish_group(self, group: list[FoundEntry]) -> None:
        seen = [known for known in group if not (known.is_bare and self._is_offered(known))]
        # the same twice in one configuration is what its author wants to see twice
        others = [known for known in seen[1:] if known.origin != seen[0].origin]
        shown = set(seen) - set(others)
        for known in group:
            if known not in shown:
                self.hide(known)
            elif known is seen[0]:
                also = tuple(dict.fromkeys(other.origin for other in others))
                # a disk that anybody can plug in has no say in what those inside the machine start
                default = known.entry.default or any(
                    other.entry.default for other in others if other.place_rank == known.place_rank
                )
                entry = known.entry
                if (also, default) != (entry.also, entry.default):
                    entry = replace(entry, also=also, default=default)
                self._show(known, entry)
            else:
                self._show(known, known.entry)

    def _is_offered(self, known: FoundEntry) -> bool:
        """Return whether a configuration offers this kernel that is no further outside than its own partition."""
        file = _kernel(known)
        return any(self._offered[file, rank] for rank in range(known.place_rank + 1))

    def _show(self, known: FoundEntry, entry: BootEntry) -> None:
        wanted = (entry, known.facts, known.report, known.places)
        if known.shown != wanted:
            known.shown = wanted
            listing = Listing(entry=entry, facts=known.judged, report=known.report, places=known.places)
            self._emit(EntryFound(listing, known.index))


def _kernel(known: FoundEntry) -> _File:
    file = known.facts.file("kernel")
    return (file.device, file.resolved or file.path) if file else ("", "")


def dedupe_key(known: FoundEntry) -> DedupeKey:
    """Return everything about an entry but where it is; entries with one key are one."""
    entry, facts = known.entry, known.facts
    files = tuple((file.role, file.device, file.resolved or file.path) for file in facts.files)
    parts = tuple(ref.part for _, ref in entry.files)
    architecture = entry.architecture or (facts.kernel.architecture if facts.kernel else None)
    return (entry.title, entry.version, files, parts, entry.dtb_folder, entry.cmdline.text, architecture)
