# SPDX-License-Identifier: MIT
"""Open the partitions that a loader reads besides the one whose entries are listed (sources/neighbours.py)."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack

from bootmenu.discovery.devices import Device
from bootmenu.discovery.mount_points import MountError
from bootmenu.discovery.resolve import resolve, searched
from bootmenu.discovery.storage import loop_images
from bootmenu.model.regex import regex
from bootmenu.model.value import Record, field
from bootmenu.sources.tree import Remembering
from bootmenu.typed import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from bootmenu.discovery.mounts import Mounts
    from bootmenu.sources.tree import Tree

_FOR_FIRMWARE = (None, "vfat", "msdos")
"""lsblk's file system types of partitions from which firmware starts a loader; None: a directory that is read."""
_MBR = regex(r"[0-9a-f]{8}-[0-9a-f]{2}", re.IGNORECASE)


class Surroundings(Protocol):
    """What is known of the other partitions; it changes while partitions are read."""

    @property
    def devices(self) -> Mapping[str, Device]:
        """Return all partitions, by name, in the order of the list."""

    @property
    def opened(self) -> Collection[str]:
        """Return the names of those that have answered."""

    def may_read(self, device: Device) -> bool:
        """Return whether the settings allow to read a partition for the entries of another one."""


class Asked(Record, eq=False):
    """What a reading of a partition has asked about others, to notice when the answers change."""

    meant: dict[str, str | None] = field(default_factory=dict)
    """The name of the partition that was read for each reference, or None."""
    disk: tuple[str, ...] | None = None
    """The names of the other partitions of its disk, or None if it did not look at them."""

    def is_outdated(self, own: Device, surroundings: Surroundings) -> bool:
        """Return whether a reading now would get other answers."""
        if self.disk is not None and self.disk != _names(on_disk_of(own, surroundings.devices)):
            return True
        return any(_named(meaning(each, own, surroundings)) != then for each, then in self.meant.items())


def _names(devices: Iterable[Device]) -> tuple[str, ...]:
    return tuple(device.name for device in devices)


def _named(device: Device | None) -> str | None:
    return device.name if device is not None else None


def on_disk_of(own: Device, devices: Mapping[str, Device]) -> list[Device]:
    """Return the other partitions of a partition's disk, in the order of their numbers."""
    if own.disk is None:
        return []
    others = [device for device in devices.values() if device.disk == own.disk and device.name != own.name]
    return sorted(others, key=lambda device: device.number or 0)


def meaning(reference: str, own: Device, surroundings: Surroundings) -> Device | None:
    """Return the partition that a configuration on `own` means, if it can be read for that now.

    It must be no less trusted: otherwise a stick with the name of a partition that is missing could add entries to an
    internal disk. On other disks it must have answered, so that no disk waits for another that does not.
    """
    if searched(reference) is not None:
        return None
    devices = list(surroundings.devices.values())
    device = resolve(reference, own, devices)
    outer, inside, path = reference.rpartition(":/")
    if device is None and inside and (holder := resolve(outer, own, devices)) is not None:
        device = Device.nested(holder, f"/{path}", filesystem=None)  # an image file that may be there
    if device is None or device.name == own.name:
        return device
    disk = device.parent or device  # for an image file, its partition
    near = disk.name == own.name or (own.disk is not None and disk.disk == own.disk)
    trusted = device.place.rank <= own.place.rank and surroundings.may_read(disk)
    return device if trusted and (near or disk.name in surroundings.opened) else None


def grub_name(device: Device, own: Device, devices: Mapping[str, Device]) -> str:
    """Return GRUB's name of a partition, such as `hd0,gpt2`, as seen by a GRUB on the disk of `own`; empty for what
    is no partition of a disk."""
    if device.disk is None or device.number is None:
        return ""
    disks = [own.disk, *(other.disk for other in devices.values())]
    number = list(dict.fromkeys(disk for disk in disks if disk is not None)).index(device.disk)
    table = "msdos" if device.partuuid and _MBR.fullmatch(device.partuuid) else "gpt"
    return f"hd{number},{table}{device.number}"


class NeighbourTrees:
    """The partitions beside `own` while it is read; implements sources.tree.Neighbours. As a context manager, it
    closes them on exit."""

    def __init__(self, own: Device, mounts: Mounts, surroundings: Surroundings) -> None:
        self.asked = Asked()
        self._own = own
        self._mounts = mounts
        self._surroundings = surroundings
        self._trees: dict[str, Tree | None] = {}
        self.images: list[Device] = []
        """Image files that were opened. They belong to the partition that names them, and are found again whenever it
        is read."""
        self._stack = ExitStack()

    def __enter__(self) -> NeighbourTrees:
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def around(self, tree: Tree) -> Remembering:
        """Return the tree of `own`, from which parsers reach the others."""
        found = self._remembering(tree, self._own)
        self._trees[self._own.name] = found
        return found

    def find(self, reference: str) -> Tree | None:
        """Return the partition of this name, or None; implements Neighbours.find."""
        device = meaning(reference, self._own, self._surroundings)
        self.asked.meant[reference] = _named(device)
        return self._tree(device) if device is not None else None

    def beside(self) -> Iterator[Tree]:
        """Yield the other partitions of the disk; implements Neighbours.beside."""
        yield from self._open(self._others())

    def homes(self) -> Iterator[Tree]:
        """Yield those that firmware can read; implements Neighbours.homes."""
        yield from self._open(device for device in self._others() if device.filesystem in _FOR_FIRMWARE)

    def _others(self) -> list[Device]:
        others = on_disk_of(self._own, self._surroundings.devices)
        self.asked.disk = _names(others)
        return others

    def _open(self, devices: Iterable[Device]) -> Iterator[Tree]:
        for device in devices:
            if self._surroundings.may_read(device) and (tree := self._tree(device)) is not None:
                yield tree

    def _tree(self, device: Device) -> Tree | None:
        if device.name not in self._trees:
            self._trees[device.name] = None
            found = device if device.parent is None or device.filesystem is not None else self._image(device)
            if found is not None and not found.locked:
                with contextlib.suppress(MountError):
                    tree = self._stack.enter_context(self._mounts.reading(found))
                    self._trees[device.name] = self._remembering(tree, found)
                    if found.parent is not None and found.filesystem != "btrfs":
                        self.images.append(found)
        return self._trees[device.name]

    def _image(self, device: Device) -> Device | None:
        """Return an image file as a device that can be mounted, or None."""
        outer = self._tree(device.parent) if device.parent is not None else None
        if outer is None or device.parent is None or len(self.images) >= loop_images.MAX_IMAGES:
            return None
        return loop_images.image_at(device.parent, outer, device.inner_path)

    def _remembering(self, tree: Tree, device: Device) -> Remembering:
        name = grub_name(device, self._own, self._surroundings.devices)
        names = (name,) if name else ()
        return Remembering(tree, also_named=names, gpt_attributes=device.gpt_attributes, neighbours=self)
