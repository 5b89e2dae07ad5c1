# SPDX-License-Identifier: MIT
"""Find everything that can be read on a machine: partitions, and what storage/ assembles from them."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from bootmenu.discovery.devices import Device, Member, survey
from bootmenu.discovery.storage import KINDS, luks
from bootmenu.discovery.storage.assembler import Assembler, StorageError
from bootmenu.discovery.storage.loops import Loops
from bootmenu.discovery.storage.luks import UnlockError
from bootmenu.i18n import N_
from bootmenu.model.entry import Problem
from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from bootmenu.system.host import Host

_ROUNDS = 4
"""Maximum number of rounds of assembling: volumes on an encrypted partition on an array, and one more."""
_TOOL_WAIT = 5.0
"""Seconds that a release waits for a running tool."""


class Storage:
    """The assembled storage of one machine. Thread-safe."""

    def __init__(self, host: Host) -> None:
        self.loops = Loops(host)
        self._host = host
        self._assembler = Assembler(host, self.loops)
        self._working = threading.Lock()
        """Held while tools run."""
        self.released = False
        """Whether everything was undone since the last scan."""

    def find(self) -> Iterator[Device | Problem]:
        """Yield everything that can be read: first existing devices, then those assembled from them. What was
        assembled before is kept."""
        self.released = False
        yielded: set[object] = set()
        tried: set[str] = set()
        for _ in range(_ROUNDS):
            members: list[Device] = []
            for found in survey(self._host, self.loops.names | self._assembler.used):
                if isinstance(found, Member):
                    members.append(found.device)
                    continue
                key = found.name if isinstance(found, Device) else found
                if key not in yielded:
                    yielded.add(key)
                    yield found
            members = [device for device in members if device.name not in tried]
            tried.update(device.name for device in members)
            if not members:
                return
            with self._working:
                steps = self._assembler.steps
                # another scan may have assembled it meanwhile
                left = [device for device in members if device.name not in self._assembler.used]
                problems = list(self._assemble(left))
                progress = self._assembler.steps > steps or left != members
            yield from problems
            if not progress:
                return

    def _assemble(self, members: list[Device]) -> Iterator[Problem]:
        for kind in KINDS.values():
            parts = [device for device in members if device.filesystem == kind.filesystem]
            if not parts:
                continue
            if self._host.exists("/run/udev/control"):
                trouble = N_(
                    "part of {whole} that is not in use; that is left to the running system", whole=kind.whole
                )
            elif self._host.commands.find(kind.tool) is None:
                trouble = N_(
                    "part of {whole}, and there is no {tool} to put it together", whole=kind.whole, tool=kind.tool
                )
            else:
                steps = self._assembler.steps
                try:
                    yield from kind.assemble(parts, self._assembler)
                except StorageError as error:
                    self._assembler.undo(steps)
                    message = N_("part of {whole}: {reason}", whole=kind.whole, reason=error.message)
                    yield Problem(device=parts[0].name, path="", message=message)
                continue
            for device in parts:
                yield Problem(device=device.name, path="", message=trouble)

    def unlock(self, device: Device, passphrase: str) -> None:
        """Open an encrypted partition; the next scan finds its content. Raise UnlockError."""
        if not device.locked:
            raise UnlockError(N_("{device} is not locked.", device=device.name))
        with self._working:
            if device.name in self._assembler.used:
                raise UnlockError(N_("{device} is unlocked already.", device=device.name), N_("Look again."))
            luks.unlock(device, passphrase, self._assembler)

    def release(self) -> list[str]:
        """Undo everything, last steps first; return what could not be undone, and why."""
        if not self._working.acquire(timeout=_TOOL_WAIT):
            return ["storage: a tool is still at work"]
        self.released = True
        try:
            return self._assembler.undo()
        finally:
            self._working.release()
