# SPDX-License-Identifier: MIT
"""The input line of the filter; the menu above it is filtered with every key."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import ComposeResult

from bootmenu.frontends.tui.screens.base_screen import BoxScreen
from bootmenu.frontends.tui.screens.line_editing import LineEditing
from bootmenu.frontends.tui.widgets.text_view import TextView
from bootmenu.frontends.ui_context import UiContext
from bootmenu.i18n import _
from bootmenu.terminal.cells import cells
from bootmenu.view.key_help import labelled
from bootmenu.view.line_editor import LineEditor
from bootmenu.view.page_edges import footer
from bootmenu.view.screen_ids import ScreenId
from bootmenu.view.styled_text import Line, Span, Style, spread


class FilterScreen(LineEditing, BoxScreen[None], inherit_bindings=False):
    """An input line over the menu. on_change: called with the new text. move: moves its cursor by n entries. count:
    returns what was found, to show at the right end of the line."""

    screen_id = ScreenId.FILTER
    max_length = 200

    def __init__(
        self,
        context: UiContext,
        text: str,
        on_change: Callable[[str], None],
        move: Callable[[int], None],
        count: Callable[[], str] = str,
    ) -> None:
        super().__init__()
        self.context = context
        self._line = LineEditor.of(text)
        self._on_change = on_change
        self._move = move
        self._count = count

    def compose(self) -> ComposeResult:
        """Yield the footer and the input line."""
        keys = labelled(self.screen_id, self.unlabelled)
        yield TextView(lambda width: [footer(keys, width)], id="footer")
        yield TextView(self._page, id="line")

    def _page(self, width: int) -> list[Line]:
        label, right = self.label, self._count()
        typed = self._line.spans(width - cells(label) - (cells(right) + 3 if right else 1))
        return [spread(width, (Span(label, Style.LABEL), *typed), [Span(f"{right} ", Style.STRONG)] if right else ())]

    @property
    def label(self) -> str:
        """Return the text before the line."""
        return _(" Filter: ")

    @property
    def line(self) -> LineEditor:
        """Return the text of the filter."""
        return self._line

    def line_changed(self, line: LineEditor) -> None:
        """Draw the line, and filter the menu if the text has changed."""
        changed = line.text != self._line.text
        self._line = line
        if changed:
            self._on_change(line.text)
        self.text_view("line").show(self._page)

    def action_up(self) -> None:
        """Select the entry above, or go to the match above."""
        self._go(-1)

    def action_down(self) -> None:
        """Select the entry below, or go to the match below."""
        self._go(1)

    def _go(self, steps: int) -> None:
        self._move(steps)
        self.text_view("line").show(self._page)

    def action_keep(self) -> None:
        """Return to the menu and keep the filter."""
        self.dismiss()

    def action_no(self) -> None:
        """Return to the menu and remove the filter."""
        self._on_change("")
        self.dismiss()


class SearchScreen(FilterScreen, inherit_bindings=False):
    """An input line over a page, which goes to the text that is typed."""

    screen_id = ScreenId.SEARCH
    transient = True

    @property
    def label(self) -> str:
        """Return the text before the line."""
        return _(" Search: ")
