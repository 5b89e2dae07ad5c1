# SPDX-License-Identifier: MIT
"""How a load or a jump fails: with the call, its errno, what the kernel said, and what to do."""

from __future__ import annotations

import errno as errnos
import os

from bootmenu.errors import BootmenuError
from bootmenu.model.progress import Stage


class LoadError(BootmenuError):
    """A load or a jump did not succeed; nothing is loaded.

    stage: where it happened. call: `kexec_load`, `kexec`, `reboot`, ... errno: None when it was no system call.
    kernel_log: the lines that appeared meanwhile, oldest first.
    """

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        stage: Stage,
        call: str = "",
        errno: int | None = None,
        kernel_log: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message, hint)
        self.stage = stage
        self.call = call
        self.errno = errno
        self.kernel_log = kernel_log

    @property
    def errno_text(self) -> str:
        """`EBUSY, device or resource busy`; empty without an errno."""
        if self.errno is None:
            return ""
        name = errnos.errorcode.get(self.errno, str(self.errno))
        return f"{name}, {os.strerror(self.errno).lower()}"


class SimulatedJump(BootmenuError):  # noqa: N818 - not an error of anybody's
    """The simulated machine got as far as the jump, which it does not make."""
