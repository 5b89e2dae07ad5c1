# SPDX-License-Identifier: MIT
"""The kiosk: the entries and actions that the policy allows, and the PIN before everything else.

It takes Up, Down, Home, End, digits and Enter, and leaves nothing else to take: every other action is a row.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from time import monotonic
from typing import ClassVar, TypeVar

from textual import events, on
from textual.app import ComposeResult
from textual.message import Message

from bootmenu.bootstate.pin import LONGEST, Guard
from bootmenu.discovery.scan_events import Listing
from bootmenu.frontends.outcome import Jump
from bootmenu.frontends.tui.bindings import bindings
from bootmenu.frontends.tui.screens.base_screen import BootmenuScreen
from bootmenu.frontends.tui.screens.confirm_screen import ConfirmScreen
from bootmenu.frontends.tui.screens.details_screen import DetailsScreen
from bootmenu.frontends.tui.screens.loading_screen import LoadingScreen, Returned
from bootmenu.frontends.tui.screens.menu_screen import MenuScreen
from bootmenu.frontends.tui.screens.scanning_screen import ScanningScreen
from bootmenu.frontends.tui.widgets.text_view import TextView
from bootmenu.frontends.ui_context import UiContext
from bootmenu.i18n import _
from bootmenu.kexec.kernel_errors import SimulatedJump
from bootmenu.kexec.plan import LoadPlan
from bootmenu.session import internal_errors
from bootmenu.system.power import Power
from bootmenu.view import kiosk_pages as pages
from bootmenu.view.kiosk_offer import KioskOffer, KioskState
from bootmenu.view.load_progress import fraction
from bootmenu.view.screen_ids import ScreenId
from bootmenu.view.styled_text import BLANK, Line

T = TypeVar("T")


class PlainScreen(BootmenuScreen[T]):
    """One page, with nothing above it and whom to call below it. For screens of the kiosk only."""

    def compose(self) -> ComposeResult:
        """The page."""
        yield TextView(self._title, id="title")
        yield TextView(self._fresh, id="page")
        yield TextView(self._bottom, id="footer")

    def _title(self, width: int) -> list[Line]:
        return pages.top(self.context.session.simulated, self.context.simulated_pin, width)

    def _bottom(self, width: int) -> list[Line]:
        return pages.bottom(self.context.settings.kiosk_contact, width)

    def plain(self, width: int, height: int) -> list[Line]:
        """The page, at most `height` lines."""
        raise NotImplementedError

    def _fresh(self, width: int) -> list[Line]:
        height = max(1, self.size.height - 1 - len(self._bottom(width)))
        lines = self.plain(width, height)
        return lines + [BLANK] * (height - len(lines))

    def draw(self) -> None:
        """Bring the page up to date."""
        if not self.gone:
            self.text_view("page").show(self._fresh)

    def on_resize(self, _event: events.Resize) -> None:
        """The page fills the screen."""
        self.call_after_refresh(self.draw)


class KioskLoadingScreen(PlainScreen[Jump | Returned], LoadingScreen):
    """How far it is, and no more."""

    def __init__(self, context: UiContext, listing: Listing, words: str, *, after: Event) -> None:
        LoadingScreen.__init__(self, context, listing, after=after)
        self.words = words

    def plain(self, width: int, height: int) -> list[Line]:
        """The bar."""
        part = fraction(self.plan, self.told) if self.plan else 0.0
        return pages.progress(self.words, part, self.said, width, height)

    def _page(self, width: int) -> list[Line]:
        return self._fresh(width)

    def refused(self, error: Exception) -> BootmenuScreen[None]:
        """See LoadingScreen."""
        return KioskRefusalScreen(self.context, error, self.words)

    def arrived(self, _plan: LoadPlan) -> BootmenuScreen[None]:
        """See LoadingScreen."""
        return KioskArrivalScreen(self.context, self.words)


class KioskRefusalScreen(PlainScreen[None]):
    """It could not be started. The reason is for the log, and behind the PIN."""

    screen_id = ScreenId.REFUSAL
    BINDINGS: ClassVar = bindings(ScreenId.ARRIVAL)

    def __init__(self, context: UiContext, error: Exception, words: str = "") -> None:
        super().__init__(context)
        self.words = words
        internal_errors.write(error)

    def plain(self, width: int, height: int) -> list[Line]:
        """In plain words."""
        return pages.refusal(self.words, width, height)

    def action_back(self) -> None:
        """To the choices."""
        self.dismiss()


class KioskArrivalScreen(PlainScreen[None]):
    """The end of a simulation."""

    screen_id = ScreenId.ARRIVAL

    def __init__(self, context: UiContext, words: str) -> None:
        super().__init__(context)
        self.words = words

    def plain(self, width: int, height: int) -> list[Line]:
        """In plain words."""
        return pages.arrival(self.words, width, height)

    def action_back(self) -> None:
        """To the choices."""
        self.dismiss()


class KioskLeavingScreen(PlainScreen[None]):
    """The machine is on its way down; nothing can be typed any more."""

    screen_id = ScreenId.PROGRESS
    BINDINGS: ClassVar = []

    def __init__(self, context: UiContext, wanted: Power) -> None:
        super().__init__(context)
        self._wanted = wanted

    def plain(self, width: int, height: int) -> list[Line]:
        """In plain words."""
        return pages.leaving(self._wanted, width, height)


class PinScreen(PlainScreen[bool]):
    """Asks for the PIN; ends with whether it was right. Digits are typed, or chosen with three buttons."""

    screen_id = ScreenId.PIN

    class Tried(Message):
        """It was compared."""

        def __init__(self, right: bool) -> None:
            super().__init__()
            self.right = right

    def __init__(self, context: UiContext, guard: Guard) -> None:
        super().__init__(context)
        self._guard = guard
        self._typed = ""
        self._turned = 0
        self._trying = False
        self._wrong = False

    def plain(self, width: int, height: int) -> list[Line]:
        """Stars and the wheel."""
        return pages.pin(
            len(self._typed), self._turned, self._said(), width, height, few_buttons=self.context.few_buttons()
        )

    def _said(self) -> str:
        if self._trying:
            return _("One moment, please.")
        return pages.not_open(self._guard.wait, wrong=self._wrong)

    def on_mount(self) -> None:
        """The seconds of a pause are counted down."""
        self.set_interval(1, self._tick)

    def _tick(self) -> None:
        self.draw()

    def on_key(self, event: events.Key) -> None:
        """Digits. What is no key of the table is nothing."""
        if event.character is not None and event.character in pages.DIGITS:
            event.stop()
            self._add(event.character)
            self._turned = pages.WHEEL.index("OK")
            self.draw()

    def on_paste(self, event: events.Paste) -> None:
        """The digits of it."""
        event.stop()
        for digit in event.text:
            if digit in pages.DIGITS:
                self._add(digit)
        self._turned = pages.WHEEL.index("OK")
        self.draw()

    def _add(self, digit: str) -> None:
        if not self._trying and not self._guard.wait:
            self._wrong = False
            self._typed = (self._typed + digit)[:LONGEST]

    def action_up(self) -> None:
        """The sign before."""
        self._turn(-1)

    def action_down(self) -> None:
        """The next sign."""
        self._turn(1)

    def _turn(self, steps: int) -> None:
        self._turned = (self._turned + steps) % len(pages.WHEEL)
        self.draw()

    def action_enter_pin(self) -> None:
        """Take the sign; OK tries the PIN."""
        match pages.WHEEL[self._turned]:
            case "OK":
                self._try()
            case "erase":
                self.action_erase()
            case "back":
                self.action_no()
            case digit:
                self._add(digit)
        self.draw()

    def action_erase(self) -> None:
        """Take the last digit back."""
        if not self._trying:
            self._typed = self._typed[:-1]
            self.draw()

    def action_no(self) -> None:
        """Back to the choices."""
        if not self._trying:
            self.dismiss(False)

    def _try(self) -> None:
        if self._trying or not self._typed or self._guard.wait:
            return
        pin, self._typed, self._trying, self._turned = self._typed, "", True, 0
        self.run_worker(lambda: self._compare(pin), thread=True, group="pin", exit_on_error=False)

    def _compare(self, pin: str) -> None:
        """In a thread: it takes a second, and something is written before."""
        right = False
        try:
            right = self._guard.opens(pin)
        except Exception as error:
            internal_errors.write(error)
        self.post_message(self.Tried(right))

    @on(Tried)
    def _tried(self, message: Tried) -> None:
        self._trying, self._wrong = False, not message.right
        if message.right:
            self.dismiss(True)
        else:
            self.draw()


class KioskScreen(PlainScreen[None], ScanningScreen[None]):
    """The screen to which everything comes back."""

    screen_id = ScreenId.KIOSK

    class Prepared(Message):
        """The state has been read."""

        def __init__(self, ready: KioskState) -> None:
            super().__init__()
            self.ready = ready

    class Changed(Message):
        """Something else is remembered by now."""

    class StayedUp(Message):
        """The machine did not go down. words: what was wanted. leaving: the screen that says so."""

        def __init__(self, error: Exception, words: str, leaving: KioskLeavingScreen) -> None:
            super().__init__()
            self.error = error
            self.words = words
            self.leaving = leaving

    def __init__(self, context: UiContext) -> None:
        ScanningScreen.__init__(self, context)
        self._ready: KioskState | None = None
        self._offer = KioskOffer(context.policy, context.settings, KioskState())
        self._stop_listening: Callable[[], None] = lambda: None
        self._at = ""
        """Key of the selected row; empty = the recommended one."""
        self._trying = ""
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
        return pages.start(self.rows, self.selected, self._words(), width, height, looking=looking)

    def _words(self) -> str:
        keys = _(pages.FEW_BUTTONS if self.context.few_buttons() else pages.KEYS)
        if self._until is None:
            return keys
        left = max(0, round(self._until - monotonic()))
        # at the end: a number that loses a digit moves what stands behind it, which a slow line would hear again
        return f"{keys}  {_('Starts by itself in {seconds} s.').format(seconds=left)}"

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
        if message.ready.memory is not None:  # what the standard menu, or another console, makes the default
            self._stop_listening = message.ready.memory.listen(lambda: self.post_message(self.Changed()))
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
                self._look_after(screen)
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
            self._go_down(row.power, row.name)
        elif self._offer.policy.allows(row.action):
            getattr(self, f"action_{row.action}")()

    def _go_down(self, wanted: Power, words: str) -> None:
        after = self.stop_scan()
        leaving = KioskLeavingScreen(self.context, wanted)
        self.app.push_screen(leaving)

        def work() -> None:
            """In a thread, after the partitions have been let go of."""
            try:
                after.wait()
                self.wait_until_seen()
                self.context.session.power(wanted)
            except Exception as error:
                self.post_message(self.StayedUp(error, words, leaving))

        self.run_worker(work, thread=True, group="power", exit_on_error=False)

    @on(StayedUp)
    def _stayed_up(self, message: StayedUp) -> None:
        message.leaving.dismiss()
        if isinstance(message.error, SimulatedJump):
            self.app.push_screen(KioskArrivalScreen(self.context, message.words))
        else:
            self.app.push_screen(KioskRefusalScreen(self.context, message.error, message.words))
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
        menu = MenuScreen(self.context.unlocked(), after=self.stop_scan())
        self.app.push_screen(menu, lambda _: self._came_back(menu))

    def _came_back(self, menu: MenuScreen) -> None:
        self._at = ""
        self._look_after(menu)

    def _look_after(self, menu: MenuScreen) -> None:
        """Look again, when the standard menu has let go of the partitions."""
        self.wait_for(menu.stop_scan())
        self.start_scan()

    def _start(self, listing: Listing, words: str) -> None:
        if self.context.confirm_always:
            asked = ConfirmScreen(self.context, listing)
            self.app.push_screen(asked, lambda yes: self._load(listing, words) if yes else None)
        else:
            self._load(listing, words)

    def _load(self, listing: Listing, words: str) -> None:
        self._trying = listing.entry.id
        screen = KioskLoadingScreen(self.context, listing, words, after=self.stop_scan())
        self.app.push_screen(screen, self._loaded)

    def _loaded(self, result: Jump | Returned | None) -> None:
        if isinstance(result, Jump):
            self.app.exit(result)
            return
        if result is not None and result.failed:
            self._offer.refuse(self._trying)
            self._at = ""
        if result is not None and not result.look_again and self.results.finished:
            self.go_on_looking()
            self.draw_found()
        else:
            self.start_scan()
