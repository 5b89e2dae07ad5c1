# SPDX-License-Identifier: MIT
"""Where the state is stored: in a folder, on a partition that is writable for a moment only, or in an EFI variable.

A power cut at any point leaves either the old state or the new one.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from bootmenu.bootstate import state_file
from bootmenu.bootstate.state import DamagedError, State, decode, encode
from bootmenu.bootstate.state_file import NAME as NAME
from bootmenu.bootstate.writable_partition import below, writable
from bootmenu.discovery.devices import Device
from bootmenu.i18n import N_
from bootmenu.model.codec import from_json, to_json
from bootmenu.model.value import Value, field
from bootmenu.system import durable, efi
from bootmenu.system.durable import Files as Files
from bootmenu.system.host import Host


def write_into(folder: Path, data: bytes, files: Files) -> None:
    """Replace what is stored there; see durable.store. Raises OSError, and StateError rather than write over what a
    newer bootmenu has written."""
    durable.store(str(folder / NAME), data, files, decode)


def read_from(folder: Path, files: Files) -> State:
    """Return the newest of what was stored there that can be read; an empty state when nothing was.

    Raises StateError, OSError.
    """
    data, _ = durable.newest(str(folder / NAME), files, decode)
    return State() if data is None else decode(data)


def _read_last(folder: Path, files: Files) -> State:
    """Return what was stored last. Raises DamagedError with what was before it, StateError, OSError."""
    try:
        data, path = durable.newest(str(folder / NAME), files, decode)
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        # FAT says so where the chain of a file's clusters is broken; what is written anew has clusters of its own
        raise DamagedError(N_("the remembered state is damaged")) from None
    if data is None:
        return State()
    if path.endswith(durable.OLDER):
        raise DamagedError(N_("the remembered state is damaged"), decode(data))
    return decode(data)


class StateBackend(Protocol):
    """One place. Both may raise StateError, OSError."""

    def read(self) -> State: ...
    def write(self, state: State) -> None: ...


class FolderBackend(Value):
    """A folder of the running system."""

    folder: Path
    files: Files = field(default_factory=Files)

    def read(self) -> State:
        """See StateBackend."""
        return _read_last(self.folder, self.files)

    def write(self, state: State) -> None:
        """See StateBackend."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_into(self.folder, encode(state), self.files)


Aside = Callable[[str], contextlib.AbstractContextManager[None]]
"""Lets go of a device, by its name, for as long as it is entered."""


def no_aside(_name: str) -> contextlib.AbstractContextManager[None]:
    return contextlib.nullcontext()


class PartitionBackend(Value):
    """A folder on a partition, which is mounted for the moment of reading or writing. The partition must not be
    mounted read-only meanwhile: `aside` sees to that, by the device's name."""

    host: Host
    device: Device
    folder: str
    files: Files = field(default_factory=Files)
    aside: Aside = no_aside

    def read(self) -> State:
        """See StateBackend."""
        with self._mounted() as root:
            return _read_last(root, self.files)

    def write(self, state: State) -> None:
        """See StateBackend."""
        with self._mounted() as root:
            root.mkdir(parents=True, exist_ok=True)
            write_into(root, encode(state), self.files)

    @contextlib.contextmanager
    def _mounted(self) -> Iterator[Path]:
        with self.aside(self.device.name), writable(self.host, self.device) as root:
            yield below(root, self.folder)


class EfiBackend(Value):
    """A variable of the firmware, which replaces it as a whole or not at all (UEFI, 8.2: SetVariable)."""

    host: Host

    def read(self) -> State:
        """See StateBackend."""
        data = efi.value_of(self.host.read(efi.STATE))
        return State() if data is None else decode(data)

    def write(self, state: State) -> None:
        """See StateBackend. The variable is small: only the newest of what is remembered fits."""
        few = from_json(State, state_file.in_efi(to_json(state)))
        efi.write(self.host.path(efi.STATE), encode(few))
