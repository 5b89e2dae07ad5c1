# SPDX-License-Identifier: MIT
"""Keep the order of a machine's partitions from scan to scan, so that a number of the menu means the same entry."""

from __future__ import annotations

from collections.abc import Collection

from bootmenu.discovery.devices import Device
from bootmenu.discovery.scan_events import Rank
from bootmenu.model.value import Record

TOP = 4
"""Length of the rank of a partition that is not inside another one."""
_MOST_GONE = 1000
"""Most removed partitions that are remembered; a USB stick may have a new identity each time it is plugged in."""

_Key = tuple[str, str, str, bool]
"""What identifies a partition regardless of its kernel name: identity, bus, disk, whether it was assembled."""


class Seat(Record, eq=False):
    """The position of one partition in the order."""

    key: _Key
    name: str
    """Kernel name."""
    top: str
    """Kernel name of the partition that contains it, or its own."""
    rank: Rank
    copy_number: int = 0
    """Number of earlier partitions with the same identity, as on copies of a disk."""
    gone: bool = False


class Ranks:
    """The seats of all partitions found since the menu started. Used by one thread at a time.

    Partitions inside the machine come before external ones. Among those attached alike, partitions of disks come
    first, then assembled devices (arrays, logical volumes, decrypted partitions), each in the order found. A
    partition that is new after the first scan comes after all others, and one that returns gets its old seat.
    """

    def __init__(self) -> None:
        self._seats: dict[tuple[_Key, str], Seat] = {}
        """Seats by key and kernel name, oldest first."""
        self._numbers = 0
        self._looked = False
        """Whether a scan that found something is complete."""

    def seat(self, device: Device, parent: Rank | None = None, instead: Rank | None = None) -> Seat:
        """Return the seat of a partition that is present.

        parent: the rank of the partition that contains it. instead: the rank of one that it replaces.
        """
        key = (device.identity, device.place.bus, device.place.disk, device.assembled)
        seat = self._seats.get((key, device.name))
        if seat is None:
            # a disk that went and came back may have another kernel name
            seat = next((one for one in self._seats.values() if one.gone and one.key == key), None)
            if seat is not None:
                del self._seats[seat.key, seat.name]
        if seat is None:
            top = device
            while top.parent is not None:
                top = top.parent
            seat = Seat(key, device.name, top.name, instead or self._next(device, parent))
            if instead is not None:  # the partition that had this rank gets a new seat when it is found again
                self._seats = {at: one for at, one in self._seats.items() if one.rank != instead}
        if parent is not None and seat.rank[: len(parent)] != parent:
            seat.rank = self._next(device, parent)
        seat.name, seat.gone = device.name, False
        self._seats[key, device.name] = seat
        # only copies share an identity on a bus, and a copy that is present keeps its number
        copies = (one for one in self._seats.values() if one is not seat and one.key[:2] == key[:2])
        taken = {one.copy_number for one in copies if not one.gone}
        if seat.copy_number in taken:
            seat.copy_number = next(number for number in range(len(taken) + 1) if number not in taken)
        return seat

    def _next(self, device: Device, parent: Rank | None) -> Rank:
        self._numbers += 1
        if parent is not None:
            return (*parent, self._numbers)
        return (int(self._looked), device.place.rank, int(device.assembled), self._numbers)

    def left(self, name: str) -> None:
        """Record that a partition is gone, with everything in it."""
        for seat in self._seats.values():
            seat.gone = seat.gone or name in (seat.name, seat.top)
        gone = [key for key, seat in self._seats.items() if seat.gone]
        for key in gone[: max(0, len(gone) - _MOST_GONE)]:
            del self._seats[key]

    def looked(self, names: Collection[str]) -> None:
        """Record that a scan is complete, and has found these partitions."""
        self._looked = self._looked or bool(names)
        for name in {seat.top for seat in self._seats.values() if not seat.gone} - set(names):
            self.left(name)
