# SPDX-License-Identifier: MIT
"""A screen that can restart the machine or switch it off."""

from __future__ import annotations

from typing import TypeVar

from textual import on
from textual.message import Message

from bootmenu.errors import BootmenuError
from bootmenu.frontends.tui.screens.scanning_screen import ScanningScreen
from bootmenu.session import menu_log
from bootmenu.system.power import Power

T = TypeVar("T")


class PowerScreen(ScanningScreen[T]):
    """A subclass says in `stayed_up` that the machine still runs."""

    class StayedUp(Message):
        """The machine did not go down."""

        def __init__(self, error: Exception, wanted: Power) -> None:
            super().__init__()
            self.error = error
            self.wanted = wanted

    def go_down(self, wanted: Power) -> None:
        """Restart or switch off, in a thread."""
        self.run_worker(lambda: self._go_down(wanted), thread=True, group="power", exit_on_error=False)

    def _go_down(self, wanted: Power) -> None:
        try:
            self.wait_until_seen()
            self.context.session.power(wanted)
        except Exception as error:
            if not isinstance(error, BootmenuError):
                menu_log.write_error(error)
            self.post_message(self.StayedUp(error, wanted))

    def stayed_up(self, error: Exception, wanted: Power) -> None:
        """Show why the machine still runs, and scan again."""
        raise NotImplementedError

    @on(StayedUp)
    def _stayed_up(self, message: StayedUp) -> None:
        self.stayed_up(message.error, message.wanted)
