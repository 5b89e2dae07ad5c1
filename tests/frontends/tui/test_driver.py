# SPDX-License-Identifier: MIT
"""Test the driver on a pseudo-terminal: what it sends, which input it survives, how it leaves the terminal."""

from __future__ import annotations

import os
import pty
import re
import signal
import termios
from pathlib import Path

import pytest

from bootmenu.frontends.tui.driver import to_ascii
from tests.frontends.pseudo_terminal import Line, menu_on_a_line
from tests.properties import part, rarely

CONSOLES = ["linux", "vt220", "vt100", "vt102", "ansi"]
WINDOWS = ["xterm", "xterm-256color", "screen", "screen-256color", "tmux-256color", "rxvt", "rxvt-unicode-256color"]
TERMS = ["linux", "vt220", "xterm-256color"]

SEQUENCE = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-~])")
"""ECMA-48: control sequences, OSC strings, and escapes of two characters and more."""

EVERYWHERE = (
    rb"\x1b\[\d*(;\d+)?H|\x1b\[[\d;]*m|\x1b\[K|\x1b\[2?J|\x1b\[\d*[CD]|\x1b\[\?25[lh]|\x1b\[\?7[lh]"
    rb"|\x1b[78]|\x1b\[999;999H|\x1b\[6n"
)
SCROLLING = rb"|\x1b\[\d+;\d+r|\x1b\[r|\x1bM"
WINDOW = rb"|\x1b\[\?(1049|1000|1006|2004)[lh]"
HELD_BACK = rb"|\x1b\[\?2026([lh]|\$p)"
UNDOING = re.compile(rb"\x1b\[([\d;]*;)?(2[2-9]|39|49)(;[\d;]*)?m")
MANY_COLOURS = re.compile(rb"[34]8;[25];")


def allowed(term: str) -> re.Pattern[bytes]:
    """Return a pattern of the sequences that may be sent to a terminal of this name."""
    sequences = EVERYWHERE
    if term not in ("vt100", "vt102", "ansi"):
        sequences += SCROLLING
    if term in WINDOWS:
        sequences += WINDOW
    if term.startswith(("xterm", "tmux")):
        sequences += HELD_BACK
    return re.compile(sequences)


@pytest.mark.parametrize("term", part(CONSOLES + WINDOWS))
def test_it_shows_moves_and_leaves_the_terminal_as_it_was(term: str) -> None:
    with menu_on_a_line(term, BOOTMENU_GLYPHS="utf-8") as line:
        before = line.modes
        line.until(lambda: "▶ 1" in line.text and "/vmlinuz-6.1.0-49-arm64" in line.text)
        assert line.modes != before
        line.type(b"\x1b[B\x1bOB")  # in both modes of the cursor keys
        line.until(lambda: "▶ 3" in line.text and "Choose a kernel with 4 KiB pages." in line.text)
        row = next(y for y, text in enumerate(line.screen.display) if text.startswith("▶ 3"))
        assert line.screen.buffer[row][12].reverse, "the selected row is in reverse video"
        line.type(b"d")
        line.until(lambda: "What was checked" in line.text)
        line.type(b"jjjk")
        line.settle()
        line.type(b"q")
        line.until(lambda: "▶ 3" in line.text)
        line.type(b"q")
        assert line.wait() == 0
        assert line.modes == before
        assert b"\x1b[?25h" in line.sent
        assert b"OUTCOME Quit(signal=0)" in line.sent
        assert not re.search(r"\d+u|;default|\$p", line.text)
        strange = {found for found in SEQUENCE.findall(line.sent) if not allowed(term).fullmatch(found)}
        assert not strange
        assert bool(MANY_COLOURS.search(line.sent)) is ("256color" in term)
        if term in ("vt100", "vt102", "ansi"):
            assert not UNDOING.search(line.sent), "there is one way to end an attribute: to end them all"


def click(line: Line, text: str, times: int = 1) -> None:
    """Click on a text with the left button, as xterm reports it in SGR mode (ctlseqs, "Extended coordinates")."""
    y = next(y for y, row in enumerate(line.screen.display) if text in row)
    x = line.screen.display[y].index(text)
    line.type(f"\x1b[<0;{x + 1};{y + 1}M\x1b[<0;{x + 1};{y + 1}m".encode() * times)


def test_clicks_and_the_wheel_do_what_keys_do() -> None:
    with menu_on_a_line("xterm-256color") as line:
        line.until(lambda: "▶ 1" in line.text and "/vmlinuz-6.1.0-49-arm64" in line.text)
        line.settle()
        click(line, "  3 ")
        line.until(lambda: "▶ 3" in line.text)
        line.type(b"\x1b[<64;5;5M")
        line.until(lambda: "▶ 2" in line.text)
        line.type(b"\x1b[<65;5;5M")
        line.until(lambda: "▶ 3" in line.text)
        click(line, "details")
        line.until(lambda: "What was checked" in line.text)
        click(line, "Esc")
        line.until(lambda: "▶ 3" in line.text)
        line.settle()
        click(line, "▶ 3", 2)
        line.until(lambda: "No, back to the menu" in line.text)
        click(line, "No, back")
        line.until(lambda: "No, back" not in line.text and "▶ 3" in line.text)
        line.type(b"q")
        assert line.wait() == 0
        on, off = line.sent.index(b"\x1b[?1000h"), line.sent.rindex(b"\x1b[?1000l")
        assert on < line.sent.rindex(b"\x1b[?1006l") < off < line.sent.index(b"OUTCOME")


def test_one_click_starts_nothing() -> None:
    with menu_on_a_line("xterm-256color") as line:
        line.until(lambda: "▶ 1" in line.text and "/vmlinuz-6.1.0-49-arm64" in line.text)
        line.settle()
        click(line, "▶ 1")
        line.settle()
        assert "Enter boot" in line.text
        assert line.process.poll() is None


def test_an_escape_sequence_in_two_pieces_is_one_key() -> None:
    with menu_on_a_line("vt220", BOOTMENU_GLYPHS="utf-8") as line:
        line.until(lambda: "▶ 1" in line.text)
        line.settle()
        line.type(b"d")
        line.until(lambda: "What was checked" in line.text)
        line.settle()
        line.type(b"\x1b")
        line.read(0.2)  # a slow line: Esc alone would go back
        line.type(b"[B")
        line.read(0.8)
        assert "What was checked" in line.text
        line.type(b"\x1b")
        line.until(lambda: "▶ 1" in line.text)


@pytest.mark.parametrize("glyphs", ["utf-8", "ascii"])
def test_wide_characters_keep_the_columns_in_line(glyphs: str) -> None:
    session = "fakes.FakeSession(events=fakes.WIDE)"
    with menu_on_a_line("vt220", session=session, BOOTMENU_GLYPHS=glyphs) as line:
        marker = "▶" if glyphs == "utf-8" else ">"
        line.until(lambda: f"{marker} 1" in line.text)
        line.settle()
        line.type(b"\x1b[B")
        line.until(lambda: f"{marker} 2" in line.text)
        line.settle()
        rows = [row for row in line.screen.display if "6.1.0-49-arm64 " in row and "bls" in row]
        assert len(rows) == 2
        # pyte gives a wide character two cells, the right one of them empty
        columns = {sum(1 if char.isascii() or char in "▶•" else 2 for char in row.split("6.1.0")[0]) for row in rows}
        assert len(columns) == 1
        assert ("日本語" in line.text) is (glyphs == "utf-8")


@pytest.mark.parametrize("term", part(TERMS, 3))
def test_noise_on_the_line_is_survived(term: str) -> None:
    with menu_on_a_line(term, BOOTMENU_GLYPHS="utf-8") as line:
        line.until(lambda: "▶ 1" in line.text)
        for noise in (
            b"\xff",
            b"\x9b",
            b"\xc3\x28",
            b"\xe2\x82",
            b"\x1b[\xfe",
            b"\x1b[999999999999;~",
            b"\x00\x80\xbf",
        ):
            line.type(noise)
            line.read(0.1)
        line.type(b"3")
        line.until(lambda: "▶ 3" in line.text)
        line.type(b"q")
        assert line.wait() == 0


def test_a_line_that_is_not_known_to_read_utf8_gets_ascii() -> None:
    with menu_on_a_line("vt220") as line:
        line.until(lambda: "> 1" in line.text)
        line.settle()
        assert line.sent.replace(b"\xc3\xa9", b"").isascii(), "but for the question whether it reads UTF-8"
        assert "* ok" in line.text
        assert "# FAIL" in line.text
        assert "----" in line.text


def test_a_line_without_a_size_is_80_by_24() -> None:
    with menu_on_a_line("vt220", size=None) as line:
        line.until(lambda: "> 1" in line.text)
        line.settle()
        assert "Enter boot" in line.screen.display[23]


@pytest.mark.parametrize("number", [signal.SIGTERM, *rarely(signal.SIGHUP, signal.SIGQUIT)])
def test_a_signal_leaves_the_terminal_as_it_was(number: signal.Signals) -> None:
    with menu_on_a_line("linux") as line:
        before = line.modes
        line.until(lambda: "▶ 1" in line.text)
        os.kill(line.process.pid, number)
        assert line.wait() == 0
        assert line.modes == before
        assert f"OUTCOME Quit(signal={number!r}".encode() in line.sent


def test_a_line_that_hangs_up_ends_the_menu() -> None:
    with menu_on_a_line("linux") as line:
        line.until(lambda: "▶ 1" in line.text)
        ours, theirs = pty.openpty()
        os.dup2(ours, line.terminal)
        os.close(ours)
        os.close(theirs)
        assert line.process.wait(10) is not None


def test_a_fault_leaves_one_sentence_and_a_file(tmp_path: Path) -> None:
    log = tmp_path / "menu.log"
    session = "fakes.FakeSession(machine_report=None)"
    with menu_on_a_line("linux", session=session, BOOTMENU_LOG=str(log)) as line:
        before = line.modes
        assert line.wait() == 1
        assert line.modes == before
        shown = " ".join(line.text.split())
        assert "the menu stopped because of an internal error: “AttributeError" in shown
        assert "Traceback" not in shown
        assert "Traceback" in log.read_text()


def test_ctrl_l_draws_everything_again() -> None:
    with menu_on_a_line("linux") as line:
        line.until(lambda: "▶ 1" in line.text and "/vmlinuz" in line.text)
        line.settle()
        picture = line.text
        line.stream.feed(b"\x1b[5;10Hprintk: something came between\x1b[12;1Hmore")
        assert line.text != picture
        line.type(b"\x0c")
        line.until(lambda: line.text == picture)


def test_a_resize_is_followed() -> None:
    with menu_on_a_line("xterm-256color") as line:
        line.until(lambda: "▶ 1" in line.text)
        line.settle()
        line.resize(120, 40)
        line.until(lambda: "Enter boot" in line.screen.display[39] and "│" in line.text)
        line.settle()
        wide = line.text
        line.resize(80, 24)
        line.until(lambda: "Enter boot" in line.screen.display[23])
        line.settle()
        line.resize(120, 40)
        line.until(lambda: line.text == wide)


def test_a_slow_line_is_not_flooded() -> None:
    """The numbers are bytes; 115200 baud carries 11520 in a second."""
    with menu_on_a_line("vt220", BOOTMENU_GLYPHS="utf-8") as line:
        line.until(lambda: "▶ 1" in line.text and "/vmlinuz" in line.text)
        line.settle()
        assert len(line.sent) < 4000
        sent = len(line.sent)
        line.read(1.5)
        assert len(line.sent) == sent, "idle"
        line.type(b"\x1b[B\x1b[A" * 10 + b"\x1b[B")
        line.until(
            lambda: ("▶ 2" in line.text and "6.1.0-47" in line.text.split("─")[-1]) or "CMD-CONSOLE" in line.text
        )
        line.settle()
        assert len(line.sent) - sent < 21 * 400 + 1500


def test_progress_on_a_line_and_the_outcome() -> None:
    with menu_on_a_line("linux") as line:
        line.until(lambda: "▶ 1" in line.text)
        line.type(b"\r")
        assert line.wait() == 0
        assert b"OUTCOME Jump(plan=" in line.sent


GONE = "type('Gone', (fakes.FakeSession,), {'power': lambda self, wanted: os._exit(7)})()"
"""A session whose process dies during the power call, as if the machine were off."""


def test_the_last_words_are_on_the_screen_before_the_machine_goes_down() -> None:
    with menu_on_a_line("linux", session=GONE) as line:
        line.until(lambda: "▶ 1" in line.text)
        line.type(b"p")
        line.until(lambda: "Go on running" in line.text)
        line.type(b"2")
        line.settle()
        termios.tcflow(line._theirs, termios.TCOOFF)  # a slow line
        line.type(b"\r")
        assert not line.read(0.4)
        termios.tcflow(line._theirs, termios.TCOON)
        assert line.wait() == 7
        assert "The machine is restarting." in line.text
        assert "Go on running" not in line.text


def test_a_terminal_that_takes_nothing_does_not_keep_the_machine_up() -> None:
    with menu_on_a_line("linux", session=GONE) as line:
        line.until(lambda: "▶ 1" in line.text)
        line.settle()
        termios.tcflow(line._theirs, termios.TCOOFF)
        for key in (b"p", b"2", b"\r"):
            line.type(key)
            assert not line.read(0.5)
        assert line.wait() == 7


@pytest.mark.parametrize("text", ["─│┌┐└┘├┤┬┴┼═║╔╗╚╝█░▒■▲▼▶◀←↑→↓•·±°«»", "Grüße", "日本", "“x”"])
def test_ascii_takes_as_many_columns(text: str) -> None:
    from rich.cells import cell_len

    plain = to_ascii(text)
    assert plain.isascii()
    assert plain.isprintable()
    assert len(plain) == cell_len(text)
