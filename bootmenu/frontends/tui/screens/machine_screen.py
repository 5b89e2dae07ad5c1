# SPDX-License-Identifier: MIT
"""What this machine is, and what it remembers; its state is opened in a thread."""

from __future__ import annotations

from textual import on
from textual.message import Message

from bootmenu.bootstate.state import State
from bootmenu.frontends.tui.background import in_background
from bootmenu.frontends.tui.screens.pager_screen import PagerScreen
from bootmenu.frontends.ui_context import UiContext
from bootmenu.view.machine_page import machine_page, sections
from bootmenu.view.screen_ids import ScreenId
from bootmenu.view.styled_text import Line


class MachineScreen(PagerScreen[None]):
    """Shows the page about this machine."""

    screen_id = ScreenId.MACHINE

    class Read(Message):
        """The state was read. problem: why nothing is remembered, or empty."""

        def __init__(self, state: State, problem: str) -> None:
            super().__init__()
            self.state = state
            self.problem = problem

    def __init__(self, context: UiContext) -> None:
        super().__init__(context)
        self._read: MachineScreen.Read | None = None

    def render_page(self, width: int) -> list[Line]:
        """Return the lines of the page."""
        state, problem = (self._read.state, self._read.problem) if self._read else (None, "")
        return machine_page(sections(self.context.session.machine, state, problem, self.context.consoles), width)

    def on_mount(self) -> None:
        """Start reading the state."""
        in_background(self, self._open, "state")

    def _open(self) -> None:
        store = self.context.session.state_store
        self.post_message(self.Read(store.state, store.error))

    @on(Read)
    def _show(self, message: Read) -> None:
        self._read = message
        self.draw()
