# SPDX-License-Identifier: MIT
"""The help page, and the line in which it is searched."""

from __future__ import annotations

from bootmenu.frontends.tui.screens.filter_screen import FilterScreen
from bootmenu.frontends.tui.screens.pager_screen import PagerScreen
from bootmenu.frontends.ui_context import UiContext
from bootmenu.view.help_page import help_page
from bootmenu.view.screen_ids import ScreenId
from bootmenu.view.styled_text import Line


class HelpSearchScreen(FilterScreen):
    """The words that the help is searched for."""

    transient = True


class HelpScreen(PagerScreen[None]):
    """Explains the keys of a screen. about: that screen."""

    screen_id = ScreenId.HELP
    transient = True

    def __init__(self, context: UiContext, about: ScreenId = ScreenId.MENU) -> None:
        super().__init__(context)
        self._about = about
        self._words = ""

    def render_page(self, width: int) -> list[Line]:
        """Return the help, made from the table of actions."""
        kiosk = self.context.policy.kiosk
        log_file = self.context.log_file
        return help_page(self._about, self.context.not_permitted, width, log_file, keys_only=kiosk, words=self._words)

    def action_filter(self) -> None:
        """Search the help."""
        self.app.push_screen(HelpSearchScreen(self.context, self._words, self._show_words, self._scroll))

    def _show_words(self, words: str) -> None:
        self._words = words
        self.action_first()
        self.draw()

    def action_look(self) -> None:
        """Choose language and theme."""
        self.app.choose_look()  # type: ignore[attr-defined]

    def action_back(self) -> None:
        """Show all of the help again, or return to the screen below."""
        if self._words:
            self._show_words("")
        else:
            super().action_back()
