# SPDX-License-Identifier: MIT
"""The log, to read; the files are read meanwhile."""

from __future__ import annotations

from textual import on
from textual.message import Message

from bootmenu.frontends.tui.screens.base_screen import ReadingScreen
from bootmenu.frontends.ui_context import UiContext
from bootmenu.session import menu_log
from bootmenu.view.log_page import LINES, log
from bootmenu.view.screen_ids import ScreenId
from bootmenu.view.styled_text import Line


class LogScreen(ReadingScreen[None]):
    """Opens at its end, where the newest is."""

    screen_id = ScreenId.LOG

    class Read(Message):
        """Both logs."""

        def __init__(self, own: list[str], kernel: list[str] | None) -> None:
            super().__init__()
            self.own = own
            self.kernel = kernel

    def __init__(self, context: UiContext) -> None:
        super().__init__(context)
        self._own: list[str] | None = None
        self._kernel: list[str] | None = []

    def render_page(self, width: int) -> list[Line]:
        """Kernel, then menu."""
        return log(self._own, self._kernel, self.context.log_file, width)

    def on_mount(self) -> None:
        """Read them."""
        self.run_worker(self._look, thread=True, group="log", exit_on_error=False)

    def _look(self) -> None:
        kernel: list[str] | None = None
        try:
            kernel = self.context.session.kernel_log()
        except Exception as error:
            menu_log.write_error(error)
        self.post_message(self.Read(menu_log.last_lines(LINES), kernel))

    @on(Read)
    def _is_read(self, message: Read) -> None:
        self._own, self._kernel = message.own, message.kernel
        self.draw()
        self.action_last()

    def action_back(self) -> None:
        """To the menu."""
        self.dismiss()
