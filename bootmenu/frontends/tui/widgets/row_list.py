# SPDX-License-Identifier: MIT
"""The list of the menu: rows under headings, one of them selected by its key."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual import events
from textual.message import Message

from bootmenu.frontends.tui.widgets.text_view import Rows
from bootmenu.view.entry_list import Columns, Row, row_line, selectable
from bootmenu.view.entry_row import Mark
from bootmenu.view.styled_text import BLANK, Line

_MOST_OWED = 100


class RowList(Rows):
    """Moving the cursor refreshes two rows. The selection follows the key of its row, not its place."""

    class Sized(Message):
        """It has another width or height."""

    class Moved(Message):
        """Another row is selected, or the selected one has other contents."""

        def __init__(self, row: Row | None) -> None:
            super().__init__()
            self.row = row

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows: Sequence[Row] = ()
        self._columns = Columns(version=0, source=0, default=False)
        self._cursor: int | None = None
        self._top = 0
        self._owed: list[Callable[[], None]] = []
        """Moves that were asked for before there was anything to move to."""
        self.moved_by_hand = False
        """The user has chosen a row: a default that is found later does not take it away."""

    @property
    def rows(self) -> Sequence[Row]:
        """What is listed."""
        return self._rows

    @property
    def selected(self) -> Row | None:
        """The row under the cursor."""
        return self._rows[self._cursor] if self._cursor is not None else None

    def show(self, rows: Sequence[Row]) -> None:
        """Other rows. The cursor stays on its key; when that is gone, on the nearest row."""
        before, was = self.shown(), self.selected
        key, place = (was.key if was else None), self._cursor
        self._rows = rows
        self._columns = self._measure()
        self._cursor = self._find(key, place)
        self._keep_in_sight()
        self.send(before)
        if self._cursor is not None:
            owed, self._owed = self._owed, []
            for move in owed:
                move()
        if self.selected != was:
            self.post_message(self.Moved(self.selected))

    def _measure(self) -> Columns:
        return Columns.of(self._rows, self.size.width)

    def _find(self, key: str | None, place: int | None) -> int | None:
        allowed = selectable(self._rows)
        if not allowed:
            return None
        if self.moved_by_hand and key is not None:
            for index in allowed:
                if self._rows[index].key == key:
                    return index
            return min(allowed, key=lambda index: abs(index - (place or 0)))
        for index in allowed:
            if self._rows[index].mark is Mark.NEXT:
                return index
        for index in allowed:
            if self._rows[index].mark is Mark.DEFAULT:
                return index
        return next((index for index in allowed if self._rows[index].listing is not None), allowed[0])

    def move(self, steps: int) -> None:
        """So many rows down, or up when negative; stops at the ends."""
        if self._cursor is None:
            self._owe(lambda: self.move(steps))
        elif allowed := selectable(self._rows):
            at = allowed.index(self._cursor)
            self._go(allowed[max(0, min(at + steps, len(allowed) - 1))])

    def _owe(self, move: Callable[[], None]) -> None:
        if len(self._owed) < _MOST_OWED:
            self._owed.append(move)

    def on_click(self, event: events.Click) -> None:
        """Select a row; with a double click on the selected one, what Enter does."""
        event.stop()
        index = self._top + event.y
        if index not in selectable(self._rows):
            return
        if event.chain == 2 and index == self._cursor:
            self.app.simulate_key("enter")
        elif event.chain == 1:
            self._go(index)

    def move_to_number(self, number: int) -> None:
        """To the entry with that number, if there is one."""
        if self._cursor is None:
            self._owe(lambda: self.move_to_number(number))
            return
        for index, row in enumerate(self._rows):
            if row.number == number:
                self._go(index)

    def _go(self, index: int) -> None:
        self.moved_by_hand = True
        if index == self._cursor:
            return
        before = self.shown()
        self._cursor = index
        self._keep_in_sight()
        self.send(before)
        self.post_message(self.Moved(self.selected))

    def _keep_in_sight(self) -> None:
        height = max(1, self.size.height)
        if self._cursor is None:
            self._top = 0
            return
        first = self._cursor
        while first > 0 and self._rows[first - 1].key is None:
            first -= 1  # its heading belongs to it
        if self._cursor - first >= height:
            first = self._cursor
        self._top = min(self._top, first)
        self._top = max(self._top, self._cursor - height + 1)
        self._top = max(0, min(self._top, len(self._rows) - height))

    @property
    def above(self) -> int:
        """Rows hidden over the first visible one."""
        return self._top

    @property
    def below(self) -> int:
        """Rows hidden under the last visible one."""
        return max(0, len(self._rows) - self._top - self.size.height)

    def line_at(self, y: int) -> Line:
        """See Rows."""
        index = self._top + y
        if not 0 <= index < len(self._rows):
            return BLANK
        return row_line(self._rows[index], self._columns, self.size.width, selected=index == self._cursor)

    def on_resize(self, _event: events.Resize) -> None:
        """Another width, other columns."""
        self._columns = self._measure()
        self._keep_in_sight()
        self.refresh()
        self.post_message(self.Sized())
