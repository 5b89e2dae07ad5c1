# SPDX-License-Identifier: MIT
"""The device tree of an entry; it is read in a thread."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.message import Message

from bootmenu.discovery.scan_events import Listing
from bootmenu.errors import BootmenuError
from bootmenu.frontends.tui.background import in_background
from bootmenu.frontends.tui.screens.pager_screen import PagerScreen
from bootmenu.frontends.ui_context import UiContext
from bootmenu.i18n import _
from bootmenu.session import menu_log
from bootmenu.view.dtb_page import DtbText, tree
from bootmenu.view.screen_ids import ScreenId
from bootmenu.view.styled_text import Line
from bootmenu.view.wording import full_name


class DtbScreen(PagerScreen[None]):
    """Shows the changes to the device tree, its differences from the running one, and its source."""

    screen_id = ScreenId.TREE

    class Read(Message):
        """The device trees were read. shown: their text, or why they could not be read."""

        def __init__(self, shown: DtbText | BootmenuError) -> None:
            super().__init__()
            self.shown = shown

    def __init__(self, context: UiContext, listing: Listing) -> None:
        super().__init__(context)
        self.listing = listing
        self.text: DtbText | BootmenuError | None = None

    def render_page(self, width: int) -> Sequence[Line]:
        """Return the page."""
        return tree(self.text, _("Device tree of {name}").format(name=full_name(self.listing.entry)), width)

    def on_mount(self) -> None:
        """Start reading the device trees."""
        in_background(self, self._read, "tree")

    def _read(self) -> None:
        shown: DtbText | BootmenuError
        try:
            shown = DtbText.read(self.context.session, self.listing)
        except BootmenuError as error:
            shown = error
        except Exception as error:
            shown = menu_log.logged_error(error)
        self.post_message(self.Read(shown))

    @on(Read)
    def _show(self, message: Read) -> None:
        self.text = message.shown
        self.draw()
