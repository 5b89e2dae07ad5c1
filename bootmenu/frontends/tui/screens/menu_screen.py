# SPDX-License-Identifier: MIT
"""The menu and the actions of its keys."""

from __future__ import annotations

import sys
from functools import partial

from textual import events
from textual.app import SuspendNotSupported

from bootmenu.discovery.scan_events import Listing
from bootmenu.errors import BootmenuError
from bootmenu.frontends.outcome import Demo, Jump, Outcome, Quit, VmCommand
from bootmenu.frontends.tui.screens.choice_screen import ChoiceScreen
from bootmenu.frontends.tui.screens.comparison_screen import ComparisonScreen
from bootmenu.frontends.tui.screens.confirm_screen import ConfirmScreen
from bootmenu.frontends.tui.screens.details_screen import DetailsScreen
from bootmenu.frontends.tui.screens.edit_screen import EditScreen
from bootmenu.frontends.tui.screens.filter_screen import FilterScreen
from bootmenu.frontends.tui.screens.loading_screen import LoadingScreen, Returned
from bootmenu.frontends.tui.screens.log_screen import LogScreen
from bootmenu.frontends.tui.screens.machine_screen import MachineScreen
from bootmenu.frontends.tui.screens.menu_folds import MenuFolds
from bootmenu.frontends.tui.screens.passphrase_screen import PassphraseScreen
from bootmenu.frontends.tui.screens.refusal_screen import FollowUp, RefusalScreen
from bootmenu.frontends.tui.screens.welcome_screen import WelcomeScreen
from bootmenu.frontends.ui_context import UiContext
from bootmenu.i18n import _, localized
from bootmenu.kexec.kernel_errors import SimulatedJump
from bootmenu.kexec.load_test import with_finding
from bootmenu.model.finding import Severity
from bootmenu.model.value import replace
from bootmenu.system.power import Power
from bootmenu.view import welcome
from bootmenu.view.screen_ids import ScreenId
from bootmenu.view.welcome import Trial
from bootmenu.view.wording import GOING_DOWN, POWER_WORDS, full_name


class MenuScreen(MenuFolds):
    """The menu, below all other screens."""

    screen_id = ScreenId.MENU

    def __init__(self, context: UiContext) -> None:
        super().__init__(context)
        self._marked: Listing | None = None
        """The entry that the next one is compared with."""
        self._welcomed = False
        """Whether it has been decided if a newcomer is to be welcomed."""

    def on_key(self, event: events.Key) -> None:
        """Say why a key of the menu can do nothing now."""
        if why := self.why_nothing(event.key):
            self._show_message(why)

    def action_rescan(self) -> None:
        """Scan again; the results stay until they have been read again."""
        if self.results.scanning:
            self._show_message(_("still looking"))
        else:
            self._message = ""
            self.start_scan()

    def action_details(self) -> None:
        """Show the details of the selected entry or problem."""
        row = self._rows.selected
        shown = (row.listing, row.problem) if row else (None, None)
        self.app.push_screen(DetailsScreen(self.context, *shown))

    def action_compare(self) -> None:
        """Mark the selected entry, or show how it differs from the one that is marked."""
        listing = self._selected_listing(_("there is nothing here to compare"))
        if listing is None:
            return
        marked, self._marked = self._marked, None
        if marked is None:
            self._marked = listing
            self._show_message(_("marked: choose another entry, and press = again"))
        elif marked.entry.id == listing.entry.id:
            self._show_message(_("no longer marked"))
        else:
            self._message = ""
            self.app.push_screen(ComparisonScreen(self.context, marked, listing))

    def action_unlock(self) -> None:
        """Ask for the passphrase of an encrypted partition, and scan it."""
        row = self._rows.selected
        here = row.problem.device if row and row.problem else ""
        device = next((device for device in self._locked if device.name == here), next(iter(self._locked), None))
        if device is None:
            self._show_message(_("nothing here is locked"))
            return
        self.app.push_screen(PassphraseScreen(self.context, device), self._unlocked)

    def _unlocked(self, done: bool | None) -> None:
        if done:
            self._message = ""
            self.start_scan()

    def action_lock(self) -> None:
        """Return to the kiosk."""
        self.dismiss()

    def action_quit(self) -> None:
        """Leave the menu."""
        self._leave(Quit())

    def draw_results(self) -> None:
        """Redraw what depends on the results; nothing may have been found."""
        super().draw_results()
        self._welcome()

    def _welcome(self) -> None:
        """Say once why nothing can start here, and what can be tried instead, unless the user has begun to look."""
        if self._welcomed or not self.context.visiting:
            return
        if self._found_nothing or welcome.obstacles(self.context.session.machine_report):
            self._welcomed = True
            if self.app.screen is self and not self._rows.user_has_moved:
                self.app.push_screen(WelcomeScreen(self.context), self._try)
        elif self.results.finished:
            self._welcomed = True

    def _try(self, chosen: int | None) -> None:
        match list(Trial)[chosen or 0]:
            case Trial.DEMONSTRATION:
                self._leave(Demo())
            case Trial.VIRTUAL_MACHINE:
                self._leave(VmCommand())
            case Trial.PARTITIONS:
                pass

    def action_demo(self) -> None:
        """Leave the menu for the demonstration."""
        self._leave(Demo())

    def _leave(self, outcome: Outcome) -> None:
        self.app.exit(outcome)

    def action_boot(self) -> None:
        """Start the selected entry; ask first if its verdict is FAIL or the settings demand it. Unfold a row of
        snapshots, or fold it."""
        row = self._rows.selected
        if row is not None and row.fold is not None:
            if row.fold.is_open:
                self.action_fold()
            else:
                self.action_unfold()
            return
        listing = self._selected_listing(_("there is nothing here to start"))
        if listing is not None:
            self.start(listing)

    def start(self, listing: Listing) -> None:
        """Start an entry; ask first if its verdict is FAIL or the settings demand it."""
        if self.context.confirm_always or listing.report.verdict is Severity.FAIL:
            self.app.push_screen(
                ConfirmScreen(self.context, listing), lambda yes: self._load(listing) if yes else None
            )
        else:
            self._load(listing)

    def _load(self, listing: Listing, *, test: bool = False) -> None:
        self._rows.user_has_moved = True
        screen = LoadingScreen(self.context, listing, test=test)
        self.app.push_screen(screen, lambda result: self._loaded(listing, result))

    def _loaded(self, listing: Listing, result: Jump | Returned | None) -> None:
        if isinstance(result, Jump):
            self.app.exit(result)
        elif result is not None:
            self._message = result.message
            if result.tested is not None:
                report = with_finding(listing.report, result.tested)
                self.results.replace(replace(listing, report=report))
                self.draw_results()
            self._draw_rules()
            if result.rescan:
                self.start_scan()
            self._follow_up(listing, result.follow_up)

    def _follow_up(self, listing: Listing, wanted: FollowUp | None) -> None:
        """Go where the user wants to after an error. If the entry was started in the editor, that is still open."""
        if wanted is FollowUp.DETAILS:
            self.app.push_screen(DetailsScreen(self.context, listing))
        elif wanted is FollowUp.EDIT and not isinstance(self.app.screen, EditScreen):
            self.edit(listing)

    def action_edit(self) -> None:
        """Edit the selected entry for one boot."""
        listing = self._selected_listing(_("there is nothing here to edit"))
        if listing is not None:
            self.edit(listing)

    def action_test(self) -> None:
        """Load the selected entry as a test, and unload it."""
        listing = self._selected_listing(_("there is nothing here to test"))
        if listing is None:
            return
        permission = self.context.session.load_test_permission()
        if permission.refused is not None:
            refusal = RefusalScreen(self.context, permission.refused, full_name(listing.entry), listing)
            self.app.push_screen(refusal, partial(self._follow_up, listing))
        elif permission.replaces:
            words = (_("A kernel is already loaded. A test would unload it, and leave nothing loaded."),)
            answers = (_("Leave it"), _("Test anyway"))
            screen = ChoiceScreen(self.context, _("Test load"), words, answers)
            self.app.push_screen(screen, lambda answer: self._load(listing, test=True) if answer else None)
        else:
            self._load(listing, test=True)

    def action_filter(self) -> None:
        """Filter the entries."""
        self._message = ""
        self.app.push_screen(FilterScreen(self.context, self._filter_text, self._filter, self._move))

    def action_unfilter(self) -> None:
        """Remove the filter."""
        self._message = ""
        if self._filter_text:
            self._filter("")

    def _filter(self, text: str) -> None:
        self._filter_text = text
        self.draw_results()

    def action_log(self) -> None:
        """Show the log."""
        self.app.push_screen(LogScreen(self.context))

    # --- the machine

    def action_machine(self) -> None:
        """Show what this machine is."""
        self.app.push_screen(MachineScreen(self.context))

    def action_power(self) -> None:
        """Ask whether to restart, switch off or enter the firmware setup."""
        powers = self._powers
        if not powers:
            self._show_message(_("One moment, please."))
            return
        answers = (_("Go on running"), *(_(POWER_WORDS[power]) for power in powers))
        words = (_("Whatever runs here ends at once."),) if self.context.confirm_always else ()
        screen = ChoiceScreen(self.context, _("Power"), words, answers)
        self.app.push_screen(screen, lambda answer: self._power(powers[answer - 1]) if answer else None)

    def _power(self, power: Power) -> None:
        self._show_message(_(GOING_DOWN[power]))
        self.run_power_action(power)

    def power_failed(self, error: Exception, _power: Power) -> None:
        """Show why the machine still runs, and scan again."""
        if isinstance(error, SimulatedJump):
            self._show_message(f"{localized(error.message)} {localized(error.hint)}")
        else:
            self._show_message("")
            self.app.push_screen(RefusalScreen(self.context, error))
        self.start_scan()

    def action_shell(self) -> None:
        """Run a shell on this terminal until it exits."""
        try:
            with self.app.suspend():
                hint = _("Type exit to return to the menu.")
                sys.stderr.write(f"\r\n{hint}\r\n")
                sys.stderr.flush()
                self.context.session.shell()
        except SuspendNotSupported:
            self._show_message(_("no shell can be opened on this terminal"))
        except BootmenuError as error:
            self._show_message(localized(error.message))
        self.action_redraw()
