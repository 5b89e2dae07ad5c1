# SPDX-License-Identifier: MIT
"""A screen that can restart the machine or switch it off."""

from __future__ import annotations

from typing import TypeVar

from textual import on
from textual.message import Message

from bootmenu.errors import BootmenuError
from bootmenu.frontends.tui.background import in_background
from bootmenu.frontends.tui.screens.scanning_screen import ScanningScreen
from bootmenu.session import menu_log
from bootmenu.system.power import Power

T = TypeVar("T")


class PowerScreen(ScanningScreen[T]):
    """Runs power actions. A subclass reports in `power_failed` that the machine still runs."""

    class PowerFailed(Message):
        """The machine still runs after a power action, or the action was simulated."""

        def __init__(self, error: Exception, power: Power) -> None:
            super().__init__()
            self.error = error
            self.power = power

    def run_power_action(self, power: Power) -> None:
        """Restart, switch off or enter the firmware setup, in a thread."""
        in_background(self, lambda: self._run_power_action(power), "power")

    def _run_power_action(self, power: Power) -> None:
        try:
            self.wait_until_drawn()
            self.context.session.power(power)
        except Exception as error:
            if not isinstance(error, BootmenuError):
                menu_log.write_error(error)
            self.post_message(self.PowerFailed(error, power))

    def power_failed(self, error: Exception, power: Power) -> None:
        """Show why the machine still runs, and scan again."""
        raise NotImplementedError

    @on(PowerFailed)
    def _power_failed(self, message: PowerFailed) -> None:
        self.power_failed(message.error, message.power)
