# SPDX-License-Identifier: MIT
"""The question before an entry is loaded; the default is No."""

from __future__ import annotations

from bootmenu.discovery.scan_events import Listing
from bootmenu.frontends.tui.screens.base_screen import DialogScreen
from bootmenu.frontends.ui_context import UiContext
from bootmenu.i18n import _
from bootmenu.model.finding import Severity
from bootmenu.view.question import answers, question
from bootmenu.view.screen_ids import ScreenId
from bootmenu.view.styled_text import Line


class ConfirmScreen(DialogScreen[bool], inherit_bindings=False):
    """Asks whether to load an entry; its result is True for yes."""

    screen_id = ScreenId.CONFIRM

    def __init__(self, context: UiContext, listing: Listing) -> None:
        super().__init__()
        self.context = context
        self.listing = listing
        self.yes = False
        self._failed = listing.report.verdict is Severity.FAIL
        self.heading = _("Verdict FAIL") if self._failed else _("Please confirm")

    def message(self, width: int) -> list[Line]:
        """Return what would happen."""
        return question(
            self.listing,
            self.context.session.machine_report,
            first_stage=not self.context.confirm_always,
            simulated=self.context.session.simulated,
            width=width,
        )

    def answers(self, width: int) -> list[Line]:
        """Return No and Yes."""
        return answers(failed=self._failed, yes=self.yes, width=width)

    @property
    def marked_index(self) -> int:
        """Return the index of the marked answer."""
        return int(self.yes)

    def action_switch(self) -> None:
        """Mark the other answer."""
        self.yes = not self.yes
        self.draw()

    def action_up(self) -> None:
        """Mark No."""
        if self.yes:
            self.action_switch()

    def action_down(self) -> None:
        """Mark Yes."""
        if not self.yes:
            self.action_switch()

    def action_confirm(self) -> None:
        """Close with the marked answer."""
        self.dismiss(self.yes)

    def action_yes(self) -> None:
        """Close with Yes."""
        self.dismiss(True)

    def action_no(self) -> None:
        """Close with No."""
        self.dismiss(False)
