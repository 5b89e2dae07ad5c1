# SPDX-License-Identifier: MIT
"""Merge duplicates: entries that differ only in their configuration, of which the first is shown."""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Callable, Iterable

from bootmenu.discovery.scan_events import EntryFound, EntryGone, Listing
from bootmenu.discovery.scan_state import FoundEntry
from bootmenu.model.value import Record, field, replace
from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from bootmenu.discovery.scan_events import ScanEvent
    from bootmenu.model.entry import BootEntry

DedupeKey = tuple[object, ...]
"""Everything about an entry except the configuration that offers it."""
_File = tuple[str, str]
"""Device and path, with symbolic links resolved."""

_PUBLISHED_AT_ONCE = 32
"""Size of a group below which every change is published at once."""


class Duplicates(Record, eq=False):
    """Entries with the same dedupe key, sorted by precedence: the first one is shown."""

    entries: list[FoundEntry] = field(default_factory=list)
    pending: int = 0
    """Number of changes since the group was last published."""

    @property
    def is_due(self) -> bool:
        """Return whether to publish the group now. In a large group, every new member would republish all of it;
        so changes wait for more of them, or until the scan is idle."""
        return self.pending > len(self.entries) // _PUBLISHED_AT_ONCE


class DuplicateIndex:
    """All entries by dedupe key. Emits an event whenever the shown entries change."""

    def __init__(self, emit: Callable[[ScanEvent], object]) -> None:
        self._emit = emit
        self._groups: dict[DedupeKey, Duplicates] = {}
        self._pending: dict[DedupeKey, None] = {}
        """Groups that are published when the scan is idle."""
        self._offered: Counter[tuple[_File, int]] = Counter()
        """Number of configurations that offer a kernel, by the kernel and the rank of their place. A bare kernel that
        is offered is not shown as an entry of its own."""
        self._bare: dict[_File, list[FoundEntry]] = {}

    def __len__(self) -> int:
        return len(self._groups) + len(self._pending) + len(self._offered) + len(self._bare)

    def add(self, found: FoundEntry) -> set[DedupeKey]:
        """Add an entry to its group; return the keys of the groups that this may change."""
        key, kernel = dedupe_key(found), _kernel(found)
        group = self._groups.setdefault(key, Duplicates())
        bisect.insort(group.entries, found, key=lambda found: found.precedence)
        if found.is_bare:
            self._bare.setdefault(kernel, []).append(found)
            return {key}
        self._offered[kernel, found.place_rank] += 1
        return {key, *map(dedupe_key, self._bare.get(kernel, ()))}

    def remove(self, found: FoundEntry) -> set[DedupeKey]:
        """Remove an entry from its group; return the keys of the groups that this may change."""
        key, kernel = dedupe_key(found), _kernel(found)
        group = self._groups[key]
        group.entries.remove(found)
        if not group.entries:
            del self._groups[key]
        if found.is_bare:
            self._bare[kernel].remove(found)
            if not self._bare[kernel]:
                del self._bare[kernel]
            return {key}
        self._offered[kernel, found.place_rank] -= 1
        if not self._offered[kernel, found.place_rank]:
            del self._offered[kernel, found.place_rank]
        return {key, *map(dedupe_key, self._bare.get(kernel, ()))}

    def publish(self, keys: Iterable[DedupeKey], *, at_once: bool = False) -> None:
        """Emit the changes of these groups since they were last published, except of those that are not due. at_once:
        emit them all."""
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
        """Emit the changes that were delayed."""
        self.publish(self._pending, at_once=True)

    def hide(self, found: FoundEntry) -> None:
        """Emit EntryGone if an entry is shown."""
        if found.shown is not None:
            found.shown = None
            self._emit(EntryGone(found.partition.device.name, found.entry.id))

    def _publish_group(self, group: list[FoundEntry]) -> None:
        seen = [found for found in group if not (found.is_bare and self._is_offered(found))]
        # listed twice in one configuration: intended
        others = [found for found in seen[1:] if found.origin != seen[0].origin]
        shown = set(seen) - set(others)
        for found in group:
            if found not in shown:
                self.hide(found)
            elif found is seen[0]:
                also = tuple(dict.fromkeys(other.origin for other in others))
                # a disk that anybody can plug in must not change the default of a more trusted one
                default = found.entry.default or any(
                    other.entry.default for other in others if other.place_rank == found.place_rank
                )
                entry = found.entry
                if (also, default) != (entry.also, entry.default):
                    entry = replace(entry, also=also, default=default)
                self._show(found, entry)
            else:
                self._show(found, found.entry)

    def _is_offered(self, found: FoundEntry) -> bool:
        """Return whether a configuration on a disk that is trusted at least as much offers this bare kernel."""
        file = _kernel(found)
        return any(self._offered[file, rank] for rank in range(found.place_rank + 1))

    def _show(self, found: FoundEntry, entry: BootEntry) -> None:
        wanted = (entry, found.facts, found.report, found.places)
        if found.shown != wanted:
            found.shown = wanted
            listing = Listing(entry=entry, facts=found.judged, report=found.report, places=found.places)
            self._emit(EntryFound(listing, found.index))


def _kernel(found: FoundEntry) -> _File:
    file = found.facts.file("kernel")
    if file is None:
        return "", ""
    # sda2:/@ is a subvolume, whose files the top level has below /@
    device, _, inside = file.device.partition(":/")
    return device, f"{f'/{inside}' if inside else ''}{file.resolved or file.path}"


def dedupe_key(found: FoundEntry) -> DedupeKey:
    """Return everything about an entry except the configuration that offers it: entries with equal keys are
    duplicates."""
    entry, facts = found.entry, found.facts
    files = tuple((file.role, file.device, file.resolved or file.path) for file in facts.files)
    parts = tuple(ref.part for _, ref in entry.files)
    architecture = entry.architecture or (facts.kernel.architecture if facts.kernel else None)
    return (entry.title, entry.version, files, parts, entry.dtb_folder, entry.cmdline.text, architecture)
