# SPDX-License-Identifier: MIT
"""The state of a machine: opened when it is first asked for, with the entries that a person has made."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from bootmenu.bootstate.state_store import StateStore
    from bootmenu.model.own_entry import OwnEntry


class MachineState:
    """Opens the state store once.

    opened: opens it, and never raises. own_changed: called, in any thread, when the entries that a person has made
    have changed. listed: whether a scan lists these entries.
    """

    def __init__(self, opened: Callable[[], StateStore], own_changed: Callable[[], object], *, listed: bool) -> None:
        self._opened = opened
        self._own_changed = own_changed
        self._listed = listed
        self._lock = Lock()
        self._store: StateStore | None = None
        self._seen: tuple[OwnEntry, ...] = ()

    @property
    def store(self) -> StateStore:
        """Return the store, opening it at the first call."""
        with self._lock:
            if self._store is None:
                self._store = self._opened()
                self._seen = self._store.state.own
                self._store.listen(self._changed)
            return self._store

    def own_entries(self) -> tuple[OwnEntry, ...]:
        """Return the entries that a scan lists besides those of the disks."""
        return self.store.state.own if self._listed else ()

    def _changed(self) -> None:
        before, self._seen = self._seen, self.store.state.own
        if before is not self._seen:
            self._own_changed()
