# SPDX-License-Identifier: MIT
"""A box with a question and a few answers. The first is marked: it must be the one that does nothing."""

from __future__ import annotations

from collections.abc import Sequence

from bootmenu.frontends.tui.screens.base_screen import AskingScreen
from bootmenu.frontends.ui_context import UiContext
from bootmenu.terminal.cells import fit
from bootmenu.view.screen_ids import ScreenId
from bootmenu.view.styled_text import BLANK, Line, line, paragraph


class ChoiceScreen(AskingScreen[int], inherit_bindings=False):
    """Ends with the index of the answer that was taken; 0 = the first, or none."""

    screen_id = ScreenId.CHOICE

    def __init__(self, context: UiContext, title: str, words: Sequence[str], answers: Sequence[str]) -> None:
        """words: paragraphs, safe to show."""
        super().__init__()
        self.context = context
        self.heading = title
        self._words = words
        self._answers = answers
        self.marked = 0

    def said(self, width: int) -> list[Line]:
        """Return the paragraphs."""
        return [row for text in self._words for row in (BLANK, *paragraph(width, text))][1:]

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
    def at(self) -> int:
        """Return the marked one."""
        return self.marked

    def _mark(self, index: int) -> None:
        self.marked = max(0, min(index, len(self._answers) - 1))
        self.draw()

    def action_up(self) -> None:
        """The answer above."""
        self._mark(self.marked - 1)

    def action_down(self) -> None:
        """The answer below."""
        self._mark(self.marked + 1)

    def action_pick(self, number: str) -> None:
        """The answer with that number; it is only marked."""
        if int(number) <= len(self._answers):
            self._mark(int(number) - 1)

    def action_confirm(self) -> None:
        """Take the marked answer."""
        self.dismiss(self.marked)

    def action_no(self) -> None:
        """None."""
        self.dismiss(0)
