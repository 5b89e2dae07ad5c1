# SPDX-License-Identifier: MIT
"""Find the partition that a configuration refers to. The forms of references are in sources/references.py."""

from __future__ import annotations

from collections.abc import Sequence

from bootmenu.discovery.devices import Device
from bootmenu.model.regex import regex
from bootmenu.sources.references import canonical

_GRUB = regex(r"hd(\d{1,3})(?:,(?:gpt|msdos|apple|bsd)?(\d{1,3}))?")


def searched(reference: str) -> str | None:
    """Return the path in `file=/path`, which means the partition that has this file, or None for other forms. An
    image file on that partition may follow, as in `file=/path:/a.iso`."""
    return reference.removeprefix("file=").partition(":/")[0] if reference.startswith("file=/") else None


def names_of(device: Device) -> frozenset[str]:
    """Return every name of a partition, in the canonical forms. Those of a subvolume or an image file begin with each
    name of the partition that holds it."""
    if device.parent is not None:
        return frozenset(f"{name}:{device.inner_path}" for name in names_of(device.parent)) | {device.name}
    return frozenset(map(canonical, device.names)) | {device.name}


def resolve(reference: str, own: Device, devices: Sequence[Device]) -> Device | None:
    """Return the partition that a configuration on `own` refers to, or None if it is missing or must be searched for.

    Copies of a disk have the same names. The configuration's own partition comes first, then its disk, then the disks
    inside the machine, then the order in which the partitions were found.
    """
    if grub := _GRUB.fullmatch(reference):
        return _by_numbers(int(grub[1]), int(grub[2]) if grub[2] else None, own, devices)
    wanted = canonical(reference)
    named = [device for device in devices if wanted in names_of(device)]
    return min(named, key=lambda device: _distance(device, own), default=None)


def _distance(device: Device, own: Device) -> int:
    return -2 if device == own else -1 if device.disk is not None and device.disk == own.disk else device.place.rank


def _by_numbers(disk: int, number: int | None, own: Device, devices: Sequence[Device]) -> Device | None:
    # GRUB counts disks in the order of its firmware, which is not known here. The disk that it is installed on is
    # usually hd0, so the partition's number says more than the disk's.
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
    """Return the names of the disks in order, those inside the machine first, with unpartitioned ones."""
    inside_first = sorted(devices, key=lambda device: device.place.rank)
    return list(dict.fromkeys(device.disk or device.name for device in inside_first))
