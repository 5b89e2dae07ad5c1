# SPDX-License-Identifier: MIT
"""Search a page of lines: which lines have a text, and how they look."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from bootmenu.i18n import _, number
from bootmenu.model.value import Value, replace
from bootmenu.terminal.cells import clean
from bootmenu.view.styled_text import Line, Span, Style


class PageSearch(Value):
    """A text that is searched, the lines that have it, and the one of them that was gone to."""

    text: str = ""
    """Empty if nothing is searched."""
    matches: tuple[int, ...] = ()
    """Indices of the lines that have the text, upper and lower case alike."""
    current: int = 0
    """Index in `matches`."""

    @classmethod
    def of(cls, text: str, lines: Sequence[Line], start: int) -> PageSearch:
        """Return the search with the first match at the line `start` or below it as the current one, or else the
        first."""
        pattern = _pattern(text)
        matches = tuple(index for index, line in enumerate(lines) if pattern.search(line.text)) if text else ()
        current = next((place for place, index in enumerate(matches) if index >= start), 0)
        return cls(text, matches, current)

    @property
    def line(self) -> int | None:
        """Return the index of the current line; None without a match."""
        return self.matches[self.current] if self.matches else None

    def moved(self, steps: int) -> PageSearch:
        """Return the search at another match; after the last one comes the first."""
        return replace(self, current=(self.current + steps) % len(self.matches)) if self.matches else self

    @property
    def count(self) -> str:
        """Return `3 of 12`; empty if nothing is searched."""
        if not self.text:
            return ""
        if not self.matches:
            return _("not found")
        return _("{n} of {all}").format(n=number(self.current + 1, ","), all=number(len(self.matches), ","))

    @property
    def status(self) -> str:
        """Return the text that is searched and the count."""
        return f"{clean(self.text, 30)}: {self.count}" if self.text else ""

    def marks(self) -> Callable[[int, Line], Line]:
        """Return what marks the text in the line with an index: in reverse video, on the current line as a key."""
        pattern, current = _pattern(self.text), self.line

        def mark(index: int, line: Line) -> Line:
            return _marked(line, pattern, current=index == current) if self.text else line

        return mark


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(re.escape(text), re.IGNORECASE)


def _marked(line: Line, pattern: re.Pattern[str], *, current: bool) -> Line:
    """Return the line with every occurrence in reverse video."""
    found = [match.span() for match in pattern.finditer(line.text)]
    return replace(line, spans=tuple(_pieces(line.spans, found, current=current))) if found else line


def _pieces(spans: Sequence[Span], found: Sequence[tuple[int, int]], *, current: bool) -> Iterator[Span]:
    """Yield the spans, cut where an occurrence begins or ends."""
    edges = sorted({edge for place in found for edge in place})
    at = 0
    for span in spans:
        end = at + len(span.text)
        cuts = [at, *(edge for edge in edges if at < edge < end), end]
        for start, stop in pairwise(cuts):
            text = span.text[start - at : stop - at]
            if any(first <= start and stop <= last for first, last in found):
                yield replace(span, text=text, marked=True, style=Style.KEY if current else Style.TEXT)
            else:
                yield replace(span, text=text)
        at = end
