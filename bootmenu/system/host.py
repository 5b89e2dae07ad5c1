# SPDX-License-Identifier: MIT
"""The machine that bootmenu runs on, as one object: its files, system calls, programs and kernel log."""

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
    """A running Linux. `root` is the directory that has its /proc, /sys and /dev."""

    root: Path = Path("/")
    syscalls: Syscalls = field(default_factory=Syscalls)
    commands: Commands = field(default_factory=Commands)
    log: KernelLog = field(default_factory=KernelLog)

    def path(self, path: str) -> Path:
        """Return the path at which an absolute path of the machine can be opened."""
        return self.root / path.lstrip("/")

    def exists(self, path: str) -> bool:
        """Return whether a path exists."""
        try:
            return self.path(path).exists()
        except OSError:  # not permitted, or its disk has gone
            return False

    def forbids(self, path: str) -> bool:
        """Return whether a file exists, and this process may not read it."""
        return self.exists(path) and not os.access(self.path(path), os.R_OK, effective_ids=True)

    def read(self, path: str) -> bytes | None:
        """Return a file of /proc or /sys, at most 16 MiB, or None if it cannot be read for any reason."""
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
        """Return a file as text without its trailing newline, or None if it cannot be read."""
        data = self.read(path)
        return None if data is None else data.decode("utf-8", "replace").rstrip("\n\0")

    def number(self, path: str, base: int = 10) -> int | None:
        """Return the number in a file, or None if there is none."""
        text = (self.text(path) or "").strip()
        if len(text) > _DIGITS:
            return None
        try:
            return int(text, base)
        except ValueError:
            return None

    def flag(self, path: str) -> bool | None:
        """Return whether a file contains 1, or None if it contains neither 0 nor 1."""
        value = self.number(path)
        return None if value is None else value != 0

    def page_size(self) -> int:
        """Return the page size of the running kernel in bytes."""
        return os.sysconf("SC_PAGE_SIZE")

    def kexec_loaded(self) -> bool | None:
        """Return whether a kernel is loaded for kexec, or None if that is unknown."""
        return self.flag("/sys/kernel/kexec_loaded")
