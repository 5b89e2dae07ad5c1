# SPDX-License-Identifier: MIT
"""The help page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.widget import Widget

from bootmenu.ui.keys import Place, bindings
from bootmenu.ui.pages.manual import manual
from bootmenu.ui.screens.base import ReadingScreen
from bootmenu.ui.widgets.paper import Paper


class HelpScreen(ReadingScreen[None]):
    """Every key, every verdict."""

    place = Place.HELP
    BINDINGS: ClassVar = bindings(Place.HELP)

    def contents(self) -> Iterable[Widget]:
        """The page."""
        yield Paper(lambda width: manual(self.terms.without, width, self.terms.log_file), id="page")

    def action_back(self) -> None:
        """To the menu."""
        self.dismiss()
