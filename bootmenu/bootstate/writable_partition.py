# SPDX-License-Identifier: MIT
"""Mount a partition for writing for a moment, in a private folder."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from bootmenu.bootstate.state import StateError
from bootmenu.discovery.storage import btrfs
from bootmenu.i18n import N_
from bootmenu.system import scratch
from bootmenu.system.syscalls import MNT_DETACH, MountFlag
from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from bootmenu.discovery.devices import Device
    from bootmenu.system.host import Host


def below(root: Path, path: str) -> Path:
    """Return a path of a partition that is mounted at `root`; it cannot lead out of it."""
    return Path(root, *(part for part in path.split("/") if part not in ("", ".", "..")))


@contextlib.contextmanager
def writable(host: Host, device: Device) -> Iterator[Path]:
    """Mount the partition for writing, yield its root, and unmount it. Raise StateError, OSError."""
    if device.filesystem is None:
        raise StateError(N_("{device} has no file system that is known", device=device.name))
    place = scratch.make(scratch.FolderUse.STATE)
    point = str(place.path / "root")
    try:
        Path(point).mkdir(mode=0o700)
        # NOSYMFOLLOW: folders on the partition are trusted, targets of its links are not
        flags = MountFlag.NOSUID | MountFlag.NODEV | MountFlag.NOEXEC | MountFlag.NOSYMFOLLOW
        if device.filesystem == "btrfs":  # check before anything is written
            _check_same_disk(host, device, point, flags | MountFlag.RDONLY)
        with _mounted(host, device, point, flags):
            yield Path(point)
    finally:
        with contextlib.suppress(OSError):
            Path(point).rmdir()
        place.leave()


def _check_same_disk(host: Host, device: Device, point: str, flags: MountFlag) -> None:
    """Raise StateError if the kernel confuses this disk with another one, and OSError."""
    try:
        with _mounted(host, device, point, flags):
            return
    except StateError:
        pass
    # unmounting made the kernel forget the other disk, unless that is mounted
    with _mounted(host, device, point, flags):
        pass


@contextlib.contextmanager
def _mounted(host: Host, device: Device, point: str, flags: MountFlag) -> Iterator[None]:
    calls, kind = host.syscalls, device.filesystem or ""
    calls.mount(device.path, point, kind, flags, "rescue=nologreplay" if flags & MountFlag.RDONLY else "")
    try:
        if kind == "btrfs" and (trouble := btrfs.foreign(host, device.path, device.place)):
            raise StateError(trouble)
        yield
    finally:
        try:
            calls.umount(point)
        except OSError:
            calls.umount(point, MNT_DETACH)
