# SPDX-License-Identifier: MIT
"""The progress of a load in the kiosk."""

from __future__ import annotations

from bootmenu.discovery.scan_events import Listing
from bootmenu.frontends.outcome import Jump
from bootmenu.frontends.tui.screens.base_screen import BootmenuScreen
from bootmenu.frontends.tui.screens.kiosk_page import KioskPage, KioskRefusalScreen, KioskSimulationEndScreen
from bootmenu.frontends.tui.screens.loading_screen import LoadingScreen, Returned
from bootmenu.frontends.tui.screens.refusal_screen import FollowUp
from bootmenu.frontends.ui_context import UiContext
from bootmenu.kexec.plan import LoadPlan
from bootmenu.view import kiosk_pages as pages
from bootmenu.view.load_progress import fraction, seconds_left
from bootmenu.view.styled_text import Line


class KioskLoadingScreen(KioskPage[Jump | Returned], LoadingScreen):
    """Shows only a progress bar."""

    def __init__(self, context: UiContext, listing: Listing, entry_name: str) -> None:
        LoadingScreen.__init__(self, context, listing)
        self.entry_name = entry_name

    def page_lines(self, width: int, height: int) -> list[Line]:
        """Return the page with the progress bar."""
        part = fraction(self.plan, self.progress) if self.plan else 0.0
        left = seconds_left(self.plan, self.progress) if self.plan else None
        return pages.progress(self.entry_name, part, self.status, width, height, left=left)

    def _page(self, width: int) -> list[Line]:
        return self._full_page(width)

    def error_screen(self, error: Exception) -> BootmenuScreen[FollowUp]:
        """Return the kiosk's screen for a failed load."""
        return KioskRefusalScreen(self.context, error, self.entry_name)

    def simulation_end_screen(self, _plan: LoadPlan) -> BootmenuScreen[None]:
        """Return the kiosk's screen for the end of a simulation."""
        return KioskSimulationEndScreen(self.context, self.entry_name)
