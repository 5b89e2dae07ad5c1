# SPDX-License-Identifier: MIT
"""The screens after a load without a jump: an error, or the end of a simulation."""

from __future__ import annotations

from enum import Enum, auto

from bootmenu.discovery.scan_events import Listing
from bootmenu.frontends.tui.screens.edit_screen import EditScreen
from bootmenu.frontends.tui.screens.log_screen import LogScreen
from bootmenu.frontends.tui.screens.pager_screen import PagerScreen
from bootmenu.frontends.ui_context import UiContext
from bootmenu.i18n import _
from bootmenu.kexec.plan import LoadPlan
from bootmenu.view import page_edges
from bootmenu.view.key_help import labelled
from bootmenu.view.refusal import arrival, refusal
from bootmenu.view.screen_ids import ScreenId, Situation
from bootmenu.view.styled_text import Line, middle
from bootmenu.view.wording import full_name


class FollowUp(Enum):
    """What the user wants after an error."""

    BACK = auto()
    DETAILS = auto()
    EDIT = auto()


class RefusalScreen(PagerScreen[FollowUp]):
    """Shows an error, the kernel's log and a hint. name: the entry's name, if it is known. listing: the entry whose
    details are shown, and which can be edited; None if there is none."""

    screen_id = ScreenId.REFUSAL

    def __init__(self, context: UiContext, error: Exception, name: str = "", listing: Listing | None = None) -> None:
        super().__init__(context)
        self.error = error
        self.entry_name = name
        self.listing = listing

    @property
    def situations(self) -> frozenset[Situation]:
        """Return also whether there is an entry."""
        return super().situations | ({Situation.ENTRY} if self.listing else set())

    @property
    def unlabelled(self) -> frozenset[str]:
        """Return the actions that the footer leaves out: Enter goes back to the editor if the entry comes from it."""
        return super().unlabelled | ({"edit"} if self._from_editor else set())

    @property
    def _from_editor(self) -> bool:
        return any(isinstance(screen, EditScreen) for screen in self.app.screen_stack)

    def _footer(self, width: int) -> list[Line]:
        labels = labelled(self.screen_id, self.unlabelled)
        if self._from_editor:
            key, _label, press = labels[0]
            labels[0] = key, _("back to the editor"), press
        return [page_edges.footer(labels, width)]

    def render_page(self, width: int) -> list[Line]:
        """Return the page about the error."""
        return middle(refusal(self.error, self.entry_name, width), self.page.size.height)

    def action_back(self) -> None:
        """Return to the entries, or to the editor."""
        self.dismiss(FollowUp.BACK)

    def action_details(self) -> None:
        """Show the details of the entry."""
        self.dismiss(FollowUp.DETAILS)

    def action_edit(self) -> None:
        """Edit the entry."""
        self.dismiss(FollowUp.EDIT)

    def action_log(self) -> None:
        """Show the log."""
        self.app.push_screen(LogScreen(self.context))


class SimulationEndScreen(PagerScreen[None]):
    """Shows what a simulated boot would have started. done: what the load has done."""

    screen_id = ScreenId.ARRIVAL

    def __init__(self, context: UiContext, plan: LoadPlan, done: str) -> None:
        super().__init__(context)
        self.plan = plan
        self.done = done

    def render_page(self, width: int) -> list[Line]:
        """Return the page about the end of the simulation."""
        lines = arrival(full_name(self.plan.entry), self.done, self.plan.last_line, width)
        return middle(lines, self.page.size.height)
