# SPDX-License-Identifier: MIT
"""Test a menu that is stopped and resumed: one thread reads keys, the screen is redrawn, and signals still end it."""

from __future__ import annotations

import os
import signal
import termios
import tty
from pathlib import Path

import pytest

from tests.frontends.pseudo_terminal import Line, menu_on_a_line


def stop_and_go_on(line: Line) -> None:
    os.kill(line.process.pid, signal.SIGSTOP)
    state = Path(f"/proc/{line.process.pid}/stat")
    line.until(lambda: state.read_text().rpartition(")")[2].split()[0] == "T")
    os.kill(line.process.pid, signal.SIGCONT)


def readers(line: Line) -> int:
    names = [(task / "comm").read_text().strip() for task in Path(f"/proc/{line.process.pid}/task").iterdir()]
    return len(names)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_key_counts_once_and_a_signal_ends_it(number: signal.Signals) -> None:
    with menu_on_a_line("linux") as line:
        before = line.modes
        line.until(lambda: "▶ 1" in line.text and "/vmlinuz" in line.text)
        line.settle()
        shown, threads = line.text, readers(line)
        for _ in range(3):
            stop_and_go_on(line)
            line.settle()
            assert readers(line) == threads
        line.type(b"\x1b[B")
        line.until(lambda: "▶ 2" in line.text)
        line.settle()
        assert "▶ 2" in line.text
        line.type(b"\x1b[A")
        line.until(lambda: line.text == shown)
        os.kill(line.process.pid, number)
        assert line.wait() == 0
        assert line.modes == before
        assert f"OUTCOME Quit(signal={number!r}".encode() in line.sent


def test_a_stray_sigcont_changes_nothing() -> None:
    with menu_on_a_line("linux") as line:
        line.until(lambda: "▶ 1" in line.text and "/vmlinuz" in line.text)
        line.settle()
        threads = readers(line)
        for _ in range(5):
            os.kill(line.process.pid, signal.SIGCONT)
        line.type(b"\x1b[B")
        line.until(lambda: "▶ 2" in line.text)
        assert readers(line) == threads
        line.settle()
        line.type(b"q")
        assert line.wait() == 0


def test_what_a_shell_did_to_the_terminal_meanwhile_is_undone() -> None:
    with menu_on_a_line("linux") as line:
        line.until(lambda: "▶ 1" in line.text and "/vmlinuz" in line.text)
        line.settle()
        shown, raw = line.text, line.modes
        os.kill(line.process.pid, signal.SIGSTOP)
        modes = termios.tcgetattr(line.terminal)
        modes[tty.LFLAG] |= termios.ECHO | termios.ICANON | termios.ISIG
        termios.tcsetattr(line.terminal, termios.TCSANOW, modes)
        line.stream.feed(b"\x1b[H\x1b[J[1]+  Stopped   bootmenu\r\n$ ")
        os.kill(line.process.pid, signal.SIGCONT)
        line.until(lambda: line.text == shown)
        assert line.modes == raw
        line.type(b"q")
        assert line.wait() == 0


def test_told_to_stop_it_gives_the_terminal_back_and_takes_it_again() -> None:
    with menu_on_a_line("linux") as line:
        before = line.modes
        line.until(lambda: "▶ 1" in line.text and "/vmlinuz" in line.text)
        line.settle()
        raw, threads = line.modes, readers(line)
        for _ in range(2):
            os.kill(line.process.pid, signal.SIGTSTP)
            line.until(lambda: line.modes == before)
            state = Path(f"/proc/{line.process.pid}/stat")
            line.until(lambda state=state: state.read_text().rpartition(")")[2].split()[0] == "T")  # type: ignore[misc]
            os.kill(line.process.pid, signal.SIGCONT)
            line.until(lambda: line.modes == raw)
            line.settle()
            assert readers(line) == threads
        line.type(b"\x1b[B")
        line.until(lambda: "▶ 2" in line.text)
        os.kill(line.process.pid, signal.SIGTERM)
        assert line.wait() == 0
        assert line.modes == before
