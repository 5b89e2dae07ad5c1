# SPDX-License-Identifier: MIT
"""Programs that fork, flood, hang and stop: each ends when it ends, and none keeps more than its share."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from bootmenu.system import processes
from bootmenu.system.processes import MAX_STDERR, MAX_STDOUT, CommandError, Commands, HangingError


@contextlib.contextmanager
def fifo(folder: Path) -> Iterator[tuple[Path, int]]:
    """A named pipe and our reading end of it, which is at its end when nobody has it open for writing any more."""
    path = folder / "fifo"
    os.mkfifo(path)
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(descriptor, True)
    try:
        yield path, descriptor
    finally:
        os.close(descriptor)


def comes(descriptor: int) -> bytes:
    """What can be read next; b"" = its writers are gone."""
    assert select.select([descriptor], [], [], 30)[0], "nothing came"
    return os.read(descriptor, 1000)


class Clock:
    """In place of the time in commands.py."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead

    def run_out(self, argv: list[str], reader: int) -> bytes:
        """Start it, wait for its first words, and let its time be up; return the words."""
        steps = Commands().stepwise(argv, timeout=1000)
        next(steps)
        said = comes(reader)
        self.ahead = 2000
        with pytest.raises(HangingError, match="did not end within 1000 s"):
            for _ in steps:
                pass
        return said


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Time that a test lets pass, and little patience."""
    clock = Clock()
    monkeypatch.setattr(processes, "time", clock)
    monkeypatch.setattr(processes, "_GRACE", 0.1)
    return clock


def python(script: str) -> list[str]:
    return [sys.executable, "-c", script]


@pytest.mark.parametrize("setting", ["", "setsid "])
def test_a_program_ends_when_it_ends_and_not_when_its_daemon_does(tmp_path: Path, setting: str) -> None:
    with fifo(tmp_path) as (path, reader):
        # the daemon has the output open, waits to be told, and writes more than a pipe holds
        daemon = f"read word <{tmp_path}/go; head -c 300000 /dev/zero; echo done >&3; read word <{tmp_path}/go"
        os.mkfifo(tmp_path / "go")
        script = f"exec 3>{path}; {setting}sh -c '{daemon}' & echo started"
        done = Commands().run(["sh", "-c", script], timeout=20)
        assert (done.returncode, done.stdout) == (0, b"started\n")
        with (tmp_path / "go").open("w") as go:
            go.write("on\n")
        assert comes(reader) == b"done\n", "it lives, and may write"
        with (tmp_path / "go").open("w") as go:
            go.write("off\n")
        assert comes(reader) == b""
    assert ended_threads("bootmenu-output")


def ended_threads(name: str) -> bool:
    for thread in threading.enumerate():
        if thread.name == name:
            thread.join(30)
    return not any(thread.name == name for thread in threading.enumerate())


@pytest.mark.parametrize(
    "child",
    [
        "sleep 1000",
        "(trap '' TERM; exec sleep 1000)",
        "sh -c 'kill -STOP $$'",
        "(trap '' TERM HUP INT; while :; do read x <&4; done)",
    ],
)
@pytest.mark.parametrize("leader", ["wait", "trap '' TERM; wait; wait; wait", "kill -STOP $$"])
def test_at_its_limit_the_whole_group_ends(tmp_path: Path, clock: Clock, child: str, leader: str) -> None:
    os.mkfifo(tmp_path / "never")
    with fifo(tmp_path) as (path, reader):
        script = f"exec 3>{path} 4<>{tmp_path}/never; {child} & echo here >&3; {leader}"
        clock.run_out(["sh", "-c", script], reader)
        assert comes(reader) == b"", "nobody has it open any more"


def test_jobs_of_a_shell_with_job_control_end_with_it(tmp_path: Path, clock: Clock) -> None:
    with fifo(tmp_path) as (path, reader):
        script = f"set -m; exec 3>{path}; sleep 1000 & sleep 1000 & echo here >&3; wait"
        clock.run_out(["sh", "-c", script], reader)
        assert comes(reader) == b""


def test_one_that_left_its_session_keeps_nobody(tmp_path: Path, clock: Clock) -> None:
    with fifo(tmp_path) as (path, reader):
        script = f"exec 3>{path}; setsid sh -c 'echo $$ >&3; exec sleep 1000' & wait"
        os.kill(int(clock.run_out(["sh", "-c", script], reader)), signal.SIGKILL)


def test_a_program_that_is_taken_back_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_GRACE", 0.1)
    with fifo(tmp_path) as (path, reader):
        steps = Commands().stepwise(["sh", "-c", f"exec 3>{path}; echo here >&3; sleep 1000"], timeout=1000)
        next(steps)
        assert comes(reader) == b"here\n"
        steps.close()
        assert comes(reader) == b""


def test_one_that_no_signal_ends_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """As one does that hangs in a dead disk."""
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(processes, "_GRACE", 0.1)
    monkeypatch.setattr(processes, "_KILLED", 0.1)
    with monkeypatch.context() as patched:
        patched.setattr(os, "killpg", lambda group, number: sent.append((group, number)))
        patched.setattr(subprocess.Popen, "wait", lambda *_, **__: pytest.fail("this would take for ever"))
        with pytest.raises(HangingError):
            Commands().run(python("import signal; signal.pause()"), timeout=0.2)
    ((group, _), *_) = sent
    assert [number for _, number in sent] == [signal.SIGTERM, signal.SIGCONT, signal.SIGKILL]
    os.killpg(group, signal.SIGKILL)


@pytest.mark.parametrize("lines", [True, False])
def test_what_a_program_writes_is_bounded_while_it_is_read(lines: bool) -> None:
    size = 200 * 1024 * 1024
    script = (
        "import os\nchunk = (b'x' * 99 + b'\\n') * 10000 if LINES else b'x' * 1000000\nos.write(1, b'first')\n"
        f"for _ in range({size} // 1000000): os.write(1, chunk); os.write(2, chunk)\nos.write(1, b'last')\n"
        "os.write(2, b'last')"
    )
    tracemalloc.start()
    try:
        done = Commands().run(python(script.replace("LINES", str(lines))), timeout=120)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 4 * (MAX_STDOUT + MAX_STDERR)
    assert done.stdout.startswith(b"first")
    assert done.stdout.endswith(b"last")
    assert len(done.stdout) < MAX_STDOUT + 100
    assert len(done.stderr) < MAX_STDERR + 100
    assert b" bytes left out ...]" in done.stdout
    assert done.error_text.endswith("last")


def test_what_fits_is_kept_as_it_is() -> None:
    for size in (0, 1, MAX_STDERR // 2, MAX_STDERR // 2 + 1, MAX_STDERR - 1, MAX_STDERR):
        done = Commands().run(python(f"import sys; sys.stderr.write('abc'[:{size}].ljust({size}, 'y'))"), timeout=30)
        assert done.stderr == b"abc"[:size].ljust(size, b"y")
    done = Commands().run(python(f"import sys; sys.stderr.write('y' * {MAX_STDERR + 1})"), timeout=30)
    assert b"[... 1 bytes left out ...]" in done.stderr


@pytest.mark.parametrize("reads", [True, False])
def test_input_of_any_size_is_handed_over_or_not_read(reads: bool) -> None:
    data = bytes(range(256)) * 4096
    script = "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())" if reads else "print('no')"
    done = Commands().run(python(script), timeout=60, data=data)
    assert done.stdout == (data if reads else b"no\n")


def test_without_data_there_is_nothing_to_read_and_no_terminal() -> None:
    script = "import sys, os; print(sys.stdin.read() == '', os.getsid(0) == os.getpid())"
    assert Commands().run(python(script), timeout=30).stdout == b"True True\n"


def test_a_kernel_without_pidfd_is_no_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(pid: int, flags: int = 0) -> int:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(os, "pidfd_open", missing)
    done = Commands().run(["sh", "-c", "sleep 1000 & echo $!; exit 3"], timeout=20)
    assert done.returncode == 3
    os.kill(int(done.stdout), signal.SIGKILL)


def test_nothing_stays_open() -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        Commands().run(["true"], timeout=30)
        with pytest.raises(HangingError):
            Commands().run(python("import signal; signal.pause()"), timeout=0.05)
    assert len(list(Path("/proc/self/fd").iterdir())) <= before


def test_who_needs_more_says_so() -> None:
    size = MAX_STDOUT + 1000
    for keep, kept in ((MAX_STDOUT, False), (size, True)):
        done = Commands().run(python(f"print('x' * {size - 1})"), timeout=60, keep=keep)
        assert (done.stdout == b"x" * (size - 1) + b"\n") is kept


@pytest.mark.parametrize("call", ["set_blocking", "dup"])
def test_a_program_that_cannot_be_followed_is_told_and_leaves_nothing_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def fail(*_: object) -> object:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with fifo(tmp_path) as (path, reader):
        before = set(Path("/proc/self/fd").iterdir())
        # the one waits, and the other leaves a child behind that has its output
        script = f"exec 3> {path}; sleep 1000" if call == "set_blocking" else "sleep 1 &"
        monkeypatch.setattr(os, call, fail)
        with pytest.raises(CommandError, match="cannot be followed: Too many"):
            Commands().run(["sh", "-c", script], timeout=1000)
        monkeypatch.undo()
        assert set(Path("/proc/self/fd").iterdir()) == before
        if call == "set_blocking":
            assert os.read(reader, 1) == b"", "it was ended"
