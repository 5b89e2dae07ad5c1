# SPDX-License-Identifier: MIT
"""Where a partition is attached to the machine: what a disk cannot say of itself, and so what may be trusted.

Names, labels and UUIDs are written on the disk, and whoever made the disk has chosen them. The bus, and the path to
the device on it, are the kernel's own.
"""

from __future__ import annotations

import re
from enum import StrEnum

from bootmenu.model.value import Value


class Bus(StrEnum):
    """How a disk is attached, as far as that decides who can have put it there."""

    INTERNAL = "internal"
    """Inside the machine: SATA, NVMe, eMMC, virtio, a controller that is soldered on."""
    SD = "sd"
    """A card in a slot."""
    USB = "usb"
    """Whatever the case around it: a USB port tells nothing of what is behind it."""
    EXTERNAL = "external"
    """Thunderbolt, FireWire, a network, or a drive with a medium that can be changed."""
    UNKNOWN = "unknown"
    """The kernel says nothing that is known here; never taken for internal."""

    @property
    def rank(self) -> int:
        """Return which of two goes first where both claim to be one: the smaller number."""
        return _ORDER.index(self)


_ORDER = (Bus.INTERNAL, Bus.SD, Bus.USB, Bus.EXTERNAL, Bus.UNKNOWN)


class Place(Value, kw_only=True):
    """The place of one partition."""

    bus: Bus = Bus.UNKNOWN
    path: str = ""
    """Path to the disk as udev's ID_PATH has it: `pci-0000:00:14.0-usb-0:2:1.0-scsi-0:0:0:0`; empty = unknown."""
    disk: str = ""
    """Digest that tells this disk from another one, by its serial number or its path; empty = unknown."""
    partuuid: str = ""
    """PARTUUID of the partition, in lower case; empty where it has none."""
    late: bool = False
    """The disk was not there yet when the menu started."""

    @property
    def internal(self) -> bool:
        """Return whether the disk is inside the machine, and has been since the menu started."""
        return self.bus is Bus.INTERNAL and not self.late

    @property
    def rank(self) -> int:
        """Return which of two places goes first: the smaller number."""
        return self.bus.rank + (len(_ORDER) if self.late else 0)

    def __str__(self) -> str:
        return f"{self.bus}, {self.path}" if self.path else str(self.bus)


NOWHERE = Place()
"""Nothing is known."""

_RULE = re.compile(r"(?P<name>PARTUUID=[0-9A-Fa-f-]{1,64})\s+on\s+(?P<where>[!-~]{1,255})", re.IGNORECASE)


class PlaceRule(Value):
    """A place that the settings allow: `internal`, or `PARTUUID=... on BUS` or `... on PATH`."""

    partuuid: str = ""
    where: str = Bus.INTERNAL
    """A Bus, or a Place.path."""

    @classmethod
    def parse(cls, text: str) -> PlaceRule:
        """Return the rule that is written so; raise ValueError for what is none."""
        if text.strip().lower() == Bus.INTERNAL:
            return cls()
        match = _RULE.fullmatch(text.strip())
        if match is None or not may_be_at(match["where"]):
            raise ValueError('"internal", or "PARTUUID=... on" and sd, usb, external or a path such as platform-...')
        return cls(match["name"].partition("=")[2].lower(), match["where"])

    def allows(self, place: Place) -> bool:
        """Return whether a partition at this place is meant. One that is named may be plugged in later."""
        if not self.partuuid:
            return place.internal
        return self.partuuid == place.partuuid and is_at(place, self.where)

    def __str__(self) -> str:
        return f"PARTUUID={self.partuuid} on {self.where}" if self.partuuid else self.where


def is_at(place: Place, where: str) -> bool:
    """Return whether a place is on this bus, or at the end of this path."""
    if where.lower() == Bus.INTERNAL:
        return place.internal
    return bool(where) and (where.lower() == place.bus or where == place.path)


def may_be_at(where: str) -> bool:
    """Return whether there can be such a bus or path: a word of letters alone is no path, and may be a slip."""
    return not where.isalpha() or where.lower() in tuple(Bus)


def split(text: str) -> tuple[str, str]:
    """Return the name of a partition and where it has to be: `LABEL=STATE on usb`; inside the machine where the text
    does not say."""
    match = re.fullmatch(r"(.*\S)\s+on\s+(\S+)", text.strip())
    return (match[1], match[2]) if match else (text.strip(), Bus.INTERNAL)


INTERNAL_ONLY = (PlaceRule(),)
