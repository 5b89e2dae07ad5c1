# SPDX-License-Identifier: MIT
"""How a load ends when not with another kernel: an error to read, or the end of a simulation."""

from __future__ import annotations

from bootmenu.frontends.tui.screens.base_screen import ReadingScreen
from bootmenu.frontends.ui_context import UiContext
from bootmenu.kexec.plan import LoadPlan
from bootmenu.view.refusal import arrival, refusal
from bootmenu.view.screen_ids import ScreenId
from bootmenu.view.styled_text import Line
from bootmenu.view.wording import full_name


class RefusalScreen(ReadingScreen[None]):
    """What happened, what the kernel logged, what to do. name: the entry, when it is known."""

    screen_id = ScreenId.REFUSAL

    def __init__(self, context: UiContext, error: Exception, name: str = "") -> None:
        super().__init__(context)
        self.error = error
        self.entry_name = name

    def render_page(self, width: int) -> list[Line]:
        """The error."""
        return refusal(self.error, self.entry_name, width)

    def action_back(self) -> None:
        """To the menu."""
        self.dismiss()


class ArrivalScreen(ReadingScreen[None]):
    """`Here the machine would start NAME.`"""

    screen_id = ScreenId.ARRIVAL

    def __init__(self, context: UiContext, plan: LoadPlan) -> None:
        super().__init__(context)
        self.plan = plan

    def render_page(self, width: int) -> list[Line]:
        """The end of the simulation."""
        return arrival(full_name(self.plan.entry), self.plan.last_line, self.plan.method, width)

    def action_back(self) -> None:
        """To the menu."""
        self.dismiss()
