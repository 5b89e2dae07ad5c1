# SPDX-License-Identifier: MIT
"""The state that the menus of all consoles share, with at most one backend. A damaged state is replaced by what can
be read."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from threading import Lock

from bootmenu.bootstate.state import DamagedError, OwnDamagedError, State
from bootmenu.errors import BootmenuError
from bootmenu.i18n import N_
from bootmenu.model.value import replace
from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from bootmenu.bootstate.state_backends import StateBackend
    from bootmenu.model.own_entry import OwnEntry

_BEFORE = N_("What was remembered last was damaged. What was remembered before that is used in its place.")
_ANEW = N_("What was remembered was damaged and could not be read. It begins anew.")


class StateStore:
    """The state and its backend, shared by the menus of all consoles. Failures of the backend are not raised but
    reported in `error`.

    A change applies at once, and listeners are called then; storing it takes as long as the disk does. The newest
    state is stored.
    """

    def __init__(self, backend: StateBackend | None, error: str = "", *, keeps_own: bool = True) -> None:
        self._backend = backend
        self.keeps_own = keeps_own
        """Whether the backend has room for the entries that a person makes."""
        self._changing = Lock()
        """Held while the state is replaced, never during disk access."""
        self._storing = Lock()
        self._listeners: list[Callable[[], object]] = []
        self.state = State()
        self._stored: State | None = self.state
        """The state that is stored; None if unknown, so that the state has to be written."""
        self.error = error
        """Why nothing is remembered, or what could not be; empty if there was no error."""
        self.known = False
        """Whether the stored state could be read."""
        self.healed = ""
        """Message about a damaged state that was repaired, to be shown once; empty if nothing was damaged."""
        if backend is not None:
            try:
                self.state = self._stored = backend.read()
                self.known = True
            except OwnDamagedError as error:
                self.state = self._stored = error.left
                self.known = True
                self.healed = N_("Your own entries cannot be read: {reason}.", reason=error.message)
            except DamagedError as error:
                self._heal(error.left, error.own)
            except (BootmenuError, OSError) as error:
                self.error = N_("What was remembered could not be read: {reason}.", reason=_words(error))
                self.state = self._stored = State().with_lost_count()

    def _heal(self, left: State | None, own: tuple[OwnEntry, ...]) -> None:
        """Continue with what can be read. It is stored at once, so that the next start reports no damage."""
        self.healed = _BEFORE if left is not None else _ANEW
        self._stored = None
        self.keep(replace((left or State()).with_lost_count(), own=own))

    @property
    def remembers(self) -> bool:
        """Return whether there is a backend."""
        return self._backend is not None

    def listen(self, listener: Callable[[], object]) -> Callable[[], None]:
        """Call the listener after every change, in the thread that made it. Return a function that removes it, and
        may be called repeatedly."""
        self._listeners.append(listener)

        def stop() -> None:
            with contextlib.suppress(ValueError):
                self._listeners.remove(listener)

        return stop

    def keep(self, state: State) -> bool:
        """Use this state from now on, and store it. Return False if it is kept only until power-off (see `error`)."""
        return self.update(lambda _: state)

    def update(self, change: Callable[[State], State]) -> bool:
        """Replace the state by what `change` returns, and store it. Return as `keep`."""
        self.change(change)
        return self.store()

    def change(self, change: Callable[[State], State]) -> None:
        """Replace the state by what `change` returns, without disk access. Calls are serialized, so that
        no console undoes another one's change."""
        with self._changing:
            before, self.state = self.state, change(self.state)
            changed = self.state != before
        for listener in tuple(self._listeners) if changed else ():
            with contextlib.suppress(Exception):  # a console that is closing must not prevent storing
                listener()

    def store(self) -> bool:
        """Store the current state. Return False if it lasts only until power-off; `error` says why."""
        if self._backend is None:
            return False
        with self._storing:
            state = self.state
            if state == self._stored:
                return True
            self._stored = None  # after a failed write it is unknown what is stored
            try:
                self._backend.write(state)
            except (BootmenuError, OSError) as error:
                self.error = N_("This could not be remembered: {reason}.", reason=_words(error))
                return False
            self._stored = state
            return True


def _words(error: BootmenuError | OSError) -> str:
    return error.message if isinstance(error, BootmenuError) else error.strerror or str(error)
