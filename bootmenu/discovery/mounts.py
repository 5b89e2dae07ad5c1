# SPDX-License-Identifier: MIT
"""Mount partitions read-only in a private directory, and make sure that they are unmounted again."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Condition, Lock
from types import TracebackType

from bootmenu.discovery import resolve
from bootmenu.discovery.devices import Device
from bootmenu.discovery.existing_mounts import already_mounted, shows_older_state
from bootmenu.discovery.mount_points import MountError as MountError
from bootmenu.discovery.mount_points import mount, no_place, unmount
from bootmenu.discovery.storage import btrfs, iso
from bootmenu.discovery.storage.loops import Loops
from bootmenu.i18n import N_, joined
from bootmenu.model.entry import Problem
from bootmenu.model.stamp import Stamp
from bootmenu.model.value import Record, field
from bootmenu.sources.tree import TreeError
from bootmenu.system import scratch
from bootmenu.system.directory_tree import DirectoryTree
from bootmenu.system.host import Host

_INODES = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "iso9660", "squashfs", "ntfs3"})
"""File systems with persistent inode numbers; FAT invents them (fs/fat/inode.c: fat_build_inode)."""

_MOUNT_WAIT = 10.0
"""Seconds that a thread waits while another one mounts the same device."""
_RETURN = 2.0
"""Seconds that a new request for a device waits for threads that still read a released mount of it."""


class _Place(Record, eq=False):
    """The mount of one device, existing or being made."""

    device: Device
    mounting: Lock = field(default_factory=Lock)
    """Held by the thread that opens it; for ever, if the disk is dead."""
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


class Mounts:
    """The directory trees of the devices that a scan reads. A context manager: its end unmounts all that it mounted.

    Any thread may request any device; a device that does not answer does not block the others. If permitted, mounts
    are made in a private mount namespace, so that they end with this process even if it is killed. Create it before
    other threads start.
    """

    def __init__(self, host: Host, loops: Loops | None = None) -> None:
        self._host = host
        self._loops = loops or Loops(host)
        self._base: scratch.Scratch | None = None
        self._lock = Condition(
            Lock()
        )  # guards the two below, is notified when a reader ends, and is never held while a disk is accessed
        self._places: dict[str, _Place] = {}
        self._let_go: dict[str, list[_Place]] = {}
        # not at the first mount: another thread may make that, and would get a namespace of its own
        with contextlib.suppress(OSError):
            host.syscalls.own_mounts()

    def __enter__(self) -> Mounts:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release(held=True)

    def tree(self, device: Device) -> DirectoryTree:
        """Return the files of a device; mount it unless it is mounted. Raise MountError, also if another thread is
        still waiting for the device."""
        if (below := _below(device)) is not None:
            self.tree(below)  # first, so that it is released last
        place = self._place(device)
        if not place.mounting.acquire(timeout=_MOUNT_WAIT):
            raise MountError(N_("does not answer: it is still being mounted"))
        try:
            if place.tree is None:
                try:
                    place.tree = self._open(device, place)
                except BaseException:
                    self._take_down(place)
                    raise
                if device.filesystem == "btrfs" and device.parent is None and place.point is not None:
                    # only now: an existing mount of the top level would be mistaken for one of the default subvolume
                    with contextlib.suppress(MountError):
                        self.tree(btrfs.top_level(device))
            tree = place.tree
        except MountError:
            if not place.released:
                raise
        finally:
            self._opened(place)
            if place.released:
                self._close(place)
        if place.released:
            raise MountError(N_("it was unmounted meanwhile"))
        return tree

    def _place(self, device: Device, *, holders: int = 0) -> _Place:
        """Return the record of a device's mount, and add to its holders. Raise MountError."""
        with self._lock:
            other = self._places.get(device.name)
            # the name now belongs to another disk
            stale = self._withdraw(device.name) if other is not None and other.device != device else []
        self._close_all(stale)
        with self._lock:
            if not self._lock.wait_for(lambda: not self._stuck(device.name), _RETURN):
                raise MountError(N_("does not answer: an earlier attempt still waits for it"))
            place = self._places.setdefault(device.name, _Place(device))
            place.holders += holders
            place.unwanted = False
            return place

    @contextlib.contextmanager
    def holding(self, device: Device) -> Iterator[DirectoryTree]:
        """Mount a device, yield its files, and keep it mounted until the end. Raise MountError.

        `release` without arguments, as for a new scan, leaves it mounted; `release(name)` and `release(held=True)`
        unmount it anyway."""
        with contextlib.ExitStack() as stack:
            if (below := _below(device)) is not None:
                stack.enter_context(self.holding(below))
            place = self._place(device, holders=1)
            stack.callback(self._let_hold_go, place)
            tree = self.tree(device)
            if device.filesystem == "btrfs" and device.parent is None and device.folder is None:
                with contextlib.suppress(MountError):  # without it, paths counted from the top level are not found
                    stack.enter_context(self.holding(btrfs.top_level(device)))
            yield tree

    def _let_hold_go(self, place: _Place) -> None:
        with self._lock:
            place.holders -= 1
            over = place.unwanted and not place.holders and self._places.get(place.device.name) is place
            withdrawn = self._withdraw(place.device.name) if over else []
        self._close_all(withdrawn)

    @contextlib.contextmanager
    def reading(self, device: Device) -> Iterator[DirectoryTree]:
        """Keep the tree of a device open until the end, and yield it; mount the device if it is not mounted.

        `release` unmounts it anyway, but its descriptor is closed only at the end, so that its number is not reused
        while it is read. Raise MountError."""
        tree = self.tree(device)
        with self._lock:
            place = self._places.get(device.name)
            if place is None or place.tree is not tree:
                raise MountError(N_("it was unmounted meanwhile"))
            place.readers += 1
        try:
            yield tree
        finally:
            with self._lock:
                place.readers -= 1
                self._lock.notify_all()
                last = place.released and not place.readers
            if last:
                tree.close()
                self._forget(place)

    def nested(self, device: Device) -> Iterator[Device | Problem]:
        """Yield the subvolumes and image files on the device, which are read like partitions."""
        try:
            with self.reading(device) as tree:
                if device.filesystem == "btrfs" and device.parent is None and device.folder is None:
                    with self.reading(btrfs.top_level(device)) as top:
                        yield from btrfs.subvolumes(device, tree, top)
                if device.filesystem != iso.FILESYSTEM:
                    yield from iso.images(device, tree)
        except (MountError, TreeError) as error:
            yield Problem(device=device.name, path="", message=error.message)

    @contextlib.contextmanager
    def below(self, tree: DirectoryTree, path: str) -> Iterator[DirectoryTree]:
        """Open a directory as a tree of its own, which absolute links cannot leave. Raise TreeError."""
        descriptor = tree.root_at(path)
        try:
            inner = DirectoryTree(f"/proc/self/fd/{descriptor}", tree.device, self._host.syscalls)
        finally:
            os.close(descriptor)
        with inner:
            yield inner

    def is_default(self, device: Device) -> bool:
        """Return whether the tree of a device is what a mount without options shows. Return False for btrfs that is
        mounted elsewhere, possibly from its top level."""
        with self._lock:
            place = self._places.get(device.name)
            return device.filesystem != "btrfs" or (place is not None and place.point is not None)

    def stale(self, device: Device) -> bool:
        """Return whether the tree shows an older state of the device, because replaying its journal would write."""
        with self._lock:
            place = self._places.get(device.name)
            return place is not None and place.stale

    def known(self) -> dict[str, DirectoryTree]:
        """Return the open trees by device name."""
        with self._lock:
            return {name: place.tree for name, place in self._places.items() if place.tree is not None}

    def _opened(self, place: _Place) -> None:
        """Let other threads open or close it, and wake those that wait for its release."""
        place.mounting.release()
        with self._lock:
            self._lock.notify_all()

    def _stuck(self, name: str) -> bool:
        """Return whether a thread still uses a released mount of the device: on a dead disk, another thread would
        only hang, too."""
        return any(place.readers or place.mounting.locked() for place in self._let_go.get(name, ()))

    def _open(self, device: Device, place: _Place) -> DirectoryTree:
        if device.locked:
            raise MountError(N_("locked: it is encrypted, and the key u in the menu unlocks it"))
        with contextlib.ExitStack() as until_open:
            if device.parent is None:
                folder = device.folder
                if folder is None and (descriptor := already_mounted(self._host, device)) is not None:
                    until_open.callback(os.close, descriptor)
                    folder = f"/proc/self/fd/{descriptor}"
                if folder is None:
                    place.stale = shows_older_state(self._host, device)
                    place.point = self._mount(device, device.path)
            elif device.filesystem != "btrfs":
                folder = None
                self._mount_image(device, device.parent, place)
            elif device.inner_path == btrfs.TOP:
                folder = None
                place.point = self._mount(device, device.parent.path, btrfs.TOP_OPTION)
            else:
                # through a descriptor, so that the subvolume cannot be replaced in between
                try:
                    descriptor = self.tree(btrfs.top_level(device.parent)).root_at(device.inner_path)
                except TreeError as error:
                    raise MountError(N_("not readable: {reason}", reason=error.detail)) from None
                until_open.callback(os.close, descriptor)
                folder = f"/proc/self/fd/{descriptor}"
            try:
                return DirectoryTree(
                    folder or str(place.point),
                    device.name,
                    self._host.syscalls,
                    names=resolve.names_of(device),
                    one_filesystem=device.folder is None,
                    image=device.inner_path if place.loop else "",
                    inodes=device.filesystem in _INODES,
                    within=place.image,
                    fallback=self._fallback(device),
                )
            except OSError as error:
                raise MountError(f"{folder or place.point}: {os.strerror(error.errno or 0)}") from None

    def _fallback(self, device: Device) -> Callable[[str], DirectoryTree | None] | None:
        """Return the function that finds the tree for a path that is missing in a subvolume, or None: GRUB's paths
        start at the top level."""
        if device.filesystem != "btrfs" or device.inner_path == btrfs.TOP:
            return None
        top = btrfs.top_level(device.parent or device).name

        def fallback(path: str) -> DirectoryTree | None:
            tree = self.known().get(top)
            with contextlib.suppress(TreeError):
                return tree if tree and btrfs.begins_in_subvolume(tree, path) else None
            return None

        return fallback

    def _mount_image(self, device: Device, parent: Device, place: _Place) -> None:
        outer = self.tree(parent)
        try:
            descriptor, _ = outer.descriptor(device.inner_path)
        except TreeError as error:
            raise MountError(N_("not readable: {reason}", reason=error.detail)) from None
        try:
            place.image = outer.stamp(os.fstat(descriptor))
            loop = self._loops.attach(descriptor)
        except OSError as error:
            raise MountError(f"no loop device available: {os.strerror(error.errno or 0)}") from None
        finally:
            os.close(descriptor)
        place.loop = loop
        place.point = self._mount(device, f"/dev/{loop}")

    def _mount(self, device: Device, source: str, more: str = "") -> Path:
        """Mount a device in the private directory. Raise MountError."""
        try:
            folder = self._private_folder()
        except OSError as error:
            raise no_place(error) from None
        return mount(self._host, folder, device, source, more)

    def _private_folder(self) -> Path:
        with self._lock:
            if self._base is None:
                self._base = scratch.make(scratch.FolderUse.MOUNTS)
            return self._base.path

    def release(self, name: str | None = None, *, held: bool = False) -> list[str]:
        """Close all trees, or those of the named device, and unmount what was mounted here. Return what could not be
        unmounted at once and was detached instead. Does not wait for disks. held: if no device is named, release also
        what is held by `holding`."""
        with self._lock:
            withdrawn = self._withdraw(name, held=held)
        stuck = self._close_all(withdrawn)
        with self._lock:
            base, self._base = (self._base, None) if not self._places else (None, self._base)
        if base is not None:  # no longer used: the next mount makes another one
            # rmdir only: if a mount survived, nothing below it may be deleted
            with contextlib.suppress(OSError):
                for folder in base.path.iterdir():
                    with contextlib.suppress(OSError):
                        folder.rmdir()
            base.leave()
        return stuck

    def _withdraw(self, name: str | None, *, held: bool = False) -> list[tuple[str, _Place, bool]]:
        """Choose what `release` closes, and hand it out no more. The caller holds the lock.

        Return each with its name, and whether `_close_all` may close it. It then counts as being closed, so that a
        new request for the device waits and does not mount it where it is about to be unmounted."""
        names = []
        for each, place in self._places.items():
            if name is None and place.holders and not held:
                place.unwanted = True
            elif name is None or each == name or each.startswith(f"{name}:"):
                names.append(each)
        withdrawn = []
        for each in names:
            place = self._places.pop(each)
            place.released = True
            self._let_go.setdefault(each, []).append(place)
            withdrawn.append((each, place, place.mounting.acquire(blocking=False)))
        return withdrawn

    def _close_all(self, withdrawn: list[tuple[str, _Place, bool]]) -> list[str]:
        """Close what was withdrawn, inner devices first; return what could not be unmounted."""
        stuck: list[str] = []
        for name, place, is_free in reversed(withdrawn):
            if not is_free:
                stuck.append(joined(": ", [name, N_("does not answer")]))
                continue
            try:
                if trouble := self._close(place):
                    stuck.append(trouble)
            finally:
                self._opened(place)
        return stuck

    def _close(self, place: _Place) -> str | None:
        """Unmount or detach it; return why it could not be unmounted, or None. Its tree is closed now or by its last
        reader."""
        with self._lock:
            unread = not place.readers
        if place.tree is not None and unread:
            place.tree.close()
        if unread:
            self._forget(place)
        return self._take_down(place)

    def _take_down(self, place: _Place) -> str | None:
        """Unmount or detach a mount without an open tree; return why it could not be unmounted, or None."""
        with self._lock:
            point, place.point = place.point, None
            loop, place.loop = place.loop, ""
        if point is None:
            self._loops.detach(loop)
            return None
        trouble = unmount(self._host, point)
        self._loops.detach(loop)
        with contextlib.suppress(OSError):
            point.rmdir()
        return trouble

    def _forget(self, place: _Place) -> None:
        with self._lock:
            for name, places in list(self._let_go.items()):
                if place in places:
                    places.remove(place)
                if not places:
                    del self._let_go[name]


def _below(device: Device) -> Device | None:
    """Return the device that must be open before this one, or None."""
    if device.parent is None or device.filesystem != "btrfs":
        return device.parent
    return None if device.inner_path == btrfs.TOP else btrfs.top_level(device.parent)
