# SPDX-License-Identifier: MIT
"""The details of an entry; the plan is made in a thread while they are shown."""

from __future__ import annotations

from textual import on
from textual.message import Message

from bootmenu.discovery.dtb_candidates import DtbChoice
from bootmenu.discovery.scan_events import Listing
from bootmenu.errors import BootmenuError
from bootmenu.frontends.tui.background import in_background
from bootmenu.frontends.tui.screens.dtb_screen import DtbScreen
from bootmenu.frontends.tui.screens.pager_screen import PagerScreen
from bootmenu.frontends.ui_context import UiContext
from bootmenu.i18n import _
from bootmenu.kexec.plan import LoadPlan
from bootmenu.model.entry import Problem
from bootmenu.model.value import replace
from bootmenu.session import menu_log
from bootmenu.view.entry_details import Unfolded, details, device_trees, machine_details, with_evidence
from bootmenu.view.entry_summary import problem_summary
from bootmenu.view.page_edges import heading
from bootmenu.view.screen_ids import ScreenId, Situation
from bootmenu.view.styled_text import BLANK, Line
from bootmenu.view.wording import own_findings


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
        self._findings = with_evidence(listing, context.session.machine_report)
        """The numbers of the findings that can be unfolded."""
        self._unfolded = Unfolded(marked=next(iter(self._findings), None))

    def render_page(self, width: int) -> list[Line]:
        """Return files, findings and plan of the entry, and the machine."""
        session = self.context.session
        own = own_findings(self.listing.report, session.machine_report) if self.listing is not None else ()
        machine = machine_details(session.machine_report, session.notices, width, self._unfolded, len(own))
        if self.problem is not None:
            left_out = problem_summary(self.problem, width)
            return [heading(width, _("Could not be read")), *left_out, BLANK, *machine]
        if self.listing is None:
            return machine
        entry = details(self.listing, session.machine, session.machine_report, self.plan, width, self._unfolded)
        return [*entry, *device_trees(self.trees, self.listing, width), BLANK, *machine]

    @property
    def situations(self) -> frozenset[Situation]:
        """Return also ENTRY if an entry is shown: only an entry has a device tree."""
        return super().situations | ({Situation.ENTRY} if self.listing is not None else set())

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
        """Show the evidence of the marked finding, or fold it."""
        if self._unfolded.every:  # all but this one stay
            self._unfolded = replace(self._unfolded, every=False, findings=frozenset(self._findings))
        self._mark(self._unfolded.toggled())

    def action_evidence_all(self) -> None:
        """Show the evidence of all findings, or fold it."""
        every = not (self._unfolded.every or self._unfolded.findings >= set(self._findings))
        self._mark(replace(self._unfolded, every=every, findings=frozenset()))

    def action_next_finding(self) -> None:
        """Mark the next finding: the one after the marked one, or the first that is visible."""
        self._step(1)

    def action_previous_finding(self) -> None:
        """Mark the previous finding."""
        self._step(-1)

    def _step(self, steps: int) -> None:
        places = [(index, line.part) for index, line in enumerate(self.page.lines) if line.part in self._findings]
        if not places:
            self.show_message(_("no check here has compared values"))
            return
        numbers = [number for _index, number in places]
        top, bottom = self.page.top, self.page.top + self.page.size.height
        at = next((index for index, number in places if number == self._unfolded.marked), -1)
        if self._unfolded.marked in numbers and top <= at < bottom:
            place = (numbers.index(self._unfolded.marked) + steps) % len(numbers)
        elif steps > 0:
            place = next((place for place, (index, _number) in enumerate(places) if index >= top), 0)
        else:
            place = next((place for place, (index, _number) in reversed([*enumerate(places)]) if index < bottom), 0)
        self._mark(replace(self._unfolded, marked=numbers[place]))

    def _mark(self, unfolded: Unfolded) -> None:
        """Draw the page with the marked finding in sight, its end, too, if there is room for that."""
        self._message = ""
        self._unfolded = unfolded
        self.draw()
        places = [index for index, line in enumerate(self.page.lines) if line.part is not None]
        at = next((index for index in places if self.page.lines[index].part == unfolded.marked), None)
        if at is not None:
            after = next((index for index in places if index > at), at + 1)
            self.page.reveal(max(at, min(after - 1, at + self.page.size.height - 1)))
            self.page.reveal(at)
            self._draw_below()
