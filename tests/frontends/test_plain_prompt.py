# SPDX-License-Identifier: MIT
"""Test the prompt of the plain menu on a pseudo-terminal: typing, pasting, and every way to end."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import termios
import tty
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bootmenu.terminal.line_input import Idle, Prompt
from tests.frontends.pseudo_terminal import Line, on_a_line

PROGRAM = """
import os, sys
from bootmenu.frontends import launcher as menu
from tests.builders import fakes

session = {session}

class SessionStartup(menu.SessionStartup):
    def _prepare(self):
        self._create = lambda: session

menu.SessionStartup = SessionStartup
try:
    code = menu.run(menu.MenuOptions(plain=True, flags={{"timeout": "off", **{consoles}}}), lambda: 0)
finally:
    with open(os.environ["RESULT"], "w") as result:
        print(*session.calls, sep="\\n", file=result)
print("END", code)
"""
ENDLESS = "fakes.FakeSession(steps=__import__('itertools').repeat(fakes.LOADING[0]))"


@contextlib.contextmanager
def plain(result: Path, session: str = "fakes.FakeSession()", consoles: str = "{}") -> Iterator[Line]:
    program = PROGRAM.format(session=session, consoles=consoles)
    with on_a_line(["-c", program], "xterm", RESULT=str(result)) as line:
        yield line


def ready(line: Line) -> None:
    line.until(lambda: line.text.rstrip().endswith(">"), 40)
    line.read(0.1)


def starting(line: Line) -> None:
    """Answer yes to the question before a start on a running system."""
    line.answer(b"1")
    line.until(lambda: "Start it?" in line.text)
    line.read(0.1)
    line.answer(b"y")
    line.until(lambda: "Ctrl+C cancels" in line.text)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("several", [False, True])
def test_a_signal_takes_out_what_is_being_loaded(number: signal.Signals, several: bool, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    consoles = f"{{'console': os.ttyname(0) + ',{os.ttyname(theirs)}'}}" if several else "{}"
    with contextlib.ExitStack() as stack:
        for descriptor in (ours, theirs):
            stack.callback(os.close, descriptor)
        line = stack.enter_context(plain(tmp_path / "calls", ENDLESS, consoles))
        before = line.modes
        ready(line)
        starting(line)
        os.kill(line.process.pid, number)
        assert line.wait() == 0
        assert f"END {128 + number}" in line.text
        assert line.modes == before
    calls = (tmp_path / "calls").read_text().splitlines()
    assert "load undone" in calls
    assert calls.index("unload") > calls.index("load undone")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_while_it_waits(number: signal.Signals, tmp_path: Path) -> None:
    with plain(tmp_path / "calls") as line:
        before = line.modes
        ready(line)
        line.type(b"half a li")
        line.until(lambda: "half a li" in line.text)
        os.kill(line.process.pid, number)
        assert line.wait() == 0
        assert f"END {128 + number}" in line.text
        assert line.modes == before


def test_ctrl_c_takes_a_load_back_and_the_menu_stays(tmp_path: Path) -> None:
    with plain(tmp_path / "calls", ENDLESS) as line:
        ready(line)
        starting(line)
        os.kill(line.process.pid, signal.SIGINT)
        line.until(lambda: "Cancelled: nothing is loaded." in line.text)
        ready(line)
        line.type(b"\x04")
        assert line.wait() == 0
    assert "unload" in (tmp_path / "calls").read_text()


def test_a_line_that_hangs_up_while_it_loads_ends_it(tmp_path: Path) -> None:
    with plain(tmp_path / "calls") as line:
        ready(line)
        ours, theirs = pty.openpty()
        os.dup2(ours, line.terminal)
        os.close(ours)
        os.close(theirs)
        assert line.process.wait(10) is not None


def test_a_pasted_line_is_taken_by_an_enter_of_its_own(tmp_path: Path) -> None:
    with plain(tmp_path / "calls") as line:
        ready(line)
        for text in (b"1\r", b"1\ny\n", b"1\r\ny\r\n", b"1\r\r"):
            line.type(text)
            line.settle()
            assert "Start it?" not in line.text
            assert line.text.rstrip().splitlines()[-1].startswith("> 1")
            line.type(b"\x15")
            line.settle()
            assert line.text.rstrip().endswith(">")
        line.answer(b"1")
        line.until(lambda: "Start it?" in line.text)
    assert not (tmp_path / "calls").exists()


def test_what_is_typed_ahead_is_not_echoed(tmp_path: Path) -> None:
    with plain(tmp_path / "calls", ENDLESS) as line:
        ready(line)
        starting(line)
        line.type(b"4711")
        line.read(0.3)
        assert "4711" not in line.text
        assert not line.modes[tty.LFLAG] & termios.ECHO  # type: ignore[operator]


def test_after_a_stop_it_reads_as_before(tmp_path: Path) -> None:
    with plain(tmp_path / "calls") as line:
        before = line.modes
        ready(line)
        own = line.modes
        for _ in range(2):
            os.kill(line.process.pid, signal.SIGSTOP)
            termios.tcsetattr(line.terminal, termios.TCSANOW, before)  # type: ignore[arg-type]
            os.kill(line.process.pid, signal.SIGCONT)
            line.until(lambda: line.modes == own)
        line.answer(b"?")
        line.until(lambda: "the list again" in line.text)
        os.kill(line.process.pid, signal.SIGTERM)
        assert line.wait() == 0
        assert line.modes == before


def test_the_last_command_line_is_changed_without_typing_it_again(tmp_path: Path) -> None:
    with plain(tmp_path / "calls") as line:
        ready(line)
        line.answer(b"e 1")
        line.until(lambda: "Number of a line to change" in line.text)
        line.answer(b"1")
        line.until(lambda: "> root=PARTUUID=6f0c4d5e-02 rw console=ttyAMA0 quiet" in line.text)
        line.type(b"\x7f" * 5)  # quiet
        line.until(lambda: not line.text.rstrip().endswith("t"))
        line.answer(b"single")
        line.until(lambda: "command line: root=PARTUUID=6f0c4d5e-02 rw console=ttyAMA0 single" in line.text)
        line.until(lambda: line.text.count("Number of a line to change") == 2)
        line.answer(b"1")
        line.until(lambda: line.text.count("> root=PARTUUID=6f0c4d5e-02 rw console=ttyAMA0 single") == 2)
        os.kill(line.process.pid, signal.SIGINT)
        line.until(lambda: "It stays as it was." in line.text)


@contextlib.contextmanager
def prompt(patience: Callable[[], float | None] = lambda: None) -> Iterator[tuple[Prompt, int, list[str]]]:
    ours, theirs = pty.openpty()
    shown: list[str] = []
    try:
        with Prompt(theirs, shown.append, patience=patience) as made:
            yield made, ours, shown
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize(
    ("typed", "line", "shown"),
    [
        ((b"a", b"\r"), "a\n", "a\n"),
        ((b"\n",), "\n", "\n"),
        ((b"ab", b"\x7f", b"c", b"\r\n"), "ac\n", "ab\b \bc\n"),
        ((b"two words", b"\x17", b"x", b"\r"), "two x\n", "two words" + "\b \b" * 5 + "x\n"),
        ((b"\x1b[A\x1b[200~a\nb\r\x1b[201~", b"\r"), "a b\n", "a b\n"),
        ((b"x\x04y", b"\r"), "xy\n", "xy\n"),
        ((b"\x1b[48;30000;30000;0;0t", b"\x1b]0;x\x07", b"\r"), "\n", "\n"),
        ((b"\x04",), "", ""),
    ],
)
def test_lines(typed: tuple[bytes, ...], line: str, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with prompt() as (made, ours, said):
        bursts = iter(typed)

        def select(watched: list[int], *_: object) -> tuple[list[int], list[int], list[int]]:
            """Send the next burst when the line is quiet."""
            if made._reader.wait is not None:
                return [], [], []
            os.write(ours, next(bursts))
            return watched, [], []

        monkeypatch.setattr("bootmenu.terminal.line_input.select.select", select)
        assert made.readline() == line
        assert "".join(said) == shown
        assert next(bursts, None) is None


@pytest.mark.parametrize("typed", [b"4711\r", b"\x1b[200~4711\r\n\x1b[201~\r"])
def test_a_secret_may_come_at_once_and_is_not_shown(typed: bytes) -> None:
    with prompt() as (made, ours, said):
        os.write(ours, typed)
        assert made.secret("PIN: ") == "4711"
        assert "".join(said) == "PIN: \n"


@pytest.mark.parametrize("typed", [b"", b"47"])
def test_without_a_key_for_long_nobody_is_there(typed: bytes) -> None:
    with prompt(lambda: 0.05) as (made, ours, _said):
        for read in (made.readline, lambda: made.secret("PIN: ")):
            os.write(ours, typed)
            with pytest.raises(Idle):
                read()
        os.write(ours, b"11\r")
        assert made.secret("PIN: ") == "11", "what was typed before is gone"


def test_tab_completes_a_path_or_lists_the_ways_to_go_on(tmp_path: Path) -> None:
    files = 'fakes.FakeEntryFiles(fakes.FileChoices(), ("/boot/", "/boot/ab", "/boot/ac"))'
    with plain(tmp_path / "calls", f"fakes.FakeSession(entry_files={files})") as line:
        ready(line)
        line.answer(b"e 1")
        line.until(lambda: "s to save it" in line.text)
        line.answer(b"2")
        line.until(lambda: "> /vmlinuz" in line.text)
        line.type(b"\x15/bo\t")
        line.until(lambda: line.text.rstrip().endswith("> /boot/"))
        line.type(b"\t")
        line.until(lambda: line.text.count("> /boot/") == 2)
        assert [row.rstrip() for row in line.text.rstrip().splitlines()][-3:] == [
            "  /boot/ab",
            "  /boot/ac",
            "> /boot/",
        ]
        line.type(b"a\x7fab")
        line.answer(b"")
        line.until(lambda: "kernel: /boot/ab" in line.text)
