# SPDX-License-Identifier: MIT
"""The prompt for the kiosk's PIN."""

from __future__ import annotations

from textual import events, on
from textual.message import Message

from bootmenu.bootstate.pin import LONGEST, Guard
from bootmenu.frontends.tui.background import in_background
from bootmenu.frontends.tui.screens.kiosk_page import KioskPage
from bootmenu.frontends.ui_context import UiContext
from bootmenu.i18n import _
from bootmenu.session import menu_log
from bootmenu.view import kiosk_pages as pages
from bootmenu.view.screen_ids import ScreenId
from bootmenu.view.styled_text import Line


class PinScreen(KioskPage[bool]):
    """Asks for the PIN; its result is whether it was right.

    Digits are typed, or picked on a wheel with three buttons.
    """

    screen_id = ScreenId.PIN

    class Tried(Message):
        """The PIN was compared."""

        def __init__(self, right: bool) -> None:
            super().__init__()
            self.right = right

    def __init__(self, context: UiContext, guard: Guard) -> None:
        super().__init__(context)
        self._guard = guard
        self._typed = ""
        self._wheel_index = 0
        self._checking = False
        self._wrong = False

    def page_lines(self, width: int, height: int) -> list[Line]:
        """Return the page with a star for each digit, and the wheel."""
        return pages.pin(
            len(self._typed),
            self._wheel_index,
            self._message(),
            width,
            height,
            few_buttons=self.context.few_buttons(),
        )

    def _message(self) -> str:
        if self._checking:
            return _("One moment, please.")
        return pages.pin_message(self._guard.wait, wrong=self._wrong)

    def on_mount(self) -> None:
        """Redraw every second: after a wrong PIN the remaining wait is shown."""
        self.set_interval(1, self._tick)

    def _tick(self) -> None:
        self.draw()

    def insert_key(self, event: events.Key) -> None:
        """Add a typed digit; ignore other characters."""
        if event.character is not None and event.character in pages.DIGITS:
            self._add(event.character)
            self._wheel_index = pages.WHEEL.index("OK")
            self.draw()

    def insert_paste(self, text: str) -> None:
        """Add the digits of the pasted text."""
        for digit in text:
            if digit in pages.DIGITS:
                self._add(digit)
        self._wheel_index = pages.WHEEL.index("OK")
        self.draw()

    def _add(self, digit: str) -> None:
        if not self._checking and not self._guard.wait:
            self._wrong = False
            self._typed = (self._typed + digit)[:LONGEST]

    def action_up(self) -> None:
        """Turn the wheel back."""
        self._turn_wheel(-1)

    def action_down(self) -> None:
        """Turn the wheel forward."""
        self._turn_wheel(1)

    def _turn_wheel(self, steps: int) -> None:
        self._wheel_index = (self._wheel_index + steps) % len(pages.WHEEL)
        self.draw()

    def action_enter_pin(self) -> None:
        """Add the digit on the wheel, or do what it says: OK tries the PIN."""
        match pages.WHEEL[self._wheel_index]:
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
        """Delete the last digit."""
        if not self._checking:
            self._typed = self._typed[:-1]
            self.draw()

    def action_no(self) -> None:
        """Return to the kiosk's start page."""
        if not self._checking:
            self.dismiss(False)

    def _try(self) -> None:
        if self._checking or not self._typed or self._guard.wait:
            return
        pin, self._typed, self._checking, self._wheel_index = self._typed, "", True, 0
        in_background(self, lambda: self._compare(pin), "pin")

    def _compare(self, pin: str) -> None:
        """Compare the PIN, in a thread: it takes a second, and the attempt is saved first."""
        right = False
        try:
            right = self._guard.opens(pin)
        except Exception as error:
            menu_log.write_error(error)
        self.post_message(self.Tried(right))

    @on(Tried)
    def _tried(self, message: Tried) -> None:
        self._checking, self._wrong = False, not message.right
        if message.right:
            self.dismiss(True)
        else:
            self.draw()
