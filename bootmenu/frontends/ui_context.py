# SPDX-License-Identifier: MIT
"""What every screen is told once: the session, and what is permitted here."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field

from bootmenu.config.settings import Settings
from bootmenu.session.machine_session import Session
from bootmenu.session.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class UiContext:
    """The session and the limits that the caller set."""

    session: Session
    may_quit: bool = True
    """False in a first stage: there is nothing to go back to."""
    confirm_always: bool = False
    """Ask before every load, not only before one whose verdict is FAIL: a running system would end."""
    offer_demo: bool = False
    """The key m leaves for the demonstration machine."""
    trouble: str = ""
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
        return dataclasses.replace(self, policy=self.policy.unlocked(), service=True)

    def permits(self, action: str) -> bool:
        """Whether an action of the key table exists here."""
        return action not in self.without and self.policy.allows(action)

    @property
    def without(self) -> frozenset[str]:
        """Actions of the key table that are not offered."""
        actions = set()
        if not self.may_quit:
            actions.add("quit")
        if not self.offer_demo:
            actions.add("demo")
        if self.may_quit or not self.policy.offers_shell:
            actions.add("shell")  # a running system has shells of its own
        if not self.service:
            actions.add("lock")
        return frozenset(actions)
