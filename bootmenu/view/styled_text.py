# SPDX-License-Identifier: MIT
"""Lines of spans, each with a style, which screens are made of. Widgets give the styles their colours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from typing import overload

from bootmenu.model.finding import Severity
from bootmenu.model.value import Value, replace
from bootmenu.terminal.cells import cells, clean, cut, wrap


class Style(StrEnum):
    """What a piece of text is, never how it looks: themes decide that (variables `ink-NAME`)."""

    TEXT = "text"
    STRONG = "strong"
    DIM = "dim"
    LABEL = "label"
    HEADING = "heading"
    TITLE = "title"
    RULE = "rule"
    KEY = "key"
    PASS = "pass"  # noqa: S105 - a verdict, not a password
    UNKNOWN = "unknown"
    WARN = "warn"
    FAIL = "fail"
    BAR = "bar"
    GROOVE = "groove"
    SIMULATION = "simulation"
    SELECTED = "selected"

    @classmethod
    def of(cls, severity: Severity) -> Style:
        """The style of a verdict."""
        return cls(str(severity))


class Span(Value):
    """Text in one style. The text is safe already: `clean` it when it comes from a disk."""

    text: str
    style: Style = Style.TEXT
    marked: bool = False
    """In reverse video, as a cursor is."""
    press: str = ""
    """The key that a click on it stands for, by Textual's name; empty = none."""


class Line(Value):
    """One row of cells. selected: drawn in reverse video over its whole width."""

    spans: tuple[Span, ...] = ()
    selected: bool = False
    press: str = ""
    """The key that a click on it stands for; of a row to choose from, a double click is Enter as well."""

    @property
    def width(self) -> int:
        """Columns of its text."""
        return sum(cells(span.text) for span in self.spans)

    def pressed(self, x: int) -> str:
        """The key that a click in this column stands for."""
        for span in self.spans:
            x -= cells(span.text)
            if x < 0:
                return span.press or self.press
        return self.press

    @property
    def text(self) -> str:
        """Its characters without the inks."""
        return "".join(span.text for span in self.spans)


Render = Callable[[int], Sequence[Line]]
"""A page of lines for a width in columns."""

BLANK = Line()


class LazyLines(Sequence[Line]):
    """Lines of a long text, each of which is made when it is asked for, behind some that are made already."""

    def __init__(self, first: Sequence[Line], texts: Sequence[str], make: Callable[[str], Line]) -> None:
        self._first, self._texts, self._make = first, texts, make

    def __len__(self) -> int:
        return len(self._first) + len(self._texts)

    @overload
    def __getitem__(self, index: int) -> Line: ...
    @overload
    def __getitem__(self, index: slice) -> list[Line]: ...
    def __getitem__(self, index: int | slice) -> Line | list[Line]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        at = range(len(self))[index]
        return self._first[at] if at < len(self._first) else self._make(self._texts[at - len(self._first)])


def line(*parts: Span | str, selected: bool = False, press: str = "") -> Line:
    """A line of spans; plain strings are in the style of text."""
    return Line(tuple(part if isinstance(part, Span) else Span(part) for part in parts), selected, press)


def spread(width: int, left: Iterable[Span], right: Iterable[Span]) -> Line:
    """The left spans at the left, the right ones at the right end; the left is cut first."""
    right = tuple(right)
    room = width - sum(cells(span.text) for span in right)
    if room < 8:
        right, room = (), width
    kept = clip(left, room - (1 if right else 0))
    gap = room - sum(cells(span.text) for span in kept)
    return Line((*kept, Span(" " * gap), *right))


def clip(spans: Iterable[Span], width: int) -> tuple[Span, ...]:
    """As much of the spans as fits into `width` columns."""
    kept: list[Span] = []
    for span in spans:
        size = cells(span.text)
        if size > width:
            kept.append(replace(span, text=cut(span.text, width)))
            break
        kept.append(span)
        width -= size
    return tuple(kept)


def rule_room(width: int, right: Sequence[Span], *, beside: bool = True) -> int:
    """Columns for the left text of a rule with that right one, which gives way to a left one where there are few.

    beside: there is a left one.
    """
    tail = sum(cells(span.text) for span in right) + 3 if right else 0
    return width - 4 - (tail if width - tail - 2 >= (12 if beside else 0) else 0)


def rule(
    width: int, left: Sequence[Span] = (), right: Sequence[Span] = (), *, joint: tuple[int, str] | None = None
) -> Line:
    """`─ left ─────────── right ─`; without texts a plain line. joint: a sign where another line meets it."""
    spans: list[Span] = []
    room = rule_room(width, right, beside=bool(left))
    tail = width - 4 - room
    right = right if tail else ()
    if left:
        kept = clip(left, room)
        spans += [Span("─ ", Style.RULE), *kept, Span(" ")]
    used = sum(cells(span.text) for span in spans)
    middle = "─" * max(0, width - used - tail)
    if joint and used <= joint[0] < used + len(middle):
        middle = middle[: joint[0] - used] + joint[1] + middle[joint[0] - used + 1 :]
    spans.append(Span(middle, Style.RULE))
    if right:
        spans += [Span(" "), *right, Span(" ─", Style.RULE)]
    return Line(tuple(spans))


def block(
    width: int, label: Sequence[Span], column: int, text: str, style: Style = Style.TEXT, *, tail: str = ""
) -> list[Line]:
    """A label and a text that wraps under its own column; `tail` stands right-aligned on the first line."""
    room = max(width - column, 8)
    first = room - (cells(tail) + 2 if tail else 0)
    if tail and first < 12:
        tail, first = "", room
    rows = wrap(text, first)
    if len(rows) > 1:
        head = rows[0]
        rest = " ".join(text.split())[len(head) :].strip()
        rows = [head, *wrap(rest, room)]
    head_spans = clip(label, column - 1)
    gap = " " * (column - sum(cells(span.text) for span in head_spans))
    opening = [*head_spans, Span(gap), Span(rows[0], style)]
    if tail:
        opening += [Span(" " * (room - cells(rows[0]) - cells(tail))), Span(tail)]
    return [Line(tuple(opening))] + [line(" " * column, Span(row, style)) for row in rows[1:]]


def bar(part: float, length: int, *, indent: int = 1) -> Line:
    """Return a progress bar with its percentage. part: 0.0 to 1.0. length: its columns, of which 10 are the least."""
    length = max(10, length)
    filled = int(length * part)
    return line(
        " " * indent,
        Span("█" * filled, Style.BAR),
        Span("░" * (length - filled), Style.GROOVE),
        Span(f" {int(part * 100):3d} %", Style.STRONG),
    )


def paragraph(width: int, text: str, style: Style = Style.TEXT, *, indent: int = 1) -> list[Line]:
    """Wrapped text with a left margin; a line break in it is kept."""
    return [
        line(" " * indent, Span(row, style))
        for piece in text.split("\n")
        for row in wrap(clean(piece), width - indent - 1)
    ]
