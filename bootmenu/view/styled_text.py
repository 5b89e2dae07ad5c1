# SPDX-License-Identifier: MIT
"""Lines of styled spans, which all screens consist of. Widgets translate styles to colours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from bootmenu.model.closed_set import StrEnum
from bootmenu.model.finding import Severity
from bootmenu.model.value import Value, replace
from bootmenu.terminal.cells import cells, clean, cut, wrap
from bootmenu.typed import overload


class Style(StrEnum):
    """The role of a piece of text. Themes decide how it looks (variables `ink-NAME`)."""

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
    BEHIND = "behind"

    @classmethod
    def of(cls, severity: Severity) -> Style:
        """Return the style of a severity."""
        return cls(str(severity))


class Span(Value):
    """Text in one style. The text must be safe to print: `clean` what comes from a disk."""

    text: str
    style: Style = Style.TEXT
    marked: bool = False
    """Whether it is shown in reverse video, as a cursor is."""
    press: str = ""
    """Textual's name of the key that a click on it stands for; empty if none."""


class Line(Value):
    """One row of the screen. selected: whether it is shown in reverse video over its whole width."""

    spans: tuple[Span, ...] = ()
    selected: bool = False
    press: str = ""
    """Textual's name of the key that a click on it stands for; in a list, a double click is Enter as well."""
    part: int | None = None
    """The number of what begins in this row, by which a screen finds it, such as a finding."""

    @property
    def width(self) -> int:
        """Return the columns of its text."""
        return sum(cells(span.text) for span in self.spans)

    def pressed(self, x: int) -> str:
        """Return the key that a click in column x stands for; empty if none."""
        for span in self.spans:
            x -= cells(span.text)
            if x < 0:
                return span.press or self.press
        return self.press

    @property
    def text(self) -> str:
        """Return its text without styles."""
        return "".join(span.text for span in self.spans)


Render = Callable[[int], Sequence[Line]]
"""A function that returns a page of lines for a width in columns."""

BLANK = Line()


class LazyLines(Sequence[Line]):
    """The lines of a long text, each made on access by `make`. first: finished lines that precede them."""

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
    """Return a line of spans and plain strings, which get Style.TEXT."""
    return Line(tuple(part if isinstance(part, Span) else Span(part) for part in parts), selected, press)


def spread(width: int, left: Iterable[Span], right: Iterable[Span]) -> Line:
    """Return a line with spans at its left and right ends. Without enough room the left ones are cut first."""
    right = tuple(right)
    room = width - sum(cells(span.text) for span in right)
    if room < 8:
        right, room = (), width
    kept = clip(left, room - (1 if right else 0))
    gap = room - sum(cells(span.text) for span in kept)
    return Line((*kept, Span(" " * gap), *right))


def clip(spans: Iterable[Span], width: int) -> tuple[Span, ...]:
    """Return as many of the spans as fit into `width` columns, the last one cut."""
    kept: list[Span] = []
    for span in spans:
        size = cells(span.text)
        if size > width:
            kept.append(replace(span, text=cut(span.text, width)))
            break
        kept.append(span)
        width -= size
    return tuple(kept)


def rule_room(width: int, right: Sequence[Span], *, has_left: bool = True) -> int:
    """Return the columns for the left text of a rule. If there are few, the right text is left out.

    has_left: whether there is a left text.
    """
    tail = sum(cells(span.text) for span in right) + 3 if right else 0
    return width - 4 - (tail if width - tail - 2 >= (12 if has_left else 0) else 0)


def rule(
    width: int, left: Sequence[Span] = (), right: Sequence[Span] = (), *, joint: tuple[int, str] | None = None
) -> Line:
    """Return `─ left ─────────── right ─`; without texts a plain line.

    joint: column and sign where a vertical line meets the rule.
    """
    spans: list[Span] = []
    room = rule_room(width, right, has_left=bool(left))
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
    width: int, label: Sequence[Span], column: int, text: str, style: Style = Style.TEXT, *, tail: str | Span = ""
) -> list[Line]:
    """Return a label and a text that starts and wraps at `column`. tail: right-aligned on the first line."""
    room = max(width - column, 8)
    end = Span(tail) if isinstance(tail, str) else tail
    first = room - (cells(end.text) + 2 if end.text else 0)
    if first < 12:
        end, first = Span(""), room
    rows = wrap(text, first)
    if len(rows) > 1:
        head = rows[0]
        rest = " ".join(text.split())[len(head) :].strip()
        rows = [head, *wrap(rest, room)]
    head_spans = clip(label, column - 1)
    gap = " " * (column - sum(cells(span.text) for span in head_spans))
    opening = [*head_spans, Span(gap), Span(rows[0], style)]
    if end.text:
        opening += [Span(" " * (room - cells(rows[0]) - cells(end.text))), end]
    return [Line(tuple(opening))] + [line(" " * column, Span(row, style)) for row in rows[1:]]


def progress_spans(part: float, length: int) -> list[Span]:
    """Return a progress bar. part: 0.0 to 1.0. length: in columns."""
    filled = int(length * part)
    return [Span("█" * filled, Style.BAR), Span("░" * (length - filled), Style.GROOVE)]


def bar(part: float, length: int, *, indent: int = 1) -> Line:
    """Return a progress bar with its percentage. part: 0.0 to 1.0. length: of the bar in columns, at least 10."""
    spans = progress_spans(part, max(10, length))
    return line(" " * indent, *spans, Span(f" {int(part * 100):3d} %", Style.STRONG))


def indented(row: Line, columns: int) -> Line:
    """Return a line moved to the right."""
    return replace(row, spans=(Span(" " * columns), *row.spans)) if columns and row.spans else row


def middle(lines: list[Line], height: int) -> list[Line]:
    """Return the lines a third of the way down the screen; leave out blank ones if there is no room for them."""
    if len(lines) > height:
        lines = [row for row in lines if row != BLANK]
    return [*[BLANK] * max(0, (height - len(lines)) // 3), *lines]


def paragraph(width: int, text: str, style: Style = Style.TEXT, *, indent: int = 1) -> list[Line]:
    """Return wrapped text with a left margin; line breaks in it are kept."""
    return [
        line(" " * indent, Span(row, style))
        for piece in text.split("\n")
        for row in wrap(clean(piece), width - indent - 1)
    ]
