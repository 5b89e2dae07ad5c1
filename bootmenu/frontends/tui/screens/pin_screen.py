# SPDX-License-Identifier: MIT
"""The question for the PIN of the kiosk."""

from __future__ import annotations

from textual import events, on
from textual.message import Message

from bootmenu.bootstate.pin import LONGEST, Guard
from bootmenu.frontends.tui.screens.kiosk_page import KioskPage
from bootmenu.frontends.ui_context import UiContext
from bootmenu.i18n import _
from bootmenu.session import menu_log
from bootmenu.view import kiosk_pages as pages
from bootmenu.view.screen_ids import ScreenId
from bootmenu.view.styled_text import Line


class PinScreen(KioskPage[bool]):
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
        return pages.pin_message(self._guard.wait, wrong=self._wrong)

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
            menu_log.write_error(error)
        self.post_message(self.Tried(right))

    @on(Tried)
    def _tried(self, message: Tried) -> None:
        self._trying, self._wrong = False, not message.right
        if message.right:
            self.dismiss(True)
        else:
            self.draw()
