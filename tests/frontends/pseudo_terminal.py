# SPDX-License-Identifier: MIT
"""Run the menu on a pseudo-terminal, with pyte as the terminal at the other end."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic

import pyte

ROOT = Path(__file__).parents[2]

PROGRAM = """
import os, sys
from bootmenu.terminal.capabilities import prepare_environment, settle
prepare_environment(os.environ)
settle(0, os.environ)
from bootmenu.errors import BootmenuError
from bootmenu.frontends.tui.app import run
from tests.builders import fakes
try:
    outcome = run({session})
except BootmenuError as error:
    sys.exit(f"{{error.message}} {{error.hint}}")
print("OUTCOME", outcome, file=sys.stderr)
"""


class TerminalScreen(pyte.Screen):
    """A terminal that keeps its saved position when it returns there (DECRC), as terminals do; pyte forgets it."""

    def restore_cursor(self) -> None:
        """Return to the saved position, and keep it."""
        kept = self.savepoints[-1:]
        super().restore_cursor()
        if kept:
            self.save_cursor()


class Line:
    """A program on a pseudo-terminal: the bytes that it sent, and what a terminal shows of them."""

    def __init__(self, process: subprocess.Popen[bytes], terminal: int, theirs: int, size: tuple[int, int]) -> None:
        self.process = process
        self.terminal = terminal
        self._theirs = theirs
        self.sent = b""
        self.screen = TerminalScreen(*size)
        self.stream = pyte.ByteStream(self.screen)

    def type(self, data: bytes) -> None:
        """Send bytes as the keyboard does."""
        os.write(self.terminal, data)

    def answer(self, text: bytes) -> None:
        """Send a line and then Enter, separately: an Enter in the same burst counts as part of pasted text."""
        self.type(text)
        if text:
            self.until(lambda: self.screen.display[self.screen.cursor.y].rstrip().endswith(text.decode()))
        self.read(0.2)
        self.type(b"\r")

    def read(self, seconds: float) -> bytes:
        """Return the output, up to a pause of so many seconds."""
        received = b""
        while select.select([self.terminal], [], [], seconds)[0]:
            try:
                piece = os.read(self.terminal, 65536)
            except OSError:
                break
            if not piece:
                break
            received += piece
        self.sent += received
        self.stream.feed(received)
        return received

    def until(self, holds: Callable[[], bool], seconds: float = 20) -> None:
        """Read until the condition holds."""
        end = monotonic() + seconds
        while not holds():
            if monotonic() > end:
                raise AssertionError(f"did not happen; on the screen is\n{self.text}\n{self.sent[-300:]!r}")
            self.read(0.05)

    @property
    def modes(self) -> list[object]:
        """Return the attributes of the terminal, as tcgetattr does."""
        return termios.tcgetattr(self._theirs)

    def resize(self, columns: int, rows: int, *, tell: bool = True) -> None:
        """Resize the terminal. tell: send SIGWINCH."""
        self.screen.resize(rows, columns)
        fcntl.ioctl(self._theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        if tell:
            os.kill(self.process.pid, signal.SIGWINCH)

    @property
    def text(self) -> str:
        """Return the text on the screen."""
        return "\n".join(self.screen.display)

    def settle(self) -> None:
        """Read until there is no more output: a while without any in which every thread slept.

        A program that does not get its turn is not asleep, so the while can be short.
        """
        at_rest = False
        while not at_rest:
            before = self._asleep()
            at_rest = not self.read(0.15) and before is not None and before == self._asleep()

    def _asleep(self) -> list[str] | None:
        """Return the processor time that each thread has used, or None if one has something to do."""
        used = []
        for stat in Path(f"/proc/{self.process.pid}/task").glob("*/stat"):
            with contextlib.suppress(OSError):
                state, *numbers = stat.read_text().rpartition(")")[2].split()
                if state in "RD":
                    return None
                used += numbers[10:12]
        return used

    def wait(self) -> int:
        """Wait for the program to end, and return its exit code."""
        end = monotonic() + 10
        while self.process.poll() is None and monotonic() < end:
            self.read(0.05)
        self.read(0.05)
        return self.process.wait(1)


@contextlib.contextmanager
def menu_on_a_line(
    term: str,
    *,
    session: str = "fakes.FakeSession()",
    size: tuple[int, int] | None = (80, 24),
    **environ: str,
) -> Iterator[Line]:
    """Start the menu. size: None for a line that reports 0x0, as serial lines do."""
    with on_a_line(["-c", PROGRAM.format(session=session)], term, size=size, **environ) as line:
        yield line


@contextlib.contextmanager
def on_a_line(
    argv: list[str], term: str, *, size: tuple[int, int] | None = (80, 24), **environ: str
) -> Iterator[Line]:
    """Start a Python program."""
    ours, theirs = pty.openpty()
    columns, rows = size or (0, 0)
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, *argv],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "TERM": term, "LC_ALL": "C.UTF-8", **environ},
        start_new_session=True,
    )
    line = Line(process, ours, theirs, size or (80, 24))
    try:
        yield line
    finally:
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
        process.wait(10)
        os.close(ours)
        os.close(theirs)
