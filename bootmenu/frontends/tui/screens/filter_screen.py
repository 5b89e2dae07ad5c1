# SPDX-License-Identifier: MIT
"""The line in which the words of a filter are typed; the menu above it follows at once."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import ComposeResult

from bootmenu.frontends.tui.screens.base_screen import BoxScreen
from bootmenu.frontends.tui.screens.typing_screen import Typing
from bootmenu.frontends.tui.widgets.text_view import TextView
from bootmenu.frontends.ui_context import UiContext
from bootmenu.i18n import _
from bootmenu.view.banner import footer
from bootmenu.view.key_help import labelled
from bootmenu.view.line_editor import LineEditor
from bootmenu.view.screen_ids import ScreenId
from bootmenu.view.styled_text import Line, Span, Style


class FilterScreen(Typing, BoxScreen[None], inherit_bindings=False):
    """follow: told the words with every key. move: the selection of the menu, so many entries down."""

    screen_id = ScreenId.FILTER
    longest = 200

    def __init__(
        self, context: UiContext, words: str, follow: Callable[[str], None], move: Callable[[int], None]
    ) -> None:
        super().__init__()
        self.context = context
        self._line = LineEditor.of(words)
        self._follow = follow
        self._move = move

    def compose(self) -> ComposeResult:
        """One line, and the keys."""
        keys = labelled(ScreenId.FILTER, self.unlabelled)
        yield TextView(lambda width: [footer(keys, width)], id="footer")
        yield TextView(self._page, id="line")

    def _page(self, width: int) -> list[Line]:
        label = _(" Filter: ")
        return [Line((Span(label, Style.LABEL), *self._line.spans(width - len(label) - 1)))]

    @property
    def line(self) -> LineEditor:
        """See Typing."""
        return self._line

    def typed(self, line: LineEditor) -> None:
        """See Typing."""
        changed = line.text != self._line.text
        self._line = line
        self.text_view("line").show(self._page)
        if changed:
            self._follow(line.text)

    def action_up(self) -> None:
        """The entry above."""
        self._move(-1)

    def action_down(self) -> None:
        """The entry below."""
        self._move(1)

    def action_keep(self) -> None:
        """Back to the menu, with what the words leave."""
        self.dismiss()

    def action_no(self) -> None:
        """Back to the menu, with every entry."""
        self._follow("")
        self.dismiss()
