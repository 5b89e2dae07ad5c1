# SPDX-License-Identifier: MIT
"""Programs that bootmenu runs: always an argument list with a time limit, never a shell.

A program has ended when its process has, even if another process still has its output open. Its output is bounded
while it is read. At the time limit all processes of its session are killed; one that survives SIGKILL is abandoned.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import termios
import threading
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path

from bootmenu.errors import BootmenuError
from bootmenu.i18n import N_
from bootmenu.model.text import quoted
from bootmenu.model.value import Value
from bootmenu.typed import IO

MAX_STDOUT = 4 * 1024 * 1024
"""Bytes of standard output that are kept by default."""
MAX_STDERR = 64 * 1024
"""Bytes of standard error that are kept."""
TICK = 0.25
"""Seconds between two steps of `stepwise`."""
_GRACE = 1.0
"""Seconds between SIGTERM and SIGKILL."""
_KILLED = 0.5
"""Seconds to wait for a killed program; one that hangs in a dead disk does not end."""
_CHUNK = 64 * 1024
_PIPE = 1024 * 1024
"""Bytes read from a pipe after the program's end: /proc/sys/fs/pipe-max-size."""
_BLIND = 0.02
"""Seconds between two checks of a process on kernels without pidfd_open (before Linux 5.3)."""


class Completed(Value, kw_only=True):
    """How a program ended."""

    returncode: int
    """Exit status; negative: the signal that killed it."""
    stdout: bytes
    stderr: bytes

    @property
    def error_text(self) -> str:
        """Return what it wrote to stderr, as text without trailing space."""
        return self.stderr.decode("utf-8", "replace").strip()

    @property
    def said(self) -> str:
        """Return what it wrote to stderr, quoted, or its exit status if that is nothing."""
        return quoted(self.error_text) if self.error_text else str(self.returncode)


def _is_program(path: str) -> bool:
    return Path(path).is_file() and os.access(path, os.X_OK)


class CommandError(BootmenuError):
    """A program is missing or did not end in time."""


class HangingError(CommandError):
    """A program did not end in time."""


def _not_installed(program: str) -> CommandError:
    return CommandError(
        N_("{program} is not installed", program=program),
        N_("Install the package that has {program}.", program=program),
    )


class Commands:
    """Runs programs. Tests replace it by an object with the same methods."""

    def find(self, name: str) -> str | None:
        """Return the path of a program, searching the sbin directories too, or None if it is not installed."""
        if "/" in name:
            return name if _is_program(name) else None
        # not shutil, which imports every kind of archive
        places = [*os.environ.get("PATH", os.defpath).split(":"), "/usr/sbin", "/sbin", "/usr/local/sbin"]
        return next((path for place in places if place and _is_program(path := f"{place}/{name}")), None)

    def interactive(self, argv: Sequence[str]) -> int:
        """Run a program on the terminal of this process, without a time limit; return its exit status.

        Standard output goes to standard error, which is the terminal that the menu draws on. Raise CommandError if
        it cannot be run.
        """
        program = self.find(argv[0])
        if program is None:
            raise _not_installed(argv[0])
        try:
            with _usual_modes(0):
                return subprocess.run([program, *argv[1:]], stdin=0, stdout=2, stderr=2, check=False).returncode
        except OSError as error:
            raise CommandError(f"{argv[0]} cannot be started: {error.strerror}") from None

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout: float,
        data: bytes | None = None,
        env: Mapping[str, str] | None = None,
        pass_fds: Sequence[int] = (),
        keep: int = MAX_STDOUT,
    ) -> Completed:
        """Run a program to its end. timeout: seconds. pass_fds: descriptors that it inherits under the same numbers.
        keep: bytes of its standard output to keep, half from the beginning and half from the end.

        Raise CommandError if the program is missing or takes longer; an exit status other than 0 is not an error.
        """
        steps = self.stepwise(argv, timeout=timeout, data=data, env=env, pass_fds=pass_fds, keep=keep)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                completed: Completed = end.value
                return completed

    def stepwise(
        self,
        argv: Sequence[str],
        *,
        timeout: float,
        data: bytes | None = None,
        env: Mapping[str, str] | None = None,
        pass_fds: Sequence[int] = (),
        keep: int = MAX_STDOUT,
    ) -> Generator[None, None, Completed]:
        """Run a program like `run`, yielding several times a second. Closing the generator ends the program."""
        program = self.find(argv[0])
        if program is None:
            raise _not_installed(argv[0])
        try:
            process = subprocess.Popen(
                [program, *argv[1:]],
                stdin=subprocess.DEVNULL if data is None else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                env={**os.environ, "LC_ALL": "C", **(env or {})},
                pass_fds=pass_fds,
                start_new_session=True,
            )
        except OSError as error:
            raise CommandError(f"{argv[0]} cannot be started: {error.strerror}") from None
        except ValueError as error:  # a NUL, or half of a surrogate pair, in what a disk says
            raise CommandError(f"{argv[0]} cannot be started: {quoted(str(error))}") from None
        try:
            with _Running(process, data or b"", keep) as running:
                deadline = time.monotonic() + timeout
                while not running.wait(min(time.monotonic() + TICK, deadline)):
                    if time.monotonic() >= deadline:
                        raise HangingError(
                            N_("{program} did not end within {seconds:g} s", program=argv[0], seconds=timeout),
                            N_("Is a disk hanging?"),
                        )
                    yield
                return running.completed()
        except OSError as error:
            raise CommandError(f"{argv[0]} cannot be followed: {error.strerror}") from None


class _Kept:
    """The beginning and the end of what a program writes."""

    def __init__(self, most: int) -> None:
        self._half = most // 2
        self._head = bytearray()
        self._tail = bytearray()
        self._total = 0

    def add(self, data: bytes) -> None:
        """Add the next piece of output."""
        self._total += len(data)
        room = max(0, self._half - len(self._head))
        self._head += data[:room]
        self._tail += data[room:]
        if len(self._tail) > self._half + _CHUNK:
            del self._tail[: -self._half]

    def bytes(self) -> bytes:
        """Return what was kept, with a line in the middle that says how much is missing."""
        tail = self._tail[-self._half :]
        dropped = self._total - len(self._head) - len(tail)
        middle = f"\n[... {dropped:,} bytes left out ...]\n".encode() if dropped else b""
        return bytes(self._head + middle + tail)


class _Running:
    """A running program, as a context manager: at its end the program has ended or is abandoned."""

    def __init__(self, process: subprocess.Popen[bytes], data: bytes, keep: int) -> None:
        self._process = process
        self._data = memoryview(data)
        self._kept = {process.stdout: _Kept(keep), process.stderr: _Kept(MAX_STDERR)}
        self._watched: selectors.BaseSelector = selectors.PollSelector()  # which is no descriptor
        self._end: int | None = None
        """A descriptor that becomes readable when the process ends, or None if the kernel has none."""

    def __enter__(self) -> _Running:
        with contextlib.suppress(OSError):
            self._end = os.pidfd_open(self._process.pid)
            self._watched.register(self._end, selectors.EVENT_READ)
        try:
            for pipe in self._kept:
                assert pipe is not None
                os.set_blocking(pipe.fileno(), False)
                self._watched.register(pipe, selectors.EVENT_READ)
            if self._process.stdin is not None:
                os.set_blocking(self._process.stdin.fileno(), False)
                self._watched.register(self._process.stdin, selectors.EVENT_WRITE)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if not self._ended():
                self._stop()
            # without waiting: a process that hangs in a dead disk does not end when it is killed
            self._process.poll()
        finally:
            self._watched.close()
            if self._end is not None:
                os.close(self._end)
            for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
                if pipe is not None and not pipe.closed:
                    pipe.close()

    def wait(self, until: float) -> bool:
        """Write its input and read its output until then (monotonic time); return whether it has ended."""
        while not self._ended():
            left = until - time.monotonic()
            if left <= 0:
                return False
            for key, _ in self._watched.select(left if self._end is not None else min(left, _BLIND)):
                if key.fileobj is self._process.stdin:
                    self._feed(self._process.stdin)
                elif key.fileobj != self._end:
                    self._take(key.fileobj)  # type: ignore[arg-type]
        return True

    def completed(self) -> Completed:
        """Return how it ended. A daemon that it started, and that has its output open, may go on."""
        for pipe in self._kept:
            assert pipe is not None
            left = _PIPE
            while left > 0 and (count := self._take(pipe)):
                left -= count
            if not pipe.closed:
                # writing to a pipe without a reader would kill the daemon
                descriptor = os.dup(pipe.fileno())
                threading.Thread(target=_discard, args=(descriptor,), name="bootmenu-output", daemon=True).start()
        stdout, stderr = (kept.bytes() for kept in self._kept.values())
        return Completed(returncode=self._process.wait(), stdout=stdout, stderr=stderr)

    def _ended(self) -> bool:
        # WNOWAIT: until it is waited for, no other process or group can get its number
        flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
        try:
            return self._process.returncode is not None or os.waitid(os.P_PID, self._process.pid, flags) is not None
        except ChildProcessError:  # the kernel has, where SIGCHLD is ignored
            return True

    def _feed(self, stdin: IO[bytes]) -> None:
        try:
            self._data = self._data[os.write(stdin.fileno(), self._data[:_CHUNK]) :] if self._data else self._data
        except BlockingIOError:
            return
        except OSError:  # it reads no further
            self._data = self._data[:0]
        if not self._data:
            self._watched.unregister(stdin)
            stdin.close()

    def _take(self, pipe: IO[bytes]) -> int:
        """Read once from a pipe, closing it at its end; return the number of bytes."""
        if pipe.closed:
            return 0
        try:
            data = os.read(pipe.fileno(), _CHUNK)
        except BlockingIOError:
            return 0
        if not data:
            self._watched.unregister(pipe)
            pipe.close()
        self._kept[pipe].add(data)
        return len(data)

    def _stop(self) -> None:
        """Kill it and everything in its session: a stopped process receives the first signal only when it
        continues."""
        for number in (signal.SIGTERM, signal.SIGCONT):
            self._signal(number)
        self.wait(time.monotonic() + _GRACE)
        self._signal(signal.SIGKILL)
        self.wait(time.monotonic() + _KILLED)

    def _signal(self, number: signal.Signals) -> None:
        # a shell with job control puts each job into its own group of the same session
        for group in {self._process.pid, *_groups(self._process.pid)}:
            with contextlib.suppress(OSError):
                os.killpg(group, number)


def _groups(session: int) -> set[int]:
    """Return the process groups of a session."""
    found: set[int] = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            # proc(5): the name in parentheses may hold anything; then state, ppid, pgrp, session
            fields = path.read_bytes().rpartition(b")")[2].split()
            if int(fields[3]) == session:
                found.add(int(fields[2]))
    return found


def _discard(descriptor: int) -> None:
    """Read until every writer has closed."""
    os.set_blocking(descriptor, True)
    with contextlib.suppress(OSError):
        while os.read(descriptor, _CHUNK):
            pass
    os.close(descriptor)


@contextlib.contextmanager
def _usual_modes(terminal: int) -> Iterator[None]:
    """Give a terminal its usual modes, like `stty sane`: echo, lines and signals; restore its modes at the end."""
    try:
        before = termios.tcgetattr(terminal)
    except termios.error:
        yield
        return
    modes = [*before[:6], list(before[6])]
    modes[0] |= termios.ICRNL | termios.IXON
    modes[1] |= termios.OPOST | termios.ONLCR
    modes[3] |= termios.ECHO | termios.ECHOE | termios.ECHOK | termios.ICANON | termios.ISIG | termios.IEXTEN
    termios.tcsetattr(terminal, termios.TCSADRAIN, modes)
    try:
        yield
    finally:
        with contextlib.suppress(termios.error):
            termios.tcsetattr(terminal, termios.TCSADRAIN, before)
