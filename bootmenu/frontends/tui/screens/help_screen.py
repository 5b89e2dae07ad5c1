# SPDX-License-Identifier: MIT
"""The help page."""

from __future__ import annotations

from bootmenu.frontends.tui.screens.base_screen import PagerScreen
from bootmenu.frontends.ui_context import UiContext
from bootmenu.view.help_page import help_page
from bootmenu.view.screen_ids import ScreenId
from bootmenu.view.styled_text import Line


class HelpScreen(PagerScreen[None]):
    """Explains keys and verdicts. about: the screen whose keys come first."""

    screen_id = ScreenId.HELP
    transient = True

    def __init__(self, context: UiContext, about: ScreenId = ScreenId.MENU) -> None:
        super().__init__(context)
        self._about = about

    def render_page(self, width: int) -> list[Line]:
        """Return the help, made from the table of actions."""
        kiosk = self.context.policy.kiosk
        return help_page(self._about, self.unlabelled, width, self.context.log_file, keys_only=kiosk)

    def action_back(self) -> None:
        """Return to the screen below."""
        self.dismiss()
