# SPDX-License-Identifier: MIT
"""What is no plain partition: arrays, volume groups, encrypted partitions, subvolumes, image files; a file for each.

Nothing is written to what they stand on. Every tool gets read-only loop devices in place of the partitions, and the
kernel refuses writes to those, whatever a tool or a driver would like to bring up to date.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from bootmenu.discovery.devices import Device
from bootmenu.discovery.storage.loops import Loops
from bootmenu.errors import BootmenuError
from bootmenu.i18n import N_, joined
from bootmenu.model.entry import Problem
from bootmenu.model.text import quoted
from bootmenu.model.value import Value
from bootmenu.registry import Registry
from bootmenu.system.host import Host
from bootmenu.system.processes import CommandError

_SECONDS = 30.0
"""For which one call of a tool may take; deriving the key of an encrypted partition takes the longest."""


_SAID = 300
"""Characters of what a tool complains."""


class StorageError(BootmenuError):
    """A tool could not do what it was asked for. status: its exit status; None = it did not end by itself."""

    def __init__(self, message: str, hint: str = "", status: int | None = None) -> None:
        super().__init__(message, hint)
        self.status = status


class _Undo(Value):
    """A step back. name: what it is about, for whoever is told that it failed."""

    name: str
    work: Callable[[], object]


class Assembler:
    """Put storage together, with tools and loop devices, and keep a list of all that has to be undone."""

    def __init__(self, host: Host, loops: Loops) -> None:
        self.host = host
        self._loops = loops
        self._undo: list[_Undo] = []
        self._looped: dict[str, str] = {}
        """Loop device → device."""

    @property
    def used(self) -> frozenset[str]:
        """Names of the devices that something stands on, which cannot be seen through the loop devices."""
        return frozenset(self._looped.copy().values())

    @property
    def steps(self) -> int:
        """How many have been taken and not been undone."""
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
        """What a tool prints. data: its standard input. Raises StorageError, also when it is not installed."""
        try:
            done = self.host.commands.run(argv, timeout=_SECONDS, data=data, env={"MDADM_NO_UDEV": "1"})
        except CommandError as error:
            raise StorageError(error.message, error.hint) from None
        if done.returncode != 0:
            said = " ".join(done.error_text.split())[:_SAID]
            reason = quoted(said) if said else N_("exit status {number}", number=done.returncode)
            raise StorageError(joined(": ", [argv[0], reason]), status=done.returncode)
        return done.stdout

    def undo_by(self, name: str, *argv: str) -> None:
        """Remember how what was set up under this name is taken down again."""
        self._undo.append(_Undo(name, lambda: self.run(*argv)))

    def undo(self, steps: int = 0) -> list[str]:
        """Go back to where that many steps had been taken; returns what is stuck, and why."""
        stuck = []
        while len(self._undo) > steps:
            step = self._undo.pop()
            try:
                step.work()
            except StorageError as error:
                stuck.append(f"{step.name}: {error.message}")
        return stuck


class Kind(Value, kw_only=True):
    """How parts of one kind are put together."""

    filesystem: str
    """What lsblk calls the parts."""
    whole: str
    """What they are parts of, in words."""
    tool: str
    assemble: Callable[[Sequence[Device], Assembler], Iterator[Problem]]
    """Set up what can be, with all the parts there are; what cannot is a problem. What it leaves to undo is the work
    it has done. Raise StorageError."""


KINDS: Registry[Kind] = Registry(__name__)
