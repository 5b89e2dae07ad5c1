# SPDX-License-Identifier: MIT
"""How two entries differ."""

from __future__ import annotations

from bootmenu.discovery.scan_events import Listing
from bootmenu.frontends.tui.screens.pager_screen import PagerScreen
from bootmenu.frontends.ui_context import UiContext
from bootmenu.view.comparison import comparison
from bootmenu.view.screen_ids import ScreenId
from bootmenu.view.styled_text import Line


class ComparisonScreen(PagerScreen[None]):
    """Shows what two entries have not in common."""

    screen_id = ScreenId.COMPARISON

    def __init__(self, context: UiContext, first: Listing, second: Listing) -> None:
        super().__init__(context)
        self._compared = (first, second)

    def render_page(self, width: int) -> list[Line]:
        """Return the lines of the page."""
        return comparison(*self._compared, width)
