# SPDX-License-Identifier: MIT
"""The order of the partitions of one machine, kept from look to look: a number of the menu means the same entry."""

from __future__ import annotations

from collections.abc import Collection

from bootmenu.discovery.devices import Device
from bootmenu.discovery.scan_events import Rank
from bootmenu.model.value import Record

TOP = 4
"""Length of the rank of a partition that is in no other one."""
_MOST_GONE = 1000
"""Partitions that are remembered after they have gone; a stick may be another one each time that it comes."""

_Key = tuple[str, str, str, bool]
"""What tells a partition from others whatever its kernel name: identity, bus, disk, whether it was assembled."""


class Seat(Record, eq=False):
    """The place of one partition in the order."""

    key: _Key
    name: str
    """Kernel name."""
    top: str
    """Kernel name of the partition that it lies in, or its own."""
    rank: Rank
    copy_number: int = 0
    """How many others with the same identity there are before it: copies of a disk."""
    gone: bool = False


class Ranks:
    """Seats of everything that was met since the menu started. Used by one thread at a time.

    Partitions are listed by how far outside of the machine they are. At one kind of place those of disks come first,
    then what was assembled of them (arrays, logical volumes, decrypted partitions), each as they were found. What is
    new after the first look comes after all that was there, and what comes back has its seat again.
    """

    def __init__(self) -> None:
        self._seats: dict[tuple[_Key, str], Seat] = {}
        """By key and kernel name, the longest known first."""
        self._numbers = 0
        self._looked = False
        """A look that found something has come to its end."""

    def seat(self, device: Device, within: Rank | None = None, instead: Rank | None = None) -> Seat:
        """Return the seat of a partition that is there.

        within: the rank of the partition that it lies in. instead: the rank of one that it takes the place of.
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
            while top.within is not None:
                top = top.within
            seat = Seat(key, device.name, top.name, instead or self._next(device, within))
            if instead is not None:  # whoever had it has to look for another one
                self._seats = {at: one for at, one in self._seats.items() if one.rank != instead}
        if within is not None and seat.rank[: len(within)] != within:
            seat.rank = self._next(device, within)
        seat.name, seat.gone = device.name, False
        self._seats[key, device.name] = seat
        # only copies have one identity on one bus, and a copy that is there keeps its number
        copies = (one for one in self._seats.values() if one is not seat and one.key[:2] == key[:2])
        taken = {one.copy_number for one in copies if not one.gone}
        if seat.copy_number in taken:
            seat.copy_number = next(number for number in range(len(taken) + 1) if number not in taken)
        return seat

    def _next(self, device: Device, within: Rank | None) -> Rank:
        self._numbers += 1
        if within is not None:
            return (*within, self._numbers)
        return (int(self._looked), device.place.rank, int(device.assembled), self._numbers)

    def left(self, name: str) -> None:
        """Take note that a partition is gone, with what lies in it."""
        for seat in self._seats.values():
            seat.gone = seat.gone or name in (seat.name, seat.top)
        gone = [key for key, seat in self._seats.items() if seat.gone]
        for key in gone[: max(0, len(gone) - _MOST_GONE)]:
            del self._seats[key]

    def looked(self, names: Collection[str]) -> None:
        """Take note that a look has come to its end, and has found these."""
        self._looked = self._looked or bool(names)
        for name in {seat.top for seat in self._seats.values() if not seat.gone} - set(names):
            self.left(name)
