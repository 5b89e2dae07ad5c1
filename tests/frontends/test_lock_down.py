# SPDX-License-Identifier: MIT
"""Test on a pseudo-terminal that no key, signal or error leads out of the kiosk."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.frontends.pseudo_terminal import Line, menu_on_a_line, on_a_line

KIOSK = "fakes.FakeSession(), settings={settings}, may_quit=False"


@contextlib.contextmanager
def kiosk(settings: str = "fakes.KIOSK", log: Path | None = None) -> Iterator[Line]:
    with menu_on_a_line(
        "linux", session=KIOSK.format(settings=settings), BOOTMENU_LOG=str(log or os.devnull)
    ) as line:
        yield line


def still_there(line: Line) -> bool:
    """Return whether the kiosk still runs and reacts to keys."""
    line.type(b"2")
    line.until(lambda: any("▶" in row and "previous" in row for row in line.screen.display))
    line.type(b"1")
    line.until(lambda: any("▶" in row and "normally" in row for row in line.screen.display))
    return line.process.poll() is None


def test_no_key_leaves_it() -> None:
    with kiosk() as line:
        line.until(lambda: "This terminal can start in three ways." in line.text)
        # Ctrl+C, Ctrl+D, Ctrl+P (palette), Ctrl+Q, Ctrl+S, Ctrl+X, Ctrl+Z, Ctrl+\, Ctrl+], Esc, q, :
        for typed in (b"\x03", b"\x04", b"\x10", b"\x11", b"\x13", b"\x18", b"\x1a", b"\x1c", b"\x1d", b"q", b":"):
            line.type(typed)
            assert still_there(line), typed
        for typed in (
            b"\x1b",
            b"\x1b[17~",
            b"\x1b[24~",
            b"\x1b[<0;1;1M",
            b"\xff\xfe\x9b",
            b"\x1b]52;c;?\x07",
            b"\x1bOP",
        ):
            line.type(typed + b"\x1b")
            line.read(0.7)  # an Esc that could be the beginning of a key
            assert still_there(line), typed
        assert "OUTCOME" not in line.text


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU])
def test_no_signal_of_a_terminal_leaves_or_stops_it(number: signal.Signals) -> None:
    with kiosk() as line:
        line.until(lambda: "This terminal can start in three ways." in line.text)
        os.kill(line.process.pid, number)
        assert still_there(line)


def test_a_hang_up_ends_the_process_and_shows_nothing() -> None:
    with kiosk() as line:
        line.until(lambda: "This terminal can start in three ways." in line.text)
        ours, theirs = pty.openpty()
        os.dup2(ours, line.terminal)
        os.close(ours)
        os.close(theirs)
        assert line.process.wait(10) is not None  # init starts it again


def test_a_killed_menu_leaves_no_child_behind() -> None:
    with kiosk() as line:
        line.until(lambda: "This terminal can start in three ways." in line.text)
        os.kill(line.process.pid, signal.SIGKILL)
        assert line.process.wait(10) == -signal.SIGKILL  # init starts it again
        tasks = [path for path in Path("/proc").glob("[0-9]*/stat") if _session(path) == line.process.pid]
        assert not tasks


def _session(stat: Path) -> int:
    try:
        return int(stat.read_text().rpartition(")")[2].split()[3])
    except OSError:
        return 0


def test_after_a_fault_it_is_there_again_and_nothing_of_the_fault_is_seen(tmp_path: Path) -> None:
    log = tmp_path / "menu.log"
    with kiosk("fakes.faulty_kiosk(2)", log) as line:
        line.until(lambda: "This terminal can start in three ways." in line.text)
        assert line.process.poll() is None
        assert b"Traceback" not in line.sent
        assert b"ZeroDivision" not in line.sent
        assert log.read_text().count("ZeroDivisionError: a mistake") == 2


def test_a_fault_that_comes_again_and_again_ends_it_in_plain_words(tmp_path: Path) -> None:
    log = tmp_path / "menu.log"
    with kiosk("fakes.faulty_kiosk(99)", log) as line:
        before = line.modes
        assert line.wait() == 1
        assert line.modes == before
        assert "The menu failed, and is restarted. Help: 0800 123 456" in " ".join(line.text.split())
        assert b"Traceback" not in line.sent
        assert b"ZeroDivision" not in line.sent
        assert log.read_text().count("Traceback") == 3


OFFERED = ("Start normally", "Start the other system", "Repair", "Service")


def test_the_plain_kiosk_is_the_one_of_the_screens_and_is_not_left_either() -> None:
    with on_a_line(["-m", "bootmenu", "--demo", "--profile", "kiosk"], "linux") as line:
        line.until(lambda: "This terminal can start in three ways." in line.text, 40)
        line.until(lambda: all(name in line.text for name in OFFERED))
        shown = line.text
    with on_a_line(["-m", "bootmenu", "--demo", "--profile", "kiosk", "--plain"], "linux") as line:
        line.until(lambda: "This terminal can start in three ways." in line.text, 40)
        line.until(lambda: line.text.rstrip().endswith(">"))
        rows = line.text
        for name in (*OFFERED, "recommended", "The PIN is 2580.", "Help: 0800 123 456", "SIMULATION"):
            assert name in shown
            assert name in rows, name
        for typed in (b"\x04", b"\x04\x04\x04", b"\x03", b"\x1a", b"\x1c", b"\x1b", b"\x1b[A", b"\xff\xfe\x9b"):
            line.type(typed)
            line.read(0.3)
            ask(line)
            assert line.process.poll() is None, typed
        for text in (b"q", b"s", b"d 1", b"e 1", b"p", b"u", b"/x", b"?", b"5", b"0", b"-1"):
            assert ask(line, text).count("Type a number, then Enter.") == 1, text
            assert line.process.poll() is None, text
        line.answer(b"4")
        line.until(lambda: "The PIN (Enter for none)" in line.text)
        line.type(b"1234")
        line.read(0.2)
        line.type(b"\r")
        line.until(lambda: "That was not the PIN. Please try again." in line.text)
        line.type(b"2580")
        line.read(0.2)
        line.type(b"\r")
        line.until(lambda: "A number starts that entry." in line.text, 40)
        assert b"1234" not in line.sent
        line.answer(b"L")
        line.until(lambda: line.sent.count(b"This terminal can start in three ways.") > 1)
        assert b"\x1b" not in line.sent


def ask(line: Line, text: bytes = b"x") -> str:
    """Send an invalid answer to the plain kiosk, and return its response."""
    line.type(b"\x15")  # Ctrl+U: the line is empty
    line.read(0.2)
    sent = len(line.sent)
    line.answer(text)
    line.until(lambda: b"Type a number" in line.sent[sent:] and line.text.rstrip().endswith(">"))
    return line.sent[sent:].decode()


IMPATIENT = """
from bootmenu.demo import demo_kiosk as kiosk
from bootmenu.model.value import replace
real = kiosk.demonstrated
def demonstrated(settings):
    settings, said = real(settings)
    return replace(settings, kiosk_idle=1), said
kiosk.demonstrated = demonstrated
from bootmenu import cli
cli.main()
"""


def test_a_plain_kiosk_that_is_left_counts_down() -> None:
    argv = ["-c", IMPATIENT, "--demo", "--plain", "--profile", "kiosk", "--timeout", "600"]
    with on_a_line(argv, "linux") as line:
        line.until(lambda: "Any key opens the menu" in line.text, 40)
        line.type(b"x")
        line.until(lambda: "Starts automatically in 600 s." in line.text, 40)
        assert "This terminal can start in three ways." in line.text
