# SPDX-License-Identifier: MIT
"""The first screen where nothing can start."""

from __future__ import annotations

from bootmenu.frontends.tui.screens.choice_screen import ChoiceScreen
from bootmenu.frontends.ui_context import UiContext
from bootmenu.i18n import _
from bootmenu.view import welcome
from bootmenu.view.welcome import Trial


class WelcomeScreen(ChoiceScreen):
    """Says why nothing can start here, and what can be tried. Its result is the index of a Trial."""

    def __init__(self, context: UiContext) -> None:
        """Build the screen."""
        obstacles = welcome.obstacles(context.session.machine_report)
        super().__init__(context, _("Welcome"), welcome.paragraphs(obstacles), [_(trial.value) for trial in Trial])

    def action_no(self) -> None:
        """Close, to look at this machine's partitions."""
        self.dismiss(list(Trial).index(Trial.PARTITIONS))
