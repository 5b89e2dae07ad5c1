# SPDX-License-Identifier: MIT
"""Test hostile input on a pseudo-terminal: no size uses up the memory, and pasted text starts nothing."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import struct
import termios
from pathlib import Path

import pytest

from tests.frontends.pseudo_terminal import Line, menu_on_a_line
from tests.properties import rarely

RESIZE = b"\x1b[48;30000;30000;0;0t"
CALM = 48
"""MiB that the menu may need in addition: 512x256 needs less, 30000x30000 once needed 5 GiB."""


def most_memory(line: Line) -> int:
    """Return the peak memory of the menu in MiB."""
    status = Path(f"/proc/{line.process.pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) // 1024


def ready(line: Line) -> None:
    line.until(lambda: "▶ 1" in line.text and "/vmlinuz-6.1.0-49-arm64" in line.text)
    line.settle()


def quits(line: Line) -> None:
    line.settle()
    line.type(b"q")
    assert line.wait() == 0


@pytest.mark.parametrize("sent", [RESIZE, *rarely(b"\x1b[?2048;1$y" + RESIZE, b"\x1b[?2048;2$y\x1b[48;999;9:9;1;1t")])
def test_a_size_that_nobody_asked_for_is_no_size(sent: bytes) -> None:
    with menu_on_a_line("xterm-256color") as line:
        ready(line)
        before, shown = most_memory(line), line.text
        line.type(sent)
        line.settle()
        line.type(b"\x1b[B")
        line.until(lambda: "▶ 2" in line.text)
        line.type(b"\x1b[A")
        line.until(lambda: line.text == shown)
        assert most_memory(line) - before < CALM
        quits(line)


@pytest.mark.parametrize("size", [(65535, 65535), (0, 0), *rarely((5000, 5000), (1, 1), (65535, 1))])
def test_a_size_that_no_terminal_has_takes_no_memory(size: tuple[int, int]) -> None:
    with menu_on_a_line("linux") as line:
        ready(line)
        before = most_memory(line)
        sent = len(line.sent)
        fcntl.ioctl(line.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", *reversed(size), 0, 0))
        os.kill(line.process.pid, signal.SIGWINCH)
        if size != (0, 0):  # which is 80x24, as before
            line.until(lambda: len(line.sent) > sent)
        line.settle()
        assert most_memory(line) - before < CALM
        quits(line)


@pytest.mark.parametrize("variable", ["COLUMNS", "LINES"])
@pytest.mark.parametrize("value", ["99999999", *rarely("9999", "²", "0x10", "-3")])
def test_a_size_of_the_environment_is_bounded_too(variable: str, value: str) -> None:
    with menu_on_a_line("xterm", **{variable: value}) as line:  # type: ignore[arg-type]
        line.until(lambda: b"Debian" in line.sent)
        line.settle()
        assert most_memory(line) < 200
        quits(line)


@pytest.mark.parametrize(
    "text", [b"3\nrm\n", b"x", *rarely(b"1\r", b"x y\ny\r", b"q\r", b"s\rreboot\r", b"D\ro\r", b"\n\n\n")]
)
def test_pasted_text_starts_nothing_and_leaves_nothing(text: bytes) -> None:
    """Try it with and without bracketed paste."""
    for pasted in (b"\x1b[200~" + text + b"\x1b[201~", text if len(text) > 1 else b"fi" + text):
        with menu_on_a_line("xterm") as line:
            ready(line)
            assert b"\x1b[?2004h" in line.sent
            line.type(pasted)
            line.settle()
            assert "boot" in line.text.splitlines()[-1]
            assert line.process.poll() is None
            assert b"OUTCOME" not in line.sent
            assert "Loading" not in line.text
            line.type(b"1")
            line.until(lambda: "▶ 1" in line.text)
            line.settle()
            line.type(b"\r")
            line.until(lambda: b"OUTCOME Jump" in line.sent)


def test_keys_typed_ahead_with_arrows_start_what_they_mark() -> None:
    with menu_on_a_line("linux") as line:
        ready(line)
        line.type(b"\x1b[B\x1b[A\r")
        line.until(lambda: b"OUTCOME Jump" in line.sent)


def test_a_held_letter_moves() -> None:
    with menu_on_a_line("linux") as line:
        ready(line)
        line.type(b"jj")
        line.until(lambda: "▶ 3" in line.text)


@pytest.mark.parametrize("marks", [(b"\x1b[200~", b"\x1b[201~"), (b"", b"")])
def test_in_the_editor_pasted_text_is_one_line_and_is_not_started(marks: tuple[bytes, bytes]) -> None:
    with menu_on_a_line("xterm") as line:
        ready(line)
        line.type(b"e")
        line.until(lambda: "For this boot only" in line.text)
        line.settle()
        line.type(marks[0] + b"init=/bin/sh\rquiet\n" + marks[1])
        between = " " if marks[0] else ""
        line.until(lambda: f"init=/bin/sh{between}quiet" in line.text)
        line.settle()
        assert "For this boot only" in line.text
        assert b"OUTCOME" not in line.sent
        line.type(b"\r")
        line.until(lambda: b"OUTCOME Jump" in line.sent)


@pytest.mark.parametrize("pin", [*rarely(b"4711\r", b"4711\r\n"), b"\x1b[200~4711\n\x1b[201~\r"])
def test_a_scanner_enters_the_pin_at_once(pin: bytes) -> None:
    session = "fakes.FakeSession(), settings=fakes.KIOSK, may_quit=False"
    with menu_on_a_line("xterm", session=session, BOOTMENU_LOG=os.devnull) as line:
        line.until(lambda: "This terminal can start in three ways." in line.text)
        line.type(pin)  # nothing asks for it yet
        line.settle()
        assert "This terminal can start in three ways." in line.text
        line.type(b"\x1b[F\r")
        line.until(lambda: "Please enter the PIN." in line.text)
        line.settle()
        line.type(pin)
        line.until(lambda: "6.1.0-49-arm64" in line.text)


def test_the_marks_of_a_paste_are_taken_back() -> None:
    with menu_on_a_line("xterm-256color") as line:
        ready(line)
        quits(line)
        assert line.sent.count(b"\x1b[?2004h") >= 1
        assert line.sent.rindex(b"\x1b[?2004l") > line.sent.rindex(b"\x1b[?2004h")
    with menu_on_a_line("vt220") as line:
        line.until(lambda: "> 1" in line.text)
        quits(line)
        assert b"2004" not in line.sent
