# SPDX-License-Identifier: MIT
"""The snapshots of one system, which are one row of the list until somebody unfolds it."""

from __future__ import annotations

from collections.abc import Sequence

from bootmenu.discovery.btrfs_snapshots import named
from bootmenu.discovery.devices import Device
from bootmenu.discovery.scan_events import Listing
from bootmenu.discovery.storage.loop_images import is_silent
from bootmenu.i18n import _, ngettext
from bootmenu.model.value import Value
from bootmenu.terminal.cells import cells, clean


class Fold(Value, kw_only=True):
    """A row for all snapshots of a system."""

    snapshots: int
    entries: int
    newest: str
    """Date and time of the newest one; empty if no date is known."""
    is_open: bool

    @classmethod
    def of(cls, listings: Sequence[Listing], *, is_open: bool) -> Fold:
        """Return the row for these entries, all of which boot a snapshot."""
        found = [listing.entry.snapshot for listing in listings if listing.entry.snapshot is not None]
        newest = max((snapshot.date for snapshot in found), default="")
        count = len({snapshot.path for snapshot in found})
        return cls(snapshots=count, entries=len(listings), newest=newest, is_open=is_open)

    @property
    def sign(self) -> str:
        """Return `+` for what can be unfolded and `-` for what can be folded, with the number of entries."""
        return f"{'-' if self.is_open else '+'} {self.entries}"

    def text(self, width: int | None = None) -> str:
        """Return `12 snapshots, the newest of 2026-11-14 09:30`; without the time or in fewer words where that is
        wider than `width` columns."""
        text = ngettext("{n} snapshot", "{n} snapshots", self.snapshots)
        if not self.newest:
            return text
        date = clean(self.newest, 40)
        day = date.partition(" ")[0]
        long = _("{snapshots}, the newest of {date}")
        forms = [long.format(snapshots=text, date=shown) for shown in (date, day)] + [f"{text}, {day}"]
        return next((form for form in forms if width is None or cells(form) <= width), text)

    @property
    def hint(self) -> str:
        """Return what is in it, and how it is unfolded and folded."""
        entries = ngettext("{n} entry", "{n} entries", self.entries)
        how = _("← folds them.") if self.is_open else _("Enter or → shows them.")
        return _("Copies of this system as it was: {entries}.").format(entries=entries) + " " + how


def fold_key(listing: Listing, partition: Device) -> str:
    """Return what the snapshots of one system have in common; empty for an entry that is always listed by itself.

    partition: the one that lists it."""
    snapshot = listing.entry.snapshot
    return f"snapshots {outermost(partition).name}:{snapshot.folder}" if snapshot is not None else ""


def is_quiet(device: Device) -> bool:
    """Return whether a device without entries is not mentioned: the subvolume of a snapshot, or a file system in a
    file from which an entry of a partition boots."""
    return is_silent(device) or (device.parent is not None and named(device.inner_path) is not None)


def outermost(device: Device) -> Device:
    """Return the partition that a subvolume or an image file is on, or the partition itself."""
    while device.parent is not None:
        device = device.parent
    return device
