# SPDX-License-Identifier: MIT
"""Test the line that is edited on a terminal without cursor addressing: its text, and what a terminal then shows."""

from __future__ import annotations

import pyte
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.terminal.edited_line import EditedLine

_KEYS = "left right home end backspace delete ctrl+u ctrl+k ctrl+w up".split()


def shown(screen: pyte.Screen) -> tuple[str, int]:
    """Return the row of the terminal, and the column of its cursor."""
    return screen.display[0].rstrip(), screen.cursor.x


def edited(text: str, *steps: str, room: int = 40) -> tuple[EditedLine, pyte.Screen, list[str]]:
    """Edit a text. steps: names of keys, or text after a quotation mark."""
    screen, sent = pyte.Screen(60, 3), list[str]()
    stream = pyte.Stream(screen)

    def write(piece: str) -> None:
        sent.append(piece)
        stream.feed(piece)

    line = EditedLine(text, room, write)
    for step in steps:
        line.insert(step[1:]) if step.startswith('"') else line.press(step)
    return line, screen, sent


def test_the_old_text_is_the_start_and_the_cursor_moves_in_it() -> None:
    line, screen, _ = edited("root=/dev/sda2 quiet", *["left"] * 5, "backspace", '" single ')
    assert line.text == "root=/dev/sda2 single quiet"
    assert shown(screen) == ("root=/dev/sda2 single quiet", 22)


def test_a_character_at_the_end_is_all_that_is_sent() -> None:
    _, _, sent = edited("quiet", '"x', "up", "right")
    assert sent == ["quiet", "x"]


def test_a_long_line_stays_in_its_row() -> None:
    line, screen, _ = edited("console=ttyAMA0,115200 " * 20, room=30)
    assert len(line.text) == 460
    assert screen.display[1].strip() == ""
    assert shown(screen)[0].endswith("115200")
    line.press("home")
    assert shown(screen) == ("console=ttyAMA0,115200 console", 0)


@given(
    st.text("ab é漢", max_size=50), st.lists(st.sampled_from(_KEYS) | st.text("x 漢", max_size=9).map('"'.__add__))
)
def test_the_terminal_shows_the_part_around_the_cursor(text: str, steps: list[str]) -> None:
    line, screen, _ = edited(text, *steps, room=20)
    row, column = shown(screen)
    before, after = line.text[: line._line.cursor], line.text[line._line.cursor :]
    row = row.replace("\x00", "")
    assert row.strip() in line.text
    assert screen.display[1].strip() == ""
    assert column < 20
    visible = "".join(screen.buffer[0][x].data for x in range(column))
    assert before.endswith(visible)
    rest = "".join(screen.buffer[0][x].data for x in range(column, 20)).rstrip()
    assert after.startswith(rest)


def test_another_text_takes_its_place_also_in_a_new_row() -> None:
    line, screen, _ = edited("/bo", "left")
    line.replace("/boot/")
    assert shown(screen) == ("/boot/", 6)
    line.replace("/b")
    assert shown(screen) == ("/b", 2)
    screen.reset()
    line.draw_again()
    assert shown(screen) == ("/b", 2)
