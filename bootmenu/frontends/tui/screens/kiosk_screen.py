# SPDX-License-Identifier: MIT
"""The kiosk: the entries and actions that the policy allows; everything else needs the PIN.

It has only the keys Up, Down, Home, End, digits and Enter: every action is a row.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from textual import on
from textual.message import Message

from bootmenu.discovery.scan_events import Listing
from bootmenu.frontends.outcome import Jump
from bootmenu.frontends.tui.background import in_background
from bootmenu.frontends.tui.screens.confirm_screen import ConfirmScreen
from bootmenu.frontends.tui.screens.details_screen import DetailsScreen
from bootmenu.frontends.tui.screens.kiosk_loading_screen import KioskLoadingScreen
from bootmenu.frontends.tui.screens.kiosk_page import (
    KioskPage,
    KioskRefusalScreen,
    KioskShutdownScreen,
    KioskSimulationEndScreen,
)
from bootmenu.frontends.tui.screens.loading_screen import LoadingScreen, Returned
from bootmenu.frontends.tui.screens.menu_screen import MenuScreen
from bootmenu.frontends.tui.screens.pin_screen import PinScreen
from bootmenu.frontends.tui.screens.power_screen import PowerScreen
from bootmenu.frontends.ui_context import UiContext
from bootmenu.i18n import _
from bootmenu.kexec.kernel_errors import SimulatedJump
from bootmenu.system.power import Power
from bootmenu.view import kiosk_pages as pages
from bootmenu.view.kiosk_offer import KioskOffer, KioskState
from bootmenu.view.screen_ids import ScreenId
from bootmenu.view.styled_text import Line
from bootmenu.view.wording import POWER_WORDS


class KioskScreen(KioskPage[None], PowerScreen[None]):
    """The kiosk's start page, below all other screens."""

    screen_id = ScreenId.KIOSK

    class StateRead(Message):
        """The saved state has been read."""

        def __init__(self, state: KioskState) -> None:
            super().__init__()
            self.state = state

    class Changed(Message):
        """This or another console has changed the saved state."""

    def __init__(self, context: UiContext) -> None:
        PowerScreen.__init__(self, context)
        self._state: KioskState | None = None
        self._offer = KioskOffer(context.policy, context.settings, KioskState())
        self._stop_listening: Callable[[], None] = lambda: None
        self._selected_key = ""
        """Key of the selected row, or empty for the recommended one."""
        self._loading_id = ""
        """Id of the entry that is being loaded."""
        self._shutdown_screen: KioskShutdownScreen | None = None
        """The screen that is shown while the machine shuts down."""
        self._last_activity = monotonic()
        self._countdown_end: float | None = None
        """When the countdown ends, in monotonic seconds; None if it does not run."""

    # --- drawing

    @property
    def rows(self) -> list[pages.KioskRow]:
        """Return the rows to choose from."""
        return self._offer.rows

    @property
    def recommended(self) -> pages.KioskRow | None:
        """Return the row that the countdown starts, or None."""
        return self._offer.recommended

    def page_lines(self, width: int, height: int) -> list[Line]:
        """Return the start page, or a waiting page until something is found."""
        looking = not (self.results.finished and self._state)
        if not self.rows and looking:
            return pages.waiting(width, height)
        return pages.start(self.rows, self.selected, self._hint(), width, height, scanning=looking)

    def _hint(self) -> str:
        keys = _(pages.FEW_BUTTONS if self.context.few_buttons() else pages.KEYS)
        if self._countdown_end is None:
            return keys
        left = max(0, round(self._countdown_end - monotonic()))
        # the number comes last: text after it would move when it loses a digit, and be sent again
        return keys + "  " + _("Starts automatically in {seconds} s.").format(seconds=left)

    @property
    def selected(self) -> int:
        """Return the index of the selected row."""
        key = self._selected_key or (self.recommended.key if self.recommended else "")
        return next((index for index, row in enumerate(self.rows) if row.key == key), 0)

    def draw_results(self) -> None:
        """Update the rows; the selection stays on its key."""
        if self._state is not None:
            self._offer.update(self.results.listings, finished=self.results.finished)
        self.draw()

    def scan_failed(self, error: Exception) -> None:
        """Do nothing: the error is logged, and the rows stay."""

    # --- time

    def on_mount(self) -> None:
        """Start the scan, and read the saved state."""
        in_background(self, self._read_state, "state")
        self.start_scan()
        self.set_interval(1, self._tick)

    def _read_state(self) -> None:
        """Read the saved state, in a thread."""
        self.post_message(self.StateRead(KioskState.read(self.context.session, self.context.settings)))

    @on(StateRead)
    def _state_read(self, message: StateRead) -> None:
        self._state, context = message.state, self.context
        self._offer = KioskOffer(context.policy, context.settings, message.state, running=context.confirm_always)
        if message.state.state_store is not None:  # the service menu or another console may change it
            self._stop_listening = message.state.state_store.listen(lambda: self.post_message(self.Changed()))
        self.draw_results()

    @on(Changed)
    def _changed(self) -> None:
        self.draw_results()

    def on_unmount(self) -> None:
        """Stop listening for changes."""
        self._stop_listening()

    def note_activity(self) -> None:
        """Stop the countdown and restart the idle time, because a key was pressed."""
        self._last_activity = monotonic()
        if self._countdown_end is not None:
            self._countdown_end = None
            self.draw()

    def _tick(self) -> None:
        now = monotonic()
        if self._countdown_end is not None:
            if now < self._countdown_end:
                self.draw()
                return
            self._countdown_end = None
            best = self.recommended
            if best is not None and self.is_current:
                self._choose(best)
            return
        if now - self._last_activity >= self.context.settings.kiosk_idle and self._nothing_loads:
            self._last_activity = now
            self.reset()

    @property
    def _nothing_loads(self) -> bool:
        """Return whether no load is in progress."""
        loads = (screen for screen in self.app.screen_stack if isinstance(screen, LoadingScreen))
        return all(screen.result is not None for screen in loads)

    def reset(self) -> None:
        """Close all other screens and start the countdown."""
        while self.app.screen is not self and len(self.app.screen_stack) > 1:
            screen = self.app.screen
            if isinstance(screen, MenuScreen):
                self._service_menu_closed()
            if isinstance(screen, LoadingScreen):
                screen.stop_work()
            if isinstance(screen, KioskLoadingScreen):
                self._loaded(screen.result)
            self.app.pop_screen()
        self._selected_key = ""
        if self.context.countdown is not None and self.recommended is not None:
            self._countdown_end = monotonic() + max(self.context.countdown, pages.SHORTEST_COUNTDOWN)
        self.draw()

    # --- keys

    def action_up(self) -> None:
        """Select the row above; wrap around to the last."""
        self._move(-1)

    def action_down(self) -> None:
        """Select the row below; wrap around to the first, for machines with a single button."""
        self._move(1)

    def action_first(self) -> None:
        """Select the first row."""
        self._go(0)

    def action_last(self) -> None:
        """Select the last row."""
        self._go(len(self.rows) - 1)

    def action_pick(self, number: str) -> None:
        """Select the row with this number."""
        if int(number) <= len(self.rows):
            self._go(int(number) - 1)

    def _move(self, steps: int) -> None:
        if self.rows:
            self._go((self.selected + steps) % len(self.rows))

    def _go(self, index: int) -> None:
        if self.rows:
            self._selected_key = self.rows[index].key
            self.draw()

    def action_boot(self) -> None:
        """Run the selected row, after the PIN if it needs one."""
        if self.rows:
            self._choose(self.rows[self.selected])

    def _choose(self, row: pages.KioskRow) -> None:
        if row.pin:
            self._ask_pin(lambda: self._do(row))
        else:
            self._do(row)

    def _ask_pin(self, then: Callable[[], None]) -> None:
        guard = self._state.guard if self._state else None
        if guard is not None:
            self.app.push_screen(PinScreen(self.context, guard), lambda right: then() if right else None)

    def _do(self, row: pages.KioskRow) -> None:
        if row.listing is not None:
            self._start(row.listing, row.name)
        elif row.action == pages.SERVICE:
            self._open_service_menu()
        elif row.power is not None:
            self._power(row.power)
        elif self._offer.policy.allows(row.action):
            getattr(self, f"action_{row.action}")()

    def _power(self, power: Power) -> None:
        self._shutdown_screen = KioskShutdownScreen(self.context, power)
        self.app.push_screen(self._shutdown_screen)
        self.run_power_action(power)

    def power_failed(self, error: Exception, power: Power) -> None:
        """Show that the machine still runs, and scan again."""
        if self._shutdown_screen is not None:
            self._shutdown_screen.dismiss()
        name = _(POWER_WORDS[power])
        if isinstance(error, SimulatedJump):
            self.app.push_screen(KioskSimulationEndScreen(self.context, name))
        else:
            self.app.push_screen(KioskRefusalScreen(self.context, error, name))
        self.start_scan()

    def action_rescan(self) -> None:
        """Scan again."""
        self.start_scan()

    def action_details(self) -> None:
        """Show the details of the recommended entry."""
        best = self.recommended
        self.app.push_screen(DetailsScreen(self.context, best.listing if best else None))

    def _open_service_menu(self) -> None:
        """Open the unrestricted service menu until it is locked again."""
        menu = MenuScreen(self.context.after_pin())
        self.app.push_screen(menu, lambda _: self._service_menu_closed())

    def _service_menu_closed(self) -> None:
        """Scan again, because anything may have been changed in the service menu."""
        self._selected_key = ""
        self.start_scan()

    def _start(self, listing: Listing, name: str) -> None:
        if self.context.confirm_always:
            asked = ConfirmScreen(self.context, listing)
            self.app.push_screen(asked, lambda yes: self._load(listing, name) if yes else None)
        else:
            self._load(listing, name)

    def _load(self, listing: Listing, name: str) -> None:
        self._loading_id = listing.entry.id
        screen = KioskLoadingScreen(self.context, listing, name)
        self.app.push_screen(screen, self._loaded)

    def _loaded(self, result: Jump | Returned | None) -> None:
        if isinstance(result, Jump):
            self.app.exit(result)
            return
        if result is not None and result.failed:
            self._offer.refuse(self._loading_id)
            self._selected_key = ""
        if result is None or result.rescan:
            self.start_scan()
        else:
            self.draw_results()
