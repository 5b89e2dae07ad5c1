# SPDX-License-Identifier: MIT
"""The kiosk on a terminal that can only print lines. It offers and says the same as the kiosk's screen.

A number and Enter select a row. Letters are ignored, except for the help if the settings allow it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from bootmenu.bootstate.pin import LONGEST, Guard
from bootmenu.errors import BootmenuError
from bootmenu.frontends.outcome import Jump, Outcome, Quit
from bootmenu.frontends.plain_base import LockRequested, PlainBase
from bootmenu.frontends.plain_menu import PlainMenu
from bootmenu.frontends.ui_context import UiContext
from bootmenu.i18n import _
from bootmenu.kexec.kernel_errors import SimulatedJump
from bootmenu.session import menu_log
from bootmenu.session.scan_results import ScanResults
from bootmenu.terminal.cells import cells, clean
from bootmenu.terminal.line_input import Idle
from bootmenu.terminal.teletype import EndOfInput, Teletype, typed_number
from bootmenu.view import kiosk_pages as pages
from bootmenu.view.abridge import abridged
from bootmenu.view.kiosk_offer import KioskOffer, KioskState
from bootmenu.view.wording import explained


class PlainKiosk(PlainBase):
    """The kiosk on one terminal."""

    def __init__(self, context: UiContext, teletype: Teletype, results: ScanResults | None = None) -> None:
        super().__init__(context, teletype, results)
        self._guard: Guard | None = None
        self._offer = KioskOffer(context.policy, context.settings, KioskState())
        self._outcome: Outcome | None = None

    def run(self, error: BootmenuError | None = None) -> Outcome:
        """Run the kiosk until it has an outcome. error: of an earlier start, which is reported first."""
        try:
            self._reset_input()
            if self.context.warning:
                menu_log.write(self.context.warning)
            if error is not None:
                self._report(error)
            for step in (self._prepare, self._scan, self._list):
                self._try(step)
            while self._outcome is None:
                with contextlib.suppress(KeyboardInterrupt):  # between two steps
                    if not self._try(self._prompt):
                        self._try(self._list)
        except EndOfInput:
            self.teletype.hung_up = True
            return Quit()
        return self._outcome

    def _prepare(self) -> None:
        """Read the state, and what the kiosk may offer."""
        context, state = self.context, KioskState.read(self.context.session, self.context.settings)
        self._guard = state.guard
        self._offer = KioskOffer(context.policy, context.settings, state, running=context.confirm_always)

    def _reset_input(self) -> None:
        """Set how the kiosk reads lines: Ctrl+D does not leave it, and an answer is accepted whenever it comes."""
        self.teletype.stays, self.teletype.idle = True, None
        # if nothing starts automatically, there is nothing to do after the idle time
        self.teletype.patience = None if self.context.countdown is None else self.context.settings.kiosk_idle

    def _try(self, step: Callable[[], None]) -> bool:
        """Run a step; return whether it succeeded. Errors are logged, and the kiosk stays."""
        try:
            step()
        except (KeyboardInterrupt, Idle):
            self.teletype.say()
        except EndOfInput:
            raise
        except Exception as error:
            self._report(error)
        else:
            return True
        return False

    def _prompt(self) -> None:
        """Execute one line, or start the recommended entry if nobody types; then print the list if necessary."""
        try:
            relist = self._execute(self.teletype.ask(">"))
        except Idle:
            relist = self._start_automatically()
        if relist and self._outcome is None:
            self._list()

    def _start_automatically(self) -> bool:
        """Start the recommended entry after a countdown, which any line stops. Return whether to print the list."""
        best, countdown = self._offer.recommended, self.context.countdown
        if best is None or countdown is None:
            return False
        self.teletype.patience = max(countdown, pages.SHORTEST_COUNTDOWN)
        self.teletype.say(_("Starts automatically in {seconds} s.").format(seconds=self.teletype.patience))
        try:
            line = self.teletype.ask(">")
        except Idle:
            self._choose(best)
            return True
        finally:
            self._reset_input()
        return self._execute(line)

    def _scan(self) -> None:
        """Scan, and log the error if that fails; the kiosk goes on with what was found."""
        self.teletype.say(_(pages.WAIT))
        try:
            self.scan()
        except Exception as error:
            menu_log.write_error(error)

    def _report(self, error: Exception, name: str = "") -> None:
        """Say that something did not work, and log why. name: of the entry or action."""
        menu_log.write_error(error)
        for sentence in pages.refusal_sentences(name):
            self.teletype.say(sentence)

    def _report_simulated(self, name: str) -> None:
        """Say what would have happened on a real machine. name: of the entry or action."""
        for sentence in pages.arrival_sentences(name):
            self.teletype.say(sentence)

    # --- the list

    def _list(self) -> None:
        """Print the rows that the kiosk offers."""
        say, offer = self.teletype.say, self._offer
        offer.update(self.results.listings, finished=self.results.finished)
        say()
        if self.context.session.simulated:
            say((_("SIMULATION") + "  " + self.context.simulated_pin).rstrip())
        say(pages.ways_to_start(offer.rows))
        digits = len(str(len(offer.rows)))
        room = self.teletype.room - digits - 3
        names = abridged(tuple(row.name for row in offer.rows), room)
        for index, (row, name) in enumerate(zip(offer.rows, names, strict=True), 1):
            head = f" {index:>{digits}}  "
            if row.note and cells(name) + 2 + cells(row.note) <= room:
                say(f"{name}  {row.note}", head)
            else:
                say(name, head)
                if row.note:
                    say(row.note, " " * (digits + 5))
        self._print_usage()
        say(clean(self.context.settings.kiosk_contact, 200))

    def _print_usage(self) -> None:
        if self._offer.rows:
            self.teletype.say(_("Type a number, then Enter."))

    def _execute(self, line: str) -> bool:
        """Execute a typed line; return whether to print the list again."""
        number, rows = typed_number(line), self._offer.rows
        if number is not None and 1 <= number <= len(rows):
            self._choose(rows[number - 1])
            return True
        if line in ("?", "h") and self._offer.policy.allows("help"):
            self.do_help()
            return False
        if line:
            self._print_usage()
        return not line

    # --- rows

    def _choose(self, row: pages.KioskRow) -> None:
        """Do what a row offers, after asking for the PIN if it needs one."""
        if row.pin and not self._ask_pin():
            return
        if row.listing is not None:
            self._start(row)
        elif row.action == pages.SERVICE:
            self._open_service_menu()
        elif row.power is not None:
            try:
                self.go_down(row.power)
            except SimulatedJump:
                self._report_simulated(row.name)
            except BootmenuError as error:
                self._report(error, row.name)
        else:
            getattr(self, f"do_{row.action}")()

    def do_rescan(self) -> None:
        """Scan again."""
        self._scan()

    def do_details(self) -> None:
        """Print the details of the entry that would start automatically."""
        best = self._offer.recommended
        if best is not None and best.listing is not None:
            self.details(best.listing, best.name)

    def do_help(self) -> None:
        """Print what can be typed."""
        self._print_usage()
        self.teletype.say(_("the list again"), explained(_("Enter"), ""))

    def _ask_pin(self) -> bool:
        """Ask for the PIN until it is right; return False if it is not given, or must not be tried now."""
        wrong = False
        while self._guard is not None:
            if message := pages.pin_message(self._guard.wait, wrong=wrong):
                self.teletype.say(message)
            if self._guard.wait:
                return False
            typed = self.teletype.ask(_("The PIN (Enter for none): "), secret=True)
            digits = "".join(digit for digit in typed if digit in pages.DIGITS)[:LONGEST]
            if not digits:
                return False
            if self._guard.opens(digits):
                return True
            wrong = True
        return False

    def _open_service_menu(self) -> None:
        """Run the service menu, with all actions, until it is locked again."""
        try:
            self._outcome = PlainMenu(self.context.after_pin(), self.teletype, self.results).run()
        except LockRequested:
            pass
        finally:
            self._reset_input()

    def _start(self, row: pages.KioskRow) -> None:
        """Load a row's entry for the jump."""
        session, listing = self.context.session, row.listing
        assert listing is not None
        if self.context.confirm_always and not self.teletype.sure(_("This ends the running system. Start it?")):
            return
        self.teletype.say(row.name)
        self.teletype.say(_("Starting. Please do not switch off."))
        try:
            plan = self.load(listing, lambda _progress: None)
        except EndOfInput:
            raise
        except Exception as error:
            self._offer.refuse(listing.entry.id)
            self._report(error, row.name)
            return
        if session.simulated:
            session.unload(plan)
            self._report_simulated(row.name)
        else:
            self._outcome = Jump(plan)
