# SPDX-License-Identifier: MIT
"""What the screens of the kiosk have in common, and those that only say something."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from textual import events
from textual.app import ComposeResult

from bootmenu.frontends.tui.bindings import bindings
from bootmenu.frontends.tui.screens.base_screen import BootmenuScreen
from bootmenu.frontends.tui.widgets.text_view import TextView
from bootmenu.frontends.ui_context import UiContext
from bootmenu.session import menu_log
from bootmenu.system.power import Power
from bootmenu.view import kiosk_pages as pages
from bootmenu.view.screen_ids import ScreenId
from bootmenu.view.styled_text import BLANK, Line

T = TypeVar("T")


class KioskPage(BootmenuScreen[T]):
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


class KioskRefusalScreen(KioskPage[None]):
    """It could not be started. The reason is for the log, and behind the PIN."""

    screen_id = ScreenId.REFUSAL
    BINDINGS: ClassVar = bindings(ScreenId.ARRIVAL)

    def __init__(self, context: UiContext, error: Exception, words: str = "") -> None:
        super().__init__(context)
        self.words = words
        menu_log.write_error(error)

    def plain(self, width: int, height: int) -> list[Line]:
        """In plain words."""
        return pages.refusal(self.words, width, height)

    def action_back(self) -> None:
        """To the choices."""
        self.dismiss()


class KioskArrivalScreen(KioskPage[None]):
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


class KioskLeavingScreen(KioskPage[None]):
    """The machine is on its way down; nothing can be typed any more."""

    screen_id = ScreenId.PROGRESS
    BINDINGS: ClassVar = []

    def __init__(self, context: UiContext, wanted: Power) -> None:
        super().__init__(context)
        self._wanted = wanted

    def plain(self, width: int, height: int) -> list[Line]:
        """In plain words."""
        return pages.going_down(self._wanted, width, height)
