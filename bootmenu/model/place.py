# SPDX-License-Identifier: MIT
"""Where a partition is attached to the machine, which a disk cannot forge.

Names, labels and UUIDs are written on the disk, and its maker chose them. The bus, and the path to the device, come
from the kernel.
"""

from __future__ import annotations

import re

from bootmenu.model.closed_set import StrEnum
from bootmenu.model.regex import regex
from bootmenu.model.value import Value


class Bus(StrEnum):
    """How a disk is attached, as far as that shows who can have attached it."""

    INTERNAL = "internal"
    """Inside the machine: SATA, NVMe, eMMC, virtio, a soldered controller."""
    SD = "sd"
    """A card in a slot."""
    USB = "usb"
    """Even inside the case: the kernel cannot tell what is connected to a USB port."""
    EXTERNAL = "external"
    """Thunderbolt, FireWire, a network, or a drive with a removable medium."""
    UNKNOWN = "unknown"
    """Not recognised; never counts as internal."""

    @property
    def rank(self) -> int:
        """Return the rank: of two partitions with one name, the smaller rank wins."""
        return _ORDER.index(self)


_ORDER = (Bus.INTERNAL, Bus.SD, Bus.USB, Bus.EXTERNAL, Bus.UNKNOWN)


class Place(Value, kw_only=True):
    """The place of a partition."""

    bus: Bus = Bus.UNKNOWN
    path: str = ""
    """Path to the disk as udev's ID_PATH has it: `pci-0000:00:14.0-usb-0:2:1.0-scsi-0:0:0:0`; empty if unknown."""
    disk: str = ""
    """Digest of the disk's serial number or path, which identifies it; empty if unknown."""
    partuuid: str = ""
    """PARTUUID of the partition in lower case; empty without one."""
    late: bool = False
    """Whether the disk was attached after the menu started."""

    @property
    def internal(self) -> bool:
        """Return whether the disk is inside the machine and was there when the menu started."""
        return self.bus is Bus.INTERNAL and not self.late

    @property
    def rank(self) -> int:
        """Return the rank of the place; the smaller one wins."""
        return self.bus.rank + (len(_ORDER) if self.late else 0)

    def __str__(self) -> str:
        return f"{self.bus}, {self.path}" if self.path else str(self.bus)


NOWHERE = Place()
"""The place of a partition about which nothing is known."""

_RULE = regex(r"(?P<name>PARTUUID=[0-9A-Fa-f-]{1,64})\s+on\s+(?P<where>[!-~]{1,255})", re.IGNORECASE)


class PlaceRule(Value):
    """A place that the settings allow: `internal`, or `PARTUUID=... on BUS` or `... on PATH`."""

    partuuid: str = ""
    where: str = Bus.INTERNAL
    """A Bus, or a Place.path."""

    @classmethod
    def parse(cls, text: str) -> PlaceRule:
        """Return the rule in a text; raise ValueError if it is not one."""
        if text.strip().lower() == Bus.INTERNAL:
            return cls()
        match = _RULE.fullmatch(text.strip())
        if match is None or not may_be_at(match["where"]):
            raise ValueError('"internal", or "PARTUUID=... on" and sd, usb, external or a path such as platform-...')
        return cls(match["name"].partition("=")[2].lower(), match["where"])

    def allows(self, place: Place) -> bool:
        """Return whether the rule allows a partition at this place. A named one may be plugged in later."""
        if not self.partuuid:
            return place.internal
        return self.partuuid == place.partuuid and is_at(place, self.where)

    def __str__(self) -> str:
        return f"PARTUUID={self.partuuid} on {self.where}" if self.partuuid else self.where


def is_at(place: Place, where: str) -> bool:
    """Return whether a place is on this bus or at this path."""
    if where.lower() == Bus.INTERNAL:
        return place.internal
    return bool(where) and (where.lower() == place.bus or where == place.path)


def may_be_at(where: str) -> bool:
    """Return whether this can be a bus or a path. A word of letters alone cannot be a path; it may be a typing
    error."""
    return not where.isalpha() or where.lower() in tuple(Bus)


def split(text: str) -> tuple[str, str]:
    """Return the name of a partition and its place, from a text like `LABEL=STATE on usb`. A name alone means inside
    the machine."""
    match = re.fullmatch(r"(.*\S)\s+on\s+(\S+)", text.strip())
    return (match[1], match[2]) if match else (text.strip(), Bus.INTERNAL)


INTERNAL_ONLY = (PlaceRule(),)
