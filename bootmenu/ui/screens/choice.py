# SPDX-License-Identifier: MIT
"""A box with a question and a few answers. The first is marked: it must be the one that does nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Container

from bootmenu.language import _
from bootmenu.ui.keys import Place, bindings, labelled
from bootmenu.ui.lines import BLANK, Ink, Line, Span, line, paragraph
from bootmenu.ui.pages.banner import footer
from bootmenu.ui.screens.base import BoxScreen
from bootmenu.ui.terms import Terms
from bootmenu.ui.text import fit
from bootmenu.ui.widgets.paper import Paper


class ChoiceScreen(BoxScreen[int], inherit_bindings=False):
    """Ends with the index of the answer that was taken; 0 = the first, or none."""

    BINDINGS: ClassVar = bindings(Place.CHOICE)

    def __init__(self, terms: Terms, title: str, words: Sequence[str], answers: Sequence[str]) -> None:
        """words: paragraphs, safe to show."""
        super().__init__()
        self.terms = terms
        self._heading = title
        self._words = words
        self._answers = answers
        self.marked = 0

    def compose(self) -> ComposeResult:
        """The box."""
        box = Container(Paper(self._page, id="page"), id="box")
        box.border_title = f"{self._heading} · {_('SIMULATION')}" if self.terms.session.simulated else self._heading
        yield box
        keys = labelled(Place.CHOICE)
        yield Paper(lambda width: [footer(keys, width)], id="footer")

    def _page(self, width: int) -> list[Line]:
        lines: list[Line] = []
        for text in self._words:
            lines += [*paragraph(width, text), BLANK]
        for index, answer in enumerate(self._answers):
            marked = index == self.marked
            sign = "▶" if marked else " "
            lines.append(
                line(
                    Span(fit(f" {sign} {index + 1}  {answer}", max(10, width)), Ink.TEXT),
                    selected=marked,
                    press=str(index + 1),
                )
            )
        return lines

    def _mark(self, index: int) -> None:
        self.marked = max(0, min(index, len(self._answers) - 1))
        self.paper("page").show(self._page)

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
