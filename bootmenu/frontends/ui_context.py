# SPDX-License-Identifier: MIT
"""What every screen is told once: the session, and what is permitted here."""

from __future__ import annotations

from collections.abc import Callable

from bootmenu.config.settings import Settings
from bootmenu.model.value import Value, field, replace
from bootmenu.session.session_protocol import Session
from bootmenu.view import actions
from bootmenu.view.policy import Policy
from bootmenu.view.screen_ids import Requirement


class UiContext(Value, kw_only=True):
    """The session and the limits that the caller set."""

    session: Session
    may_quit: bool = True
    """False in a first stage: there is nothing to go back to."""
    confirm_always: bool = False
    """Ask before every load, not only before one whose verdict is FAIL: a running system would end."""
    offer_demo: bool = False
    """The key m leaves for the demonstration machine."""
    warning: str = ""
    """Something to tell at the start, such as a theme that could not be read."""
    log_file: str = ""
    """Where errors of the menu itself are written, for the help page."""
    settings: Settings = field(default_factory=Settings)
    policy: Policy = field(default_factory=Policy)
    """What exists; everything that offers or does something asks it."""
    service: bool = False
    """This is the kiosk's other side: the PIN was right, and the key Esc locks it again."""
    countdown: int | None = None
    """Seconds that the kiosk counts down after its idle time; None = nothing starts by itself."""
    simulated_pin: str = ""
    """What the demonstration says of its PIN."""
    logged: Callable[[], bool] = lambda: False
    """Whether something was written to the log since the menu was opened."""
    few_buttons: Callable[[], bool] = lambda: False
    """Whether there are only one or two buttons to use it with."""

    def unlocked(self) -> UiContext:
        """After the PIN."""
        return replace(self, policy=self.policy.unlocked(), service=True)

    def permits(self, action: str) -> bool:
        """Return whether an action of the table exists here."""
        return action not in self.not_permitted

    @property
    def not_permitted(self) -> frozenset[str]:
        """Return the actions of the table that do not exist here."""
        met = {
            Requirement.QUIT: self.may_quit,
            Requirement.DEMO: self.offer_demo,
            Requirement.SHELL: not self.may_quit and self.policy.offers_shell,  # a running system has its own
            Requirement.SERVICE: self.service,
        }
        return frozenset(
            action.name
            for action in actions.TABLE
            if (action.requires is not None and not met[action.requires]) or not self.policy.allows(action.name)
        )
