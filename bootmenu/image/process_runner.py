# SPDX-License-Identifier: MIT
"""The interface through which the builder runs programs: an argument list and a time limit, never a shell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from bootmenu.errors import BootmenuError
from bootmenu.system.processes import MAX_STDOUT


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
    runner: Runner, argv: Sequence[str], *, timeout: float, data: bytes | None = None, keep: int = MAX_STDOUT
) -> bytes:
    """Run a command and return its standard output.

    timeout: seconds. data: its standard input. keep: maximum size of the output, whose middle is dropped if longer.
    Raise BootmenuError with the command's last lines if its exit code is not 0.
    """
    completed = runner.run(argv, timeout=timeout, data=data, keep=keep)
    if completed.returncode != 0:
        said = completed.stderr.decode("utf-8", "replace").strip().splitlines()[-3:]
        raise BootmenuError(
            f"{argv[0]} failed with exit code {completed.returncode}: {' / '.join(said) or 'it said nothing'}",
            f"It was started as: {' '.join(argv)[:400]}",
        )
    return completed.stdout
