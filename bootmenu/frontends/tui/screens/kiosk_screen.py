# SPDX-License-Identifier: MIT
"""The kiosk: the entries and actions that the policy allows, and the PIN before everything else.

It takes Up, Down, Home, End, digits and Enter, and leaves nothing else to take: every other action is a row.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from textual import on
from textual.message import Message

from bootmenu.discovery.scan_events import Listing
from bootmenu.frontends.outcome import Jump
from bootmenu.frontends.tui.screens.confirm_screen import ConfirmScreen
from bootmenu.frontends.tui.screens.details_screen import DetailsScreen
from bootmenu.frontends.tui.screens.kiosk_loading_screen import KioskLoadingScreen
from bootmenu.frontends.tui.screens.kiosk_page import (
    KioskArrivalScreen,
    KioskLeavingScreen,
    KioskPage,
    KioskRefusalScreen,
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
    """The screen to which everything comes back."""

    screen_id = ScreenId.KIOSK

    class Prepared(Message):
        """The state has been read."""

        def __init__(self, ready: KioskState) -> None:
            super().__init__()
            self.ready = ready

    class Changed(Message):
        """Something else is remembered by now."""

    def __init__(self, context: UiContext) -> None:
        PowerScreen.__init__(self, context)
        self._ready: KioskState | None = None
        self._offer = KioskOffer(context.policy, context.settings, KioskState())
        self._stop_listening: Callable[[], None] = lambda: None
        self._at = ""
        """Key of the selected row; empty = the recommended one."""
        self._trying = ""
        self._leaving: KioskLeavingScreen | None = None
        """The last screen before the machine goes down."""
        self._touched = monotonic()
        self._until: float | None = None
        """When the countdown ends; None = there is none."""

    # --- what is on the screen

    @property
    def rows(self) -> list[pages.KioskRow]:
        """Return what there is to choose from."""
        return self._offer.rows

    @property
    def recommended(self) -> pages.KioskRow | None:
        """Return what the countdown starts."""
        return self._offer.recommended

    def plain(self, width: int, height: int) -> list[Line]:
        """The choices."""
        looking = not (self.results.finished and self._ready)
        if not self.rows and looking:
            return pages.waiting(width, height)
        return pages.start(self.rows, self.selected, self._words(), width, height, scanning=looking)

    def _words(self) -> str:
        keys = _(pages.FEW_BUTTONS if self.context.few_buttons() else pages.KEYS)
        if self._until is None:
            return keys
        left = max(0, round(self._until - monotonic()))
        # at the end: a number that loses a digit moves what stands behind it, which a slow line would hear again
        return f"{keys}  {_('Starts automatically in {seconds} s.').format(seconds=left)}"

    @property
    def selected(self) -> int:
        """Index of the selected row."""
        wanted = self._at or (self.recommended.key if self.recommended else "")
        return next((index for index, row in enumerate(self.rows) if row.key == wanted), 0)

    def draw_found(self) -> None:
        """The rows anew; the selection stays on its own."""
        if self._ready is not None:
            self._offer.update(self.results.listings, finished=self.results.finished)
        self.draw()

    def looking_failed(self, error: Exception) -> None:
        """The log has it; what was found is there."""

    # --- time

    def on_mount(self) -> None:
        """Look, and read what is remembered."""
        self.run_worker(self._prepare, thread=True, group="state", exit_on_error=False)
        self.start_scan()
        self.set_interval(1, self._tick)

    def _prepare(self) -> None:
        """In a thread."""
        self.post_message(self.Prepared(KioskState.read(self.context.session, self.context.settings)))

    @on(Prepared)
    def _prepared(self, message: Prepared) -> None:
        self._ready, context = message.ready, self.context
        self._offer = KioskOffer(context.policy, context.settings, message.ready, running=context.confirm_always)
        if message.ready.state_store is not None:  # what the standard menu, or another console, makes the default
            self._stop_listening = message.ready.state_store.listen(lambda: self.post_message(self.Changed()))
        self.draw_found()

    @on(Changed)
    def _changed(self) -> None:
        self.draw_found()

    def on_unmount(self) -> None:
        """Nobody hears of changes any more."""
        self._stop_listening()

    def touch(self) -> None:
        """A key: no countdown, and the idle time begins anew."""
        self._touched = monotonic()
        if self._until is not None:
            self._until = None
            self.draw()

    def _tick(self) -> None:
        now = monotonic()
        if self._until is not None:
            if now < self._until:
                self.draw()
                return
            self._until = None
            best = self.recommended
            if best is not None and self.is_current:
                self._choose(best)
            return
        if now - self._touched >= self.context.settings.kiosk_idle and self._resting:
            self._touched = now
            self.reset()

    @property
    def _resting(self) -> bool:
        """Nobody waits for something that goes on by itself."""
        loads = (screen for screen in self.app.screen_stack if isinstance(screen, LoadingScreen))
        return all(screen.ended is not None for screen in loads)

    def reset(self) -> None:
        """To the start: whatever was open is left, and the countdown begins."""
        while self.app.screen is not self and len(self.app.screen_stack) > 1:
            screen = self.app.screen
            if isinstance(screen, MenuScreen):
                self._came_back()
            if isinstance(screen, LoadingScreen):
                screen.let_go()
            if isinstance(screen, KioskLoadingScreen):
                self._loaded(screen.ended)
            self.app.pop_screen()
        self._at = ""
        if self.context.countdown is not None and self.recommended is not None:
            self._until = monotonic() + max(self.context.countdown, pages.SHORTEST_COUNTDOWN)
        self.draw()

    # --- keys

    def action_up(self) -> None:
        """The row above; before the first comes the last."""
        self._move(-1)

    def action_down(self) -> None:
        """The row below; after the last comes the first, for those who have one button only."""
        self._move(1)

    def action_first(self) -> None:
        """The first row."""
        self._go(0)

    def action_last(self) -> None:
        """The last row."""
        self._go(len(self.rows) - 1)

    def action_pick(self, number: str) -> None:
        """The row with that number."""
        if int(number) <= len(self.rows):
            self._go(int(number) - 1)

    def _move(self, steps: int) -> None:
        if self.rows:
            self._go((self.selected + steps) % len(self.rows))

    def _go(self, index: int) -> None:
        if self.rows:
            self._at = self.rows[index].key
            self.draw()

    def action_boot(self) -> None:
        """Do what the row says."""
        if self.rows:
            self._choose(self.rows[self.selected])

    def _choose(self, row: pages.KioskRow) -> None:
        if row.pin:
            self._ask_pin(lambda: self._do(row))
        else:
            self._do(row)

    def _ask_pin(self, then: Callable[[], None]) -> None:
        guard = self._ready.guard if self._ready else None
        if guard is not None:
            self.app.push_screen(PinScreen(self.context, guard), lambda right: then() if right else None)

    def _do(self, row: pages.KioskRow) -> None:
        if row.listing is not None:
            self._start(row.listing, row.name)
        elif row.action == pages.SERVICE:
            self._serve()
        elif row.power is not None:
            self._power(row.power)
        elif self._offer.policy.allows(row.action):
            getattr(self, f"action_{row.action}")()

    def _power(self, wanted: Power) -> None:
        self._leaving = KioskLeavingScreen(self.context, wanted)
        self.app.push_screen(self._leaving)
        self.go_down(wanted)

    def stayed_up(self, error: Exception, wanted: Power) -> None:
        """Say it in plain words, and scan again."""
        if self._leaving is not None:
            self._leaving.dismiss()
        words = _(POWER_WORDS[wanted])
        if isinstance(error, SimulatedJump):
            self.app.push_screen(KioskArrivalScreen(self.context, words))
        else:
            self.app.push_screen(KioskRefusalScreen(self.context, error, words))
        self.start_scan()

    def action_rescan(self) -> None:
        """Scan again."""
        self.start_scan()

    def action_details(self) -> None:
        """Show the details of what would start automatically."""
        best = self.recommended
        self.app.push_screen(DetailsScreen(self.context, best.listing if best else None))

    def _serve(self) -> None:
        """The standard menu, with everything, until it is locked again."""
        menu = MenuScreen(self.context.unlocked())
        self.app.push_screen(menu, lambda _: self._came_back())

    def _came_back(self) -> None:
        """Read everything afresh: whoever was in the standard menu may have changed it."""
        self._at = ""
        self.start_scan()

    def _start(self, listing: Listing, words: str) -> None:
        if self.context.confirm_always:
            asked = ConfirmScreen(self.context, listing)
            self.app.push_screen(asked, lambda yes: self._load(listing, words) if yes else None)
        else:
            self._load(listing, words)

    def _load(self, listing: Listing, words: str) -> None:
        self._trying = listing.entry.id
        screen = KioskLoadingScreen(self.context, listing, words)
        self.app.push_screen(screen, self._loaded)

    def _loaded(self, result: Jump | Returned | None) -> None:
        if isinstance(result, Jump):
            self.app.exit(result)
            return
        if result is not None and result.failed:
            self._offer.refuse(self._trying)
            self._at = ""
        if result is None or result.look_again:
            self.start_scan()
        else:
            self.draw_found()
