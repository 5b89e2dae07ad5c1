# SPDX-License-Identifier: MIT
"""The menu's list: rows under headings, one of them selected."""

from __future__ import annotations

from collections.abc import Callable

from textual import events
from textual.message import Message

from bootmenu.frontends.tui.widgets.text_view import LineWidget
from bootmenu.view.entry_list import Row, Rows, row_line, selectable
from bootmenu.view.entry_texts import Mark
from bootmenu.view.styled_text import BLANK, Line

_MAX_PENDING_MOVES = 100
"""Moves that are kept until there is a row; later ones are dropped."""


class RowList(LineWidget):
    """A list with a cursor. The cursor stays on its row's key when the rows change, not on its index.

    Where the key is gone, it moves to the nearest row, and back when the key returns, unless the user has moved it
    since: a partition that is read again takes its rows away for a moment.
    """

    class Sized(Message):
        """The widget was resized."""

    class Moved(Message):
        """Another row is selected, or the selected row has changed."""

        def __init__(self, row: Row | None) -> None:
            super().__init__()
            self.row = row

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._given = Rows()
        """The rows without the blank ones between partitions, which depend on the height."""
        self._rows = Rows()
        self._cursor: int | None = None
        self._lost: str | None = None
        """The key that the cursor had to leave, because it was gone."""
        self._top = 0
        self._pending_moves: list[Callable[[], None]] = []
        """Moves that were requested before there were rows."""
        self.user_has_moved = False
        """Whether the user has moved the cursor; if not, it moves to a default that is found later."""

    @property
    def rows(self) -> Rows:
        """Return the rows of the list."""
        return self._rows

    @property
    def selected(self) -> Row | None:
        """Return the row under the cursor, or None."""
        return self._rows[self._cursor] if self._cursor is not None else None

    def show(self, rows: Rows) -> None:
        """Replace the rows. The cursor stays on its key, or moves to the nearest row if the key is gone."""
        before, was = self.visible_lines(), self.selected
        key, index_before = self._lost or (was.key if was else None), self._cursor
        self._given = rows
        self._rows = rows.spaced(self.size.height)
        self._cursor = self._choose_cursor(key, index_before)
        self._lost = None if self.selected is not None and self.selected.key == key else key
        self._scroll_to_cursor()
        self.redraw_changes(before)
        if self._cursor is not None:
            moves, self._pending_moves = self._pending_moves, []
            for move in moves:
                move()
        if self.selected != was:
            self.post_message(self.Moved(self.selected))

    def _choose_cursor(self, key: str | None, index_before: int | None) -> int | None:
        allowed = selectable(self._rows)
        if not allowed:
            return None
        if self.user_has_moved and key is not None:
            for index in allowed:
                if self._rows[index].key == key:
                    return index
            return min(allowed, key=lambda index: abs(index - (index_before or 0)))
        for index in allowed:
            if self._rows[index].mark is Mark.NEXT:
                return index
        for index in allowed:
            if self._rows[index].mark is Mark.STARTS:
                return index
        return next((index for index in allowed if self._rows[index].listing is not None), allowed[0])

    def move(self, steps: int) -> None:
        """Move the cursor so many rows down, or up if negative; stop at the ends."""
        if self._cursor is None:
            self._postpone(lambda: self.move(steps))
        elif allowed := selectable(self._rows):
            at = allowed.index(self._cursor)
            self._select(allowed[max(0, min(at + steps, len(allowed) - 1))])

    def _postpone(self, move: Callable[[], None]) -> None:
        if len(self._pending_moves) < _MAX_PENDING_MOVES:
            self._pending_moves.append(move)

    def on_click(self, event: events.Click) -> None:
        """Select the clicked row; a double click on the selected row is Enter."""
        event.stop()
        place = event.get_content_offset(self)
        index = self._top + place.y if place is not None else -1  # -1: the frame
        if index not in selectable(self._rows):
            return
        if event.chain == 2 and index == self._cursor:
            self.app.simulate_key("enter")
        elif event.chain == 1:
            self._select(index)

    def select_key(self, key: str) -> None:
        """Select the row with this key, if there is one."""
        for index in selectable(self._rows):
            if self._rows[index].key == key:
                self._select(index)

    def select_when_there(self, key: str) -> None:
        """Select the row with this key as soon as there is one, unless the user moves before."""
        self.user_has_moved, self._lost = True, key

    def move_to_number(self, number: int) -> None:
        """Move to the entry with that number, if there is one."""
        if self._cursor is None:
            self._postpone(lambda: self.move_to_number(number))
            return
        for index, row in enumerate(self._rows):
            if row.number == number:
                self._select(index)

    def _select(self, index: int) -> None:
        self.user_has_moved, self._lost = True, None
        if index == self._cursor:
            return
        before = self.visible_lines()
        self._cursor = index
        self._scroll_to_cursor()
        self.redraw_changes(before)
        self.post_message(self.Moved(self.selected))

    def _scroll_to_cursor(self) -> None:
        height = max(1, self.size.height)
        if self._cursor is None:
            self._top = 0
            return
        first = self._cursor
        while first > 0 and self._rows[first - 1].key is None:
            first -= 1  # show its heading as well
        if self._cursor - first >= height:
            first = self._cursor
        self._top = min(self._top, first)
        self._top = max(self._top, self._cursor - height + 1)
        self._top = max(0, min(self._top, len(self._rows) - height))

    @property
    def above(self) -> int:
        """Return the number of rows above the visible ones."""
        return self._top

    @property
    def below(self) -> int:
        """Return the number of rows below the visible ones."""
        return max(0, len(self._rows) - self._top - self.size.height)

    def line_at(self, y: int) -> Line:
        """Return the line of a row of the list."""
        index = self._top + y
        if not 0 <= index < len(self._rows):
            return BLANK
        width = self.size.width
        return row_line(self._rows[index], self._rows.columns(width), width, selected=index == self._cursor)

    def on_resize(self, _event: events.Resize) -> None:
        """Fit the columns to the new width, and the blank rows to the new height."""
        selected, self._rows = self.selected, self._given.spaced(self.size.height)
        if selected is not None:
            self._cursor = next(index for index, row in enumerate(self._rows) if row is selected)
        self._scroll_to_cursor()
        self.refresh()
        self.post_message(self.Sized())
