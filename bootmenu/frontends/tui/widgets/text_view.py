# SPDX-License-Identifier: MIT
"""Widgets that draw lines and refresh only the cells that changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, cast

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual import events
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from bootmenu.view.styled_text import BLANK, LazyLines, Line, Render, Style

_REVERSE = RichStyle(reverse=True)


class HasInks(Protocol):
    """The app of a StyledWidget.

    The inks are no component classes: Textual would work those out for every widget, at each change of its style.
    """

    inks: Mapping[Style, RichStyle]


class StyledWidget(Widget):
    """A widget that draws lines in the theme's colours; the base of all widgets."""

    can_focus = False

    def strip(self, drawn: Line, width: int) -> Strip:
        """Return the line as a strip of exactly `width` cells."""
        base = self._base
        if drawn.selected:
            base += self._ink(Style.SELECTED) + _REVERSE
        segments = []
        for span in drawn.spans:
            style = base
            if drawn.selected and span.style in _KEPT_COLOURS:
                # the colour alone: each change between bold and normal costs a slow line several bytes a key
                style = base + RichStyle(color=self._ink(span.style).color)
            elif not drawn.selected and span.style is not Style.TEXT:
                style = base + self._ink(span.style)
            segments.append(Segment(span.text, style + _REVERSE if span.marked else style))
        return Strip(segments).simplify().adjust_cell_length(width, base)

    def _ink(self, style: Style) -> RichStyle:
        return cast(HasInks, self.app).inks[style]

    @property
    def _base(self) -> RichStyle:
        """Return the style of plain text; if the theme uses the terminal's colours, an empty one, to save bytes."""
        style = self.rich_style
        if style.color and style.color.is_default and style.bgcolor and style.bgcolor.is_default:
            return RichStyle.null()
        return style

    def refresh_cells(self, y: int, before: Strip, after: Strip) -> None:
        """Refresh the part of row `y` in which two strips differ."""
        old, new = _cells(before), _cells(after)
        if len(old) != self.size.width or len(new) != self.size.width:
            # with double-width characters, indexes in the text are not columns
            self.refresh(Region(0, y, self.size.width, 1))
            return
        different = [x for x, (was, now) in enumerate(zip(old, new, strict=True)) if was != now]
        if different:
            self.refresh(Region(different[0], y, different[-1] - different[0] + 1, 1))


_KEPT_COLOURS = frozenset({Style.PASS, Style.WARN, Style.FAIL, Style.UNKNOWN})
"""Styles that keep their colour on the selected row."""


def _cells(strip: Strip) -> list[tuple[str, RichStyle | None]]:
    return [(char, segment.style) for segment in strip for char in segment.text]


class LineWidget(StyledWidget):
    """A widget of lines; a subclass provides the line for each row."""

    def line_at(self, y: int) -> Line:
        """Return the line in row `y`, 0 at the top."""
        raise NotImplementedError

    def visible_lines(self) -> list[Line]:
        """Return the visible lines, for `redraw_changes`."""
        return [self.line_at(y) for y in range(self.size.height)]

    def redraw_changes(self, before: Sequence[Line]) -> None:
        """Refresh what differs from the lines that were visible before."""
        width = self.size.width
        for y, (was, now) in enumerate(zip(before, self.visible_lines(), strict=True)):
            if was != now:
                self.refresh_cells(y, self.strip(was, width), self.strip(now, width))

    def render_line(self, y: int) -> Strip:
        """Return the strip for row `y`."""
        return self.strip(self.line_at(y), self.size.width)

    def on_click(self, event: events.Click) -> None:
        """Press the key that the clicked text stands for.

        The second click of a double click is Enter, but only on a row to choose from: it must not answer a question
        that has come up since the first click.
        """
        event.stop()
        line = self.line_at(event.y)
        if event.chain == 1 and (key := line.pressed(event.x)):
            self.app.simulate_key(key)
        elif event.chain == 2 and line.press:
            self.app.simulate_key("enter")


def frame(widget: Widget, title: str, below: str) -> None:
    """Write into the frame of a widget: at its top, and at the right end of its bottom."""
    for name, text in (("border_title", title), ("border_subtitle", below)):
        written = Content(text) if text else None
        if getattr(widget, name) != (written.markup if written else None):  # a frame is drawn anew at each change
            setattr(widget, name, written)


def _as_it_is(_index: int, line: Line) -> Line:
    return line


class TextView(LineWidget):
    """A view of lines that are rendered for its width; it scrolls by whole lines and has no scroll bar."""

    class Sized(Message):
        """The widget was resized."""

        def __init__(self, view: TextView) -> None:
            super().__init__()
            self.view = view

        @property
        def control(self) -> TextView:
            """Return the widget, for the selectors of `on`."""
            return self.view

    def __init__(self, render: Render | None = None, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._render_lines: Render = render or (lambda _width: ())
        self._lines: Sequence[Line] = ()
        self._width = -1
        self._mark: Callable[[int, Line], Line] = _as_it_is
        """Returns the line with an index as it is shown."""
        self.top = 0
        """Index of the first visible line."""

    @property
    def lines(self) -> Sequence[Line]:
        """Return all lines, rendered for the current width."""
        self._update_lines(self.size.width)
        return self._lines

    @property
    def below(self) -> int:
        """Return the number of lines below the visible ones."""
        return max(0, len(self.lines) - self.top - self.size.height)

    def show(self, render: Render, *, from_top: bool = False) -> None:
        """Replace the contents; cells that stay the same are not sent again."""
        before = self.visible_lines()
        height = len(self._lines)
        self._render_lines = render
        self._width = -1
        self._update_lines(self.size.width)
        if len(self._lines) != height and self.styles.is_auto_height:
            self.refresh(layout=True)
            return
        self.top = 0 if from_top else min(self.top, self._last_top())
        self.redraw_changes(before)

    def render_again(self) -> None:
        """Render the same contents anew, because something else has changed, such as the language."""
        self.show(self._render_lines)

    def scroll(self, lines: int) -> None:
        """Scroll by so many lines, at most to an end."""
        before = self.visible_lines()
        self.top = max(0, min(self.top + lines, self._last_top()))
        self.redraw_changes(before)

    def scroll_pages(self, pages: int) -> None:
        """Scroll by so many pages, each one line less than the height."""
        self.scroll(pages * max(1, self.size.height - 1))

    def mark(self, mark: Callable[[int, Line], Line]) -> None:
        """Show each line as `mark` returns it, which is called with its index when it becomes visible."""
        before = self.visible_lines()
        self._mark = mark
        self.redraw_changes(before)

    def reveal(self, index: int, *, middle: bool = False) -> None:
        """Scroll until the line with this index is visible; if it was not, a third of the way down with `middle`."""
        if self.size.height:
            if middle and not 0 <= index - self.top < self.size.height:
                self.scroll(index - self.size.height // 3 - self.top)
            below = max(0, index - self.top - self.size.height + 1)
            self.scroll(below or min(0, index - self.top))

    def _last_top(self) -> int:
        return max(0, len(self._lines) - self.size.height)

    def _update_lines(self, width: int) -> None:
        if width > 0 and width != self._width:
            lines = self._render_lines(width)
            self._lines = lines if isinstance(lines, LazyLines) else tuple(lines)
            self._width = width

    def line_at(self, y: int) -> Line:
        """Return the line in row `y`, or a blank one below the last."""
        index = self.top + y
        return self._mark(index, self._lines[index]) if 0 <= index < len(self._lines) else BLANK

    def on_resize(self, _event: events.Resize) -> None:
        """Render the lines for the new width."""
        self._update_lines(self.size.width)
        self.top = min(self.top, self._last_top())
        self.refresh()
        self.post_message(self.Sized(self))

    def get_content_height(self, _container: Size, _viewport: Size, width: int) -> int:
        """Return the number of lines at this width."""
        self._update_lines(width)
        return len(self._lines)

    def render_line(self, y: int) -> Strip:
        """Return the strip for row `y`."""
        self._update_lines(self.size.width)
        return super().render_line(y)
