# SPDX-License-Identifier: MIT
"""A line of text with a cursor, as an immutable value: each edit returns a new one."""

from __future__ import annotations

from bootmenu.model.value import Value, replace
from bootmenu.terminal.cells import cells, clean
from bootmenu.view.styled_text import Span, Style

LONGEST = 8192
"""Characters; the longest command line that any kernel takes is 4096 (arm64: COMMAND_LINE_SIZE 2048)."""


class LineEditor(Value):
    """Text and cursor: the index at which the next character is inserted, 0 to the text's length."""

    text: str = ""
    cursor: int = 0

    @classmethod
    def of(cls, text: str) -> LineEditor:
        """Return a line with this text and the cursor at its end."""
        return cls(text, len(text))

    def insert(self, text: str, longest: int = LONGEST) -> LineEditor:
        """Insert text at the cursor, and put the cursor after it. Drop what exceeds `longest` characters in all."""
        text = text[: max(0, longest - len(self.text))]
        return LineEditor(self.text[: self.cursor] + text + self.text[self.cursor :], self.cursor + len(text))

    def erase(self) -> LineEditor:
        """Delete the character before the cursor."""
        return self._without(self._step(-1), self.cursor)

    def delete(self) -> LineEditor:
        """Delete the character under the cursor."""
        return self._without(self.cursor, self._step(1))

    def clear(self) -> LineEditor:
        """Delete everything before the cursor."""
        return self._without(0, self.cursor)

    def kill(self) -> LineEditor:
        """Delete everything from the cursor to the end."""
        return self._without(self.cursor, len(self.text))

    def erase_word(self) -> LineEditor:
        """Delete the word before the cursor, and the blanks between them."""
        before, blank, _ = self.text[: self.cursor].rstrip().rpartition(" ")
        return self._without(len(before + blank), self.cursor)

    def left(self) -> LineEditor:
        """Move the cursor one character to the left."""
        return replace(self, cursor=self._step(-1))

    def right(self) -> LineEditor:
        """Move the cursor one character to the right."""
        return replace(self, cursor=self._step(1))

    def home(self) -> LineEditor:
        """Move the cursor to the beginning."""
        return replace(self, cursor=0)

    def end(self) -> LineEditor:
        """Move the cursor to the end."""
        return replace(self, cursor=len(self.text))

    def _without(self, start: int, end: int) -> LineEditor:
        start = max(0, start)
        return LineEditor(self.text[:start] + self.text[end:], start)

    def _step(self, direction: int) -> int:
        return max(0, min(self.cursor + direction, len(self.text)))

    def spans(self, width: int, style: Style = Style.STRONG) -> tuple[Span, ...]:
        """Return at most `width` columns around the cursor, which is marked; « and » show that text is cut there."""
        return _window([clean(char) for char in self.text], self.cursor, width, style)


def _window(chars: list[str], cursor: int, width: int, style: Style) -> tuple[Span, ...]:
    """Return the spans of LineEditor.spans. The text scrolls by half the width, so it seldom moves while typing."""
    widths = [cells(char) for char in chars] + [1]
    width = max(width, 4)
    start = 0
    while sum(widths[start : cursor + 1]) > width - 1 - (start > 0):
        # count from the beginning of the line, so that each position of the cursor always shows the same part
        half, skipped = width // 2, 0
        while skipped < half and start < cursor:
            skipped += widths[start]
            start += 1
    room = width - (start > 0)
    end = start
    while end < len(chars) and sum(widths[start : end + 1]) <= room - (end + 1 < len(chars)):
        end += 1
    spans = [Span("«", Style.DIM)] if start else []
    spans.append(Span("".join(chars[start:cursor]), style))
    if cursor < end:
        spans += [Span(chars[cursor], style, marked=True), Span("".join(chars[cursor + 1 : end]), style)]
    else:
        spans.append(Span(" ", style, marked=True))
    if end < len(chars):
        spans.append(Span("»", Style.DIM))
    return tuple(span for span in spans if span.text)
