# SPDX-License-Identifier: MIT
"""What every screen is told once: the session, and what is permitted here."""

from __future__ import annotations

from dataclasses import dataclass

from bootmenu.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
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

    @property
    def without(self) -> frozenset[str]:
        """Actions of the key table that are not offered."""
        actions = set()
        if not self.may_quit:
            actions.add("quit")
        if not self.offer_demo:
            actions.add("demo")
        return frozenset(actions)
