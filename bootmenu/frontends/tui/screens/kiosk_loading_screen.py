# SPDX-License-Identifier: MIT
"""The kiosk while an entry is loaded."""

from __future__ import annotations

from bootmenu.discovery.scan_events import Listing
from bootmenu.frontends.outcome import Jump
from bootmenu.frontends.tui.screens.base_screen import BootmenuScreen
from bootmenu.frontends.tui.screens.kiosk_page import KioskArrivalScreen, KioskPage, KioskRefusalScreen
from bootmenu.frontends.tui.screens.loading_screen import LoadingScreen, Returned
from bootmenu.frontends.ui_context import UiContext
from bootmenu.kexec.plan import LoadPlan
from bootmenu.view import kiosk_pages as pages
from bootmenu.view.load_progress import fraction
from bootmenu.view.styled_text import Line


class KioskLoadingScreen(KioskPage[Jump | Returned], LoadingScreen):
    """How far it is, and no more."""

    def __init__(self, context: UiContext, listing: Listing, words: str) -> None:
        LoadingScreen.__init__(self, context, listing)
        self.words = words

    def plain(self, width: int, height: int) -> list[Line]:
        """The bar."""
        part = fraction(self.plan, self.told) if self.plan else 0.0
        return pages.progress(self.words, part, self.said, width, height)

    def _page(self, width: int) -> list[Line]:
        return self._fresh(width)

    def refused(self, error: Exception) -> BootmenuScreen[None]:
        """See LoadingScreen."""
        return KioskRefusalScreen(self.context, error, self.words)

    def arrived(self, _plan: LoadPlan) -> BootmenuScreen[None]:
        """See LoadingScreen."""
        return KioskArrivalScreen(self.context, self.words)
