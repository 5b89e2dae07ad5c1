# SPDX-License-Identifier: MIT
"""The choices that the kiosk offers, for every front end that draws it: their texts, their order, and the PIN."""

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
from bootmenu.view.kiosk_pages import KioskRow, kiosk_rows
from bootmenu.view.policy import Policy


class KioskState(Value):
    """What has to be read before the kiosk can offer anything."""

    state_store: StateStore | None = None
    """None if it could not be opened."""
    guard: Guard | None = None
    """Compares the PIN; None if there is no PIN, or it is invalid."""
    powers: tuple[Power, ...] = ()
    """How the machine can be switched off or restarted."""

    @classmethod
    def read(cls, session: Session, settings: Settings) -> KioskState:
        """Read the state. Never raise: what cannot be read is logged, and not offered.

        It may mount a partition and ask the firmware, so it may be called in a thread.
        """
        result = cls()
        try:
            result = cls(powers=session.powers)
            store = session.state_store
            result = replace(result, state_store=store)
            if settings.kiosk_pin is not None:
                result = replace(result, guard=guard(StoredPin.parse(settings.kiosk_pin), store))
        except Exception as error:
            menu_log.write_error(error)
        return result

    @property
    def state(self) -> State:
        """Return the current state: remembered defaults and boots."""
        return State() if self.state_store is None else self.state_store.state


class KioskOffer:
    """The rows of the kiosk. running: bootmenu runs on a running system, which visitors may not switch off."""

    def __init__(self, policy: Policy, settings: Settings, kiosk_state: KioskState, *, running: bool = False) -> None:
        # an invalid PIN opens nothing
        self.policy = replace(policy, has_pin=kiosk_state.guard is not None)
        self.rows: list[KioskRow] = []
        self.recommended: KioskRow | None = None
        """The entry that would start automatically."""
        self._settings = settings
        self._kiosk_state = kiosk_state
        self._powers = () if running else kiosk_state.powers
        self._refused: frozenset[str] = frozenset()
        self._chooser, self._state = Chooser(), kiosk_state.state

    def refuse(self, entry_id: str) -> None:
        """Record that this entry was tried and could not be started."""
        self._refused |= {entry_id}

    def update(self, listings: Iterable[Listing], *, finished: bool) -> None:
        """Make the rows for these entries. finished: whether the scan is complete."""
        state, found = self._kiosk_state.state, list(listings)
        if state != self._state:  # another console, or the service menu, has changed the default
            self._chooser, self._state = Chooser(), state
        startable = [one for one in self.policy.startable(found) if one.entry.id not in self._refused]
        choice = self._chooser.choose(startable, state, self._settings, finished=finished)
        # choice.reason is set if the default was not chosen: something is wrong with it
        offered = self.policy.offered(
            found,
            repair_first=bool(choice.reason or self._refused),
            default=choice.listing if choice.final else None,
        )
        self.rows = kiosk_rows(
            self.policy,
            offered,
            state,
            self._settings.kiosk_names,
            powers=self._powers,
            recommended=choice.listing,
            refused=self._refused,
        )
        self.recommended = next((row for row in self.rows if row.listing and row.listing is choice.listing), None)
