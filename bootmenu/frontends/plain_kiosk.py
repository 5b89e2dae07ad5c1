# SPDX-License-Identifier: MIT
"""The kiosk on a terminal that can only show lines: what it offers, and says, is what the screen does.

A number and Enter take a row. No letter means anything, unless the settings give the help away.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from bootmenu.bootstate.pin import LONGEST, Guard
from bootmenu.errors import BootmenuError
from bootmenu.frontends.outcome import Jump, Outcome, Quit
from bootmenu.frontends.plain_base import Locked, PlainBase
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


class PlainKiosk(PlainBase):
    """The kiosk on one terminal."""

    def __init__(self, context: UiContext, teletype: Teletype, results: ScanResults | None = None) -> None:
        super().__init__(context, teletype, results)
        self._guard: Guard | None = None
        self._offer = KioskOffer(context.policy, context.settings, KioskState())
        self._outcome: Outcome | None = None

    def run(self, error: BootmenuError | None = None) -> Outcome:
        """Until there is an outcome. The end of the input is one. error: what came back; it is told first."""
        try:
            self._attend()
            if self.context.warning:
                menu_log.write(self.context.warning)
            if error is not None:
                self._refuse(error)
            for step in (self._prepare, self._look, self._list):
                self._try(step)
            while self._outcome is None:
                with contextlib.suppress(KeyboardInterrupt):  # between two steps
                    if not self._try(self._turn):
                        self._try(self._list)
        except EndOfInput:
            self.teletype.hung_up = True
            return Quit()
        return self._outcome

    def _prepare(self) -> None:
        context, ready = self.context, KioskState.read(self.context.session, self.context.settings)
        self._guard = ready.guard
        self._offer = KioskOffer(context.policy, context.settings, ready, running=context.confirm_always)

    def _attend(self) -> None:
        """Ask as a kiosk does: nobody leaves it by Ctrl+D, and no answer comes too late."""
        self.teletype.stays, self.teletype.idle = True, None
        # where nothing starts by itself, nothing is to be written for nobody
        self.teletype.patience = None if self.context.countdown is None else self.context.settings.kiosk_idle

    def _try(self, step: Callable[[], None]) -> bool:
        """Do it; return whether it was done. What goes wrong is written down, and the kiosk stays."""
        try:
            step()
        except (KeyboardInterrupt, Idle):
            self.teletype.say()
        except EndOfInput:
            raise
        except Exception as mistake:
            self._refuse(mistake)
        else:
            return True
        return False

    def _turn(self) -> None:
        try:
            again = self._obey(self.teletype.ask(">"))
        except Idle:
            again = self._start_by_itself()
        if again and self._outcome is None:
            self._list()

    def _start_by_itself(self) -> bool:
        """Nobody is here: start what is recommended, after a countdown that any line ends. Return whether something
        was done."""
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
            self._attend()
        return self._obey(line)

    def _look(self) -> None:
        self.teletype.say(_(pages.WAIT))
        try:
            self.look()
        except Exception as error:  # what was found is there
            menu_log.write_error(error)

    def _refuse(self, error: Exception, words: str = "") -> None:
        """Say that something did not work; why is in the log."""
        menu_log.write_error(error)
        for sentence in pages.refusal_sentences(words):
            self.teletype.say(sentence)

    def _arrive(self, words: str) -> None:
        for sentence in pages.arrival_sentences(words):
            self.teletype.say(sentence)

    # --- the list

    def _list(self) -> None:
        say, offer = self.teletype.say, self._offer
        offer.update(self.results.listings, finished=self.results.finished)
        say()
        if self.context.session.simulated:
            say(f"{_('SIMULATION')}  {self.context.simulated_pin}".rstrip())
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
        self._how()
        say(clean(self.context.settings.kiosk_contact, 200))

    def _how(self) -> None:
        if self._offer.rows:
            self.teletype.say(_("Type a number, then Enter."))

    def _obey(self, line: str) -> bool:
        """Do it; return whether the list is to be shown again."""
        number, rows = typed_number(line), self._offer.rows
        if number is not None and 1 <= number <= len(rows):
            self._choose(rows[number - 1])
            return True
        if line in ("?", "h") and self._offer.policy.allows("help"):
            self.do_help()
            return False
        if line:
            self._how()
        return not line

    # --- rows

    def _choose(self, row: pages.KioskRow) -> None:
        if row.pin and not self._opens():
            return
        if row.listing is not None:
            self._start(row)
        elif row.action == pages.SERVICE:
            self._serve()
        elif row.power is not None:
            try:
                self.go_down(row.power)
            except SimulatedJump:
                self._arrive(row.name)
            except BootmenuError as error:
                self._refuse(error, row.name)
        else:
            getattr(self, f"do_{row.action}")()

    def do_rescan(self) -> None:
        """Scan again."""
        self._look()

    def do_details(self) -> None:
        """Say the details of what would start automatically."""
        best = self._offer.recommended
        if best is not None and best.listing is not None:
            self.details(best.listing, best.name)

    def do_help(self) -> None:
        """Say what can be typed."""
        self._how()
        self.teletype.say(_("the list again"), f"{_('Enter')}: ")

    def _opens(self) -> bool:
        """Ask for the PIN, until it is the right one, or nobody wants it any more."""
        wrong = False
        while self._guard is not None:
            if said := pages.pin_message(self._guard.wait, wrong=wrong):
                self.teletype.say(said)
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

    def _serve(self) -> None:
        """Open the standard menu, with everything, until it is locked again."""
        try:
            self._outcome = PlainMenu(self.context.unlocked(), self.teletype, self.results).run()
        except Locked:
            pass
        finally:
            self._attend()

    def _start(self, row: pages.KioskRow) -> None:
        session, listing = self.context.session, row.listing
        assert listing is not None
        if self.context.confirm_always and not self.teletype.sure(_("This ends what runs now. Start it?")):
            return
        self.teletype.say(row.name)
        self.teletype.say(_("Starting. Please do not switch off."))
        try:
            plan = self.load(listing, lambda _progress: None)
        except EndOfInput:
            raise
        except Exception as error:
            self._offer.refuse(listing.entry.id)
            self._refuse(error, row.name)
            return
        if session.simulated:
            session.unload(plan)
            self._arrive(row.name)
        else:
            self._outcome = Jump(plan)
