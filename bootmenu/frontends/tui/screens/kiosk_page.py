# SPDX-License-Identifier: MIT
"""The base of the kiosk's screens, and those that only show a message."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from textual import events
from textual.app import ComposeResult

from bootmenu.frontends.tui.bindings import bindings
from bootmenu.frontends.tui.screens.base_screen import BootmenuScreen
from bootmenu.frontends.tui.screens.refusal_screen import FollowUp
from bootmenu.frontends.tui.widgets.text_view import TextView
from bootmenu.frontends.ui_context import UiContext
from bootmenu.session import menu_log
from bootmenu.system.power import Power
from bootmenu.view import kiosk_pages as pages
from bootmenu.view.screen_ids import ScreenId
from bootmenu.view.styled_text import BLANK, Line

T = TypeVar("T")


class KioskPage(BootmenuScreen[T]):
    """A page of the kiosk, with the contact at the bottom instead of a footer of keys."""

    def compose(self) -> ComposeResult:
        """Yield title, page and contact."""
        yield TextView(self._title, id="title")
        yield TextView(self._full_page, id="page")
        yield TextView(self._bottom, id="footer")

    def _title(self, width: int) -> list[Line]:
        return pages.top(self.context.session.simulated, self.context.simulated_pin, width)

    def _bottom(self, width: int) -> list[Line]:
        return pages.bottom(self.context.settings.kiosk_contact, width)

    def page_lines(self, width: int, height: int) -> list[Line]:
        """Return the page, at most `height` lines."""
        raise NotImplementedError

    def _full_page(self, width: int) -> list[Line]:
        height = max(1, self.size.height - 1 - len(self._bottom(width)))
        lines = self.page_lines(width, height)
        return lines + [BLANK] * (height - len(lines))

    def draw(self) -> None:
        """Redraw the page."""
        if not self.closed:
            self.text_view("page").show(self._full_page)

    def on_resize(self, _event: events.Resize) -> None:
        """Redraw the page, which fills the screen."""
        self.call_after_refresh(self.draw)


class KioskRefusalScreen(KioskPage[FollowUp]):
    """Says that an entry could not be started; the reason is only logged."""

    screen_id = ScreenId.REFUSAL
    BINDINGS: ClassVar = bindings(ScreenId.ARRIVAL)

    def __init__(self, context: UiContext, error: Exception, entry_name: str = "") -> None:
        super().__init__(context)
        self.entry_name = entry_name
        menu_log.write_error(error)

    def page_lines(self, width: int, height: int) -> list[Line]:
        """Return the page."""
        return pages.refusal(self.entry_name, width, height)

    def action_back(self) -> None:
        """Return to the kiosk's start page."""
        self.dismiss()


class KioskSimulationEndScreen(KioskPage[None]):
    """Says that a simulated boot is complete."""

    screen_id = ScreenId.ARRIVAL

    def __init__(self, context: UiContext, entry_name: str) -> None:
        super().__init__(context)
        self.entry_name = entry_name

    def page_lines(self, width: int, height: int) -> list[Line]:
        """Return the page."""
        return pages.arrival(self.entry_name, width, height)

    def action_back(self) -> None:
        """Return to the kiosk's start page."""
        self.dismiss()


class KioskShutdownScreen(KioskPage[None]):
    """Says that the machine is shutting down; it reacts to no keys."""

    screen_id = ScreenId.PROGRESS
    BINDINGS: ClassVar = []

    def __init__(self, context: UiContext, power: Power) -> None:
        super().__init__(context)
        self._power = power

    def page_lines(self, width: int, height: int) -> list[Line]:
        """Return the page."""
        return pages.going_down(self._power, width, height)
