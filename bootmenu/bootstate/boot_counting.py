# SPDX-License-Identifier: MIT
"""Boot counting in file names of entries (UAPI.1): each try decrements the tries left and increments those done."""

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
from bootmenu.model.regex import regex
from bootmenu.model.value import Value
from bootmenu.system.host import Host

_COUNTED = regex(r"(?P<name>.+)\+(?P<left>\d{1,6})(?:-(?P<done>\d{1,6}))?(?P<suffix>\.(?:conf|efi))", re.IGNORECASE)


class Counted(Value):
    """A file whose counter was changed by renaming it."""

    host: Host
    device: Device
    folder: str
    old: str
    new: str

    def take_back(self) -> None:
        """Restore the old name, as there was no try. Ignore errors: one try too few does no harm."""
        with contextlib.suppress(StateError, OSError):
            _rename(self.host, self.device, self.folder, self.new, self.old)


def after_a_try(name: str) -> str | None:
    """Return the file name after a try, `debian+2-1.conf` for `debian+3.conf`; None if it has no counter.

    UAPI.1, Boot counting; systemd counts in the same way (src/boot/boot.c:boot_entry_bump_counters).
    """
    counted = _COUNTED.fullmatch(name)
    if counted is None:
        return None
    left, done = max(0, int(counted["left"]) - 1), int(counted["done"] or 0) + 1
    return f"{counted['name']}+{left}-{done}{counted['suffix']}"


def without_counter(name: str) -> str | None:
    """Return the file name without its counter, `debian.conf` for `debian+2-1.conf`; None if it has none."""
    counted = _COUNTED.fullmatch(name)
    return None if counted is None else f"{counted['name']}{counted['suffix']}"


def count_try(host: Host, device: Device, entry: BootEntry, where: str = Bus.INTERNAL) -> Counted | None:
    """Count a try: rename the entry's file on its partition, which is mounted for writing meanwhile.

    Return None if the entry has no counter. where: a bus or a path outside of the machine that may be written to.
    Raise StateError, OSError.
    """
    return _renamed(host, device, entry, after_a_try, where)


def end_counting(host: Host, device: Device, entry: BootEntry, where: str = Bus.INTERNAL) -> Counted | None:
    """Remove the counter from the file of an entry that came up well, as systemd-bless-boot(8) does.

    Return None if the entry has no counter. where: as for `count_try`. Raise StateError, OSError.
    """
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
    if device.parent is not None:
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
    # relative to a descriptor, so that the names cannot lead out of the folder
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(FileNotFoundError):
            os.stat(new, dir_fd=descriptor, follow_symlinks=False)
            raise StateError(N_("{name} already exists", name=new))
        os.rename(old, new, src_dir_fd=descriptor, dst_dir_fd=descriptor)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
