# SPDX-License-Identifier: MIT
"""The terminal looks as if everything had been sent, and gets little of it."""

from __future__ import annotations

import pyte
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.terminal.cell_diff import CellDiff
from tests.properties import examples

WIDTH, HEIGHT = 20, 5

styles = st.sampled_from(
    [
        *("", "\x1b[1m", "\x1b[31m", "\x1b[7m", "\x1b[1;7m", "\x1b[1;7;33m", "\x1b[4;44m", "\x1b[39;49m"),
        *("\x1b[1;38;2;1;2;3m", "\x1b[38;5;200;48;5;7m", "\x1b[91;107m"),
    ]
)
words = st.text(alphabet="ab ─é", max_size=WIDTH)


@st.composite
def written(draw: st.DrawFn) -> str:
    """As Textual writes: a position, text in styles that are reset, sometimes a mode or a line feed."""
    pieces = []
    for _ in range(draw(st.integers(min_value=1, max_value=6))):
        x = draw(st.integers(min_value=0, max_value=WIDTH - 1))
        y = draw(st.integers(min_value=1, max_value=HEIGHT))
        pieces.append(f"\x1b[{y};{x + 1}H")
        room = WIDTH - x
        while room > 0 and draw(st.booleans()):
            text = draw(words)[:room]
            style = draw(styles)
            pieces.append(f"{style}{text}\x1b[0m" if style else text)
            room -= len(text)
        ends = ["", "", "\x1b[?2026h", "\x1b[2J", "\x07"]
        pieces.append(draw(st.sampled_from([*ends, "\n"] if y < HEIGHT else ends)))
    return "".join(pieces)


@st.composite
def moved(draw: st.DrawFn) -> str:
    """Rows of a list that has moved, some of them changed, missing or only written in part."""
    pieces = []
    first = draw(st.integers(min_value=0, max_value=3))
    for y in range(1, HEIGHT + 1):
        if draw(st.integers(min_value=0, max_value=4)) == 0:
            continue
        start = draw(st.sampled_from([0, 0, 0, 7]))
        text = (chr(ord("A") + first + y) * (WIDTH - y)).ljust(WIDTH)[start:]
        style = f"\x1b[{30 + y}m" if draw(st.integers(min_value=0, max_value=9)) == 0 else "\x1b[1m"
        pieces.append(f"\x1b[{y};{start + 1}H{style}{text}\x1b[0m")
    return "".join(pieces)


def pictured(screen: pyte.Screen) -> list[list[object]]:
    """Every cell as it looks: the colour of letters does not matter where there are none."""

    def look(cell: pyte.screens.Char) -> object:
        seen = cell.reverse or cell.underscore or cell.strikethrough or cell.bg != "default"
        return " " if cell.data == " " and not seen else cell

    return [[look(screen.buffer[y][x]) for x in range(WIDTH)] for y in range(HEIGHT)]


@examples(300)
@given(writes=st.lists(st.one_of(written(), moved()), min_size=1, max_size=6), basic=st.booleans())
def test_the_picture_is_the_same(writes: list[str], basic: bool) -> None:
    plain, through = pyte.Screen(WIDTH, HEIGHT), pyte.Screen(WIDTH, HEIGHT)
    for screen in (plain, through):
        screen.reset_mode(7, private=True)
    plain_stream, through_stream = pyte.Stream(plain), pyte.Stream(through)
    cell_diff = CellDiff(WIDTH, HEIGHT, basic=basic)
    for data in writes:
        plain_stream.feed(data)
        through_stream.feed(cell_diff.filter(data))
    assert pictured(plain) == pictured(through)


def test_what_is_shown_already_is_not_sent_again() -> None:
    cell_diff = CellDiff(WIDTH, HEIGHT)
    row = "\x1b[2;1H\x1b[1mname\x1b[0m and more words  "
    assert "name" in cell_diff.filter(row)
    assert cell_diff.filter(row) == ""
    assert cell_diff.filter("\x1b[2;1H\x1b[1mnome\x1b[0m and more words  ") == "\x1b[2;2H\x1b[1mo\x1b[m"


def test_the_rest_of_a_line_is_erased_and_not_overwritten() -> None:
    cell_diff = CellDiff(WIDTH, HEIGHT)
    cell_diff.filter("\x1b[1;1H" + "x" * WIDTH)
    assert cell_diff.filter("\x1b[1;1Hxx" + " " * (WIDTH - 2)) == "\x1b[1;3H\x1b[K"


def test_wide_characters_are_sent_whole() -> None:
    cell_diff = CellDiff(WIDTH, HEIGHT)
    assert "日本" in cell_diff.filter("\x1b[1;1H日本  ")
    assert "日木" in cell_diff.filter("\x1b[1;1H日木  ")
    assert "abcd" in cell_diff.filter("\x1b[1;1Habcd  ")
    assert cell_diff.filter("\x1b[1;1Habcd  ") == ""


def test_after_noise_everything_is_sent_again() -> None:
    cell_diff = CellDiff(WIDTH, HEIGHT)
    cell_diff.filter("\x1b[1;1Habc")
    cell_diff.forget()
    assert "abc" in cell_diff.filter("\x1b[1;1Habc")


def test_reverse_video_can_be_read_where_bold_is_a_brighter_colour() -> None:
    """Letters would be dark grey on the Linux VT, or black on red."""
    vt, other = CellDiff(WIDTH, HEIGHT, brightens=True), CellDiff(WIDTH, HEIGHT)
    cyan = "\x1b[1;1H\x1b[1;7;36ma\x1b[27mb\x1b[0m"
    assert vt.filter(cyan) == "\x1b[1H\x1b[36;7ma\x1b[27;1mb\x1b[m"
    assert other.filter(cyan) == "\x1b[1H\x1b[36;1;7ma\x1b[27mb\x1b[m"
    red = "\x1b[2;1H\x1b[1;7;31mFAIL\x1b[0m"
    assert vt.filter(red) == "\r\v\x1b[97;41mFAIL\x1b[m"
    assert other.filter(red) == "\r\v\x1b[31;1;7mFAIL\x1b[m"


def test_modes_pass_and_change_nothing() -> None:
    cell_diff = CellDiff(WIDTH, HEIGHT)
    cell_diff.filter("\x1b[1;1Habc")
    assert cell_diff.filter("\x1b[?25l\x07") == "\x1b[?25l\x07"
    assert cell_diff.filter("\x1b[1;1Habc") == ""
    assert cell_diff.filter("\x1b[2J") == "\x1b[2J"
    assert "abc" in cell_diff.filter("\x1b[1;1Habc")


def test_what_lies_outside_is_not_sent() -> None:
    cell_diff = CellDiff(WIDTH, HEIGHT)
    assert cell_diff.filter("\x1b[99;1Habc") == ""
    assert cell_diff.filter("\x1b[1;20Habc").endswith("a")
