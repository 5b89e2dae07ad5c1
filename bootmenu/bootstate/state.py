# SPDX-License-Identifier: MIT
"""What is remembered between boots: a value, and its bytes. state_file.py has the same as plain objects."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable

from bootmenu.bootstate import state_file
from bootmenu.bootstate.state_file import KEPT, SCHEMA
from bootmenu.discovery.scan_events import Listing
from bootmenu.errors import BootmenuError
from bootmenu.i18n import N_
from bootmenu.model.codec import from_json, to_json
from bootmenu.model.entry import BootEntry
from bootmenu.model.text import quoted
from bootmenu.model.value import Value, replace
from bootmenu.system import durable

MOST_WRONG_PINS = 1000
"""That are counted. So many are taken for entered where nobody knows how many were: a lost count frees nobody of a
pause."""
_MOST_DISKS = 100
_LONGEST_TITLE = 200  # characters; it comes from a disk


class StateError(BootmenuError):
    """The state could not be read or stored."""


class DamagedError(StateError, ValueError):
    """What was stored is not a state.

    left: the state that was stored before it; None = that cannot be read either.
    """

    def __init__(self, message: str, left: State | None = None) -> None:
        super().__init__(message)
        self.left = left


class Attempt(Value, kw_only=True):
    """A boot of one entry."""

    entry: str
    """Its id."""
    at: str
    """ISO 8601, UTC, `2026-11-14T09:30:00Z`; empty when the clock was not set."""
    title: str = ""

    @classmethod
    def now(cls, entry: BootEntry) -> Attempt:
        """Return a boot of this entry, now."""
        return cls(entry=entry.id, at=timestamp(), title=entry.title[:_LONGEST_TITLE])


class State(Value, kw_only=True):
    """Everything that is remembered. A value: every change makes a new one."""

    schema: int = SCHEMA
    last: Attempt | None = None
    """The entry that was started last."""
    trying: Attempt | None = None
    """A jump was made into it, and it has not been marked good since."""
    lost: tuple[Attempt, ...] = ()
    """Entries whose last boot did not complete, newest first, one each."""
    good: tuple[Attempt, ...] = ()
    """When an entry was last marked good, newest first, one each."""
    tries: tuple[Attempt, ...] = ()
    """Every attempt of an entry since it was last marked good, newest first."""
    default: str | None = None
    """Id of the entry that was made the default."""
    default_disks: tuple[str, ...] = ()
    """Place.disk of the disks that it needed then: an id can be on another one the next time."""
    disks: tuple[str, ...] = ()
    """Place.disk of every disk that was there when it was made the default."""
    once: str | None = None
    """Id of the entry for the next boot only."""
    once_disks: tuple[str, ...] = ()
    """Place.disk of the disks that it needed when it was chosen."""
    wrong_pins: int = 0
    """In a row."""

    def on_menu_start(self) -> State:
        """Return the state as the menu starts: the last boot, if it was not marked good, did not complete."""
        if self.trying is None:
            return self
        return replace(self, trying=None, lost=_first(self.trying, self.lost))

    def booting(self, attempt: Attempt) -> State:
        """Return the state right before the jump. A choice for one boot is used up."""
        return replace(
            self,
            last=attempt,
            trying=attempt,
            tries=(attempt, *self.tries)[:KEPT],
            once=None,
            once_disks=(),
        )

    def with_default(self, listing: Listing, there: Iterable[str] = ()) -> State:
        """Return the state with this entry as the default. there: Place.disk of every disk."""
        disks = tuple(sorted({*there, *listing.disks}))[:_MOST_DISKS]
        return replace(self, default=listing.entry.id, default_disks=tuple(sorted(listing.disks)), disks=disks)

    def without_default(self, entry: str) -> State:
        """Return the state in which the entry of this id is not the default. Another one, which may have been made
        the default on another console, stays."""
        if self.default != entry:
            return self
        return replace(self, default=None, default_disks=(), disks=())

    def with_once(self, listing: Listing) -> State:
        """Return the state with this entry for the next boot only."""
        return replace(self, once=listing.entry.id, once_disks=tuple(sorted(listing.disks)))

    def without_once(self, entry: str) -> State:
        """Return the state in which the entry of this id is not the one for the next boot; another one stays."""
        return self if self.once != entry else replace(self, once=None, once_disks=())

    def mark_good(self, at: str) -> State:
        """Return the state after the system that was tried said that it is well; the same when none was tried."""
        return from_json(State, state_file.mark_good(to_json(self), at))

    def with_lost_count(self) -> State:
        """Return it as it is used where it may be older than what was lost: the wrong PINs that were entered since
        are not known."""
        return replace(self, wrong_pins=MOST_WRONG_PINS)

    def on_boot_failed(self) -> State:
        """Return the state after a jump that failed: it was no try."""
        if self.trying is None:
            return self
        return replace(self, trying=None, tries=self.tries[1:])

    def tries_left(self, entry: str, allowed: int) -> int | None:
        """Return what is left of `allowed` tries in a row without success; None where 0 says not to count them."""
        if not allowed:
            return None
        return max(0, allowed - sum(1 for attempt in self.tries if attempt.entry == entry))

    def lost_at(self, entry: str) -> Attempt | None:
        """Return the last boot of the entry if it did not complete; None when it did, or was never tried."""
        return next((attempt for attempt in self.lost if attempt.entry == entry), None)

    def good_at(self, entry: str) -> Attempt | None:
        """Return the boot of the entry that last came up well, or None."""
        return next((attempt for attempt in self.good if attempt.entry == entry), None)


def timestamp() -> str:
    """Return the time as Attempt.at has it; empty where the clock is before this program was written: never set."""
    return state_file.timestamp(time.time())


def _without(entry: str, attempts: Iterable[Attempt]) -> tuple[Attempt, ...]:
    return tuple(attempt for attempt in attempts if attempt.entry != entry)


def _first(attempt: Attempt, attempts: Iterable[Attempt]) -> tuple[Attempt, ...]:
    return (attempt, *_without(attempt.entry, attempts))[:KEPT]


def encode(state: State) -> bytes:
    """Return the state as JSON with a newline at the end: a file that was cut off has none. What would be too long to
    be read again loses its oldest attempts. Raise StateError when that is not enough."""
    few = KEPT
    while True:
        kept = {name: getattr(state, name)[:few] for name in ("lost", "good", "tries")}
        data = json.dumps(to_json(replace(state, **kept)), separators=(",", ":")).encode() + b"\n"
        if len(data) <= durable.LIMIT:
            return data
        if not few:
            raise StateError(N_("the names of the entries are too long"))
        few //= 2


def decode(data: bytes) -> State:
    """Return the state. Raise DamagedError for anything else, StateError for one of a newer schema."""
    try:
        value = json.loads(data) if data.endswith(b"\n") else None
        if not isinstance(value, dict):
            raise DamagedError(N_("the remembered state is damaged"))
        if isinstance(value.get("schema"), int) and value["schema"] > SCHEMA:
            raise StateError(
                N_("the state was written by a newer bootmenu (schema {schema})", schema=value["schema"])
            )
        state = from_json(State, value)
        if state.wrong_pins < 0:  # it would let somebody guess so often without a pause
            raise DamagedError(N_("the remembered state is damaged"))
        return state
    except StateError:
        raise
    except (ValueError, RecursionError, BootmenuError) as error:
        raise DamagedError(f"the remembered state is damaged: {quoted(str(error)[:200])}") from None
