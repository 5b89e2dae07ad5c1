# SPDX-License-Identifier: MIT
"""Find the subvolumes of a btrfs file system that may hold something to boot; each is read like a partition.

No tool is needed. In the top level, every subvolume is a directory, and the root of each has the inode number 256
(include/uapi/linux/btrfs_tree.h: BTRFS_FIRST_FREE_OBJECTID).
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterator

from bootmenu.discovery.attachment import Places
from bootmenu.discovery.devices import Device
from bootmenu.i18n import N_
from bootmenu.model.entry import Problem
from bootmenu.sources.tree import TreeError, names_in
from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from bootmenu.model.place import Place
    from bootmenu.sources.tree import Tree
    from bootmenu.system.host import Host

TOP = "/"
TOP_NUMBER = 5  # include/uapi/linux/btrfs_tree.h: BTRFS_FS_TREE_OBJECTID
TOP_OPTION = f"subvolid={TOP_NUMBER}"
MAX_SUBVOLUMES = 16
"""Maximum number of subvolumes that are read on one file system: hourly snapshots make hundreds, all with the same
kernels."""

_MOUNTED = "/sys/fs/btrfs"
"""Directory where UUID/devices has links to the devices of a mounted file system (fs/btrfs/sysfs.c)."""
_MAX_LOOKED_AT = 1000
_ROOT_INODE = 256
# Where snapper and Timeshift create them, below the top level or below a subvolume; * is any name, newest first
_SNAPSHOTS = (".snapshots/*/snapshot", "@snapshots/*/snapshot", "timeshift-btrfs/snapshots/*/@")
_FOLDERS = ("boot", "loader", "EFI", "extlinux", "grub", "grub2", "syslinux")


def top_level(device: Device) -> Device:
    """Return the device for the top level of the file system, where GRUB's paths start."""
    return Device.nested(device, TOP, filesystem="btrfs", label=device.label)


def foreign(host: Host, path: str, place: Place) -> str:
    """Return why the mounted file system may not be the one on the device, or an empty string if it is.

    The kernel accepts any disk that claims to be part of a file system, and uses the newest. Parts whose place has no
    higher rank than the device's are trusted as much as it is.
    """
    if not host.exists(_MOUNTED):
        return ""  # no sysfs: members and places are unknown
    try:
        number = host.path(path).stat().st_rdev
    except OSError:
        number = 0
    own = f"{os.major(number)}:{os.minor(number)}"
    members = _members(host, own)
    if not members:
        return N_("not read: the kernel takes another disk for it that claims to have its file system")
    places = Places(host)
    others = (places.of("", member) for member in members if member != own)
    worse = next((other for other in others if other.rank > place.rank), None)
    if worse is None:
        return ""
    return N_("not read: its file system is also on another disk, which is external ({disk})", disk=str(worse))


def _members(host: Host, number: str) -> tuple[str, ...]:
    """Return the devices of the mounted file system that a device belongs to, as `MAJOR:MINOR`, or () if there is
    none."""
    for folder in sorted(host.path(_MOUNTED).glob("*/devices")):
        with contextlib.suppress(OSError):  # it was unmounted meanwhile
            names = sorted(link.name for link in folder.iterdir())
            numbers = tuple(host.text(f"{_MOUNTED}/{folder.parent.name}/devices/{name}/dev") or "" for name in names)
            if number in numbers:
                return numbers
    return ()


def subvolumes(device: Device, default: Tree, top: Tree) -> Iterator[Device | Problem]:
    """Yield the subvolumes that may hold something to boot, except the default one; the top level may be one."""
    yield from _found(device, top, _candidates(top), {default.stat("/").identity}, _ROOT_INODE)


def unpacked(device: Device, tree: Tree) -> Iterator[Device | Problem]:
    """Yield the subvolumes in a directory given by --tree, which has ordinary directories in their place: those with
    a system, and snapshots."""
    first = [f"/{name}" for name in _names(tree, TOP)]
    systems = (path for path in first if _is_unpacked(tree, path))
    return _found(device, tree, itertools.chain(systems, _snapshots(tree, first)), set(), None)


def _found(
    device: Device, top: Tree, candidates: Iterator[str], seen: set[tuple[int, int]], inode: int | None
) -> Iterator[Device | Problem]:
    """Yield those candidates that may hold something to boot. inode: the number that their roots have, if known."""
    read = 0
    for looked_at, path in enumerate(candidates):
        if looked_at >= _MAX_LOOKED_AT:
            message = N_("there are too many subvolumes: the first {n:,} are looked at", n=_MAX_LOOKED_AT)
            yield Problem(device=device.name, path=path, message=message)
            return
        with contextlib.suppress(TreeError):
            info = top.stat(path)
            if not info.is_folder or inode not in (None, info.identity[1]) or info.identity in seen:
                continue
            seen.add(info.identity)
            if not _may_boot(top, path):
                continue
            read += 1
            if read > MAX_SUBVOLUMES:
                message = N_("left out with all older ones: of the subvolumes, {n} are read", n=MAX_SUBVOLUMES)
                yield Problem(device=device.name, path=path, message=message)
                return
            yield Device.nested(device, path, filesystem="btrfs", label=device.label)


def is_subvolume(top: Tree, path: str) -> bool:
    """Return whether a path is the root of a subvolume. Raise TreeError."""
    info = top.stat(path)
    return info.is_folder and info.identity[1] == _ROOT_INODE


def begins_in_subvolume(top: Tree, path: str) -> bool:
    """Return whether a path leads through a subvolume in the top level: `/@/boot/vmlinuz`."""
    first, slash, _ = path.strip("/").partition("/")
    return bool(slash) and top.stat(f"/{first}").identity[1] == _ROOT_INODE


def begins_in_unpacked(top: Tree, path: str) -> bool:
    """Return whether a path leads through a directory that stands for a subvolume, see `unpacked`."""
    first, slash, _ = path.strip("/").partition("/")
    return bool(slash) and (first == ".snapshots" or _is_unpacked(top, f"/{first}"))


def _is_unpacked(top: Tree, path: str) -> bool:
    # most distributions name them so; Fedora's are called root and home, which may be ordinary directories
    return path.startswith("/@") or all(_names(top, f"{path}/{name}") for name in ("boot", "etc"))


def _candidates(top: Tree) -> Iterator[str]:
    yield TOP
    first = [f"/{name}" for name in _names(top, TOP)]
    yield from first
    # snapshots come last, so that a limit drops only snapshots
    yield from _snapshots(top, first)


def _snapshots(top: Tree, first: list[str]) -> Iterator[str]:
    for below in ("", *first):
        for pattern in _SNAPSHOTS:
            folder, _, last = pattern.partition("/*/")
            names = _names(top, f"{below}/{folder}")
            for name in sorted(names, key=lambda name: (len(name), name) if name.isdecimal() else (0, name))[::-1]:
                yield f"{below}/{folder}/{name}/{last}"


def _names(tree: Tree, path: str) -> tuple[str, ...]:
    return names_in(tree, path)[:_MAX_LOOKED_AT]


def _may_boot(top: Tree, path: str) -> bool:
    """Return whether there is a kernel, or a boot directory that is not just an empty mount point."""
    below = path.rstrip("/")
    if any(name.startswith(("vmlinu", "Image")) for name in _names(top, path)):
        return True
    return any(set(_names(top, f"{below}/{name}")) - {"efi", "EFI"} for name in _FOLDERS)
