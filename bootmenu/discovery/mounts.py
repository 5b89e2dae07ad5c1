# SPDX-License-Identifier: MIT
"""Partitions mounted read-only at a private place, and unmounted again whatever happens."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from pathlib import Path
from types import TracebackType

from bootmenu.discovery.devices import Device
from bootmenu.errors import BootmenuError
from bootmenu.sources import references
from bootmenu.system.host import Host
from bootmenu.system.mountinfo import mounts
from bootmenu.system.syscalls import MNT_DETACH, MountFlag
from bootmenu.system.tree import DirectoryTree

FLAGS = MountFlag.RDONLY | MountFlag.NOSUID | MountFlag.NODEV | MountFlag.NOEXEC
"""For every mount."""

_OPTIONS = {
    # Read-only alone still replays a journal, which writes; and xfs refuses two copies of one UUID.
    "ext2": "",
    "ext3": "noload",
    "ext4": "noload",
    "xfs": "norecovery,nouuid",
    "btrfs": "rescue=nologreplay",
    "f2fs": "norecovery",
    "vfat": "utf8",
    "exfat": "",
    "iso9660": "",
    "squashfs": "",
    "ntfs3": "",
}
_TRIED = ("ext4", "vfat", "btrfs", "xfs", "iso9660")
"""In this order, where the file system is not known."""


class MountError(BootmenuError):
    """A partition could not be mounted."""


class Mounts:
    """The trees of one scan. A context manager: at its end everything it mounted is unmounted.

    Mounts live in a mount namespace of this process where that is permitted, so that they are gone with it even
    when it is killed. Must be made before other threads start.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._base: Path | None = None
        self._trees: dict[str, DirectoryTree] = {}
        self._mounted: list[Path] = []
        # here and not at the first mount: that may come from a thread, whose namespace would be its own
        with contextlib.suppress(OSError):
            host.syscalls.own_mounts()

    def __enter__(self) -> Mounts:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def tree(self, device: Device) -> DirectoryTree:
        """The device's files, mounted now unless they are already. Raises MountError."""
        if device.name not in self._trees:
            folder = device.folder or self._already_mounted(device) or str(self._mount(device))
            try:
                self._trees[device.name] = DirectoryTree(
                    folder,
                    device.name,
                    self._host.syscalls,
                    names=frozenset(map(references.canonical, device.names)),
                    one_filesystem=device.folder is None,
                )
            except OSError as error:
                raise MountError(f"{folder}: {os.strerror(error.errno or 0)}") from None
        return self._trees[device.name]

    def known(self) -> dict[str, DirectoryTree]:
        """The trees that are open, by device name."""
        return dict(self._trees)

    def _already_mounted(self, device: Device) -> str | None:
        # only a mount of the whole file system will do
        try:
            number = self._host.path(device.path).stat().st_rdev
        except OSError:
            return None
        name = f"{os.major(number)}:{os.minor(number)}"
        for mount in mounts(self._host):
            if mount.root == "/" and (mount.number == name or mount.source == device.path):
                return mount.point
        return None

    def _mount(self, device: Device) -> Path:
        if self._base is None:
            self._base = self._private_folder()
        point = self._base / device.name.replace("/", "!")
        point.mkdir(mode=0o700, exist_ok=True)
        kinds = (device.filesystem,) if device.filesystem else _TRIED
        failure: OSError | None = None
        for kind in kinds:
            if kind not in _OPTIONS:
                raise MountError(f"the file system {kind} is not one that is read here")
            # an option that this kernel does not know is left out rather than the partition
            for options in dict.fromkeys((_OPTIONS[kind], _fallback(kind))):
                try:
                    self._host.syscalls.mount(device.path, str(point), kind, FLAGS, options)
                except OSError as error:
                    failure = error
                    if error.errno != errno.EINVAL:
                        break
                else:
                    self._mounted.append(point)
                    return point
        with contextlib.suppress(OSError):
            point.rmdir()
        raise MountError(_why(failure, device))

    def _private_folder(self) -> Path:
        parent = "/run" if os.access("/run", os.W_OK) else None
        return Path(tempfile.mkdtemp(prefix="bootmenu-", dir=parent))

    def release(self) -> list[str]:
        """Close every tree and unmount what was mounted here; returns what could not be unmounted at once (it is
        detached all the same)."""
        stuck = []
        for tree in self._trees.values():
            tree.close()
        self._trees.clear()
        for point in reversed(self._mounted):
            try:
                self._host.syscalls.umount(str(point))
            except OSError as error:
                stuck.append(f"{point.name}: {os.strerror(error.errno or 0)}")
                with contextlib.suppress(OSError):
                    self._host.syscalls.umount(str(point), MNT_DETACH)
        self._mounted.clear()
        if self._base is not None:
            # rmdir only: should a mount have survived, nothing below it may be touched
            with contextlib.suppress(OSError):
                for folder in self._base.iterdir():
                    with contextlib.suppress(OSError):
                        folder.rmdir()
            with contextlib.suppress(OSError):
                self._base.rmdir()
            self._base = None
        return stuck


def _fallback(kind: str) -> str:
    return {"xfs": "norecovery", "btrfs": "nologreplay"}.get(kind, "" if kind == "vfat" else _OPTIONS[kind])


def _why(error: OSError | None, device: Device) -> str:
    number = error.errno if error else None
    match number:
        case errno.EPERM | errno.EACCES:
            return "not mounted: this needs root"
        case errno.ENODEV:
            return f"not mounted: this kernel has no driver for {device.filesystem or 'any file system tried'}"
        case errno.EINVAL | errno.EUCLEAN | errno.EBADMSG:
            return f"not readable: damaged, or no {device.filesystem or 'known'} file system"
        case errno.ENXIO | errno.ENOMEDIUM | errno.ENOENT:
            return "not readable: the device is gone"
        case None:
            return "not mounted"
        case _:
            return f"not readable: {os.strerror(number)}"
