# SPDX-License-Identifier: MIT
"""The one question before an entry is loaded. Its answer is No until somebody says otherwise."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Container

from bootmenu.discovery.scan import Listing
from bootmenu.language import _
from bootmenu.model.finding import Severity
from bootmenu.ui.keys import Place, bindings, labelled
from bootmenu.ui.lines import Line
from bootmenu.ui.pages.banner import footer
from bootmenu.ui.pages.question import question
from bootmenu.ui.screens.base import BoxScreen
from bootmenu.ui.terms import Terms
from bootmenu.ui.widgets.paper import Paper


class ConfirmScreen(BoxScreen[bool], inherit_bindings=False):
    """A box over the menu. Ends with True for yes."""

    BINDINGS: ClassVar = bindings(Place.CONFIRM)

    def __init__(self, terms: Terms, listing: Listing) -> None:
        super().__init__()
        self.terms = terms
        self.listing = listing
        self.yes = False

    def compose(self) -> ComposeResult:
        """The box."""
        box = Container(Paper(self._page, id="page"), id="box")
        title = _("Verdict FAIL") if self.listing.report.verdict is Severity.FAIL else _("Please confirm")
        box.border_title = f"{title} · {_('SIMULATION')}" if self.terms.session.simulated else title
        yield box
        keys = labelled(Place.CONFIRM)
        yield Paper(lambda width: [footer(keys, width)], id="footer")

    def _page(self, width: int) -> list[Line]:
        return question(
            self.listing,
            self.terms.session.machine_report,
            first_stage=not self.terms.confirm_always,
            simulated=self.terms.session.simulated,
            yes=self.yes,
            width=width,
        )

    def action_switch(self) -> None:
        """Mark the other choice."""
        self.yes = not self.yes
        self.paper("page").show(self._page)

    def action_up(self) -> None:
        """Mark No."""
        if self.yes:
            self.action_switch()

    def action_down(self) -> None:
        """Mark Yes."""
        if not self.yes:
            self.action_switch()

    def action_confirm(self) -> None:
        """Take the marked choice."""
        self.dismiss(self.yes)

    def action_yes(self) -> None:
        """Yes."""
        self.dismiss(True)

    def action_no(self) -> None:
        """No."""
        self.dismiss(False)
