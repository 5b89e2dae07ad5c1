# SPDX-License-Identifier: MIT
"""What is remembered between boots, and where: in a folder, on a partition that is writable for a moment only, in an
EFI variable, or nowhere.

A power cut at any point leaves either the old state or the new one. One that is damaged all the same is replaced by
what can be read.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Protocol

from bootmenu.bootstate import state_file
from bootmenu.bootstate.state_file import KEPT, SCHEMA
from bootmenu.bootstate.state_file import NAME as NAME
from bootmenu.config.settings import Settings
from bootmenu.discovery.devices import Device
from bootmenu.discovery.resolve import names_of
from bootmenu.discovery.scan_events import Listing
from bootmenu.discovery.storage import btrfs
from bootmenu.errors import BootmenuError
from bootmenu.i18n import N_
from bootmenu.model.codec import from_json, to_json
from bootmenu.model.entry import BootEntry, Problem
from bootmenu.model.place import is_at, split
from bootmenu.model.text import quoted
from bootmenu.sources.references import canonical
from bootmenu.system import durable, efi, scratch
from bootmenu.system.durable import Files as Files
from bootmenu.system.host import Host
from bootmenu.system.syscalls import MNT_DETACH, MountFlag

EFI = "efi"
"""As `state.device`: the EFI variable."""
MOST_WRONG_PINS = 1000
"""That are counted. So many are taken for entered where nobody knows how many were: a lost count frees nobody of a
pause."""
_MOST_DISKS = 100
_LONGEST_TITLE = 200  # characters; it comes from a disk


class StateError(BootmenuError):
    """The state could not be read or stored."""


class DamagedError(StateError, ValueError):
    """What was stored is no state.

    left: the state that was stored before it; None = that cannot be read either.
    """

    def __init__(self, message: str, left: State | None = None) -> None:
        super().__init__(message)
        self.left = left


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A boot of one entry."""

    entry: str
    """Its id."""
    at: str
    """ISO 8601, UTC, `2026-11-14T09:30:00Z`; empty when the clock was not set."""
    title: str = ""

    @classmethod
    def now(cls, entry: BootEntry) -> Attempt:
        """Of this entry."""
        return cls(entry=entry.id, at=timestamp(), title=entry.title[:_LONGEST_TITLE])


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Everything that is remembered. A value: every change makes a new one."""

    schema: int = SCHEMA
    last: Attempt | None = None
    """The entry that was started last."""
    trying: Attempt | None = None
    """A jump was made into it, and it has not been marked good since."""
    lost: tuple[Attempt, ...] = ()
    """Entries that never came back since they were marked good, newest first, one each."""
    good: tuple[Attempt, ...] = ()
    """When an entry was last marked good, newest first, one each."""
    tries: tuple[Attempt, ...] = ()
    """Every attempt of an entry since it was last marked good, newest first."""
    default: str | None = None
    """Id of the entry that was made the default."""
    default_disks: tuple[str, ...] = ()
    """Place.disk of the disks that it needed then: an id can be on another one the next time."""
    disks: tuple[str, ...] = ()
    """Place.disk of every disk that was there when it was made the default."""
    once: str | None = None
    """Id of the entry for the next boot only."""
    once_disks: tuple[str, ...] = ()
    """Place.disk of the disks that it needed when it was chosen."""
    wrong_pins: int = 0
    """In a row."""

    def begun(self) -> State:
        """As the menu starts: what was being tried and is not marked good never came back."""
        if self.trying is None:
            return self
        return dataclasses.replace(self, trying=None, lost=_first(self.trying, self.lost))

    def booting(self, attempt: Attempt) -> State:
        """Right before the jump. A choice for one boot is used up."""
        return dataclasses.replace(
            self,
            last=attempt,
            trying=attempt,
            tries=(attempt, *self.tries)[:KEPT],
            once=None,
            once_disks=(),
        )

    def with_default(self, listing: Listing, there: Iterable[str] = ()) -> State:
        """Return the state with this entry as the default. there: Place.disk of every disk."""
        disks = tuple(sorted({*there, *listing.disks}))[:_MOST_DISKS]
        return dataclasses.replace(
            self, default=listing.entry.id, default_disks=tuple(sorted(listing.disks)), disks=disks
        )

    def without_default(self, entry: str) -> State:
        """Return the state in which the entry of this id is not the default. Another one, which may have been made
        the default on another console, stays."""
        if self.default != entry:
            return self
        return dataclasses.replace(self, default=None, default_disks=(), disks=())

    def with_once(self, listing: Listing) -> State:
        """Return the state with this entry for the next boot only."""
        return dataclasses.replace(self, once=listing.entry.id, once_disks=tuple(sorted(listing.disks)))

    def without_once(self, entry: str) -> State:
        """Return the state in which the entry of this id is not the one for the next boot; another one stays."""
        return self if self.once != entry else dataclasses.replace(self, once=None, once_disks=())

    def came_up(self, at: str) -> State:
        """The system that was tried says that it is well. Nothing changes when none was."""
        return from_json(State, state_file.came_up(to_json(self), at))

    def with_lost_count(self) -> State:
        """Return it as it is used where it may be older than what was lost: the wrong PINs that were entered since
        are not known."""
        return dataclasses.replace(self, wrong_pins=MOST_WRONG_PINS)

    def stayed(self) -> State:
        """The jump failed, and the machine is still here: it was no try."""
        if self.trying is None:
            return self
        return dataclasses.replace(self, trying=None, tries=self.tries[1:])

    def tries_left(self, entry: str, allowed: int) -> int | None:
        """Of `allowed` tries in a row without success; None where 0 means that they are not counted."""
        if not allowed:
            return None
        return max(0, allowed - sum(1 for attempt in self.tries if attempt.entry == entry))

    def lost_at(self, entry: str) -> Attempt | None:
        """When it was tried and never came back; None when it did, or was never tried."""
        return next((attempt for attempt in self.lost if attempt.entry == entry), None)

    def good_at(self, entry: str) -> Attempt | None:
        """When it last came up well."""
        return next((attempt for attempt in self.good if attempt.entry == entry), None)


def timestamp() -> str:
    """Now, as Attempt.at has it; a clock that stands before this program was written was never set."""
    return state_file.timestamp(time.time())


def _without(entry: str, attempts: Iterable[Attempt]) -> tuple[Attempt, ...]:
    return tuple(attempt for attempt in attempts if attempt.entry != entry)


def _first(attempt: Attempt, attempts: Iterable[Attempt]) -> tuple[Attempt, ...]:
    return (attempt, *_without(attempt.entry, attempts))[:KEPT]


def encode(state: State) -> bytes:
    """As JSON, newline at the end: a file that was cut off has none. What would be too long to be read again loses
    its oldest attempts. Raises StateError when that is not enough."""
    few = KEPT
    while True:
        kept = {name: getattr(state, name)[:few] for name in ("lost", "good", "tries")}
        data = json.dumps(to_json(dataclasses.replace(state, **kept)), separators=(",", ":")).encode() + b"\n"
        if len(data) <= durable.LIMIT:
            return data
        if not few:
            raise StateError("the names of the entries are too long")
        few //= 2


def decode(data: bytes) -> State:
    """Raises DamagedError for what is no state, StateError for a newer one than is known here."""
    try:
        value = json.loads(data) if data.endswith(b"\n") else None
        if not isinstance(value, dict):
            raise DamagedError("the remembered state is damaged")
        if isinstance(value.get("schema"), int) and value["schema"] > SCHEMA:
            raise StateError(f"the state was written by a newer bootmenu (schema {value['schema']})")
        state = from_json(State, value)
        if state.wrong_pins < 0:  # it would let somebody guess so often without a pause
            raise DamagedError("the remembered state is damaged")
        return state
    except StateError:
        raise
    except (ValueError, RecursionError, BootmenuError) as error:
        raise DamagedError(f"the remembered state is damaged: {quoted(str(error)[:200])}") from None


# ---- where it is kept ---------------------------------------------------------------------------------------


def store_in(folder: Path, data: bytes, files: Files) -> None:
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
        raise DamagedError("the remembered state is damaged") from None
    if data is None:
        return State()
    if path.endswith(durable.OLDER):
        raise DamagedError("the remembered state is damaged", decode(data))
    return decode(data)


class Store(Protocol):
    """One place. Both may raise StateError, OSError."""

    def read(self) -> State: ...
    def write(self, state: State) -> None: ...


@dataclass(frozen=True, slots=True)
class FolderStore:
    """A folder of the running system."""

    folder: Path
    files: Files = field(default_factory=Files)

    def read(self) -> State:
        """See Store."""
        return _read_last(self.folder, self.files)

    def write(self, state: State) -> None:
        """See Store."""
        self.folder.mkdir(parents=True, exist_ok=True)
        store_in(self.folder, encode(state), self.files)


Aside = Callable[[str], contextlib.AbstractContextManager[None]]
"""Lets go of a device, by its name, for as long as it is entered."""


def _no_aside(_name: str) -> contextlib.AbstractContextManager[None]:
    return contextlib.nullcontext()


@dataclass(frozen=True, slots=True)
class DeviceStore:
    """A folder on a partition, which is mounted for the moment of reading or writing. The partition must not be
    mounted read-only meanwhile: `aside` sees to that, by the device's name."""

    host: Host
    device: Device
    folder: str
    files: Files = field(default_factory=Files)
    aside: Aside = _no_aside

    def read(self) -> State:
        """See Store."""
        with self._mounted() as root:
            return _read_last(root, self.files)

    def write(self, state: State) -> None:
        """See Store."""
        with self._mounted() as root:
            root.mkdir(parents=True, exist_ok=True)
            store_in(root, encode(state), self.files)

    @contextlib.contextmanager
    def _mounted(self) -> Iterator[Path]:
        with self.aside(self.device.name), writable(self.host, self.device) as root:
            yield below(root, self.folder)


def below(root: Path, path: str) -> Path:
    """A path of a partition that is mounted at `root`; nothing leads out of it."""
    return Path(root, *(part for part in path.split("/") if part not in ("", ".", "..")))


@contextlib.contextmanager
def writable(host: Host, device: Device) -> Iterator[Path]:
    """Its root, mounted for writing until the end. Raises StateError, OSError."""
    if device.filesystem is None:
        raise StateError(f"{device.name} has no file system that is known")
    place = scratch.make(scratch.Kind.STATE)
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


@dataclass(frozen=True, slots=True)
class EfiStore:
    """A variable of the firmware, which replaces it as a whole or not at all (UEFI, 8.2: SetVariable)."""

    host: Host

    def read(self) -> State:
        """See Store."""
        data = efi.value_of(self.host.read(efi.STATE))
        return State() if data is None else decode(data)

    def write(self, state: State) -> None:
        """See Store. The variable is small: only the newest of what is remembered fits."""
        few = from_json(State, state_file.in_efi(to_json(state)))
        efi.write(self.host.path(efi.STATE), encode(few))


_BEFORE = N_("What was remembered last was damaged. What was remembered before that is used in its place.")
_ANEW = N_("What was remembered was damaged and could not be read. It begins anew.")


class Memory:
    """The state and its place, as the menus of all consoles use them. A place that fails is told in `trouble`, never
    in the way.

    A change counts from the moment that it is made, and whoever listens is told then; that it is stored takes as long
    as the disk does. What is stored is always the newest.
    """

    def __init__(self, store: Store | None, trouble: str = "") -> None:
        self._store = store
        self._changing = Lock()
        """Held while a state is made of another one, never while a disk is asked."""
        self._storing = Lock()
        self._listeners: list[Callable[[], object]] = []
        self.state = State()
        self._stored: State | None = self.state
        """What need not be written; None = whatever it is, has to be."""
        self.trouble = trouble
        """Why nothing is remembered, or what could not be; empty = all is well."""
        self.known = False
        """Whether what was remembered could be read; False = there may have been anything."""
        self.healed = ""
        """What was damaged and is mended now, to be told once; empty = nothing was."""
        if store is not None:
            try:
                self.state = self._stored = store.read()
                self.known = True
            except DamagedError as error:
                self._heal(error.left)
            except (BootmenuError, OSError) as error:
                self.trouble = N_("What was remembered could not be read: {reason}.", reason=_words(error))

    def _heal(self, left: State | None) -> None:
        """Go on with what can be read. As it is stored at once, the next start finds nothing to tell."""
        self.healed = _BEFORE if left is not None else _ANEW
        self._stored = None
        self.keep((left or State()).with_lost_count())

    @property
    def remembers(self) -> bool:
        """Whether there is a place at all."""
        return self._store is not None

    def listen(self, listener: Callable[[], object]) -> Callable[[], None]:
        """Call it after every change, in the thread that made it. Return what ends that, once or more often."""
        self._listeners.append(listener)

        def stop() -> None:
            with contextlib.suppress(ValueError):
                self._listeners.remove(listener)

        return stop

    def keep(self, state: State) -> bool:
        """Use this state from now on, and store it. False = it lasts until power-off only; `trouble` says why."""
        return self.update(lambda _: state)

    def update(self, change: Callable[[State], State]) -> bool:
        """Do the same with what is made of the state."""
        self.change(change)
        return self.store()

    def change(self, change: Callable[[State], State]) -> None:
        """Use what is made of the state from now on. Waits for no disk: `store` keeps it. One console at a time: none
        undoes what another one has changed."""
        with self._changing:
            before, self.state = self.state, change(self.state)
            changed = self.state != before
        for listener in tuple(self._listeners) if changed else ():
            with contextlib.suppress(Exception):  # a console that is going must not keep it from being stored
                listener()

    def store(self) -> bool:
        """Store the state as it is by now. False = it lasts until power-off only; `trouble` says why."""
        if self._store is None:
            return False
        with self._storing:
            state = self.state
            if state == self._stored:
                return True
            self._stored = None  # a write that fails may have got anywhere
            try:
                self._store.write(state)
            except (BootmenuError, OSError) as error:
                self.trouble = N_("This could not be remembered: {reason}.", reason=_words(error))
                return False
            self._stored = state
            return True


def _words(error: BootmenuError | OSError) -> str:
    return error.message if isinstance(error, BootmenuError) else error.strerror or str(error)


def _read_only(host: Host, device: Device) -> bool:
    folders = [f"/sys/class/block/{device.name}"]
    for entry in host.path("/sys/class/block").glob("dm-*"):
        # a device-mapper volume is called by the name that it was given (dm/name), as lsblk does
        if host.text(f"/sys/class/block/{entry.name}/dm/name") in (device.name, f"{device.name}\n"):
            folders.append(f"/sys/class/block/{entry.name}")
    return any(host.flag(f"{folder}/ro") for folder in folders)


def open_memory(
    host: Host, settings: Settings, devices: Iterable[Device | Problem], aside: Aside = _no_aside
) -> Memory:
    """The memory of this machine, as its settings want it. devices: read only where a partition is looked for; raises
    what that does, and nothing else."""
    if "" in (settings.state_device, settings.state_folder):
        return Memory(None, "Nothing is remembered between boots: its place in the settings was not understood.")
    if settings.state_device is None:
        folder = host.path(settings.state_folder)
        if folder.is_dir():
            return Memory(FolderStore(folder))
        return Memory(None, "Nothing is remembered between boots: the settings name no place for it (state.device).")
    if settings.state_device.lower() == EFI:
        trouble = _efi_refusal(host)
        return Memory(None, trouble) if trouble else Memory(EfiStore(host))
    try:
        device = _meant(settings.state_device, devices)
    except StateError as error:
        return Memory(None, N_("Nothing is remembered between boots: {reason}", reason=error.message))
    if device.folder is not None:
        return Memory(FolderStore(Path(device.folder) / settings.state_folder.lstrip("/")))
    if _read_only(host, device):
        return Memory(None, _unwritable(settings.state_device))
    return Memory(DeviceStore(host, device, settings.state_folder, aside=aside))


def refusal(host: Host, settings: Settings, devices: Iterable[object]) -> str:
    """Why the partition that the settings name can keep no state, as far as that is known without mounting it.

    Empty = nothing is known against it. Raises what reading the devices does.
    """
    if not settings.state_device:
        return ""
    if settings.state_device.lower() == EFI:
        return _efi_refusal(host)
    try:
        device = _meant(settings.state_device, devices)
    except StateError as error:
        return N_("Nothing is remembered between boots: {reason}", reason=error.message)
    return "" if device.folder is not None or not _read_only(host, device) else _unwritable(settings.state_device)


_NO_EFI = N_("Nothing is remembered between boots: there are no EFI variables here.")
_NOT_MOUNTED = N_(
    "Nothing is remembered between boots: efivarfs is not mounted at /sys/firmware/efi/efivars, or its module is "
    "missing."
)
_READ_ONLY_EFI = N_(
    "Nothing is remembered between boots: the EFI variables can only be read. This firmware may not let a running "
    "system write them."
)


def _efi_refusal(host: Host) -> str:
    access = efi.access(host.text("/proc/self/mountinfo") or "")
    if access == "rw":
        return ""
    if access == "ro":
        return _READ_ONLY_EFI
    return _NOT_MOUNTED if host.exists(efi.VARIABLES) else _NO_EFI


def _unwritable(name: str) -> str:
    # a volume that needs a tool to be put together is put together read-only, and would be written at the jump only,
    # when it is too late to tell anybody
    return N_(
        "Nothing is remembered between boots: {name} can only be read. On LVM, RAID or LUKS it cannot be written; "
        "name a plain partition, or efi, in state.device.",
        name=name,
    )


def _meant(setting: str, devices: Iterable[object]) -> Device:
    """Return the partition that the settings name.

    Raise StateError when there is none, when it is somewhere else than the settings say, and when two of them claim
    to be it: its name is written on the disk, and anybody may write it.
    """
    name, where = split(setting)
    wanted = canonical(name)
    named = [device for device in devices if isinstance(device, Device) and wanted in names_of(device)]
    here = [device for device in named if is_at(device.place, where)]
    if len(here) > 1:
        raise StateError(f"there are {len(here)} partitions {name}: {', '.join(device.name for device in here)}.")
    if here:
        return here[0]
    if not named:
        raise StateError(f"the partition {setting} is not there.")
    where = named[0].place.path or named[0].place.bus
    raise StateError(
        f"{name} ({named[0].name}) is on {where}, and the settings do not say so. If it is meant, write: "
        f'state.device = "{name} on {where}".'
    )
