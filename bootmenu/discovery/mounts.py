# SPDX-License-Identifier: MIT
"""Mount partitions read-only in a private directory, and make sure that they are unmounted again."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from threading import Condition, Lock
from types import TracebackType

from bootmenu.discovery.device_opener import DeviceMount, DeviceOpener, remove_folder
from bootmenu.discovery.mount_points import MountError
from bootmenu.discovery.storage import btrfs, iso
from bootmenu.discovery.storage.loops import Loops
from bootmenu.i18n import N_, joined
from bootmenu.model.entry import Problem
from bootmenu.sources.tree import TreeError
from bootmenu.system.directory_tree import DirectoryTree
from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from bootmenu.discovery.devices import Device
    from bootmenu.system.host import Host

_MOUNT_WAIT = 10.0
"""Seconds that a thread waits while another one mounts the same device."""
_RELEASE_WAIT = 2.0
"""Seconds that a new request for a device waits for threads that still read a released mount of it."""


class Mounts:
    """The directory trees of the devices that a scan reads. As a context manager, it unmounts all its mounts on exit.

    Any thread may request any device; a device that does not answer does not block the others. If permitted, mounts
    are made in a private mount namespace, so that they end with this process even if it is killed. Create it before
    other threads start, unless the namespace is `private` already.
    """

    def __init__(self, host: Host, loops: Loops | None = None, *, private: bool = False) -> None:
        self._host = host
        self._loops = loops or Loops(host)
        self._opener = DeviceOpener(host, self._loops, self.tree, self.open_trees)
        self._condition = Condition(Lock())
        """Guards the two below, is notified when a reader ends, and is never held while a disk is accessed."""
        self._mounts: dict[str, DeviceMount] = {}
        """Current mounts, by device name."""
        self._released: dict[str, list[DeviceMount]] = {}
        """Released mounts that are not closed yet, by device name."""
        if not private:
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
        mount = self._mount_of(device)
        if not mount.mounting.acquire(timeout=_MOUNT_WAIT):
            raise MountError(N_("does not answer: it is still being mounted"))
        try:
            if mount.tree is None:
                try:
                    mount.tree = self._opener.open(device, mount)
                except BaseException:
                    self._opener.take_down(mount)
                    raise
                if device.filesystem == "btrfs" and device.parent is None and mount.point is not None:
                    # only now: an existing mount of the top level would be mistaken for one of the default subvolume
                    with contextlib.suppress(MountError):
                        self.tree(btrfs.top_level(device))
            tree = mount.tree
        except MountError:
            if not mount.released:
                raise
        finally:
            self._done_with(mount)
            if mount.released:
                self._close(mount)
        if mount.released:
            raise MountError(N_("it was unmounted meanwhile"))
        return tree

    def _mount_of(self, device: Device, *, holders: int = 0) -> DeviceMount:
        """Return the record of a device's mount, and add to its holders. Raise MountError."""
        with self._condition:
            other = self._mounts.get(device.name)
            # the name now belongs to another disk
            stale = self._withdraw(device.name) if other is not None and other.device != device else []
        self._close_all(stale)
        with self._condition:
            if not self._condition.wait_for(lambda: not self._stuck(device.name), _RELEASE_WAIT):
                raise MountError(N_("does not answer: an earlier attempt still waits for it"))
            mount = self._mounts.setdefault(device.name, DeviceMount(device))
            mount.holders += holders
            mount.unwanted = False
            return mount

    @contextlib.contextmanager
    def holding(self, device: Device) -> Iterator[DirectoryTree]:
        """Mount a device, yield its files, and keep it mounted while the block runs. Raise MountError.

        `release` without arguments, as for a new scan, leaves it mounted; `release(name)` and `release(held=True)`
        unmount it anyway."""
        with contextlib.ExitStack() as stack:
            if (below := _below(device)) is not None:
                stack.enter_context(self.holding(below))
            mount = self._mount_of(device, holders=1)
            stack.callback(self._drop_hold, mount)
            tree = self.tree(device)
            if device.filesystem == "btrfs" and device.parent is None and device.folder is None:
                with contextlib.suppress(MountError):  # without it, paths counted from the top level are not found
                    stack.enter_context(self.holding(btrfs.top_level(device)))
            yield tree

    def _drop_hold(self, mount: DeviceMount) -> None:
        """Remove a holder; if it was the last one, release a mount that is no longer wanted."""
        with self._condition:
            mount.holders -= 1
            over = mount.unwanted and not mount.holders and self._mounts.get(mount.device.name) is mount
            withdrawn = self._withdraw(mount.device.name) if over else []
        self._close_all(withdrawn)

    @contextlib.contextmanager
    def reading(self, device: Device) -> Iterator[DirectoryTree]:
        """Yield the tree of a device, and keep it open while the block runs; mount the device if it is not
        mounted. Raise MountError.

        `release` unmounts it anyway, but its descriptor is closed only after the block, so that the descriptor's
        number is not reused while the tree is read."""
        tree = self.tree(device)
        with self._condition:
            mount = self._mounts.get(device.name)
            if mount is None or mount.tree is not tree:
                raise MountError(N_("it was unmounted meanwhile"))
            mount.readers += 1
        try:
            yield tree
        finally:
            with self._condition:
                mount.readers -= 1
                self._condition.notify_all()
                last = mount.released and not mount.readers
            if last:
                tree.close()
                self._forget(mount)

    def nested(self, device: Device) -> Iterator[Device | Problem]:
        """Yield the subvolumes and image files on the device, which are read like partitions."""
        try:
            with self.reading(device) as tree:
                if device.filesystem == "btrfs" and device.parent is None and device.folder is None:
                    with self.reading(btrfs.top_level(device)) as top:
                        yield from btrfs.subvolumes(device, tree, top)
                elif device.folder is not None and device.parent is None and device.filesystem in ("btrfs", None, ""):
                    yield from btrfs.unpacked(device, tree)
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

    def is_read_only_subvolume(self, tree: DirectoryTree) -> bool | None:
        """Return whether the btrfs subvolume of a tree cannot be written to, or None if this is not known."""
        try:
            descriptor = tree.root_at("/")
        except TreeError:
            return None
        try:
            return self._host.syscalls.is_read_only_subvolume(descriptor)
        except OSError:
            return None
        finally:
            os.close(descriptor)

    def is_default(self, device: Device) -> bool:
        """Return whether the tree of a device is what a mount without options shows. Return False for btrfs that is
        mounted elsewhere, possibly from its top level."""
        with self._condition:
            mount = self._mounts.get(device.name)
            return device.filesystem != "btrfs" or (mount is not None and mount.point is not None)

    def stale(self, device: Device) -> bool:
        """Return whether the tree shows an older state of the device, because replaying its journal would write."""
        with self._condition:
            mount = self._mounts.get(device.name)
            return mount is not None and mount.stale

    def open_trees(self) -> dict[str, DirectoryTree]:
        """Return the open trees by device name."""
        with self._condition:
            return {name: mount.tree for name, mount in self._mounts.items() if mount.tree is not None}

    def _done_with(self, mount: DeviceMount) -> None:
        """Release the `mounting` lock of a mount, and wake the threads that wait for a released one."""
        mount.mounting.release()
        with self._condition:
            self._condition.notify_all()

    def _stuck(self, name: str) -> bool:
        """Return whether a thread still uses a released mount of the device: on a dead disk, another thread would
        only hang, too."""
        return any(mount.readers or mount.mounting.locked() for mount in self._released.get(name, ()))

    def release(self, name: str | None = None, *, held: bool = False) -> list[str]:
        """Close all trees, or those of the named device, and unmount what was mounted here. Return what could not be
        unmounted at once and was detached instead. Does not wait for disks. held: if no device is named, release also
        what is held by `holding`."""
        with self._condition:
            withdrawn = self._withdraw(name, held=held)
        stuck = self._close_all(withdrawn)
        with self._condition:  # a device that is requested from now on gets a new directory
            base = None if self._mounts else self._opener.give_up_folder()
        if base is not None:
            remove_folder(base)
        return stuck

    def _withdraw(self, name: str | None, *, held: bool = False) -> list[tuple[str, DeviceMount, bool]]:
        """Withdraw the mounts that `release` closes, so that `tree` no longer returns them. The caller holds the
        condition.

        Return each with its name, and whether `_close_all` may close it. It then counts as being closed, so that a
        new request for the device waits and does not mount it where it is about to be unmounted."""
        names = []
        for each, mount in self._mounts.items():
            if name is None and mount.holders and not held:
                mount.unwanted = True
            elif name is None or each == name or each.startswith(f"{name}:"):
                names.append(each)
        withdrawn = []
        for each in names:
            mount = self._mounts.pop(each)
            mount.released = True
            self._released.setdefault(each, []).append(mount)
            withdrawn.append((each, mount, mount.mounting.acquire(blocking=False)))
        return withdrawn

    def _close_all(self, withdrawn: list[tuple[str, DeviceMount, bool]]) -> list[str]:
        """Close what was withdrawn, inner devices first; return what could not be unmounted."""
        stuck: list[str] = []
        for name, mount, is_free in reversed(withdrawn):
            if not is_free:
                stuck.append(joined(": ", [name, N_("does not answer")]))
                continue
            try:
                if trouble := self._close(mount):
                    stuck.append(trouble)
            finally:
                self._done_with(mount)
        return stuck

    def _close(self, mount: DeviceMount) -> str | None:
        """Unmount or detach it; return why it could not be unmounted, or None. Its tree is closed now or by its last
        reader."""
        with self._condition:
            unread = not mount.readers
        if mount.tree is not None and unread:
            mount.tree.close()
        if unread:
            self._forget(mount)
        return self._opener.take_down(mount)

    def _forget(self, mount: DeviceMount) -> None:
        """Remove a closed mount from the released ones."""
        with self._condition:
            for name, mounts in list(self._released.items()):
                if mount in mounts:
                    mounts.remove(mount)
                if not mounts:
                    del self._released[name]


def _below(device: Device) -> Device | None:
    """Return the device that must be open before this one, or None."""
    if device.parent is None or device.filesystem != "btrfs":
        return device.parent
    return None if device.inner_path == btrfs.TOP else btrfs.top_level(device.parent)
