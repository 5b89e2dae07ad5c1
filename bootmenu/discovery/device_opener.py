# SPDX-License-Identifier: MIT
"""Open a device as a directory tree: mounted already, mounted here, or inside another device."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Lock

from bootmenu.discovery import resolve
from bootmenu.discovery.devices import Device
from bootmenu.discovery.existing_mounts import already_mounted, shows_older_state
from bootmenu.discovery.mount_points import MountError, mount, no_mount_point, unmount
from bootmenu.discovery.storage import btrfs
from bootmenu.i18n import N_
from bootmenu.model.stamp import Stamp
from bootmenu.model.value import Record, field
from bootmenu.sources.tree import LIST_LIMIT, TreeError
from bootmenu.system import scratch
from bootmenu.system.directory_tree import DirectoryTree
from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from bootmenu.discovery.storage.loops import Loops
    from bootmenu.system.host import Host

_INODES = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "iso9660", "squashfs", "erofs", "ntfs3"})
"""File systems with persistent inode numbers; FAT invents them (fs/fat/inode.c: fat_build_inode)."""


_MOST_PARTS = 64
"""Directories in a path that is looked up in any case."""


def _is_fat(device: Device) -> bool:
    """Return whether a directory given by --tree has the files of FAT; where nobody said so, if it looks like an EFI
    system partition."""
    if device.filesystem is not None or device.folder is None:
        return device.filesystem in ("vfat", "msdos", "exfat")
    with contextlib.suppress(OSError):
        names = {name.lower() for name in os.listdir(device.folder)[:LIST_LIMIT]}  # noqa: PTH208 - it is bounded
        return "efi" in names and not names & {"etc", "usr"}
    return False


def in_any_case(tree: DirectoryTree | None, path: str) -> tuple[DirectoryTree, str] | None:
    """Return the tree and the path of the same name but for the case of letters, which FAT ignores, or None if there
    is none."""
    parts = path.strip("/").split("/")
    if tree is None or ".." in parts or len(parts) > _MOST_PARTS:
        return None
    found = ""
    for part in parts:
        try:
            names = tree.list(found or "/")
        except TreeError:
            return None
        name = part if part in names else next((name for name in names if name.lower() == part.lower()), None)
        if name is None:
            return None
        found += f"/{name}"
    return (tree, found) if found != path else None


def below_subvolume(tree: DirectoryTree | None, path: str) -> tuple[DirectoryTree, str] | None:
    """Return the tree and the path without the subvolume in front: a directory may have the files of one subvolume,
    like the root of a running system, whose configuration names /@/boot/vmlinuz. Return None if it is not meant."""
    first, slash, rest = path.lstrip("/").partition("/")
    if tree is None or not slash or not first.startswith("@"):
        return None
    with contextlib.suppress(TreeError):
        return None if first in tree.list("/") else (tree, f"/{rest}")
    return None


class DeviceMount(Record, eq=False):
    """The mount of one device, existing or being made."""

    device: Device
    mounting: Lock = field(default_factory=Lock)
    """Held by the thread that opens or closes it; for ever if the disk is dead."""
    tree: DirectoryTree | None = None
    point: Path | None = None
    """Mount point that was made here, or None."""
    stale: bool = False
    """Whether it was mounted here without replaying its journal."""
    image: Stamp | None = None
    """Stamp of the mounted image file when it was opened."""
    loop: str = ""
    """Name of the loop device to detach with the mount, or empty."""
    readers: int = 0
    """Number of threads in `reading`."""
    holders: int = 0
    """Number of users in `holding`, who keep it mounted when a scan releases everything."""
    unwanted: bool = False
    """Whether a scan released it while it was held, and it has not been requested since."""
    released: bool = False
    """Whether it is to be closed, by its last reader if there is one."""


class DeviceOpener:
    """Opens devices and takes their mounts down again.

    tree: returns the files of another device, mounting it first. open_trees: returns the open trees by device name.
    """

    def __init__(
        self,
        host: Host,
        loops: Loops,
        tree: Callable[[Device], DirectoryTree],
        open_trees: Callable[[], Mapping[str, DirectoryTree]],
    ) -> None:
        self._host = host
        self._loops = loops
        self._tree = tree
        self._open_trees = open_trees
        self._base: scratch.Scratch | None = None
        self._lock = Lock()
        """Guards `_base`, and what a record names until it is taken down."""

    def open(self, device: Device, mounted: DeviceMount) -> DirectoryTree:
        """Mount a device unless it is mounted already, note in the record what was made, and return its files. Raise
        MountError."""
        if device.locked:
            raise MountError(N_("locked: it is encrypted, and the key u in the menu unlocks it"))
        with contextlib.ExitStack() as until_open:
            if device.parent is None:
                folder = device.folder
                if folder is None and (descriptor := already_mounted(self._host, device)) is not None:
                    until_open.callback(os.close, descriptor)
                    folder = f"/proc/self/fd/{descriptor}"
                if folder is None:
                    mounted.stale = shows_older_state(self._host, device)
                    mounted.point = self._mount(device, device.path)
            elif device.filesystem != "btrfs":
                folder = None
                if (descriptor := self._unpacked(device, device.parent)) is not None:
                    until_open.callback(os.close, descriptor)
                    folder = f"/proc/self/fd/{descriptor}"
                else:
                    self._mount_image(device, device.parent, mounted)
            elif device.inner_path == btrfs.TOP and device.parent.folder is not None:
                folder = device.parent.folder
            elif device.inner_path == btrfs.TOP:
                folder = None
                mounted.point = self._mount(device, device.parent.path, btrfs.TOP_OPTION)
            else:
                # through a descriptor, so that the subvolume cannot be replaced in between
                try:
                    descriptor = self._tree(btrfs.top_level(device.parent)).root_at(device.inner_path)
                except TreeError as error:
                    raise MountError(N_("not readable: {reason}", reason=error.detail)) from None
                until_open.callback(os.close, descriptor)
                folder = f"/proc/self/fd/{descriptor}"
            try:
                return DirectoryTree(
                    folder or str(mounted.point),
                    device.name,
                    self._host.syscalls,
                    names=resolve.names_of(device),
                    one_filesystem=device.folder is None,
                    image=device.inner_path if device.parent and device.filesystem != "btrfs" else "",
                    inodes=device.filesystem in _INODES,
                    within=mounted.image,
                    fallback=self._fallback(device),
                )
            except OSError as error:
                raise MountError(f"{folder or mounted.point}: {os.strerror(error.errno or 0)}") from None

    def _fallback(self, device: Device) -> Callable[[str], tuple[DirectoryTree, str] | None] | None:
        """Return the function that finds the tree and the path for a path that is missing: in a subvolume, as GRUB's
        paths start at the top level, or in a directory given by --tree, see `in_any_case` and `below_subvolume`."""
        if device.folder is not None and _is_fat(device):
            return lambda path: in_any_case(self._open_trees().get(device.name), path)
        if device.folder is not None and device.filesystem in ("btrfs", None):
            return lambda path: below_subvolume(self._open_trees().get(device.name), path)
        if device.filesystem != "btrfs" or device.inner_path == btrfs.TOP:
            return None
        top = btrfs.top_level(device.parent or device).name
        unpacked = device.parent is not None and device.parent.folder is not None
        begins = btrfs.begins_in_unpacked if unpacked else btrfs.begins_in_subvolume

        def fallback(path: str) -> tuple[DirectoryTree, str] | None:
            tree = self._open_trees().get(top)
            with contextlib.suppress(TreeError):
                return (tree, path) if tree and begins(tree, path) else None
            return None

        return fallback

    def _unpacked(self, device: Device, parent: Device) -> int | None:
        """Return a descriptor of a directory that stands for the image file below a --tree, or None."""
        if parent.folder is None:
            return None
        try:
            return self._tree(parent).root_at(device.inner_path)
        except TreeError:
            return None

    def _mount_image(self, device: Device, parent: Device, mounted: DeviceMount) -> None:
        outer = self._tree(parent)
        try:
            descriptor, _ = outer.descriptor(device.inner_path)
        except TreeError as error:
            raise MountError(N_("not readable: {reason}", reason=error.detail)) from None
        try:
            mounted.image = outer.stamp(os.fstat(descriptor))
            loop = self._loops.attach(descriptor)
        except OSError as error:
            raise MountError(f"no loop device available: {os.strerror(error.errno or 0)}") from None
        finally:
            os.close(descriptor)
        mounted.loop = loop
        mounted.point = self._mount(device, f"/dev/{loop}")

    def _mount(self, device: Device, source: str, more: str = "") -> Path:
        """Mount a device in the private directory. Raise MountError."""
        try:
            folder = self._private_folder()
        except OSError as error:
            raise no_mount_point(error) from None
        return mount(self._host, folder, device, source, more)

    def _private_folder(self) -> Path:
        with self._lock:
            if self._base is None:
                self._base = scratch.make(scratch.FolderUse.MOUNTS)
            return self._base.path

    def give_up_folder(self) -> scratch.Scratch | None:
        """Return the private directory, for `remove_folder`, or None; the next mount makes another one."""
        with self._lock:
            base, self._base = self._base, None
            return base

    def take_down(self, mounted: DeviceMount) -> str | None:
        """Unmount or detach a mount without an open tree; return why it could not be unmounted, or None."""
        with self._lock:
            point, mounted.point = mounted.point, None
            loop, mounted.loop = mounted.loop, ""
        if point is None:
            self._loops.detach(loop)
            return None
        trouble = unmount(self._host, point)
        self._loops.detach(loop)
        with contextlib.suppress(OSError):
            point.rmdir()
        return trouble


def remove_folder(base: scratch.Scratch) -> None:
    """Remove a private directory with its empty mount points."""
    # rmdir only: if a mount survived, nothing below it may be deleted
    with contextlib.suppress(OSError):
        for folder in base.path.iterdir():
            with contextlib.suppress(OSError):
                folder.rmdir()
    base.leave()
