# SPDX-License-Identifier: MIT
"""Everything about one entry, to read; the plan is worked out meanwhile."""

from __future__ import annotations

from textual import on
from textual.message import Message

from bootmenu.discovery.dtb_candidates import TreeChoice
from bootmenu.discovery.scan_events import Listing
from bootmenu.errors import BootmenuError
from bootmenu.frontends.tui.screens.base_screen import ReadingScreen
from bootmenu.frontends.tui.screens.dtb_screen import TreeScreen
from bootmenu.frontends.ui_context import UiContext
from bootmenu.i18n import _
from bootmenu.kexec.plan import LoadPlan
from bootmenu.model.entry import Problem
from bootmenu.session import menu_log
from bootmenu.view.banner import heading
from bootmenu.view.entry_details import details, device_trees, machine_details
from bootmenu.view.entry_summary import problem_summary
from bootmenu.view.screen_ids import ScreenId, Situation
from bootmenu.view.styled_text import BLANK, Line


class DetailsScreen(ReadingScreen[None]):
    """Of an entry or a problem, or of the machine alone when none is selected."""

    screen_id = ScreenId.DETAILS

    class Planned(Message):
        """The plan is there, or the reason why there is none."""

        def __init__(self, plan: LoadPlan | BootmenuError) -> None:
            super().__init__()
            self.plan = plan

    class TreesFound(Message):
        """The device trees that lie ready are known, or the reason why they are not."""

        def __init__(self, trees: tuple[TreeChoice, ...] | BootmenuError) -> None:
            super().__init__()
            self.trees = trees

    def __init__(self, context: UiContext, listing: Listing | None, problem: Problem | None = None) -> None:
        super().__init__(context)
        self.listing = listing
        self.problem = problem
        self.plan: LoadPlan | BootmenuError | None = None
        self.trees: tuple[TreeChoice, ...] | BootmenuError | None = None

    def render_page(self, width: int) -> list[Line]:
        """Files, findings, plan, machine."""
        session = self.context.session
        machine = machine_details(session.machine_report, session.notices, width)
        if self.problem is not None:
            left_out = problem_summary(self.problem, width)
            return [heading(width, _("Could not be read")), *left_out, BLANK, *machine]
        if self.listing is None:
            return machine
        entry = details(self.listing, session.machine, session.machine_report, self.plan, width)
        return [*entry, *device_trees(self.trees, self.listing, width), BLANK, *machine]

    @property
    def situations(self) -> frozenset[Situation]:
        """Return what there is to read about: only an entry has a device tree."""
        return frozenset({Situation.ENTRY} if self.listing is not None else ())

    def on_mount(self) -> None:
        """Ask for the plan and the device trees."""
        if self.listing is not None:
            listing = self.listing
            self.run_worker(
                lambda: self._make_plan(listing), thread=True, exclusive=True, group="plan", exit_on_error=False
            )
            self.run_worker(
                lambda: self._find_trees(listing), thread=True, exclusive=True, group="trees", exit_on_error=False
            )

    def _make_plan(self, listing: Listing) -> None:
        """In a thread: it may read the disk."""
        plan: LoadPlan | BootmenuError
        try:
            plan = self.context.session.plan(listing)
        except BootmenuError as error:
            plan = error
        except Exception as error:
            plan = menu_log.logged_error(error)
        self.post_message(self.Planned(plan))

    def _find_trees(self, listing: Listing) -> None:
        """In a thread: it may read the disk."""
        trees: tuple[TreeChoice, ...] | BootmenuError
        try:
            trees = self.context.session.device_trees(listing)
        except Exception as error:
            trees = menu_log.logged_error(error)
        self.post_message(self.TreesFound(trees))

    @on(TreesFound)
    def _trees_found(self, message: TreesFound) -> None:
        self.trees = message.trees
        self.draw()

    @on(Planned)
    def _planned(self, message: Planned) -> None:
        self.plan = message.plan
        self.draw()

    def action_tree(self) -> None:
        """The device tree that is handed on."""
        if self.listing is not None:
            self.app.push_screen(TreeScreen(self.context, self.listing))

    def action_back(self) -> None:
        """To the menu."""
        self.dismiss()
