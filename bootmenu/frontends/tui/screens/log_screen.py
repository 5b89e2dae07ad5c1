# SPDX-License-Identifier: MIT
"""The logs of the menu and the kernel; they are read in a thread."""

from __future__ import annotations

from textual import on
from textual.message import Message

from bootmenu.frontends.tui.background import in_background
from bootmenu.frontends.tui.screens.pager_screen import PagerScreen
from bootmenu.frontends.ui_context import UiContext
from bootmenu.session import menu_log
from bootmenu.view.log_page import LINES, log
from bootmenu.view.screen_ids import ScreenId
from bootmenu.view.styled_text import Line


class LogScreen(PagerScreen[None]):
    """Shows the logs, scrolled to the newest line."""

    screen_id = ScreenId.LOG

    class Read(Message):
        """The logs were read. own: the menu's. kernel: None if it could not be read."""

        def __init__(self, own: list[str], kernel: list[str] | None) -> None:
            super().__init__()
            self.own = own
            self.kernel = kernel

    def __init__(self, context: UiContext) -> None:
        super().__init__(context)
        self._own: list[str] | None = None
        self._kernel: list[str] | None = []

    def render_page(self, width: int) -> list[Line]:
        """Return the lines of the kernel's log, the menu's, and what was done."""
        return log(self._own, self._kernel, self.context.session.history.items, self.context.log_file, width)

    def on_mount(self) -> None:
        """Start reading the logs."""
        in_background(self, self._read, "log")

    def _read(self) -> None:
        kernel: list[str] | None = None
        try:
            kernel = self.context.session.kernel_log()
        except Exception as error:
            menu_log.write_error(error)
        self.post_message(self.Read(menu_log.last_lines(LINES), kernel))

    @on(Read)
    def _show(self, message: Read) -> None:
        self._own, self._kernel = message.own, message.kernel
        self.draw()
        self.action_last()
