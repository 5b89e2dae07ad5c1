# SPDX-License-Identifier: MIT
"""The prompt for the name under which an edited entry is kept."""

from __future__ import annotations

from collections.abc import Callable

from bootmenu.frontends.tui.screens.base_screen import DialogScreen
from bootmenu.frontends.tui.screens.line_editing import LineEditing
from bootmenu.frontends.ui_context import UiContext
from bootmenu.i18n import _
from bootmenu.model.own_entry import MOST_CHARACTERS
from bootmenu.terminal.cells import cells
from bootmenu.view.line_editor import LineEditor
from bootmenu.view.screen_ids import ScreenId
from bootmenu.view.styled_text import BLANK, Line, Span, Style, paragraph


class NameScreen(LineEditing, DialogScreen[str], inherit_bindings=False):
    """A dialog over the editor; its result is the name, or an empty string. replaces: returns whether an entry with a
    name would be replaced."""

    screen_id = ScreenId.NAME
    max_length = MOST_CHARACTERS

    def __init__(self, context: UiContext, name: str, replaces: Callable[[str], bool]) -> None:
        super().__init__()
        self.context = context
        self.heading = _("Save as an entry of your own")
        self._replaces = replaces
        self._typed = LineEditor.of(name[:MOST_CHARACTERS])

    def message(self, width: int) -> list[Line]:
        """Return what happens, padded so that the box never shrinks."""
        what = _("It is kept in this menu, and listed with the entries of its partition. No disk is changed.")
        replaced = _("It takes the place of your entry with this name.")
        note = paragraph(width, replaced, Style.WARN)
        return [*paragraph(width, what), BLANK, *(note if self._replaces(self.name_typed) else [BLANK] * len(note))]

    def answers(self, width: int) -> list[Line]:
        """Return the input line."""
        label = _("Name: ")
        return [Line((Span(" "), Span(label, Style.LABEL), *self._typed.spans(width - cells(label) - 2)))]

    @property
    def name_typed(self) -> str:
        """Return the name without blanks around it."""
        return self._typed.text.strip()

    @property
    def line(self) -> LineEditor:
        """Return the name."""
        return self._typed

    def line_changed(self, line: LineEditor) -> None:
        """Take what was typed."""
        self._typed = line
        self.draw()

    def action_keep(self) -> None:
        """Close with the name, if there is one."""
        if self.name_typed:
            self.dismiss(self.name_typed)

    def action_no(self) -> None:
        """Close without a name."""
        self.dismiss("")
