# SPDX-License-Identifier: MIT
"""Asks for the passphrase of an encrypted partition until it is unlocked, or until nobody wants it any more.

What is typed is a line of its own on the sheet: it blinks not, and only the cells that change are sent.
"""

from __future__ import annotations

from textual import on
from textual.message import Message

from bootmenu.discovery.devices import Device
from bootmenu.errors import BootmenuError
from bootmenu.frontends.tui.screens.base_screen import AskingScreen
from bootmenu.frontends.tui.screens.typing_screen import Typing
from bootmenu.frontends.ui_context import UiContext
from bootmenu.i18n import _, localized
from bootmenu.session import menu_log
from bootmenu.view.line_editor import LineEditor
from bootmenu.view.passphrase_prompt import input_line, passphrase
from bootmenu.view.screen_ids import ScreenId
from bootmenu.view.styled_text import BLANK, Line

MAX_TYPED = 512
"""Characters, as many as cryptsetup itself takes from a terminal."""


class PassphraseScreen(Typing, AskingScreen[bool], inherit_bindings=False):
    """A box over the menu. Ends with True when the partition is unlocked."""

    screen_id = ScreenId.PASSPHRASE
    longest = MAX_TYPED
    literal = True

    class Tried(Message):
        """The passphrase was tried. error None = it was the right one."""

        def __init__(self, error: Exception | None) -> None:
            super().__init__()
            self.error = error

    def __init__(self, context: UiContext, device: Device) -> None:
        super().__init__()
        self.context = context
        self.heading = _("Locked")
        self.device = device
        self.working = False
        self._typed = LineEditor()
        self._trouble = ""

    def said(self, width: int) -> list[Line]:
        """Return which partition it is, and what came of the last try."""
        return passphrase(self.device, self._trouble, width, working=self.working)

    def answers(self, width: int) -> list[Line]:
        """Return the line that is typed."""
        return [input_line(len(self._typed.text), width)]

    def draw(self) -> None:
        """Keep what came of the last try in sight, which is at the end."""
        super().draw()
        if self.working or self._trouble:
            said = self.text_view("said")
            said.reveal(max(index for index, line in enumerate(said.lines) if line != BLANK))
            self.text_view("between").show(self._more)

    @property
    def line(self) -> LineEditor:
        """See Typing."""
        return self._typed

    def typed(self, line: LineEditor) -> None:
        """Nothing is taken while one is tried."""
        if not self.working:
            self._typed = line
            self.draw()

    def action_unlock(self) -> None:
        """Try it."""
        if self.working or not self._typed.text:
            return
        text, self._typed = self._typed.text, LineEditor()
        self.working = True
        self.draw()
        self.run_worker(lambda: self._try(text), thread=True, group="unlock", exit_on_error=False)

    def _try(self, text: str) -> None:
        """In a thread."""
        error: Exception | None = None
        try:
            self.context.session.unlock(self.device.name, text)
        except Exception as caught:
            error = caught
        self.post_message(self.Tried(error))

    @on(Tried)
    def _tried(self, message: Tried) -> None:
        self.working = False
        if message.error is None:
            self.dismiss(True)
            return
        if isinstance(message.error, BootmenuError):
            self._trouble = " ".join(localized(part) for part in (message.error.message, message.error.hint) if part)
        else:
            menu_log.write_error(message.error)
            self._trouble = _("It could not be tried.")
        self.draw()

    def action_no(self) -> None:
        """Back to the menu; a passphrase that is being tried is waited for."""
        if not self.working:
            self.dismiss(False)
