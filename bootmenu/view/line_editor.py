# SPDX-License-Identifier: MIT
"""A line of text with a cursor, as the part of it that has room on the screen."""

from __future__ import annotations

from bootmenu.terminal.cells import cells, clean
from bootmenu.terminal.typed_line import TypedLine
from bootmenu.view.styled_text import Span, Style


class LineEditor(TypedLine):
    """A line that is edited, and how it looks."""

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
