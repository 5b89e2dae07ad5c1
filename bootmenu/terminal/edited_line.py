# SPDX-License-Identifier: MIT
"""A line of text that is edited on a terminal that can only print characters and step back.

The line stays in its row: if it is longer, the part around the cursor is shown. Only what changes is printed.
"""

from __future__ import annotations

from collections.abc import Callable

from bootmenu.terminal.typed_line import TypedLine
from bootmenu.terminal.widths import width

LONGEST = 4096
"""Longest line in characters; the kernel's own lines have as many bytes (N_TTY_BUF_SIZE)."""


_EDITS: dict[str, Callable[[TypedLine], TypedLine]] = {
    **dict.fromkeys(("left", "ctrl+b"), TypedLine.left),
    **dict.fromkeys(("right", "ctrl+f"), TypedLine.right),
    **dict.fromkeys(("home", "ctrl+a"), TypedLine.home),
    **dict.fromkeys(("end", "ctrl+e"), TypedLine.end),
    **dict.fromkeys(("backspace", "ctrl+h"), TypedLine.erase),
    **dict.fromkeys(("delete", "ctrl+d"), TypedLine.delete),
    "ctrl+u": TypedLine.clear,
    "ctrl+k": TypedLine.kill,
    "ctrl+w": TypedLine.erase_word,
}
"""What each key does to the line."""


class EditedLine:
    """A line with a cursor at its end. room: columns that it may take, at least 8. write: prints on the terminal."""

    def __init__(self, text: str, room: int, write: Callable[[str], object]) -> None:
        self._line = TypedLine()
        self._room = max(room, 8)
        self._write = write
        self._shown = ""
        self._column = 0
        """Where the terminal's cursor is, from the beginning of the line."""
        self.insert(text)

    @property
    def text(self) -> str:
        """Return the whole line."""
        return self._line.text

    def insert(self, text: str) -> None:
        """Insert text at the cursor; what exceeds LONGEST is dropped."""
        self._line = self._line.insert(text, LONGEST)
        self._draw()

    def replace(self, text: str) -> None:
        """Take another text, with the cursor at its end."""
        self._line = TypedLine.of(text[:LONGEST])
        self._draw()

    def draw_again(self) -> None:
        """Show the line in a new row, after something else was printed."""
        self._shown, self._column = "", 0
        self._draw()

    def press(self, name: str) -> None:
        """Carry out a key of the line; ignore any other."""
        if (edit := _EDITS.get(name)) is not None:
            self._line = edit(self._line)
            self._draw()

    def _draw(self) -> None:
        start, cursor = 0, self._line.cursor
        while width(self.text[start:cursor]) >= self._room:
            start += self._room // 2  # by half of the room, so that it seldom moves while something is typed
        end = len(self.text)
        while width(self.text[start:end]) > self._room:
            end -= 1
        shown = self.text[start:end]
        column = width(self.text[start:cursor])
        same = 0
        while same < min(len(shown), len(self._shown)) and shown[same] == self._shown[same]:
            same += 1
        if shown == self._shown:
            out = self._step(column)
        else:
            rest = width(self._shown) - width(shown)
            out = self._step(width(shown[:same])) + shown[same:] + " " * rest
            out += "\b" * (width(shown) + max(0, rest) - column)
        self._shown, self._column = shown, column
        if out:
            self._write(out)

    def _step(self, column: int) -> str:
        """Return what moves the terminal's cursor to a column over characters that stay."""
        if column <= self._column:
            return "\b" * (self._column - column)
        known = [width(self._shown[:index]) for index in range(len(self._shown) + 1)]
        return self._shown[known.index(self._column) : known.index(column)]
