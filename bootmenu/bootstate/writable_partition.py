# SPDX-License-Identifier: MIT
"""A partition that is mounted for writing for a moment, below a folder of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from bootmenu.bootstate.state import StateError
from bootmenu.discovery.devices import Device
from bootmenu.discovery.storage import btrfs
from bootmenu.i18n import N_
from bootmenu.system import scratch
from bootmenu.system.host import Host
from bootmenu.system.syscalls import MNT_DETACH, MountFlag


def below(root: Path, path: str) -> Path:
    """Return a path of a partition that is mounted at `root`; nothing leads out of it."""
    return Path(root, *(part for part in path.split("/") if part not in ("", ".", "..")))


@contextlib.contextmanager
def writable(host: Host, device: Device) -> Iterator[Path]:
    """Yield the root of the partition, mounted for writing until the end. Raise StateError, OSError."""
    if device.filesystem is None:
        raise StateError(N_("{device} has no file system that is known", device=device.name))
    place = scratch.make(scratch.FolderUse.STATE)
    point = str(place.path / "root")
    try:
        Path(point).mkdir(mode=0o700)
        # NOSYMFOLLOW: a folder on it is trusted, what a link there points to is not
        flags = MountFlag.NOSUID | MountFlag.NODEV | MountFlag.NOEXEC | MountFlag.NOSYMFOLLOW
        if device.filesystem == "btrfs":  # before anything is written
            _look_at(host, device, point, flags | MountFlag.RDONLY)
        with _mounted(host, device, point, flags):
            yield Path(point)
    finally:
        with contextlib.suppress(OSError):
            Path(point).rmdir()
        place.leave()


def _look_at(host: Host, device: Device, point: str, flags: MountFlag) -> None:
    """Raise StateError where the kernel takes another disk for this one, and OSError."""
    try:
        with _mounted(host, device, point, flags):
            return
    except StateError:
        pass
    # with that umount the kernel has forgotten the other disk, which is not mounted
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
