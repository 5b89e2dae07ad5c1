# SPDX-License-Identifier: MIT
"""What is done to the environment and the terminal before Textual is imported."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator

import pytest

from bootmenu.terminal.capabilities import GLYPHS, Depth, Traits, prepare_environment, settle


def prepared(terminal: str | None = None, **environ: str) -> dict[str, str]:
    """The environment afterwards."""
    prepare_environment(environ, terminal)
    return environ


def test_nothing_of_textuals_comes_in_from_outside() -> None:
    environ = prepared(TERM="linux", TEXTUAL_DRIVER="evil:Driver", TEXTUAL="debug", TEXTUAL_COLOR_SYSTEM="nonsense")
    assert "TEXTUAL_DRIVER" not in environ
    assert "TEXTUAL" not in environ
    assert "TEXTUAL_COLOR_SYSTEM" not in environ
    assert environ["TEXTUAL_ANIMATIONS"] == "none"
    assert environ["TEXTUAL_DISABLE_KITTY_KEY"] == "1"


@pytest.mark.parametrize("term", ["linux", "vt220", "vt100", "ansi", "screen"])
def test_consoles_have_sixteen_colours_whatever_systemd_says(term: str) -> None:
    environ = prepared(TERM=term, COLORTERM="truecolor")
    assert "COLORTERM" not in environ
    assert Traits.of(environ).sixteen


@pytest.mark.parametrize("term", ["", "dumb", "unknown"])
def test_a_terminal_without_a_name_gets_no_colours(term: str) -> None:
    environ = prepared(TERM=term)
    assert environ["TERM"] == "vt220"
    assert environ["NO_COLOR"] == "1"


@pytest.mark.parametrize(("term", "brightens"), [("linux", True), ("linux-16color", True), ("vt220", False)])
def test_only_the_linux_vt_has_brighter_letters_for_bold_ones(term: str, brightens: bool) -> None:
    assert Traits.of({"TERM": term}).brightens is brightens


def test_a_terminal_of_many_colours_keeps_them() -> None:
    environ = prepared(TERM="xterm-256color", COLORTERM="truecolor")
    assert environ["COLORTERM"] == "truecolor"
    assert Traits.of(environ) == Traits(console=False, sixteen=False, ascii=False, synchronised=True, mouse=True)


@pytest.mark.parametrize(
    ("environ", "depth"),
    [
        ({"TERM": "linux", "COLORTERM": "truecolor"}, Depth.SIXTEEN),
        ({"TERM": "xterm"}, Depth.SIXTEEN),
        ({"TERM": "xterm-256color"}, Depth.MANY),
        ({"TERM": "xterm-256color", "COLORTERM": "24bit"}, Depth.ALL),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, Depth.NONE),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, Depth.MANY),
        ({"TERM": "dumb"}, Depth.NONE),
    ],
)
def test_the_number_of_colours(environ: dict[str, str], depth: Depth) -> None:
    assert Depth.of(prepared(**environ)) is depth
    assert "NO_COLOR" not in environ or ("NO_COLOR" in prepared(**environ)) is bool(environ["NO_COLOR"])


@pytest.mark.parametrize(
    "line",
    [
        *("ttyS0", "ttyAMA0", "hvc0", "ttyUSB1", "ttymxc2", "ttyAML0", "ttyMV0", "ttySAC2", "ttySTM0", "ttyTCU0"),
        *("ttyFIQ0", "ttyHS0", "ttySIF0", "ttyGS0", "ttyNEW7", "serial/by-id/usb-ftdi"),
    ],
)
def test_a_serial_line_is_no_linux_console(line: str) -> None:
    environ = prepared(f"/dev/{line}", TERM="linux")
    assert environ["TERM"] == "vt220"
    assert environ["ESCDELAY"] == "500"


@pytest.mark.parametrize("screen", ["tty1", "tty63", "pts/0", "pts/12", "ttyp0", "tty", "console"])
def test_a_screen_is_no_serial_line(screen: str) -> None:
    environ = prepared(f"/dev/{screen}", TERM="linux")
    assert environ["TERM"] == "linux"
    assert "ESCDELAY" not in environ


def test_sizes_that_make_no_sense_are_forgotten() -> None:
    environ = prepared(TERM="linux", COLUMNS="0", LINES="many")
    assert "COLUMNS" not in environ
    assert "LINES" not in environ
    assert prepared(TERM="linux", COLUMNS="100")["COLUMNS"] == "100"


def test_it_does_not_import_textual() -> None:
    code = "import sys, bootmenu.terminal.capabilities; print('textual' in sys.modules or 'rich' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


@pytest.fixture
def line() -> Iterator[tuple[int, int]]:
    """A terminal's two ends: ours and the program's."""
    ours, theirs = pty.openpty()
    yield ours, theirs
    os.close(ours)
    os.close(theirs)


def answering(ours: int, *replies: bytes) -> threading.Thread:
    """The other end of the line: answers to what is asked, then is silent."""

    def answer() -> None:
        os.read(ours, 200)
        for reply in replies:
            os.write(ours, reply)

    thread = threading.Thread(target=answer)
    thread.start()
    return thread


def size_of(terminal: int) -> tuple[int, int]:
    """(columns, rows)"""
    size = os.get_terminal_size(terminal)
    return size.columns, size.lines


@pytest.mark.parametrize(
    ("replies", "size", "glyphs"),
    [
        ((b"\x1b[50;132R", b"\x1b[1;2R"), (132, 50), "utf-8"),
        ((b"\x1b[24;80R\x1b[1;3R",), (80, 24), "ascii"),
        ((b"\x1b[24;", b"100R", b"\x1b[1;2R"), (100, 24), "utf-8"),
        ((), (80, 24), None),
        ((b"\x1b[1;1R\x1b[1;1R",), (80, 24), "ascii"),
        ((b"noise\xff\xfe",), (80, 24), None),
    ],
)
def test_a_line_without_a_size_is_asked_for_it(
    line: tuple[int, int], replies: tuple[bytes, ...], size: tuple[int, int], glyphs: str | None
) -> None:
    ours, theirs = line
    before = termios.tcgetattr(theirs)
    thread = answering(ours, *replies)
    environ = {"TERM": "vt220"}
    settle(theirs, environ)
    thread.join()
    assert size_of(theirs) == size
    assert environ.get(GLYPHS) == glyphs
    assert termios.tcgetattr(theirs) == before


def test_a_terminal_with_a_size_is_left_alone(line: tuple[int, int]) -> None:
    ours, theirs = line
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 90, 0, 0))
    os.set_blocking(ours, False)
    environ = {"TERM": "linux"}
    settle(theirs, environ)
    assert size_of(theirs) == (90, 30)
    assert GLYPHS not in environ
    with pytest.raises(BlockingIOError):
        os.read(ours, 100)
