# SPDX-License-Identifier: MIT
"""`bootmenu mark-good`: report, from the started system, that it came up well.

Usually `run_quickly` does it with few imports, as those of the other subcommands take seconds on a slow board.
Unusual cases are left to `run`, which does the same and explains errors. tests/commands/test_mark_good.py lists the
modules that may be imported here.
"""

from __future__ import annotations

import os
import sys

from bootmenu.bootstate import state_json
from bootmenu.config import plain_toml
from bootmenu.model.text import printable
from bootmenu.system import durable_file

TYPE_CHECKING = False  # typing and argparse cost a third of an interpreter's start each
if TYPE_CHECKING:
    import argparse

HELP = "report, from the started system, that it came up well"
FOLLOWS = "themes"
EXAMPLES = (("bootmenu mark-good", "say from the started system that it works, so that it stays the default"),)

FILE = "/etc/bootmenu.toml"
FOLDER = "/var/lib/bootmenu"
NEEDED = ("state.device", "state.folder", "state.rename-counters")
TABLES = ("state", "kiosk", "sha256")
_NEAR = 0.7
_WORDS = ("state", "statedevice", "device", "folder")
"""Names that matter here: config/unknown_settings.py takes a name that is similar to one of them for a typo."""


class _UnusualError(Exception):
    """The case is unusual, and left to `run`."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add nothing: it takes no options."""


def run(_arguments: argparse.Namespace) -> int:
    """Mark the tried entry as good and print that, with any settings."""
    import contextlib

    from bootmenu.commands import printing, shared_options
    from bootmenu.session.boot_success import mark_good
    from bootmenu.session.machine_session import MachineSession

    host, machine = shared_options.host_and_machine(None)
    settings = shared_options.settings_in_force(host, {})
    with contextlib.closing(MachineSession(host, machine, settings=settings)) as session:
        said = mark_good(session)
        if session.state_store.healed:
            printing.print_note(session.state_store.healed)
        print(printable(said))
    return 0


def run_quickly(root: str = "") -> int | None:
    """Do the same in the usual case and return the exit code; return None if nothing was done and `run` has to do it.

    root: directory that contains /etc, /proc, /sys and /var; empty for /.
    """
    try:
        said = _mark(root)
    except (_UnusualError, LookupError, OSError, ValueError, AttributeError, ImportError, TypeError):
        return None
    if sys.stdout is not None:
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        print(printable(said))
        sys.stdout.flush()
    except OSError as error:  # the reader has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0 if isinstance(error, BrokenPipeError) else 2
    return 0


def _mark(root: str) -> str:
    settings = _settings(root)
    if settings.get("state.rename-counters", False) is not False:
        raise _UnusualError  # the entry has to be found
    device = settings.get("state.device")
    folder = settings.get("state.folder", FOLDER)
    if not isinstance(folder, str) or not folder.startswith("/") or not folder.isprintable():
        raise _UnusualError
    if device is None:
        if not os.path.isdir(root + folder):
            raise _UnusualError
        return _mark_at(_Folder(root + folder))
    if not isinstance(device, str):
        raise _UnusualError
    if device.lower() == "efi":
        return _mark_at(_Variable(root))
    from bootmenu.bootstate import quick_mount

    if ".." in folder:
        raise _UnusualError
    with quick_mount.Mounted(*quick_mount.find(root, device)) as partition:
        return _mark_at(_Folder(partition.top + folder))


def _mark_at(place: _Folder | _Variable) -> str:
    state = place.read()
    if state is None or state["trying"] is None:
        return state_json.NOTHING_TRIED
    from time import time

    tried = state["trying"]
    assert isinstance(tried, dict)
    place.write(state_json.mark_good(state, state_json.timestamp(time())))
    return f"{state_json.praise(tried)}."


def _settings(root: str) -> dict[str, object]:
    """Return the settings that matter here, by name. Raise _UnusualError if the file is not plain, or if the kernel's
    command line may have settings, too."""
    if "bootmenu." in _text(f"{root}/proc/cmdline"):
        raise _UnusualError
    try:
        os.lstat(root + FILE)
    except FileNotFoundError:
        return {}
    tables = plain_toml.loads(_text(root + FILE))
    if not tables:
        raise _UnusualError
    settings: dict[str, object] = {}
    for name, value in tables.items():
        if isinstance(value, dict) != (name in TABLES) or "." in name or _may_mean_needed(name):
            raise _UnusualError
        if name == "state" and isinstance(value, dict):
            settings.update((f"state.{inner}", found) for inner, found in value.items())
    if not set(NEEDED).issuperset(settings):
        raise _UnusualError
    return settings


def _may_mean_needed(name: str) -> bool:
    """Return whether a name may be a typo of one of _WORDS: at least _NEAR by the longest common subsequence, which
    is never shorter than the matching blocks of difflib."""
    letters = [char for char in name.casefold() if char not in "-_. "]
    return name != "state" and any(
        2 * _common(letters, word) >= _NEAR * (len(letters) + len(word)) for word in _WORDS
    )


def _common(one: list[str], other: str) -> int:
    """Return the length of the longest common subsequence."""
    row = [0] * (len(other) + 1)
    for char in one:
        before = row
        row = [0]
        for at, known in enumerate(other):
            row.append(before[at] + 1 if char == known else max(row[at], before[at + 1]))
    return row[-1]


def _text(path: str) -> str:
    """Return the content of a small file. Raise _UnusualError, OSError, ValueError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        data = os.read(descriptor, durable_file.LIMIT)
        if os.read(descriptor, 1):
            raise _UnusualError
    finally:
        os.close(descriptor)
    return data.decode("utf-8")


class _Folder:
    """Keep the state in a folder."""

    def __init__(self, folder: str) -> None:
        self._path = f"{folder.rstrip('/')}/{state_json.NAME}"

    def read(self) -> state_json.Object | None:
        """Return the state, or None if none was stored. Raise _UnusualError, OSError, ValueError."""
        data, name = durable_file.newest(self._path, durable_file.Files(), state_json.loads)
        if name != self._path:
            raise _UnusualError  # a power cut, or damage
        return None if data is None else state_json.loads(data)

    def write(self, state: state_json.Object) -> None:
        """Store the state. Raise _UnusualError, OSError."""
        data = state_json.dumps(state)
        if len(data) > durable_file.LIMIT:
            raise _UnusualError
        durable_file.store(self._path, data, durable_file.Files(), state_json.loads)


class _Variable:
    """Keep the state in an EFI variable."""

    def __init__(self, root: str) -> None:
        """Raise _UnusualError if EFI variables cannot be written."""
        from bootmenu.system import efi

        if efi.access(_text(f"{root}/proc/self/mountinfo")) != "rw":
            raise _UnusualError
        self._efi = efi
        self._path = root + efi.STATE

    def read(self) -> state_json.Object | None:
        """Return the state, or None if none was stored. Raise _UnusualError, OSError, ValueError."""
        data = self._efi.value_of(durable_file.Files().read(self._path))
        return None if data is None else state_json.loads(data)

    def write(self, state: state_json.Object) -> None:
        """Store the state. Raise _UnusualError, OSError."""
        self._efi.write(self._path, state_json.dumps(state_json.in_efi(state)))
