# SPDX-License-Identifier: MIT
"""A widget that draws lines and sends to the terminal only the cells that changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual import events
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from bootmenu.view.styled_text import BLANK, LazyLines, Line, Render, Style

_REVERSE = RichStyle(reverse=True)


class StyledWidget(Widget):
    """Turns lines into strips with the theme's colours; the base of everything on the screens."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"ink--{style}" for style in Style}
    can_focus = False

    def strip(self, drawn: Line, width: int) -> Strip:
        """The line over exactly `width` cells."""
        base = self._base
        if drawn.selected:
            base += self.get_component_rich_style(f"ink--{Style.SELECTED}", partial=True) + _REVERSE
        segments = []
        for span in drawn.spans:
            style = base
            if drawn.selected and span.style in _KEPT:
                # the colour alone: each change of weight costs a slow line several bytes a key
                style = base + RichStyle(
                    color=self.get_component_rich_style(f"ink--{span.style}", partial=True).color
                )
            elif not drawn.selected and span.style is not Style.TEXT:
                style = base + self.get_component_rich_style(f"ink--{span.style}", partial=True)
            segments.append(Segment(span.text, style + _REVERSE if span.marked else style))
        return Strip(segments).simplify().adjust_cell_length(width, base)

    @property
    def _base(self) -> RichStyle:
        """No colours at all where the theme leaves them to the terminal: fewer bytes on the line."""
        style = self.rich_style
        if style.color and style.color.is_default and style.bgcolor and style.bgcolor.is_default:
            return RichStyle.null()
        return style

    def refresh_cells(self, y: int, before: Strip, after: Strip) -> None:
        """Send the part of row `y` in which two strips differ."""
        old, new = _cells(before), _cells(after)
        if len(old) != self.size.width or len(new) != self.size.width:
            # a character of two columns: places in the text are not places on the screen
            self.refresh(Region(0, y, self.size.width, 1))
            return
        different = [x for x, (was, now) in enumerate(zip(old, new, strict=True)) if was != now]
        if different:
            self.refresh(Region(different[0], y, different[-1] - different[0] + 1, 1))


_KEPT = frozenset({Style.PASS, Style.WARN, Style.FAIL, Style.UNKNOWN})
"""Inks that keep their colour on the selected row."""


def _cells(strip: Strip) -> list[tuple[str, RichStyle | None]]:
    return [(char, segment.style) for segment in strip for char in segment.text]


class Rows(StyledWidget):
    """A widget of whole lines: a subclass says which line stands in which row."""

    def line_at(self, y: int) -> Line:
        """The line in row `y`, 0 at the top."""
        raise NotImplementedError

    def shown(self) -> list[Line]:
        """What is shown, for `send`."""
        return [self.line_at(y) for y in range(self.size.height)]

    def send(self, before: Sequence[Line]) -> None:
        """Send what differs from what was `shown` before."""
        width = self.size.width
        for y, (was, now) in enumerate(zip(before, self.shown(), strict=True)):
            if was != now:
                self.refresh_cells(y, self.strip(was, width), self.strip(now, width))

    def render_line(self, y: int) -> Strip:
        """One row."""
        return self.strip(self.line_at(y), self.size.width)

    def on_click(self, event: events.Click) -> None:
        """A click is a key, so it can do nothing that no key does. The second of a double click is Enter where it
        met a row to choose from, and nothing elsewhere: a question that came up meanwhile is not answered by it."""
        event.stop()
        line = self.line_at(event.y)
        if event.chain == 1 and (key := line.pressed(event.x)):
            self.app.simulate_key(key)
        elif event.chain == 2 and line.press:
            self.app.simulate_key("enter")


class TextView(Rows):
    """Lines that are rendered anew for every width; the view scrolls by whole lines and has no scroll bar."""

    def __init__(self, render: Render | None = None, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._render_lines: Render = render or (lambda _width: ())
        self._lines: Sequence[Line] = ()
        self._width = -1
        self.top = 0
        """Index of the first visible line."""

    @property
    def lines(self) -> Sequence[Line]:
        """Return the lines at the present width."""
        self._fill(self.size.width)
        return self._lines

    @property
    def below(self) -> int:
        """How many lines are hidden under the last visible one."""
        return max(0, len(self.lines) - self.top - self.size.height)

    def show(self, render: Render, *, from_top: bool = False) -> None:
        """Replace what is rendered. What stays the same is not sent again."""
        before = self.shown()
        height = len(self._lines)
        self._render_lines = render
        self._width = -1
        self._fill(self.size.width)
        if len(self._lines) != height and self.styles.is_auto_height:
            self.refresh(layout=True)
            return
        self.top = 0 if from_top else min(self.top, self._last_top())
        self.send(before)

    def scroll(self, lines: int) -> None:
        """Move by that many lines, as far as there are any."""
        before = self.shown()
        self.top = max(0, min(self.top + lines, self._last_top()))
        self.send(before)

    def turn(self, pages: int) -> None:
        """Move by that many pages, each less one line."""
        self.scroll(pages * max(1, self.size.height - 1))

    def reveal(self, index: int) -> None:
        """Move so that this line is in sight."""
        if self.size.height:
            below = max(0, index - self.top - self.size.height + 1)
            self.scroll(below or min(0, index - self.top))

    def _last_top(self) -> int:
        return max(0, len(self._lines) - self.size.height)

    def _fill(self, width: int) -> None:
        if width > 0 and width != self._width:
            lines = self._render_lines(width)
            self._lines = lines if isinstance(lines, LazyLines) else tuple(lines)
            self._width = width

    def line_at(self, y: int) -> Line:
        """See Rows."""
        index = self.top + y
        return self._lines[index] if 0 <= index < len(self._lines) else BLANK

    def on_resize(self, _event: events.Resize) -> None:
        """Render again for another width."""
        self._fill(self.size.width)
        self.top = min(self.top, self._last_top())
        self.refresh()

    def get_content_height(self, _container: Size, _viewport: Size, width: int) -> int:
        """Return the number of lines."""
        self._fill(width)
        return len(self._lines)

    def render_line(self, y: int) -> Strip:
        """One row."""
        self._fill(self.size.width)
        return super().render_line(y)
