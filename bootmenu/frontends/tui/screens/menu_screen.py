# SPDX-License-Identifier: MIT
"""The menu: what its keys do with the selected entry and with the machine."""

from __future__ import annotations

import sys

from textual.app import SuspendNotSupported

from bootmenu.discovery.scan_events import Listing
from bootmenu.errors import BootmenuError
from bootmenu.frontends.outcome import Demo, Jump, Outcome, Quit
from bootmenu.frontends.tui.screens.choice_screen import ChoiceScreen
from bootmenu.frontends.tui.screens.confirm_screen import ConfirmScreen
from bootmenu.frontends.tui.screens.details_screen import DetailsScreen
from bootmenu.frontends.tui.screens.edit_screen import EditScreen
from bootmenu.frontends.tui.screens.filter_screen import FilterScreen
from bootmenu.frontends.tui.screens.loading_screen import LoadingScreen, Returned
from bootmenu.frontends.tui.screens.log_screen import LogScreen
from bootmenu.frontends.tui.screens.menu_defaults import MenuDefaults
from bootmenu.frontends.tui.screens.passphrase_screen import PassphraseScreen
from bootmenu.frontends.tui.screens.refusal_screen import RefusalScreen
from bootmenu.i18n import _, localized
from bootmenu.kexec.kernel_errors import SimulatedJump
from bootmenu.kexec.trial_load import with_finding
from bootmenu.model.finding import Severity
from bootmenu.model.value import replace
from bootmenu.system.power import Power
from bootmenu.view.screen_ids import ScreenId
from bootmenu.view.wording import GOING_DOWN, POWER_WORDS, full_name


class MenuScreen(MenuDefaults):
    """The screen to which everything comes back."""

    screen_id = ScreenId.MENU

    def action_rescan(self) -> None:
        """Look again; what is shown stays until it has been read again."""
        if self.results.scanning:
            self._say(_("still looking"))
        else:
            self._said = ""
            self.start_scan()

    def action_details(self) -> None:
        """Everything about the selected entry, or about what could not be read."""
        row = self._rows.selected
        shown = (row.listing, row.problem) if row else (None, None)
        self.app.push_screen(DetailsScreen(self.context, *shown))

    def action_unlock(self) -> None:
        """Ask for the passphrase of an encrypted partition, and read it."""
        row = self._rows.selected
        here = row.problem.device if row and row.problem else ""
        device = next((device for device in self._locked if device.name == here), next(iter(self._locked), None))
        if device is None:
            self._say(_("nothing here is locked"))
            return
        self.app.push_screen(PassphraseScreen(self.context, device), self._unlocked)

    def _unlocked(self, done: bool | None) -> None:
        if done:
            self._said = ""
            self.start_scan()

    def action_lock(self) -> None:
        """Back to the kiosk."""
        self.dismiss()

    def action_quit(self) -> None:
        """Leave."""
        self._leave(Quit())

    def action_demo(self) -> None:
        """Leave for the demonstration machine."""
        self._leave(Demo())

    def _leave(self, outcome: Outcome) -> None:
        self.app.exit(outcome)

    def action_boot(self) -> None:
        """Start the selected entry, after a question where there has to be one."""
        chosen = self._chosen(_("there is nothing here to start"))
        if chosen is not None:
            self._start(chosen)

    def _start(self, chosen: Listing) -> None:
        if self.context.confirm_always or chosen.report.verdict is Severity.FAIL:
            self.app.push_screen(ConfirmScreen(self.context, chosen), lambda yes: self._load(chosen) if yes else None)
        else:
            self._load(chosen)

    def _load(self, chosen: Listing, *, test: bool = False) -> None:
        self._rows.moved_by_hand = True
        screen = LoadingScreen(self.context, chosen, test=test)
        self.app.push_screen(screen, lambda result: self._loaded(chosen, result))

    def _loaded(self, chosen: Listing, result: Jump | Returned | None) -> None:
        if isinstance(result, Jump):
            self.app.exit(result)
        elif result is not None:
            self._said = result.said
            if result.tested is not None:
                report = with_finding(chosen.report, result.tested)
                self.results.replace(replace(chosen, report=report))
                self.draw_found()
            self._draw_rules()
            if result.look_again:
                self.start_scan()

    def action_edit(self) -> None:
        """Change the selected entry, for one boot."""
        chosen = self._chosen(_("there is nothing here to edit"))
        if chosen is not None:
            self.app.push_screen(EditScreen(self.context, chosen, self._start))

    def action_test(self) -> None:
        """Load the selected entry, and take it out again."""
        chosen = self._chosen(_("there is nothing here to test"))
        if chosen is None:
            return
        flight = self.context.session.preflight()
        if flight.refused is not None:
            self.app.push_screen(RefusalScreen(self.context, flight.refused, full_name(chosen.entry)))
        elif flight.replaces:
            words = (_("A kernel is loaded already. A test would take it out: afterwards nothing is loaded."),)
            answers = (_("Leave it"), _("Test all the same"))
            screen = ChoiceScreen(self.context, _("Test load"), words, answers)
            self.app.push_screen(screen, lambda taken: self._load(chosen, test=True) if taken else None)
        else:
            self._load(chosen, test=True)

    def action_filter(self) -> None:
        """Type the words of a filter."""
        self._said = ""
        self.app.push_screen(FilterScreen(self.context, self._words, self._filter, self._move))

    def action_unfilter(self) -> None:
        """Show every entry again."""
        self._said = ""
        if self._words:
            self._filter("")

    def _filter(self, words: str) -> None:
        self._words = words
        self.draw_found()

    def action_log(self) -> None:
        """What was written down."""
        self.app.push_screen(LogScreen(self.context))

    # --- the machine

    def action_power(self) -> None:
        """Ask whether to restart, to switch off or to enter the firmware setup."""
        powers = self._powers
        if not powers:
            self._say(_("One moment, please."))
            return
        answers = (_("Go on running"), *(_(POWER_WORDS[power]) for power in powers))
        words = (_("Whatever runs here ends at once."),) if self.context.confirm_always else ()
        screen = ChoiceScreen(self.context, _("Power"), words, answers)
        self.app.push_screen(screen, lambda taken: self._power(powers[taken - 1]) if taken else None)

    def _power(self, wanted: Power) -> None:
        self._say(_(GOING_DOWN[wanted]))
        self.go_down(wanted)

    def stayed_up(self, error: Exception, _wanted: Power) -> None:
        """Say why, and scan again."""
        if isinstance(error, SimulatedJump):
            self._say(f"{localized(error.message)} {localized(error.hint)}")
        else:
            self._say("")
            self.app.push_screen(RefusalScreen(self.context, error))
        self.start_scan()

    def action_shell(self) -> None:
        """A shell on this terminal, until it ends."""
        try:
            with self.app.suspend():
                sys.stderr.write(f"\r\n{_('exit leads back to the menu.')}\r\n")
                sys.stderr.flush()
                self.context.session.shell()
        except SuspendNotSupported:
            self._say(_("no shell can be opened on this terminal"))
        except BootmenuError as error:
            self._say(localized(error.message))
        self.action_redraw()
