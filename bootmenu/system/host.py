# SPDX-License-Identifier: MIT
"""The machine bootmenu runs on, as one object that is handed in: its files, calls, programs and kernel log."""

from __future__ import annotations

import os
from pathlib import Path

from bootmenu.model.value import Value, field
from bootmenu.system.kmsg import KernelLog
from bootmenu.system.processes import Commands
from bootmenu.system.syscalls import Syscalls

_LIMIT = 16 * 1024 * 1024
_CHUNK = 64 * 1024
_DIGITS = 24  # of a 64-bit number, whatever its base from 8 up


class Host(Value, kw_only=True):
    """A running Linux. `root` is where its /proc, /sys and /dev begin."""

    root: Path = Path("/")
    syscalls: Syscalls = field(default_factory=Syscalls)
    commands: Commands = field(default_factory=Commands)
    log: KernelLog = field(default_factory=KernelLog)

    def path(self, path: str) -> Path:
        """An absolute path of the machine as one that can be opened."""
        return self.root / path.lstrip("/")

    def exists(self, path: str) -> bool:
        """Whether something is there."""
        try:
            return self.path(path).exists()
        except OSError:  # not permitted, or its disk has gone
            return False

    def read(self, path: str) -> bytes | None:
        """A file of /proc or /sys, at most 16 MiB; None when it cannot be read, whatever the reason."""
        try:
            with self.path(path).open("rb", buffering=0) as file:
                data = bytearray()
                # small reads: /proc/sys answers one of 4 MiB or more with ENOMEM (fs/proc/proc_sysctl.c)
                while len(data) < _LIMIT and (piece := file.read(_CHUNK)):
                    data += piece
                return bytes(data)
        except OSError:
            return None

    def text(self, path: str) -> str | None:
        """The same as text without the trailing newline."""
        data = self.read(path)
        return None if data is None else data.decode("utf-8", "replace").rstrip("\n\0")

    def number(self, path: str, base: int = 10) -> int | None:
        """The same as a number; None when it is none."""
        text = (self.text(path) or "").strip()
        if len(text) > _DIGITS:
            return None
        try:
            return int(text, base)
        except ValueError:
            return None

    def flag(self, path: str) -> bool | None:
        """A file that holds 0 or 1."""
        value = self.number(path)
        return None if value is None else value != 0

    def page_size(self) -> int:
        """Bytes of a page of the running kernel."""
        return os.sysconf("SC_PAGE_SIZE")

    def kexec_loaded(self) -> bool | None:
        """Whether a kernel waits to be jumped into; None = not known."""
        return self.flag("/sys/kernel/kexec_loaded")
