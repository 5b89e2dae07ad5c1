# SPDX-License-Identifier: MIT
"""A line of text that somebody types: a value with a cursor. Every key makes another one."""

from __future__ import annotations

from bootmenu.model.value import Value, replace
from bootmenu.terminal.cells import cells, clean
from bootmenu.view.styled_text import Span, Style

LONGEST = 8192
"""Characters; the longest command line that a kernel takes is 4096 (arm64: COMMAND_LINE_SIZE 2048)."""


class LineEditor(Value):
    """Text, and the place before which the next character goes: 0 to its length."""

    text: str = ""
    cursor: int = 0

    @classmethod
    def of(cls, text: str) -> LineEditor:
        """With the cursor at its end."""
        return cls(text, len(text))

    def insert(self, text: str, longest: int = LONGEST) -> LineEditor:
        """Behind it stands the cursor. What is too long is left out."""
        text = text[: max(0, longest - len(self.text))]
        return LineEditor(self.text[: self.cursor] + text + self.text[self.cursor :], self.cursor + len(text))

    def erase(self) -> LineEditor:
        """Take the character before the cursor away."""
        return self._without(self._step(-1), self.cursor)

    def delete(self) -> LineEditor:
        """Take the character at the cursor away."""
        return self._without(self.cursor, self._step(1))

    def clear(self) -> LineEditor:
        """Take away everything before the cursor."""
        return self._without(0, self.cursor)

    def kill(self) -> LineEditor:
        """Take away everything from the cursor on."""
        return self._without(self.cursor, len(self.text))

    def erase_word(self) -> LineEditor:
        """Take away the word before the cursor, and the blanks behind it."""
        before, blank, _ = self.text[: self.cursor].rstrip().rpartition(" ")
        return self._without(len(before + blank), self.cursor)

    def left(self) -> LineEditor:
        """One character."""
        return replace(self, cursor=self._step(-1))

    def right(self) -> LineEditor:
        """One character."""
        return replace(self, cursor=self._step(1))

    def home(self) -> LineEditor:
        """Before the first character."""
        return replace(self, cursor=0)

    def end(self) -> LineEditor:
        """Behind the last character."""
        return replace(self, cursor=len(self.text))

    def _without(self, start: int, end: int) -> LineEditor:
        start = max(0, start)
        return LineEditor(self.text[:start] + self.text[end:], start)

    def _step(self, direction: int) -> int:
        return max(0, min(self.cursor + direction, len(self.text)))

    def spans(self, width: int, style: Style = Style.STRONG) -> tuple[Span, ...]:
        """At most `width` columns around the cursor, which is marked; « and » say that there is more."""
        return _window([clean(char) for char in self.text], self.cursor, width, style)


def _window(chars: list[str], cursor: int, width: int, style: Style) -> tuple[Span, ...]:
    """The part before the cursor moves on by half the width, so that typing seldom moves the whole line."""
    widths = [cells(char) for char in chars] + [1]
    width = max(width, 4)
    start = 0
    while sum(widths[start : cursor + 1]) > width - 1 - (start > 0):
        # from the beginning of the line, in halves: where a cursor stands, the same part is always shown
        half, passed = width // 2, 0
        while passed < half and start < cursor:
            passed += widths[start]
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
