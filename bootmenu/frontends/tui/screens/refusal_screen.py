# SPDX-License-Identifier: MIT
"""The screens after a load without a jump: an error, or the end of a simulation."""

from __future__ import annotations

from bootmenu.frontends.tui.screens.base_screen import PagerScreen
from bootmenu.frontends.ui_context import UiContext
from bootmenu.kexec.plan import LoadPlan
from bootmenu.view.refusal import arrival, refusal
from bootmenu.view.screen_ids import ScreenId
from bootmenu.view.styled_text import Line
from bootmenu.view.wording import full_name


class RefusalScreen(PagerScreen[None]):
    """Shows an error, the kernel's log and a hint. name: the entry's name, if it is known."""

    screen_id = ScreenId.REFUSAL

    def __init__(self, context: UiContext, error: Exception, name: str = "") -> None:
        super().__init__(context)
        self.error = error
        self.entry_name = name

    def render_page(self, width: int) -> list[Line]:
        """Return the page about the error."""
        return refusal(self.error, self.entry_name, width)

    def action_back(self) -> None:
        """Return to the menu."""
        self.dismiss()


class SimulationEndScreen(PagerScreen[None]):
    """Shows what a simulated boot would have started."""

    screen_id = ScreenId.ARRIVAL

    def __init__(self, context: UiContext, plan: LoadPlan) -> None:
        super().__init__(context)
        self.plan = plan

    def render_page(self, width: int) -> list[Line]:
        """Return the page about the end of the simulation."""
        return arrival(full_name(self.plan.entry), self.plan.last_line, self.plan.method, width)

    def action_back(self) -> None:
        """Return to the menu."""
        self.dismiss()
