# SPDX-License-Identifier: MIT
"""Mount a device read-only at its own mount point, without writing to it, and unmount it again."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

from bootmenu.discovery.devices import NEEDS_ROOT
from bootmenu.discovery.storage import btrfs
from bootmenu.errors import BootmenuError
from bootmenu.i18n import N_
from bootmenu.system.blocking_processes import holders
from bootmenu.system.syscalls import MNT_DETACH, MountFlag
from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from bootmenu.discovery.devices import Device
    from bootmenu.system.host import Host

FLAGS = MountFlag.RDONLY | MountFlag.NOSUID | MountFlag.NODEV | MountFlag.NOEXEC
"""Flags of every mount."""

_OPTIONS = {
    # "ro" alone still replays the journal, which writes; and xfs refuses a second file system with the same UUID
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
    "erofs": "",
    "ntfs3": "",
}
TRIED = ("ext4", "vfat", "btrfs", "xfs", "iso9660")
"""File systems that are tried, in this order, if the type is not known."""

_POINT_NAME = 100
"""Maximum number of bytes of a device's name that are used for its mount point, as the name may be too long."""


class MountError(BootmenuError):
    """A partition could not be mounted."""


class _ForeignError(MountError):
    """The mounted file system is not, or not only, the one on the partition."""


def no_mount_point(error: OSError) -> MountError:
    """Return the error for a mount point that cannot be created."""
    return MountError(f"not mounted: cannot create a mount point: {os.strerror(error.errno or 0)}")


def mount(host: Host, folder: Path, device: Device, source: str, more: str = "") -> Path:
    """Mount a device below this directory and return the mount point. more: options besides those of the file system.
    Raise MountError."""
    name = os.fsdecode(os.fsencode(device.name.replace("/", "!"))[-_POINT_NAME:])
    try:
        point = folder / name
        point.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise no_mount_point(error) from None
    try:
        try:
            _mount_at(host, point, device, source, more)
        except _ForeignError:
            # unmounting made the kernel forget the foreign disk: try again
            _mount_at(host, point, device, source, more)
    except MountError:
        with contextlib.suppress(OSError):
            point.rmdir()
        raise
    return point


def _mount_at(host: Host, point: Path, device: Device, source: str, more: str) -> None:
    kinds = (device.filesystem,) if device.filesystem else TRIED
    failure: OSError | None = None
    for kind in kinds:
        if kind not in _OPTIONS:
            raise MountError(N_("the file system {kind} is not one that is read here", kind=kind))
        # retry without an option that this kernel does not know
        for options in dict.fromkeys((_OPTIONS[kind], _fallback(kind))):
            options = ",".join(part for part in (options, more) if part)
            try:
                host.syscalls.mount(source, str(point), kind, FLAGS, options)
            except OSError as error:
                failure = error
                if error.errno != errno.EINVAL:
                    break
            else:
                if kind == "btrfs" and (trouble := btrfs.foreign(host, source, device.place)):
                    unmount(host, point)
                    raise _ForeignError(trouble)
                return
    raise MountError(_why(failure, device))


def unmount(host: Host, point: Path) -> str | None:
    """Unmount a mount point, or detach it if that fails; return why it could not be unmounted, or None."""
    try:
        host.syscalls.umount(str(point))
    except OSError as error:
        # before detaching, and only if it is busy: examining a mount of a dead disk would hang
        by = holders(host, str(point)) if error.errno == errno.EBUSY else []
        with contextlib.suppress(OSError):
            host.syscalls.umount(str(point), MNT_DETACH)
        trouble = f"{point.name}: {os.strerror(error.errno or 0)}"
        return trouble + (f", held by {', '.join(by)}" if by else "")
    return None


def _fallback(kind: str) -> str:
    return {"xfs": "norecovery", "btrfs": "nologreplay"}.get(kind, "" if kind == "vfat" else _OPTIONS[kind])


def _why(error: OSError | None, device: Device) -> str:
    number = error.errno if error else None
    match number:
        case errno.EPERM | errno.EACCES:
            return NEEDS_ROOT
        case errno.ENODEV:
            if device.filesystem is None:
                return N_("not mounted: this kernel has no driver for any file system tried")
            return N_("not mounted: this kernel has no driver for {filesystem}", filesystem=device.filesystem)
        case errno.EINVAL | errno.EUCLEAN | errno.EBADMSG:
            if device.filesystem is None:
                return N_("not readable: damaged, or no known file system")
            return N_("not readable: damaged, or no {filesystem} file system", filesystem=device.filesystem)
        case errno.ENXIO | errno.ENOMEDIUM | errno.ENOENT:
            return N_("not readable: the device is gone")
        case None:
            return N_("not mounted")
        case _:
            return f"not readable: {os.strerror(number)}"
