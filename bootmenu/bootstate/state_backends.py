# SPDX-License-Identifier: MIT
"""Store the state in a folder, on a partition that is mounted only for the write, or in an EFI variable.

After a power cut at any point there is either the old state or the new one.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic, sleep

from bootmenu.bootstate import state_json
from bootmenu.bootstate.state import (
    DamagedError,
    OwnDamagedError,
    State,
    StateError,
    decode,
    decode_own,
    encode,
    encode_own,
)
from bootmenu.bootstate.state_json import NAME
from bootmenu.bootstate.writable_partition import below, writable
from bootmenu.discovery.devices import Device
from bootmenu.i18n import N_
from bootmenu.model.codec import from_json, to_json
from bootmenu.model.text import quoted
from bootmenu.model.value import Value, field, replace
from bootmenu.system import durable_file, efi
from bootmenu.system.durable_file import Files as Files
from bootmenu.system.host import Host
from bootmenu.typed import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from bootmenu.model.own_entry import OwnEntry

OWN_NAME = "menu.json"
"""The file of the entries that a person has made."""
_BUSY = 3.0
"""Seconds for which to wait for threads that read the partition."""
_BUSY_STEP = 0.05


def write_into(folder: Path, state: State, files: Files) -> None:
    """Replace the stored state; see durable_file.store. Raise OSError, and StateError if a newer bootmenu wrote
    it."""
    durable_file.store(str(folder / NAME), encode(state), files, decode)
    path, wanted, empty = str(folder / OWN_NAME), encode_own(state.own), encode_own(())
    try:
        stored, _ = durable_file.newest(path, files, decode_own)
    except (ValueError, OSError, StateError) as error:
        if isinstance(error, StateError) and wanted != empty:  # a newer bootmenu's
            raise
        stored = None  # damaged: kept for whoever can repair it, until there is something to store in its place
    if wanted != (stored or empty):
        durable_file.store(path, wanted, files, decode_own)


def _read_own(folder: Path, files: Files) -> tuple[OwnEntry, ...]:
    """Return the entries that a person has made. Raise ValueError, OSError, StateError."""
    data, _ = durable_file.newest(str(folder / OWN_NAME), files, decode_own)
    return () if data is None else decode_own(data)


def _with_own(state: State, folder: Path, files: Files) -> State:
    """Return the state with the entries that a person has made. Raise OwnDamagedError with the rest of it."""
    try:
        return replace(state, own=_read_own(folder, files))
    except (ValueError, OSError, StateError) as error:
        raise OwnDamagedError(f"{OWN_NAME}: {quoted(str(error))}", state) from None


def _damaged(left: State | None, folder: Path, files: Files) -> DamagedError:
    own: tuple[OwnEntry, ...] = ()
    with contextlib.suppress(ValueError, OSError, StateError):
        own = _read_own(folder, files)
    return DamagedError(N_("the remembered state is damaged"), left, own)


def read_from(folder: Path, files: Files) -> State:
    """Return the newest stored state that can be read; an empty one if nothing was stored.

    Raise StateError, OSError.
    """
    data, _ = durable_file.newest(str(folder / NAME), files, decode)
    return _with_own(State() if data is None else decode(data), folder, files)


def _read_last(folder: Path, files: Files) -> State:
    """Return the state that was stored last. Raise DamagedError with the one before it, StateError, OSError."""
    try:
        data, path = durable_file.newest(str(folder / NAME), files, decode)
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        # FAT reports a broken chain of clusters this way; a new file has new clusters
        raise _damaged(None, folder, files) from None
    except DamagedError:
        raise _damaged(None, folder, files) from None
    if data is not None and path.endswith(durable_file.OLDER):
        raise _damaged(decode(data), folder, files)
    return _with_own(State() if data is None else decode(data), folder, files)


class StateBackend(Protocol):
    """A place where the state is stored. Both methods may raise StateError, OSError."""

    def read(self) -> State: ...
    def write(self, state: State) -> None: ...


class FolderBackend(Value):
    """Store the state in a folder of the running system."""

    folder: Path
    files: Files = field(default_factory=Files)

    def read(self) -> State:
        """Read the state."""
        return _read_last(self.folder, self.files)

    def write(self, state: State) -> None:
        """Write the state."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_into(self.folder, state, self.files)


Aside = Callable[[str], contextlib.AbstractContextManager[None]]
"""Context manager that stops using a device, given by name, while it is entered."""


def no_aside(_name: str) -> contextlib.AbstractContextManager[None]:
    """Return a context manager that does nothing."""
    return contextlib.nullcontext()


class PartitionBackend(Value):
    """Store the state in a folder on a partition, which is mounted only to read or write. `aside` makes sure that
    nothing else has it mounted read-only meanwhile."""

    host: Host
    device: Device
    folder: str
    files: Files = field(default_factory=Files)
    aside: Aside = no_aside

    def read(self) -> State:
        """Read the state."""
        with self._mounted() as root:
            return _read_last(root, self.files)

    def write(self, state: State) -> None:
        """Write the state."""
        with self._mounted() as root:
            root.mkdir(parents=True, exist_ok=True)
            write_into(root, state, self.files)

    @contextlib.contextmanager
    def _mounted(self) -> Iterator[Path]:
        with contextlib.ExitStack() as stack:
            yield below(self._mount(stack), self.folder)

    def _mount(self, stack: contextlib.ExitStack) -> Path:
        """Mount the partition until the stack ends. While a thread reads it, it stays read-only: wait for that."""
        deadline = monotonic() + _BUSY
        while True:
            try:
                stack.enter_context(self.aside(self.device.name))
                return stack.enter_context(writable(self.host, self.device))
            except OSError as error:
                stack.close()
                # btrfs says EINVAL: what is mounted has rescue=nologreplay, which is for reading only
                busy = errno.EINVAL if self.device.filesystem == "btrfs" else errno.EBUSY
                if error.errno not in (errno.EBUSY, busy) or monotonic() > deadline:
                    raise
            sleep(_BUSY_STEP)


class EfiBackend(Value):
    """Store the state in an EFI variable, which firmware replaces atomically (UEFI, 8.2: SetVariable)."""

    host: Host

    def read(self) -> State:
        """Read the state."""
        data = efi.value_of(self.host.read(efi.STATE))
        return State() if data is None else decode(data)

    def write(self, state: State) -> None:
        """Write the state. Keep only the newest attempts, as the variable is small."""
        few = from_json(State, state_json.in_efi(to_json(state)))
        efi.write(self.host.path(efi.STATE), encode(few))
