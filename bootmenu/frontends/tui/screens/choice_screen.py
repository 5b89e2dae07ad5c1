# SPDX-License-Identifier: MIT
"""A dialog with a question and several answers."""

from __future__ import annotations

from collections.abc import Sequence

from bootmenu.frontends.tui.screens.base_screen import DialogScreen
from bootmenu.frontends.ui_context import UiContext
from bootmenu.terminal.cells import fit
from bootmenu.view.screen_ids import ScreenId
from bootmenu.view.styled_text import BLANK, Line, line, paragraph


class ChoiceScreen(DialogScreen[int], inherit_bindings=False):
    """Asks a question; its result is the index of the chosen answer.

    The first answer is marked at the start, and is the result of Esc: it must be the one that does nothing.
    """

    screen_id = ScreenId.CHOICE

    def __init__(self, context: UiContext, title: str, paragraphs: Sequence[str], answers: Sequence[str]) -> None:
        """Build the dialog. paragraphs: the message, without control characters."""
        super().__init__()
        self.context = context
        self.heading = title
        self._paragraphs = paragraphs
        self._answers = answers
        self.marked = 0

    def message(self, width: int) -> list[Line]:
        """Return the lines of the message."""
        return [row for text in self._paragraphs for row in (BLANK, *paragraph(width, text))][1:]

    def answers(self, width: int) -> list[Line]:
        """Return a row for each answer."""
        return [
            line(
                fit(f" {'▶' if index == self.marked else ' '} {index + 1}  {answer}", width),
                selected=index == self.marked,
                press=str(index + 1),
            )
            for index, answer in enumerate(self._answers)
        ]

    @property
    def marked_index(self) -> int:
        """Return the index of the marked answer."""
        return self.marked

    def _mark(self, index: int) -> None:
        self.marked = max(0, min(index, len(self._answers) - 1))
        self.draw()

    def action_up(self) -> None:
        """Mark the answer above."""
        self._mark(self.marked - 1)

    def action_down(self) -> None:
        """Mark the answer below."""
        self._mark(self.marked + 1)

    def action_pick(self, number: str) -> None:
        """Mark the answer with this number."""
        if int(number) <= len(self._answers):
            self._mark(int(number) - 1)

    def action_confirm(self) -> None:
        """Close with the marked answer."""
        self.dismiss(self.marked)

    def action_no(self) -> None:
        """Close with the first answer."""
        self.dismiss(0)
