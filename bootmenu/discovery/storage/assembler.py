# SPDX-License-Identifier: MIT
"""Run the tools that assemble storage, in front of read-only loop devices, and undo what they did."""

from __future__ import annotations

from collections.abc import Callable

from bootmenu.errors import BootmenuError
from bootmenu.i18n import N_, joined
from bootmenu.model.text import quoted
from bootmenu.model.value import Value
from bootmenu.system.processes import CommandError
from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from bootmenu.discovery.devices import Device
    from bootmenu.discovery.storage.loops import Loops
    from bootmenu.system.host import Host

_SECONDS = 30.0
"""Time limit for one call of a tool; deriving the key of an encrypted partition takes the longest."""


_MAX_ERROR = 300
"""Maximum number of characters of a tool's error message that are kept."""


class StorageError(BootmenuError):
    """A tool failed. status: its exit status, or None if it did not exit normally."""

    def __init__(self, message: str, hint: str = "", status: int | None = None) -> None:
        super().__init__(message, hint)
        self.status = status


class _Undo(Value):
    """An undo step. name: what it undoes, for the message if it fails."""

    name: str
    work: Callable[[], object]


class Assembler:
    """Assemble storage with tools and loop devices, and keep a list of the steps to undo."""

    def __init__(self, host: Host, loops: Loops) -> None:
        self.host = host
        self._loops = loops
        self._undo: list[_Undo] = []
        self._looped: dict[str, str] = {}
        """Names of devices by their loop device."""

    @property
    def used(self) -> frozenset[str]:
        """Return the names of devices in use below a loop device, which lsblk does not show."""
        return frozenset(self._looped.copy().values())

    @property
    def steps(self) -> int:
        """Return the number of steps that have not been undone."""
        return len(self._undo)

    def read_only_loop(self, device: Device) -> str:
        """Return the path of a read-only loop device in front of a device. Raise StorageError."""
        try:
            name = self._loops.read_only_loop(device.path)
        except OSError as error:
            raise StorageError(f"no loop device for {device.name}: {error.strerror}") from None
        self._looped[name] = device.name
        self._undo.append(_Undo(name, lambda: self._remove_loop(name)))
        return f"/dev/{name}"

    def _remove_loop(self, name: str) -> None:
        self._loops.detach(name)
        del self._looped[name]

    def run(self, *argv: str, data: bytes | None = None) -> bytes:
        """Run a tool and return its output. data: its standard input. Raise StorageError, also if it is not
        installed."""
        try:
            done = self.host.commands.run(argv, timeout=_SECONDS, data=data, env={"MDADM_NO_UDEV": "1"})
        except CommandError as error:
            raise StorageError(error.message, error.hint) from None
        if done.returncode != 0:
            text = " ".join(done.error_text.split())[:_MAX_ERROR]
            reason = quoted(text) if text else N_("exit status {number}", number=done.returncode)
            raise StorageError(joined(": ", [argv[0], reason]), status=done.returncode)
        return done.stdout

    def undo_by(self, name: str, *argv: str) -> None:
        """Record the command that undoes the step of this name."""
        self._undo.append(_Undo(name, lambda: self.run(*argv)))

    def undo(self, steps: int = 0) -> list[str]:
        """Undo all but this many steps, last one first; return what could not be undone, and why."""
        stuck = []
        while len(self._undo) > steps:
            step = self._undo.pop()
            try:
                step.work()
            except StorageError as error:
                stuck.append(f"{step.name}: {error.message}")
        return stuck
