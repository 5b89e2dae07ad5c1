# SPDX-License-Identifier: MIT
"""Partitions mounted read-only at a private place, and unmounted again whatever happens."""

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
"""File systems whose files have numbers of their own; FAT makes them up (fs/fat/inode.c: fat_build_inode)."""

_PATIENCE = 10.0
"""Seconds for which one thread waits while another one mounts the same device."""
_RETURN = 2.0
"""Seconds for which a thread may still read what has been let go of, when the device is wanted again."""


class _Place(Record, eq=False):
    """Where one device is read, or is going to be."""

    device: Device
    mounting: Lock = field(default_factory=Lock)
    """Held by the thread that opens it; a dead disk holds it for ever."""
    tree: DirectoryTree | None = None
    point: Path | None = None
    """What was mounted here; None = nothing was."""
    stale: bool = False
    """Its journal was not replayed when it was mounted here."""
    image: Stamp | None = None
    """Of the image file that is mounted here, when it was opened."""
    loop: str = ""
    """Name of the loop device that ends with the mount; empty = there is none."""
    readers: int = 0
    holders: int = 0
    """How many want it to stay mounted, whatever a scan lets go of."""
    unwanted: bool = False
    """A scan let go of it while it was held, and nobody has asked for it since."""
    released: bool = False
    """Nobody wants it any more: whoever is the last to come back from it closes it."""


class Mounts:
    """The trees of one scan. A context manager: at its end everything it mounted is unmounted.

    Any thread may ask for any device, and one that does not answer keeps nobody from another. Mounts live in a mount
    namespace of this process where that is permitted, so that they are gone with it even when it is killed. Must be
    made before other threads start.
    """

    def __init__(self, host: Host, loops: Loops | None = None) -> None:
        self._host = host
        self._loops = loops or Loops(host)
        self._base: scratch.Scratch | None = None
        self._lock = Condition(
            Lock()
        )  # of what follows, told when a reader is back; never held while a disk is asked
        self._places: dict[str, _Place] = {}
        self._let_go: dict[str, list[_Place]] = {}
        # here and not at the first mount: that may come from a thread, whose namespace would be its own
        with contextlib.suppress(OSError):
            host.syscalls.own_mounts()

    def __enter__(self) -> Mounts:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release(held=True)

    def tree(self, device: Device) -> DirectoryTree:
        """The device's files, mounted now unless they are already. Raises MountError, also when another thread
        waits for the same device."""
        if (below := _below(device)) is not None:
            self.tree(below)  # first, so that it is let go of last
        place = self._place(device)
        if not place.mounting.acquire(timeout=_PATIENCE):
            raise MountError(N_("does not answer: it is still being mounted"))
        try:
            if place.tree is None:
                try:
                    place.tree = self._open(device, place)
                except BaseException:
                    self._take_down(place)
                    raise
                if device.filesystem == "btrfs" and device.within is None and place.point is not None:
                    # behind it: a mount of the top level would be taken for one of the whole
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
            raise MountError(N_("it was let go of"))
        return tree

    def _place(self, device: Device, *, holders: int = 0) -> _Place:
        """Return where a device is read, and count so many more holders of it. Raise MountError."""
        with self._lock:
            other = self._places.get(device.name)
            # what was held is another disk, which has got its name
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
        """Mount a device and keep it mounted until the end; yield its files. A `release` of everything, as for a new
        scan, leaves it alone; one that names the device, or is for what is held too, does not. Raise MountError."""
        with contextlib.ExitStack() as stack:
            if (below := _below(device)) is not None:
                stack.enter_context(self.holding(below))
            place = self._place(device, holders=1)
            stack.callback(self._let_hold_go, place)
            tree = self.tree(device)
            if device.filesystem == "btrfs" and device.within is None and device.folder is None:
                with contextlib.suppress(MountError):  # then paths that begin above the root are not found
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

        `release` unmounts it all the same, but its descriptor is closed only at the end, so that no other file gets
        its number while it is read. Raise MountError."""
        tree = self.tree(device)
        with self._lock:
            place = self._places.get(device.name)
            if place is None or place.tree is not tree:
                raise MountError(N_("it was let go of"))
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

    def inside(self, device: Device) -> Iterator[Device | Problem]:
        """What lies in the device and is read like a partition of its own: subvolumes and image files."""
        try:
            with self.reading(device) as tree:
                if device.filesystem == "btrfs" and device.within is None and device.folder is None:
                    with self.reading(btrfs.top_level(device)) as top:
                        yield from btrfs.subvolumes(device, tree, top)
                if device.filesystem != iso.FILESYSTEM:
                    yield from iso.images(device, tree)
        except (MountError, TreeError) as error:
            yield Problem(device=device.name, path="", message=error.message)

    @contextlib.contextmanager
    def below(self, tree: DirectoryTree, path: str) -> Iterator[DirectoryTree]:
        """Open a folder as a tree of its own, which absolute links do not leave, until the end. Raise TreeError."""
        descriptor = tree.root_at(path)
        try:
            inner = DirectoryTree(f"/proc/self/fd/{descriptor}", tree.device, self._host.syscalls)
        finally:
            os.close(descriptor)
        with inner:
            yield inner

    def is_default(self, device: Device) -> bool:
        """Return whether what is read of a device is what a mount without options shows: of btrfs that somebody has
        mounted from its top level that is not known."""
        with self._lock:
            place = self._places.get(device.name)
            return device.filesystem != "btrfs" or (place is not None and place.point is not None)

    def stale(self, device: Device) -> bool:
        """Return whether an older state of a device is read: its journal was not replayed, since that writes."""
        with self._lock:
            place = self._places.get(device.name)
            return place is not None and place.stale

    def known(self) -> dict[str, DirectoryTree]:
        """The trees that are open, by device name."""
        with self._lock:
            return {name: place.tree for name, place in self._places.items() if place.tree is not None}

    def _opened(self, place: _Place) -> None:
        """Let others open or close it, and whoever waits until it is nobody's any more."""
        place.mounting.release()
        with self._lock:
            self._lock.notify_all()

    def _stuck(self, name: str) -> bool:
        """Return whether a thread is still in what was let go of: in a dead disk another one would only hang beside
        it."""
        return any(place.readers or place.mounting.locked() for place in self._let_go.get(name, ()))

    def _open(self, device: Device, place: _Place) -> DirectoryTree:
        if device.locked:
            raise MountError(N_("locked: it is encrypted, and the key u in the menu unlocks it"))
        with contextlib.ExitStack() as until_open:
            if device.within is None:
                folder = device.folder
                if folder is None and (descriptor := already_mounted(self._host, device)) is not None:
                    until_open.callback(os.close, descriptor)
                    folder = f"/proc/self/fd/{descriptor}"
                if folder is None:
                    place.stale = shows_older_state(self._host, device)
                    place.point = self._mount(device, device.path)
            elif device.filesystem != "btrfs":
                folder = None
                self._mount_image(device, device.within, place)
            elif device.inside == btrfs.TOP:
                folder = None
                place.point = self._mount(device, device.within.path, btrfs.TOP_OPTION)
            else:
                # through a descriptor: nothing can be put in its place meanwhile
                try:
                    descriptor = self.tree(btrfs.top_level(device.within)).root_at(device.inside)
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
                    image=device.inside if place.loop else "",
                    inodes=device.filesystem in _INODES,
                    within=place.image,
                    beyond=self._beyond(device),
                )
            except OSError as error:
                raise MountError(f"{folder or place.point}: {os.strerror(error.errno or 0)}") from None

    def _beyond(self, device: Device) -> Callable[[str], DirectoryTree | None] | None:
        """Where a path is looked for that a subvolume does not have: GRUB counts it from the top level."""
        if device.filesystem != "btrfs" or device.inside == btrfs.TOP:
            return None
        top = btrfs.top_level(device.within or device).name

        def beyond(path: str) -> DirectoryTree | None:
            tree = self.known().get(top)
            with contextlib.suppress(TreeError):
                return tree if tree and btrfs.begins_in_subvolume(tree, path) else None
            return None

        return beyond

    def _mount_image(self, device: Device, within: Device, place: _Place) -> None:
        outer = self.tree(within)
        try:
            descriptor, _ = outer.descriptor(device.inside)
        except TreeError as error:
            raise MountError(N_("not readable: {reason}", reason=error.detail)) from None
        try:
            place.image = outer.stamp(os.fstat(descriptor))
            loop = self._loops.attach(descriptor)
        except OSError as error:
            raise MountError(f"no loop device can be had: {os.strerror(error.errno or 0)}") from None
        finally:
            os.close(descriptor)
        place.loop = loop
        place.point = self._mount(device, f"/dev/{loop}")

    def _mount(self, device: Device, source: str, more: str = "") -> Path:
        """See mount_points.mount."""
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
        """Close every tree, or that device's, and unmount what was mounted here; returns what could not be unmounted
        at once (it is detached all the same). Waits for no disk. held: also what somebody is `holding`, where no
        device is named."""
        with self._lock:
            withdrawn = self._withdraw(name, held=held)
        stuck = self._close_all(withdrawn)
        with self._lock:
            base, self._base = (self._base, None) if not self._places else (None, self._base)
        if base is not None:  # nobody else has it: whoever mounts from now on gets another one
            # rmdir only: should a mount have survived, nothing below it may be touched
            with contextlib.suppress(OSError):
                for folder in base.path.iterdir():
                    with contextlib.suppress(OSError):
                        folder.rmdir()
            base.leave()
        return stuck

    def _withdraw(self, name: str | None, *, held: bool = False) -> list[tuple[str, _Place, bool]]:
        """Choose what `release` lets go of, so that nobody gets it from now on. For whoever has the lock.

        Return each with its name, and whether `_close_all` may close it: it is being closed from this moment, so that
        whoever wants the device again waits, and does not mount it where it is about to be unmounted."""
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
        """Close what was withdrawn, what lies in it first; return what is stuck."""
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
        """Unmount or detach; why it could not be unmounted. The tree is closed now, or by its last reader."""
        with self._lock:
            unread = not place.readers
        if place.tree is not None and unread:
            place.tree.close()
        if unread:
            self._forget(place)
        return self._take_down(place)

    def _take_down(self, place: _Place) -> str | None:
        """Unmount or detach what has no tree any more, or none yet."""
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
    """What has to be open before it."""
    if device.within is None or device.filesystem != "btrfs":
        return device.within
    return None if device.inside == btrfs.TOP else btrfs.top_level(device.within)
