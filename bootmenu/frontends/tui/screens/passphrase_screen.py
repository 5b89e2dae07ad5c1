# SPDX-License-Identifier: MIT
"""The prompt for the passphrase of an encrypted partition.

It draws its own input line: Textual's cursor blinks, which would send bytes over a serial line all the time.
"""

from __future__ import annotations

from textual import on
from textual.message import Message

from bootmenu.discovery.devices import Device
from bootmenu.errors import BootmenuError
from bootmenu.frontends.tui.background import in_background
from bootmenu.frontends.tui.screens.base_screen import DialogScreen
from bootmenu.frontends.tui.screens.line_editing import LineEditing
from bootmenu.frontends.ui_context import UiContext
from bootmenu.i18n import _, localized
from bootmenu.session import menu_log
from bootmenu.view.line_editor import LineEditor
from bootmenu.view.passphrase_prompt import input_line, passphrase
from bootmenu.view.screen_ids import ScreenId
from bootmenu.view.styled_text import BLANK, Line

MAX_TYPED = 512
"""Characters; cryptsetup reads as many from a terminal."""


class PassphraseScreen(LineEditing, DialogScreen[bool], inherit_bindings=False):
    """A dialog over the menu; its result is whether the partition was unlocked."""

    screen_id = ScreenId.PASSPHRASE
    max_length = MAX_TYPED
    literal = True

    class Tried(Message):
        """A passphrase was tried. error: None if it was right."""

        def __init__(self, error: Exception | None) -> None:
            super().__init__()
            self.error = error

    def __init__(self, context: UiContext, device: Device) -> None:
        super().__init__()
        self.context = context
        self.heading = _("Locked")
        self.device = device
        self.unlocking = False
        """Whether a passphrase is being tried."""
        self._typed = LineEditor()
        self._error = ""

    def message(self, width: int) -> list[Line]:
        """Return the name of the partition, and the error of the last attempt."""
        return passphrase(self.device, self._error, width, working=self.unlocking)

    def answers(self, width: int) -> list[Line]:
        """Return the input line, with a star for each character."""
        return [input_line(len(self._typed.text), width)]

    def draw(self) -> None:
        """Redraw, and scroll to the error of the last attempt, at the end of the message."""
        super().draw()
        if self.unlocking or self._error:
            view = self.text_view("message")
            view.reveal(max(index for index, line in enumerate(view.lines) if line != BLANK))
            self.text_view("between").show(self._more)

    @property
    def line(self) -> LineEditor:
        """Return the passphrase."""
        return self._typed

    def line_changed(self, line: LineEditor) -> None:
        """Take what was typed, except while a passphrase is tried."""
        if not self.unlocking:
            self._typed = line
            self.draw()

    def action_unlock(self) -> None:
        """Try the passphrase."""
        if self.unlocking or not self._typed.text:
            return
        text, self._typed = self._typed.text, LineEditor()
        self.unlocking = True
        self.draw()
        in_background(self, lambda: self._try(text), "unlock")

    def _try(self, text: str) -> None:
        """Try the passphrase, in a thread."""
        error: Exception | None = None
        try:
            self.context.session.unlock(self.device.name, text)
        except Exception as caught:
            error = caught
        self.post_message(self.Tried(error))

    @on(Tried)
    def _tried(self, message: Tried) -> None:
        self.unlocking = False
        if message.error is None:
            self.dismiss(True)
            return
        if isinstance(message.error, BootmenuError):
            self._error = " ".join(localized(part) for part in (message.error.message, message.error.hint) if part)
        else:
            menu_log.write_error(message.error)
            self._error = _("The passphrase could not be checked.")
        self.draw()

    def action_no(self) -> None:
        """Return to the menu, except while a passphrase is tried."""
        if not self.unlocking:
            self.dismiss(False)
