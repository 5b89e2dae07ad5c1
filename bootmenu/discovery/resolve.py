# SPDX-License-Identifier: MIT
"""Which of the partitions that are there a configuration means; pure. sources/references.py has the forms."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bootmenu.discovery.devices import Device
from bootmenu.sources.references import canonical

_GRUB = re.compile(r"hd(\d{1,3})(?:,(?:gpt|msdos|apple|bsd)?(\d{1,3}))?")


def searched(reference: str) -> str | None:
    """The path of `file=/path`, whose partition is only known by looking; None for every other form."""
    return reference.removeprefix("file=") if reference.startswith("file=/") else None


def names_of(device: Device) -> frozenset[str]:
    """Return every name of a partition, in the canonical forms. Those of a subvolume or an image file begin with each
    name of the partition that holds it."""
    if device.within is not None:
        return frozenset(f"{name}:{device.inside}" for name in names_of(device.within)) | {device.name}
    return frozenset(map(canonical, device.names)) | {device.name}


def resolve(reference: str, own: Device, devices: Sequence[Device]) -> Device | None:
    """The partition that a configuration on `own` calls so; None = it is not there, or has to be looked for.

    Copies of a disk have its names, too: the entry's own partition comes first, then its disk, then what is inside
    the machine, then the order in which the partitions were found.
    """
    if grub := _GRUB.fullmatch(reference):
        return _by_numbers(int(grub[1]), int(grub[2]) if grub[2] else None, own, devices)
    wanted = canonical(reference)
    named = [device for device in devices if wanted in names_of(device)]
    return min(named, key=lambda device: _distance(device, own), default=None)


def _distance(device: Device, own: Device) -> int:
    return -2 if device == own else -1 if device.disk is not None and device.disk == own.disk else device.place.rank


def _by_numbers(disk: int, number: int | None, own: Device, devices: Sequence[Device]) -> Device | None:
    # GRUB counts disks in the order of its firmware, which nobody knows here. What it was installed on is hd0 as
    # often as not, so the partition's number says more than the disk's.
    if number is None:
        disks = _disks(devices)
        name = disks[disk] if disk < len(disks) else None
        return next((device for device in devices if device.name == name), None)
    numbered = [device for device in devices if device.number == number]
    beside = [device for device in numbered if device.disk is not None and device.disk == own.disk]
    if beside or len(numbered) == 1:
        return (beside or numbered)[0]
    disks = _disks(devices)
    return next((device for device in numbered if disk < len(disks) and device.disk == disks[disk]), None)


def _disks(devices: Sequence[Device]) -> list[str]:
    """In their order, those inside the machine first; a file system on a whole disk is one."""
    inside_first = sorted(devices, key=lambda device: device.place.rank)
    return list(dict.fromkeys(device.disk or device.name for device in inside_first))
