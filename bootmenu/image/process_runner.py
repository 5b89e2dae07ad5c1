# SPDX-License-Identifier: MIT
"""What the builder asks of a process runner: an argument list, a time limit, bytes back; never a shell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from bootmenu.errors import BootmenuError
from bootmenu.system.processes import MAX_STDOUT


class FinishedProcess(Protocol):
    """A process that ended."""

    @property
    def returncode(self) -> int: ...
    @property
    def stdout(self) -> bytes: ...
    @property
    def stderr(self) -> bytes: ...


class Runner(Protocol):
    """Starts one process and waits for it; ``bootmenu.system.processes.Commands`` is the real one."""

    def run(
        self, argv: Sequence[str], *, timeout: float, data: bytes | None = None, keep: int = MAX_STDOUT
    ) -> FinishedProcess: ...


def output(
    runner: Runner, argv: Sequence[str], *, timeout: float, data: bytes | None = None, keep: int = MAX_STDOUT
) -> bytes:
    """Run a command that has to succeed and return its standard output.

    timeout: seconds. data: its standard input. keep: bytes of its output; of a longer one the middle is left out.
    Raises BootmenuError with the last lines the command printed when its exit code is not 0.
    """
    completed = runner.run(argv, timeout=timeout, data=data, keep=keep)
    if completed.returncode != 0:
        said = completed.stderr.decode("utf-8", "replace").strip().splitlines()[-3:]
        raise BootmenuError(
            f"{argv[0]} failed with exit code {completed.returncode}: {' / '.join(said) or 'it said nothing'}",
            f"It was started as: {' '.join(argv)[:400]}",
        )
    return completed.stdout
