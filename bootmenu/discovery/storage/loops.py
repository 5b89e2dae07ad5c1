# SPDX-License-Identifier: MIT
"""Set up read-only loop devices, through which no driver or tool can write to a disk."""

from __future__ import annotations

import contextlib
import os
import threading

from bootmenu.system.processes import CommandError
from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from bootmenu.system.host import Host

_MODPROBE_SECONDS = 20


class Loops:
    """The loop devices that were set up here. Thread-safe."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._lock = threading.Lock()
        self._open: dict[str, int] = {}

    @property
    def names(self) -> frozenset[str]:
        """Return their kernel names, such as `loop0`."""
        with self._lock:
            return frozenset(self._open)

    def attach(self, descriptor: int) -> str:
        """Set up a loop device for the file of a descriptor, and return its name. Raise OSError."""
        try:
            name, loop = self._host.syscalls.attach_loop(descriptor)
        except FileNotFoundError:
            # the driver is a module that is not loaded automatically
            with contextlib.suppress(CommandError):
                self._host.commands.run(["modprobe", "-q", "loop"], timeout=_MODPROBE_SECONDS)
            name, loop = self._host.syscalls.attach_loop(descriptor)
        with self._lock:
            self._open[name] = loop
        return name

    def read_only_loop(self, path: str) -> str:
        """Set up a loop device for a block device, for tools that would write to that; return its name. Raise
        OSError."""
        descriptor = os.open(self._host.path(path), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            return self.attach(descriptor)
        finally:
            os.close(descriptor)

    def detach(self, name: str) -> None:
        """Detach a loop device; the kernel removes it as soon as it is no longer in use."""
        with self._lock:
            loop = self._open.pop(name, None)
        if loop is not None:
            os.close(loop)
