# SPDX-License-Identifier: MIT
"""The state that is kept between boots, and its JSON.

What boots need is in one file; state_json.py handles it as plain objects. The entries that a person has made are in
another one: what marks a boot as good need not understand it, and its size takes nothing away from the boots.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable

from bootmenu.bootstate import state_json
from bootmenu.bootstate.state_json import KEPT, SCHEMA
from bootmenu.errors import BootmenuError
from bootmenu.i18n import N_
from bootmenu.model.codec import from_json, to_json
from bootmenu.model.own_entry import MOST, OwnEntry, kept_id
from bootmenu.model.text import quoted
from bootmenu.model.value import Value, replace
from bootmenu.system import durable_file
from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from bootmenu.discovery.scan_events import Listing
    from bootmenu.model.entry import BootEntry

MOST_WRONG_PINS = 1000
"""Highest number that is counted. It is also assumed when the count was lost, so that losing it avoids no pause."""
_MOST_DISKS = 100
_LONGEST_TITLE = 200  # characters; it comes from a disk
_SCHEMA_OF_OWN = 1


class StateError(BootmenuError):
    """The state could not be read or stored."""


class DamagedError(StateError, ValueError):
    """What was stored is not a valid state.

    left: the state that was stored before it, or None if that cannot be read either. own: the entries that a person
    has made, which are stored apart.
    """

    def __init__(self, message: str, left: State | None = None, own: tuple[OwnEntry, ...] = ()) -> None:
        super().__init__(message)
        self.left = left
        self.own = own


class OwnDamagedError(StateError):
    """The entries that a person has made cannot be read. left: the rest of the state."""

    def __init__(self, message: str, left: State) -> None:
        super().__init__(message)
        self.left = left


class Attempt(Value, kw_only=True):
    """A boot of one entry."""

    entry: str
    """Id of the entry."""
    at: str
    """Time in ISO 8601, UTC, `2026-11-14T09:30:00Z`; empty if the clock was not set."""
    title: str = ""

    @classmethod
    def now(cls, entry: BootEntry) -> Attempt:
        """Return an attempt to boot this entry now."""
        return cls(entry=entry.id, at=timestamp(), title=entry.title[:_LONGEST_TITLE])


class State(Value, kw_only=True):
    """Everything that is kept between boots. Immutable: every change returns a new state."""

    schema: int = SCHEMA
    last: Attempt | None = None
    """The entry that was started last."""
    trying: Attempt | None = None
    """The entry that was jumped into and has not been marked good since."""
    lost: tuple[Attempt, ...] = ()
    """Entries whose last boot did not complete, newest first, one each."""
    good: tuple[Attempt, ...] = ()
    """When an entry was last marked good, newest first, one each."""
    tries: tuple[Attempt, ...] = ()
    """Every attempt of an entry since it was last marked good, newest first."""
    default: str | None = None
    """Id of the entry that was made the default."""
    default_disks: tuple[str, ...] = ()
    """Place.disk of the disks that it needed then: next time the same id may be on another disk."""
    disks: tuple[str, ...] = ()
    """Place.disk of every disk that was present when it was made the default."""
    once: str | None = None
    """Id of the entry for the next boot only."""
    once_disks: tuple[str, ...] = ()
    """Place.disk of the disks that it needed when it was chosen."""
    language: str | None = None
    """Code of the language that was chosen in the menu."""
    theme: str | None = None
    """Name of the theme that was chosen in the menu."""
    wrong_pins: int = 0
    """Number of wrong PINs in a row."""
    own: tuple[OwnEntry, ...] = ()
    """Entries that were made in the editor, oldest first, one for each id."""

    def on_menu_start(self) -> State:
        """Return the state as the menu starts: the last boot, if it was not marked good, did not complete."""
        if self.trying is None:
            return self
        return replace(self, trying=None, lost=_first(self.trying, self.lost))

    def booting(self, attempt: Attempt) -> State:
        """Return the state right before the jump, which uses up a choice for one boot."""
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
        """Return the state in which this entry is not the default. Keep another default, which may have been set on
        another console."""
        if self.default != entry:
            return self
        return replace(self, default=None, default_disks=(), disks=())

    def with_once(self, listing: Listing) -> State:
        """Return the state with this entry for the next boot only."""
        return replace(self, once=listing.entry.id, once_disks=tuple(sorted(listing.disks)))

    def without_once(self, entry: str) -> State:
        """Return the state in which this entry is not the one for the next boot; keep another one."""
        return self if self.once != entry else replace(self, once=None, once_disks=())

    def with_own(self, own: OwnEntry) -> State:
        """Return the state with an entry that was made here, in place of one with the same id. Raise StateError if
        there is no room for it."""
        others = tuple(one for one in self.own if one.entry.id != own.entry.id)
        if len(others) >= MOST:
            raise StateError(
                N_("there are {n} entries of your own already", n=len(others)),
                N_("Delete one of them first."),
            )
        kept = replace(self, own=(*others, own))
        if len(encode_own(kept.own)) > durable_file.LIMIT:
            raise StateError(
                N_("the entries of your own would need more than {n} KiB", n=durable_file.LIMIT // 1024),
                N_("Delete one of them first."),
            )
        return kept

    def without_own(self, entry: str) -> State:
        """Return the state without an entry that was made here, which is not the default any more either."""
        kept = kept_id(entry)
        state = replace(self, own=tuple(one for one in self.own if one.entry.id != kept))
        for chosen in (self.default, self.once):
            if chosen is not None and kept_id(chosen) == kept:
                state = state.without_default(chosen).without_once(chosen)
        return state

    def mark_good(self, at: str) -> State:
        """Return the state after the tried system was marked good; the same if none was tried."""
        return from_json(State, state_json.mark_good(to_json(self), at))

    def with_lost_count(self) -> State:
        """Return an older state as it is used after a newer one was lost: how many wrong PINs were entered since is
        unknown."""
        return replace(self, wrong_pins=MOST_WRONG_PINS)

    def on_boot_failed(self) -> State:
        """Return the state after a jump that failed, which does not count as a try."""
        if self.trying is None:
            return self
        return replace(self, trying=None, tries=self.tries[1:])

    def tries_left(self, entry: str, allowed: int) -> int | None:
        """Return how many of `allowed` tries without success are left; None if `allowed` is 0, for no limit."""
        if not allowed:
            return None
        return max(0, allowed - sum(1 for attempt in self.tries if attempt.entry == entry))

    def lost_at(self, entry: str) -> Attempt | None:
        """Return the last boot of the entry if it did not complete, else None."""
        return next((attempt for attempt in self.lost if attempt.entry == entry), None)

    def good_at(self, entry: str) -> Attempt | None:
        """Return the last boot of the entry that was marked good, or None."""
        return next((attempt for attempt in self.good if attempt.entry == entry), None)


def timestamp() -> str:
    """Return the time in the form of Attempt.at; empty if the clock was never set."""
    return state_json.timestamp(time.time())


def _without(entry: str, attempts: Iterable[Attempt]) -> tuple[Attempt, ...]:
    return tuple(attempt for attempt in attempts if attempt.entry != entry)


def _first(attempt: Attempt, attempts: Iterable[Attempt]) -> tuple[Attempt, ...]:
    return (attempt, *_without(attempt.entry, attempts))[:KEPT]


def encode(state: State) -> bytes:
    """Return the state as JSON with a newline at the end, which shows that the file is complete. If it would be too
    long to read back, drop the oldest attempts; raise StateError if that is not enough."""
    few = KEPT
    while True:
        kept = {name: getattr(state, name)[:few] for name in ("lost", "good", "tries")}
        fields = to_json(replace(state, **kept))
        del fields["own"]
        data = _json(fields)
        if len(data) <= durable_file.LIMIT:
            return data
        if not few:
            raise StateError(N_("the names of the entries are too long"))
        few //= 2


def encode_own(own: tuple[OwnEntry, ...]) -> bytes:
    """Return the entries that a person has made as JSON, with a newline at the end."""
    return _json({"schema": _SCHEMA_OF_OWN, "own": to_json(own)})


def decode_own(data: bytes) -> tuple[OwnEntry, ...]:
    """Return the entries that a person has made. Raise ValueError if they are invalid, StateError if their schema is
    newer."""
    try:
        value = json.loads(data) if data.endswith(b"\n") else None
        _refuse_newer(value, _SCHEMA_OF_OWN)
        return from_json(State, value).own
    except StateError:
        raise
    except (RecursionError, BootmenuError) as error:
        raise ValueError(str(error)[:200]) from None


def _refuse_newer(value: object, schema: int) -> None:
    """Raise StateError if what was stored has a newer schema than this."""
    found = value.get("schema") if isinstance(value, dict) else None
    if isinstance(found, int) and found > schema:
        raise StateError(N_("the state was written by a newer bootmenu (schema {schema})", schema=found))


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def decode(data: bytes) -> State:
    """Return the state. Raise DamagedError if it is invalid, StateError if its schema is newer."""
    try:
        value = json.loads(data) if data.endswith(b"\n") else None
        if not isinstance(value, dict):
            raise DamagedError(N_("the remembered state is damaged"))
        _refuse_newer(value, SCHEMA)
        state = from_json(State, value)
        if state.wrong_pins < 0:  # a negative count would allow more guesses without a pause
            raise DamagedError(N_("the remembered state is damaged"))
        return state
    except StateError:
        raise
    except (ValueError, RecursionError, BootmenuError) as error:
        raise DamagedError(f"the remembered state is damaged: {quoted(str(error)[:200])}") from None
