# SPDX-License-Identifier: MIT
"""What every screen needs to know: the session, the settings, and what is permitted here."""

from __future__ import annotations

from collections.abc import Callable

from bootmenu.config.settings import Profile, Settings
from bootmenu.model.value import Value, field, replace
from bootmenu.session.session_protocol import Session
from bootmenu.terminal.capabilities import Depth
from bootmenu.view import actions
from bootmenu.view.policy import Policy
from bootmenu.view.screen_ids import Requirement


class UiContext(Value, kw_only=True):
    """The session, the settings and the limits for one front end."""

    session: Session
    may_quit: bool = True
    """Whether the menu can be left; False in a first stage, where there is nothing to return to."""
    confirm_always: bool = False
    """Whether to ask before every load, not only if the verdict is FAIL, because it would end a running system."""
    offer_demo: bool = False
    """Whether the key m opens the demonstration machine."""
    warning: str = ""
    """A message to show first, such as that a theme could not be read."""
    consoles: tuple[str, ...] = ()
    """Names of the terminals that show the menu."""
    log_file: str = ""
    """Path of the menu's log, for the help page."""
    settings: Settings = field(default_factory=Settings)
    policy: Policy = field(default_factory=Policy)
    """Which actions and entries exist."""
    service: bool = False
    """Whether this is the kiosk's service menu, which was opened with the PIN, and which Esc locks again."""
    countdown: int | None = None
    """Seconds that the kiosk counts down after its idle time, or None if nothing starts automatically."""
    simulated_pin: str = ""
    """The line that names the demonstration's PIN, if it has one."""
    logged: Callable[[], bool] = lambda: False
    """Returns whether something was logged since the menu was opened."""
    depth: Depth = Depth.NONE
    """How many colours the terminal has."""
    dims: bool = False
    """Whether the page behind a dialog loses its colours: it has some, and the terminal is no slow line."""
    few_buttons: Callable[[], bool] = lambda: False
    """Returns whether the kiosk is operated with one or two buttons only."""

    @property
    def many_colours(self) -> bool:
        """Return whether the terminal has 256 colours or more: it is no slow line then, and has more signs than a
        console."""
        return self.depth in (Depth.MANY, Depth.ALL)

    @property
    def visiting(self) -> bool:
        """Return whether somebody looks around on a running system: this is neither a first stage nor a kiosk."""
        return self.offer_demo and self.may_quit and not self.policy.kiosk and not self.service

    def after_pin(self) -> UiContext:
        """Return the context of the service menu, which the PIN opens."""
        return replace(self, policy=self.policy.after_pin(), service=True)

    def permits(self, action: str) -> bool:
        """Return whether an action of the table (view/actions.py) exists here."""
        return action not in self.not_permitted

    @property
    def not_permitted(self) -> frozenset[str]:
        """Return the actions of the table that do not exist here."""
        not_met = self.not_met
        return frozenset(
            action.name
            for action in actions.TABLE
            if action.requires in not_met or not self.policy.allows(action.name)
        )

    @property
    def not_met(self) -> frozenset[Requirement]:
        """Return the conditions for actions that do not hold here."""
        met = {
            Requirement.QUIT: self.may_quit,
            Requirement.DEMO: self.offer_demo,
            Requirement.SHELL: not self.may_quit and self.policy.offers_shell,  # a running system has its own
            Requirement.SERVICE: self.service,
            Requirement.LOOK: self.settings.profile is not Profile.KIOSK,
        }
        return frozenset(requirement for requirement, holds in met.items() if not holds)
