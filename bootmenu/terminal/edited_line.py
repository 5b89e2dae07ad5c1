# SPDX-License-Identifier: MIT
"""A line of text that is edited on a terminal that can only print characters and step back.

The line stays in its row: if it is longer, the part around the cursor is shown. Only what changes is printed.
"""

from __future__ import annotations

from collections.abc import Callable

from bootmenu.terminal.widths import width

LONGEST = 4096
"""Longest line in characters; the kernel's own lines have as many bytes (N_TTY_BUF_SIZE)."""


class EditedLine:
    """A line with a cursor at its end. room: columns that it may take, at least 8. write: prints on the terminal."""

    def __init__(self, text: str, room: int, write: Callable[[str], object]) -> None:
        self.text = ""
        self._cursor = 0
        self._room = max(room, 8)
        self._write = write
        self._shown = ""
        self._column = 0
        """Where the terminal's cursor is, from the beginning of the line."""
        self.insert(text)

    def insert(self, text: str) -> None:
        """Insert text at the cursor; what exceeds LONGEST is dropped."""
        text = text[: LONGEST - len(self.text)]
        self._replace(self._cursor, self._cursor, text)

    def press(self, name: str) -> None:
        """Carry out a key of the line; ignore any other."""
        at, end = self._cursor, len(self.text)
        match name:
            case "left" | "ctrl+b":
                self._move(at - 1)
            case "right" | "ctrl+f":
                self._move(at + 1)
            case "home" | "ctrl+a":
                self._move(0)
            case "end" | "ctrl+e":
                self._move(end)
            case "backspace" | "ctrl+h":
                self._replace(max(0, at - 1), at)
            case "delete" | "ctrl+d":
                self._replace(at, min(end, at + 1))
            case "ctrl+u":
                self._replace(0, at)
            case "ctrl+k":
                self._replace(at, end)
            case "ctrl+w":
                before, blank, _ = self.text[:at].rstrip().rpartition(" ")
                self._replace(len(before + blank), at)
            case _:
                pass

    def _move(self, to: int) -> None:
        self._cursor = max(0, min(to, len(self.text)))
        self._draw()

    def _replace(self, start: int, end: int, text: str = "") -> None:
        self.text = self.text[:start] + text + self.text[end:]
        self._move(start + len(text))

    def _draw(self) -> None:
        start = 0
        while width(self.text[start : self._cursor]) >= self._room:
            start += self._room // 2  # by half of the room, so that it seldom moves while something is typed
        end = len(self.text)
        while width(self.text[start:end]) > self._room:
            end -= 1
        shown = self.text[start:end]
        column = width(self.text[start : self._cursor])
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
