# SPDX-License-Identifier: MIT
"""Keep the order of a machine's partitions from scan to scan, so that a number of the menu means the same entry."""

from __future__ import annotations

from collections.abc import Collection

from bootmenu.discovery.scan_events import Position
from bootmenu.model.value import Record
from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from bootmenu.discovery.devices import Device

_MAX_GONE = 1000
"""Maximum number of removed partitions that are remembered; a USB stick may have a new identity each time it is
plugged in."""

_Key = tuple[str, str, str, bool]
"""What identifies a partition regardless of its kernel name: identity, bus, disk, whether it was assembled."""


class OrderedPartition(Record, eq=False):
    """A partition, present or gone, and its position."""

    key: _Key
    name: str
    """Kernel name."""
    top: str
    """Kernel name of the partition that contains it, or its own."""
    position: Position
    copy_number: int = 0
    """Number of earlier partitions with the same identity, as on copies of a disk."""
    gone: bool = False


class PartitionOrder:
    """The positions of all partitions found since the menu started. Used by one thread at a time.

    Partitions inside the machine come before external ones. Among those attached alike, partitions of disks come
    first, then assembled devices (arrays, logical volumes, decrypted partitions), each in the order found. A
    partition that is new after the first scan comes after all others, and one that returns gets its old position.
    """

    def __init__(self) -> None:
        self._partitions: dict[tuple[_Key, str], OrderedPartition] = {}
        """By key and kernel name, oldest first."""
        self._numbers = 0
        self._has_scanned = False
        """Whether a scan that found something is complete."""

    def add(
        self, device: Device, parent: Position | None = None, instead: Position | None = None
    ) -> OrderedPartition:
        """Record that a partition is present, and return it with its position.

        parent: the position of the partition that contains it. instead: the position of one that it replaces.
        """
        key = (device.identity, device.place.bus, device.place.disk, device.assembled)
        ordered = self._partitions.get((key, device.name))
        if ordered is None:
            # a disk that went and came back may have another kernel name
            ordered = next((one for one in self._partitions.values() if one.gone and one.key == key), None)
            if ordered is not None:
                del self._partitions[ordered.key, ordered.name]
        if ordered is None:
            top = device
            while top.parent is not None:
                top = top.parent
            ordered = OrderedPartition(key, device.name, top.name, instead or self._next(device, parent))
            if instead is not None:  # the partition that had this position gets a new one when it is found again
                self._partitions = {at: one for at, one in self._partitions.items() if one.position != instead}
        if parent is not None and ordered.position[: len(parent)] != parent:
            ordered.position = self._next(device, parent)
        ordered.name, ordered.gone = device.name, False
        self._partitions[key, device.name] = ordered
        # only copies share an identity on a bus, and a copy that is present keeps its number
        copies = (one for one in self._partitions.values() if one is not ordered and one.key[:2] == key[:2])
        taken = {one.copy_number for one in copies if not one.gone}
        if ordered.copy_number in taken:
            ordered.copy_number = next(number for number in range(len(taken) + 1) if number not in taken)
        return ordered

    def _next(self, device: Device, parent: Position | None) -> Position:
        self._numbers += 1
        if parent is not None:
            return (*parent, self._numbers)
        return (int(self._has_scanned), device.place.rank, int(device.assembled), self._numbers)

    def remove(self, name: str) -> None:
        """Record that a partition is gone, with everything in it."""
        for ordered in self._partitions.values():
            ordered.gone = ordered.gone or name in (ordered.name, ordered.top)
        gone = [key for key, ordered in self._partitions.items() if ordered.gone]
        for key in gone[: max(0, len(gone) - _MAX_GONE)]:
            del self._partitions[key]

    def scan_completed(self, names: Collection[str]) -> None:
        """Record that a scan is complete, and has found these partitions."""
        self._has_scanned = self._has_scanned or bool(names)
        for name in {ordered.top for ordered in self._partitions.values() if not ordered.gone} - set(names):
            self.remove(name)
