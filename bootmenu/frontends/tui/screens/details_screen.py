# SPDX-License-Identifier: MIT
"""The details of an entry; the plan is made in a thread while they are shown."""

from __future__ import annotations

from textual import on
from textual.message import Message

from bootmenu.discovery.dtb_candidates import DtbChoice
from bootmenu.discovery.scan_events import Listing
from bootmenu.errors import BootmenuError
from bootmenu.frontends.tui.background import in_background
from bootmenu.frontends.tui.screens.base_screen import PagerScreen
from bootmenu.frontends.tui.screens.dtb_screen import DtbScreen
from bootmenu.frontends.ui_context import UiContext
from bootmenu.i18n import _
from bootmenu.kexec.plan import LoadPlan
from bootmenu.model.entry import Problem
from bootmenu.session import menu_log
from bootmenu.view.entry_details import details, device_trees, machine_details
from bootmenu.view.entry_summary import problem_summary
from bootmenu.view.page_edges import heading
from bootmenu.view.screen_ids import ScreenId, Situation
from bootmenu.view.styled_text import BLANK, Line


class DetailsScreen(PagerScreen[None]):
    """Shows an entry or a problem, and the machine; only the machine if both are None."""

    screen_id = ScreenId.DETAILS

    class Planned(Message):
        """The plan was made. plan: or why it could not be made."""

        def __init__(self, plan: LoadPlan | BootmenuError) -> None:
            super().__init__()
            self.plan = plan

    class DtbsFound(Message):
        """The device trees were found. trees: or why they could not be."""

        def __init__(self, trees: tuple[DtbChoice, ...] | BootmenuError) -> None:
            super().__init__()
            self.trees = trees

    def __init__(self, context: UiContext, listing: Listing | None, problem: Problem | None = None) -> None:
        super().__init__(context)
        self.listing = listing
        self.problem = problem
        self.plan: LoadPlan | BootmenuError | None = None
        self.trees: tuple[DtbChoice, ...] | BootmenuError | None = None
        self._unfolded = False
        """Whether the evidence is shown."""

    def render_page(self, width: int) -> list[Line]:
        """Return files, findings and plan of the entry, and the machine."""
        session = self.context.session
        machine = machine_details(session.machine_report, session.notices, width, unfolded=self._unfolded)
        if self.problem is not None:
            left_out = problem_summary(self.problem, width)
            return [heading(width, _("Could not be read")), *left_out, BLANK, *machine]
        if self.listing is None:
            return machine
        entry = details(
            self.listing, session.machine, session.machine_report, self.plan, width, unfolded=self._unfolded
        )
        return [*entry, *device_trees(self.trees, self.listing, width), BLANK, *machine]

    @property
    def situations(self) -> frozenset[Situation]:
        """Return ENTRY if an entry is shown: only an entry has a device tree."""
        return frozenset({Situation.ENTRY} if self.listing is not None else ())

    def on_mount(self) -> None:
        """Start making the plan and looking for device trees."""
        if self.listing is not None:
            listing = self.listing
            in_background(self, lambda: self._make_plan(listing), "plan", exclusive=True)
            in_background(self, lambda: self._find_trees(listing), "trees", exclusive=True)

    def _make_plan(self, listing: Listing) -> None:
        """Make the plan, in a thread: it may read the disk."""
        plan: LoadPlan | BootmenuError
        try:
            plan = self.context.session.plan(listing)
        except BootmenuError as error:
            plan = error
        except Exception as error:
            plan = menu_log.logged_error(error)
        self.post_message(self.Planned(plan))

    def _find_trees(self, listing: Listing) -> None:
        """Find device trees, in a thread: it may read the disk."""
        trees: tuple[DtbChoice, ...] | BootmenuError
        try:
            trees = self.context.session.device_trees(listing)
        except Exception as error:
            trees = menu_log.logged_error(error)
        self.post_message(self.DtbsFound(trees))

    @on(DtbsFound)
    def _dtbs_found(self, message: DtbsFound) -> None:
        self.trees = message.trees
        self.draw()

    @on(Planned)
    def _planned(self, message: Planned) -> None:
        self.plan = message.plan
        self.draw()

    def action_tree(self) -> None:
        """Show the device tree that the kernel would get."""
        if self.listing is not None:
            self.app.push_screen(DtbScreen(self.context, self.listing))

    def action_evidence(self) -> None:
        """Show the evidence, or fold it."""
        self._unfolded = not self._unfolded
        self.draw()
