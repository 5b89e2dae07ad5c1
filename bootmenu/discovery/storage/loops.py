# SPDX-License-Identifier: MIT
"""Read-only loop devices: what stands on one cannot write, whatever its driver or its tool would like to."""

from __future__ import annotations

import contextlib
import os
import threading

from bootmenu.system.host import Host
from bootmenu.system.processes import CommandError

_MODPROBE_SECONDS = 20


class Loops:
    """The loop devices that were set up here. Safe to use from several threads."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._lock = threading.Lock()
        self._open: dict[str, int] = {}

    @property
    def names(self) -> frozenset[str]:
        """Kernel names: `loop0`."""
        with self._lock:
            return frozenset(self._open)

    def attach(self, descriptor: int) -> str:
        """A loop device that reads what the descriptor reads; its name. Raises OSError."""
        try:
            name, loop = self._host.syscalls.attach_loop(descriptor)
        except FileNotFoundError:
            # the driver is a module, and no file of the kernel's asks for it
            with contextlib.suppress(CommandError):
                self._host.commands.run(["modprobe", "-q", "loop"], timeout=_MODPROBE_SECONDS)
            name, loop = self._host.syscalls.attach_loop(descriptor)
        with self._lock:
            self._open[name] = loop
        return name

    def read_only_loop(self, path: str) -> str:
        """A loop device in front of a block device, for tools that would write to it; its name. Raises OSError."""
        descriptor = os.open(self._host.path(path), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            return self.attach(descriptor)
        finally:
            os.close(descriptor)

    def detach(self, name: str) -> None:
        """Let go of it: the kernel takes it away as soon as nothing stands on it."""
        with self._lock:
            loop = self._open.pop(name, None)
        if loop is not None:
            os.close(loop)
