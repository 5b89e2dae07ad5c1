# SPDX-License-Identifier: MIT
"""Find existing mounts of a device, and find out whether a read-only mount would show its current state."""

from __future__ import annotations

import contextlib
import os

from bootmenu.discovery.mount_points import TRIED
from bootmenu.discovery.storage import btrfs
from bootmenu.errors import FormatError
from bootmenu.formats.journal import JOURNALED, unreplayed
from bootmenu.system.directory_tree import OpenFile
from bootmenu.system.mountinfo import mount_of, mounts
from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from bootmenu.discovery.devices import Device
    from bootmenu.system.host import Host
    from bootmenu.system.mountinfo import Mount


def already_mounted(host: Host, device: Device) -> int | None:
    """Return a descriptor of the root of its file system if that is mounted and not hidden by another mount, or None.
    The caller closes it."""
    try:
        number = host.path(device.path).stat().st_rdev
    except OSError:
        return None
    for mount in mounts(host):
        if _is_whole(host, mount, device, number):
            with contextlib.suppress(OSError):
                descriptor = os.open(mount.point, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
                # check what was really opened: another mount may hide this one
                found = False
                try:
                    at = (mount_of(descriptor), mount.point)
                    again = (each for each in mounts(host) if (each.id, each.point) == at)
                    found = any(_is_whole(host, each, device, number) for each in again) and not (
                        mount.filesystem == "btrfs" and btrfs.foreign(host, device.path, device.place)
                    )
                finally:
                    if not found:
                        os.close(descriptor)
                if found:
                    return descriptor
    return None


def shows_older_state(host: Host, device: Device) -> bool:
    """Return whether a mount that writes nothing would show an older state of a device."""
    kinds = [kind for kind in (TRIED if device.filesystem is None else (device.filesystem,)) if kind in JOURNALED]
    if not kinds:
        return False
    path = host.path(device.path)
    with contextlib.suppress(OSError, FormatError):
        number = path.stat().st_rdev
        if any(_is_of(host, mount, device, number) for mount in mounts(host)):
            return False  # already mounted: a second mount shares its current state
        with path.open("rb", buffering=0) as file:
            source = OpenFile(file.fileno(), os.lseek(file.fileno(), 0, os.SEEK_END))
            return any(unreplayed(kind, source) for kind in kinds)
    return False


def _is_whole(host: Host, mount: Mount, device: Device, number: int) -> bool:
    """Return whether a mount shows the whole file system of a device. number: the device's st_rdev."""
    return mount.root == "/" and _is_of(host, mount, device, number)


def _is_of(host: Host, mount: Mount, device: Device, number: int) -> bool:
    """Return whether a mount shows the file system of a device, or a part of it. number: the device's st_rdev."""
    if mount.number == f"{os.major(number)}:{os.minor(number)}":
        return True
    # only btrfs has an anonymous device number (fs/btrfs/disk-io.c: get_anon_bdev); the source of other mounts is
    # free text, and not trusted
    if mount.filesystem != "btrfs" or device.filesystem not in ("btrfs", None):
        return False
    with contextlib.suppress(OSError):
        return host.path(mount.source).stat().st_rdev == number
    return False
