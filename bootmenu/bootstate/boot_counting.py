# SPDX-License-Identifier: MIT
"""Boot counting in the names of entries' files (UAPI.1): each try moves one from those left to those done."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable
from pathlib import Path

from bootmenu.bootstate.state import StateError
from bootmenu.bootstate.writable_partition import below, writable
from bootmenu.discovery.devices import Device
from bootmenu.i18n import N_
from bootmenu.model.entry import BootEntry
from bootmenu.model.place import Bus, is_at
from bootmenu.model.value import Value
from bootmenu.system.host import Host

_COUNTED = re.compile(
    r"(?P<name>.+)\+(?P<left>\d{1,6})(?:-(?P<done>\d{1,6}))?(?P<suffix>\.(?:conf|efi))", re.IGNORECASE
)


class Counted(Value):
    """A file that was renamed."""

    host: Host
    device: Device
    folder: str
    old: str
    new: str

    def take_back(self) -> None:
        """It was no try. What fails is left: one try too few is no harm."""
        with contextlib.suppress(StateError, OSError):
            _rename(self.host, self.device, self.folder, self.new, self.old)


def after_a_try(name: str) -> str | None:
    """`debian+2-1.conf` for `debian+3.conf`; None = it is not counted.

    UAPI.1, Boot counting; systemd counts in the same way (src/boot/boot.c:boot_entry_bump_counters).
    """
    counted = _COUNTED.fullmatch(name)
    if counted is None:
        return None
    left, done = max(0, int(counted["left"]) - 1), int(counted["done"] or 0) + 1
    return f"{counted['name']}+{left}-{done}{counted['suffix']}"


def without_counter(name: str) -> str | None:
    """`debian.conf` for `debian+2-1.conf`; None = it is not counted."""
    counted = _COUNTED.fullmatch(name)
    return None if counted is None else f"{counted['name']}{counted['suffix']}"


def count_try(host: Host, device: Device, entry: BootEntry, where: str = Bus.INTERNAL) -> Counted | None:
    """Rename the entry's file on its partition, which is mounted for writing meanwhile. None = it is not counted.
    where: a bus or a path outside of the machine that may be written to. Raises StateError, OSError."""
    return _renamed(host, device, entry, after_a_try, where)


def end_counting(host: Host, device: Device, entry: BootEntry, where: str = Bus.INTERNAL) -> Counted | None:
    """The entry came up well: its file loses the counter, as systemd-bless-boot(8) has it. None = it is not counted.
    where: as for `count_try`. Raises StateError, OSError."""
    return _renamed(host, device, entry, without_counter, where)


def _renamed(
    host: Host, device: Device, entry: BootEntry, name: Callable[[str], str | None], where: str
) -> Counted | None:
    if entry.config is None or entry.config.device != device.name or entry.tries_left is None:
        return None
    folder, _, old = entry.config.path.rpartition("/")
    new = name(old)
    if new is None:
        return None
    if device.within is not None:
        raise StateError(N_("{device} lies in another file system", device=device.name))
    if not (device.place.internal or is_at(device.place, where)):
        raise StateError(
            N_(
                "{device} is not inside the machine ({place}): nothing is written there",
                device=device.name,
                place=str(device.place),
            )
        )
    _rename(host, device, folder, old, new)
    return Counted(host, device, folder, old, new)


def _rename(host: Host, device: Device, folder: str, old: str, new: str) -> None:
    if device.folder is not None:
        _rename_in(below(Path(device.folder), folder), old, new)
        return
    with writable(host, device) as root:
        _rename_in(below(root, folder), old, new)


def _rename_in(folder: Path, old: str, new: str) -> None:
    # through a descriptor: the names cannot lead anywhere else
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(FileNotFoundError):
            os.stat(new, dir_fd=descriptor, follow_symlinks=False)
            raise StateError(N_("{name} is there already", name=new))
        os.rename(old, new, src_dir_fd=descriptor, dst_dir_fd=descriptor)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
