# SPDX-License-Identifier: MIT
"""The interface through which the builder runs programs: an argument list and a time limit, never a shell."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from typing import Protocol

from bootmenu.errors import BootmenuError
from bootmenu.system.processes import MAX_STDOUT

NO_SPACE = "Free some space, or set XDG_CACHE_HOME to a folder elsewhere."
FULL = (errno.ENOSPC, errno.EDQUOT)
"""Why a disk takes no more."""
_SAID_FULL = tuple(map(os.strerror, FULL))
"""The same in the words of the C library; programs run with LC_ALL=C."""

END_WITH_PARENT = ("setpriv", "--pdeathsig", "TERM")
"""Before a command: it ends when the process that runs it is killed. setpriv is in util-linux."""


class FinishedProcess(Protocol):
    """The result of a process."""

    @property
    def returncode(self) -> int: ...
    @property
    def stdout(self) -> bytes: ...
    @property
    def stderr(self) -> bytes: ...


class Runner(Protocol):
    """Runs a process and waits for it; implemented by ``bootmenu.system.processes.Commands``."""

    def run(
        self, argv: Sequence[str], *, timeout: float, data: bytes | None = None, keep: int = MAX_STDOUT
    ) -> FinishedProcess: ...


def output(
    runner: Runner,
    argv: Sequence[str],
    *,
    timeout: float,
    data: bytes | None = None,
    keep: int = MAX_STDOUT,
    hint: str = "",
) -> bytes:
    """Run a command and return its standard output.

    timeout: seconds. data: its standard input. keep: maximum size of the output, whose middle is dropped if longer.
    hint: what helps where it fails; without one, how it was started. Raise BootmenuError with the command's errors,
    or its last lines, if its exit code is not 0.
    """
    completed = runner.run(argv, timeout=timeout, data=data, keep=keep)
    if completed.returncode != 0:
        lines = completed.stderr.decode("utf-8", "replace").strip().splitlines()
        said = [line for line in lines if line.startswith("E:")][:3] or lines[-3:]  # apt's errors, before its details
        full = any(reason in line for reason in _SAID_FULL for line in lines)
        raise BootmenuError(
            f"{_program(argv)} failed with exit code {completed.returncode}: {' / '.join(said) or 'it said nothing'}",
            NO_SPACE if full else hint or f"It was started as: {' '.join(argv)[:400]}",
        )
    return completed.stdout


def _program(argv: Sequence[str]) -> str:
    """Return the program's name, also of one that `env` and setpriv start."""
    if argv[0] != "env":
        return argv[0]
    words = (word for word in argv[1:] if word not in END_WITH_PARENT)
    return next((word for word in words if not word.startswith("-") and "=" not in word), argv[0])
