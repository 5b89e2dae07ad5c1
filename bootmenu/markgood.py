# SPDX-License-Identifier: MIT
"""`bootmenu mark-good` where all is as it should be, which is nearly always: importing what the other commands need
takes a slow board seconds. Whatever is out of the ordinary is left to cli.py, which does the same, and explains.

tests/test_mark_good.py names the modules that this may import.
"""

from __future__ import annotations

import os
import sys

from bootmenu import plaintoml, statefile
from bootmenu.model.text import printable
from bootmenu.system import durable

FILE = "/etc/bootmenu.toml"
FOLDER = "/var/lib/bootmenu"
KNOWN = frozenset(
    (
        "profile theme language menu timeout default console scan-seconds watchdog skip-hooks carry-over sha256"
        " verify state.device state.folder state.rename-counters shell kiosk.entries kiosk.disks kiosk.recovery"
        " kiosk.locked kiosk.names kiosk.actions kiosk.pin kiosk.command-line kiosk.contact kiosk.idle kiosk.buttons"
    ).split()
)
"""Every setting: another name may be meant for one of those that are needed here."""


class _UnusualError(Exception):
    """This is for cli.py to do, or to explain."""


def run(root: str = "") -> int | None:
    """Mark the entry that was tried as good, and say so; return the exit code. None = nothing was done.

    root: where the machine's /etc, /proc, /sys and /var begin; empty = at /.
    """
    try:
        said = _mark(root)
    except (_UnusualError, OSError, ValueError):
        return None
    if sys.stdout is not None:
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        print(printable(said))
        sys.stdout.flush()
    except OSError as error:  # whoever read it has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0 if isinstance(error, BrokenPipeError) else 2
    return 0


def _mark(root: str) -> str:
    settings = _settings(root)
    if settings.get("state.rename-counters", False) is not False:
        raise _UnusualError  # the entry has to be found
    place = _Place(root, settings)
    state = place.read()
    if state is None or state["trying"] is None:
        return statefile.NOTHING_TRIED
    from time import time

    tried = state["trying"]
    assert isinstance(tried, dict)
    place.write(statefile.came_up(state, statefile.timestamp(time())))
    return f"{statefile.praise(tried)}."


def _settings(root: str) -> dict[str, object]:
    """Return the settings of the file by name. Raises _UnusualError where it is not as plain as it can be, and where
    the kernel's command line may say something, too."""
    if "bootmenu" in _text(f"{root}/proc/cmdline"):
        raise _UnusualError
    try:
        os.lstat(root + FILE)
    except FileNotFoundError:
        return {}
    tables = plaintoml.loads(_text(root + FILE))
    if not tables:
        raise _UnusualError
    settings: dict[str, object] = {}
    for name, value in tables.items():
        if name in ("state", "kiosk") and isinstance(value, dict):
            settings.update((f"{name}.{inner}", found) for inner, found in value.items())
        elif "." in name:
            raise _UnusualError
        else:
            settings[name] = value
    if not KNOWN.issuperset(settings):
        raise _UnusualError
    return settings


def _text(path: str) -> str:
    """Return the whole of a small file. Raises _UnusualError, OSError, ValueError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        data = os.read(descriptor, durable.LIMIT)
        if os.read(descriptor, 1):
            raise _UnusualError
    finally:
        os.close(descriptor)
    return data.decode("utf-8")


class _Place:
    """Where the settings say that the state is."""

    def __init__(self, root: str, settings: dict[str, object]) -> None:
        """Raises _UnusualError where it has to be looked for."""
        device, folder = settings.get("state.device"), settings.get("state.folder", FOLDER)
        if device is not None and (not isinstance(device, str) or device.lower() != "efi"):
            raise _UnusualError
        if not isinstance(folder, str) or not folder.startswith("/") or not folder.isprintable():
            raise _UnusualError
        self._variable = ""
        self._path = f"{root}{folder}/{statefile.NAME}"
        if device is None and not os.path.isdir(root + folder):  # noqa: PTH112 - pathlib is too dear
            raise _UnusualError
        if device is not None:
            from bootmenu.system import efi

            if efi.access(_text(f"{root}/proc/self/mountinfo")) != "rw":
                raise _UnusualError
            self._variable = root + efi.STATE

    def read(self) -> statefile.Object | None:
        """Return the state; None = nothing was ever kept. Raises _UnusualError, OSError, ValueError."""
        files = durable.Files()
        if self._variable:
            from bootmenu.system import efi

            data = efi.value_of(files.read(self._variable))
        else:
            data, name = durable.newest(self._path, files, statefile.loads)
            if name != self._path:
                raise _UnusualError  # a power cut, or damage
        return None if data is None else statefile.loads(data)

    def write(self, state: statefile.Object) -> None:
        """Keep the state. Raises _UnusualError, OSError."""
        data = statefile.dumps(statefile.in_efi(state) if self._variable else state)
        if len(data) > durable.LIMIT:
            raise _UnusualError
        if self._variable:
            from bootmenu.system import efi

            efi.write(self._variable, data)
        else:
            durable.store(self._path, data, durable.Files(), statefile.loads)
