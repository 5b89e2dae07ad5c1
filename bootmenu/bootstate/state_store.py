# SPDX-License-Identifier: MIT
"""The state as the menus of all consoles use it, kept in one place or in none. A damaged one is replaced by what can
be read."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from threading import Lock

from bootmenu.bootstate.state import DamagedError, State
from bootmenu.bootstate.state_backends import StateBackend
from bootmenu.errors import BootmenuError
from bootmenu.i18n import N_

_BEFORE = N_("What was remembered last was damaged. What was remembered before that is used in its place.")
_ANEW = N_("What was remembered was damaged and could not be read. It begins anew.")


class StateStore:
    """The state and its backend, as the menus of all consoles use them. A backend that fails is reported in `error`
    and never raises.

    A change applies from the moment it is made, and listeners are called then; storing it takes as long as the disk
    does. What is stored is always the newest.
    """

    def __init__(self, backend: StateBackend | None, error: str = "") -> None:
        self._backend = backend
        self._changing = Lock()
        """Held while a state is made of another one, never while a disk is asked."""
        self._storing = Lock()
        self._listeners: list[Callable[[], object]] = []
        self.state = State()
        self._stored: State | None = self.state
        """What is stored already; None = not known, so that the state has to be written."""
        self.error = error
        """Why nothing is remembered, or what could not be; empty = no error."""
        self.known = False
        """Whether what was remembered could be read; False = there may have been anything."""
        self.healed = ""
        """What was damaged and is repaired now, to be shown once; empty = nothing was."""
        if backend is not None:
            try:
                self.state = self._stored = backend.read()
                self.known = True
            except DamagedError as error:
                self._heal(error.left)
            except (BootmenuError, OSError) as error:
                self.error = N_("What was remembered could not be read: {reason}.", reason=_words(error))

    def _heal(self, left: State | None) -> None:
        """Go on with what can be read. As it is stored at once, the next start finds nothing to tell."""
        self.healed = _BEFORE if left is not None else _ANEW
        self._stored = None
        self.keep((left or State()).with_lost_count())

    @property
    def remembers(self) -> bool:
        """Return whether there is a backend."""
        return self._backend is not None

    def listen(self, listener: Callable[[], object]) -> Callable[[], None]:
        """Call it after every change, in the thread that made it. Return what ends that, once or more often."""
        self._listeners.append(listener)

        def stop() -> None:
            with contextlib.suppress(ValueError):
                self._listeners.remove(listener)

        return stop

    def keep(self, state: State) -> bool:
        """Use this state from now on, and store it. False = it lasts until power-off only; `error` says why."""
        return self.update(lambda _: state)

    def update(self, change: Callable[[State], State]) -> bool:
        """Use what `change` makes of the state, and store it. See keep."""
        self.change(change)
        return self.store()

    def change(self, change: Callable[[State], State]) -> None:
        """Use what is made of the state from now on. Waits for no disk: `store` keeps it. One console at a time: none
        undoes what another one has changed."""
        with self._changing:
            before, self.state = self.state, change(self.state)
            changed = self.state != before
        for listener in tuple(self._listeners) if changed else ():
            with contextlib.suppress(Exception):  # a console that is going must not keep it from being stored
                listener()

    def store(self) -> bool:
        """Store the state as it is by now. False = it lasts until power-off only; `error` says why."""
        if self._backend is None:
            return False
        with self._storing:
            state = self.state
            if state == self._stored:
                return True
            self._stored = None  # a write that fails may have got anywhere
            try:
                self._backend.write(state)
            except (BootmenuError, OSError) as error:
                self.error = N_("This could not be remembered: {reason}.", reason=_words(error))
                return False
            self._stored = state
            return True


def _words(error: BootmenuError | OSError) -> str:
    return error.message if isinstance(error, BootmenuError) else error.strerror or str(error)
