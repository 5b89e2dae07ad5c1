# SPDX-License-Identifier: MIT
"""The help page."""

from __future__ import annotations

from typing import ClassVar

from bootmenu.ui.keys import Place, bindings
from bootmenu.ui.lines import Line
from bootmenu.ui.pages.manual import manual
from bootmenu.ui.screens.base import ReadingScreen


class HelpScreen(ReadingScreen[None]):
    """Every key, every verdict."""

    place = Place.HELP
    BINDINGS: ClassVar = bindings(Place.HELP)

    def sheet(self, width: int) -> list[Line]:
        """Made from the table of keys."""
        return manual(self.terms.without, width, self.terms.log_file)

    def action_back(self) -> None:
        """To the menu."""
        self.dismiss()
