# SPDX-License-Identifier: MIT
"""A line of text with a cursor, as an immutable value: each edit returns a new one."""

from __future__ import annotations

from bootmenu.model.value import Value, replace
from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Self

LONGEST = 8192
"""Characters; the longest command line that any kernel takes is 4096 (arm64: COMMAND_LINE_SIZE 2048)."""


class TypedLine(Value):
    """Text and cursor: the index at which the next character is inserted, 0 to the text's length."""

    text: str = ""
    cursor: int = 0

    @classmethod
    def of(cls, text: str) -> Self:
        """Return a line with this text and the cursor at its end."""
        return cls(text, len(text))

    def insert(self, text: str, longest: int = LONGEST) -> Self:
        """Insert text at the cursor, and put the cursor after it. Drop what exceeds `longest` characters in all."""
        text = text[: max(0, longest - len(self.text))]
        whole = self.text[: self.cursor] + text + self.text[self.cursor :]
        return replace(self, text=whole, cursor=self.cursor + len(text))

    def erase(self) -> Self:
        """Delete the character before the cursor."""
        return self._without(self._step(-1), self.cursor)

    def delete(self) -> Self:
        """Delete the character under the cursor."""
        return self._without(self.cursor, self._step(1))

    def clear(self) -> Self:
        """Delete everything before the cursor."""
        return self._without(0, self.cursor)

    def kill(self) -> Self:
        """Delete everything from the cursor to the end."""
        return self._without(self.cursor, len(self.text))

    def erase_word(self) -> Self:
        """Delete the word before the cursor, and the blanks between them."""
        before, blank, _ = self.text[: self.cursor].rstrip().rpartition(" ")
        return self._without(len(before + blank), self.cursor)

    def left(self) -> Self:
        """Move the cursor one character to the left."""
        return replace(self, cursor=self._step(-1))

    def right(self) -> Self:
        """Move the cursor one character to the right."""
        return replace(self, cursor=self._step(1))

    def home(self) -> Self:
        """Move the cursor to the beginning."""
        return replace(self, cursor=0)

    def end(self) -> Self:
        """Move the cursor to the end."""
        return replace(self, cursor=len(self.text))

    def _without(self, start: int, end: int) -> Self:
        start = max(0, start)
        return replace(self, text=self.text[:start] + self.text[end:], cursor=start)

    def _step(self, direction: int) -> int:
        return max(0, min(self.cursor + direction, len(self.text)))


def one_line(pasted: str) -> str:
    """Return pasted text as a part of one line: without the line break at its end, with blanks for what cannot be
    printed."""
    return "".join(char if char.isprintable() else " " for char in pasted.rstrip("\r\n"))
