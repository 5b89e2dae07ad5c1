# SPDX-License-Identifier: MIT
"""What the kiosk offers, for every front end that draws it: its rows, in words and order, and who may take them."""

from __future__ import annotations

from collections.abc import Iterable

from bootmenu.bootstate.pin import Guard, StoredPin, guard
from bootmenu.bootstate.state import State
from bootmenu.bootstate.state_store import StateStore
from bootmenu.config.settings import Settings
from bootmenu.discovery.scan_events import Listing
from bootmenu.model.value import Value, replace
from bootmenu.session import menu_log
from bootmenu.session.autoboot import Chooser
from bootmenu.session.session_protocol import Session
from bootmenu.system.power import Power
from bootmenu.view.kiosk_pages import KioskRow, choices
from bootmenu.view.policy import Policy


class KioskState(Value):
    """What has to be read before the kiosk can offer anything."""

    state_store: StateStore | None = None
    """None = it could not be had."""
    guard: Guard | None = None
    """None = there is no PIN, or none that could be compared."""
    powers: tuple[Power, ...] = ()
    """What can be done with the whole machine."""

    @classmethod
    def read(cls, session: Session, settings: Settings) -> KioskState:
        """Read it; never raise: what cannot be read is written down, and not offered. A partition may have to be
        mounted, and the firmware be asked; may be called in a thread."""
        ready = cls()
        try:
            ready = cls(powers=session.powers)
            store = session.state_store
            ready = replace(ready, state_store=store)
            if settings.kiosk_pin is not None:
                ready = replace(ready, guard=guard(StoredPin.parse(settings.kiosk_pin), store))
        except Exception as error:
            menu_log.write_error(error)
        return ready

    @property
    def state(self) -> State:
        """What is remembered by now."""
        return State() if self.state_store is None else self.state_store.state


class KioskOffer:
    """The rows. running: on a running system, which no passer-by may switch off."""

    def __init__(self, policy: Policy, settings: Settings, ready: KioskState, *, running: bool = False) -> None:
        # a PIN that cannot be compared opens nothing
        self.policy = replace(policy, has_pin=ready.guard is not None)
        self.rows: list[KioskRow] = []
        self.recommended: KioskRow | None = None
        """What would start by itself."""
        self._settings = settings
        self._ready = ready
        self._powers = () if running else ready.powers
        self._refused: frozenset[str] = frozenset()
        self._chooser, self._state = Chooser(), ready.state

    def refuse(self, entry_id: str) -> None:
        """Take it that this entry cannot be started: it was tried."""
        self._refused |= {entry_id}

    def update(self, listings: Iterable[Listing], *, finished: bool) -> None:
        """Make the rows of what is there now. finished: everything has been looked at."""
        state, found = self._ready.state, list(listings)
        if state != self._state:  # another console, or the standard menu, has made something the default
            self._chooser, self._state = Chooser(), state
        able = [one for one in self.policy.startable(found) if one.entry.id not in self._refused]
        choice = self._chooser.choose(able, state, self._settings, finished=finished)
        # a default that is not taken has a reason
        offered = self.policy.offered(
            found,
            repair_first=bool(choice.reason or self._refused),
            default=choice.listing if choice.final else None,
        )
        self.rows = choices(
            self.policy,
            offered,
            state,
            self._settings.kiosk_names,
            powers=self._powers,
            recommended=choice.listing,
            refused=self._refused,
        )
        self.recommended = next((row for row in self.rows if row.listing and row.listing is choice.listing), None)
