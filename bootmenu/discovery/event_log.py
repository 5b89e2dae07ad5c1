# SPDX-License-Identifier: MIT
"""A log of scan events that forgets what is true no longer.

It keeps the last event about everything that is there, so that a device may come and go as often as it likes. Every
reader has a cursor, which knows what its reader was told and what has changed since: a reader that is slow, or late,
is told what is true now and what is gone of that which it knows, and nothing of what came and went in between.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from enum import Enum, auto
from typing import NamedTuple, assert_never
from weakref import WeakSet

from bootmenu.discovery.scan_events import (
    DeviceDone,
    DeviceFound,
    DeviceGone,
    EntryFound,
    EntryGone,
    ProblemFound,
    ProblemGone,
    ScanEvent,
    ScanFinished,
)
from bootmenu.model.entry import Problem
from bootmenu.model.value import replace


class _Kind(Enum):
    DEVICE = auto()
    DONE = auto()
    ENTRY = auto()
    PROBLEM = auto()
    FINISHED = auto()


class _Key(NamedTuple):
    """What an event is about."""

    kind: _Kind
    device: str = ""
    what: str | Problem | None = None
    """The id of an entry, or a problem."""


_FINISHED = _Key(_Kind.FINISHED)


class _Fact(NamedTuple):
    """The last event about something."""

    birth: int
    """Another number each time that it comes anew; the same while it only changes."""
    event: ScanEvent


class _Facts:
    """Facts by what they are about, and by device."""

    def __init__(self) -> None:
        self._all: dict[_Key, _Fact] = {}
        self._of: dict[str, dict[_Key, None]] = {}

    def get(self, key: _Key) -> _Fact | None:
        return self._all.get(key)

    def put(self, key: _Key, fact: _Fact) -> None:
        self._all[key] = fact
        self._of.setdefault(key.device, {})[key] = None

    def pop(self, key: _Key) -> _Fact | None:
        fact = self._all.pop(key, None)
        if fact is not None:
            del self._of[key.device][key]
            if not self._of[key.device]:
                del self._of[key.device]
        return fact

    def of(self, device: str) -> list[_Key]:
        """Return what there is about a device."""
        return list(self._of.get(device, ()))

    def devices(self) -> list[str]:
        """Return the names that anything is known about."""
        return [name for name, keys in self._of.items() if keys.keys() != {_FINISHED}]

    def __iter__(self) -> Iterator[_Key]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)


class CompactedLog:
    """What is true after all events so far. Its user sees to it that one thread at a time uses it or its cursors."""

    def __init__(self) -> None:
        self._facts = _Facts()
        self._births = 0
        self._cursors: WeakSet[Cursor] = WeakSet()

    def __len__(self) -> int:
        return len(self._facts)

    def add(self, event: ScanEvent) -> None:
        """Take in the next event."""
        match event:
            case DeviceFound(device):
                self._put(_Key(_Kind.DEVICE, device.name), event)
                self._drop(_Key(_Kind.DONE, device.name))
            case DeviceDone(device):
                self._put(_Key(_Kind.DONE, device.name), event)
            case DeviceGone(device):
                for key in self._facts.of(device.name):
                    if key != _FINISHED:
                        self._drop(key)
            case EntryFound(listing):
                self._put(_Key(_Kind.ENTRY, listing.entry.device, listing.entry.id), event)
            case EntryGone(device_name, entry_id):
                self._drop(_Key(_Kind.ENTRY, device_name, entry_id))
            case ProblemFound(problem):
                key = _Key(_Kind.PROBLEM, problem.device, problem)
                if self._facts.get(key) is None:
                    self._put(key, event)
            case ProblemGone(problem):
                self._drop(_Key(_Kind.PROBLEM, problem.device, problem))
            case ScanFinished():
                self._put(_FINISHED, event)
            case _:
                assert_never(event)

    def cursor(self) -> Cursor:
        """Return a cursor of a reader that knows nothing yet. The end of a scan comes after all that was found."""
        cursor = Cursor(self._facts)
        for key in (*(key for key in self._facts if key != _FINISHED), _FINISHED):
            cursor.changed(key, anew=True)
        self._cursors.add(cursor)
        return cursor

    def _put(self, key: _Key, event: ScanEvent) -> None:
        known = self._facts.get(key)
        if known is None:
            self._births += 1
        self._facts.put(key, _Fact(known.birth if known else self._births, event))
        for cursor in self._cursors:
            cursor.changed(key, anew=known is None)

    def _drop(self, key: _Key) -> None:
        if self._facts.pop(key) is not None:
            for cursor in self._cursors:
                cursor.changed(key, anew=True)


class Cursor:
    """What one reader was told, and what has changed since. Bounded by what is there and what the reader knows."""

    def __init__(self, facts: _Facts) -> None:
        self._facts = facts
        self._told = _Facts()
        self._changed: OrderedDict[_Key, None] = OrderedDict()
        """In the order in which it is told."""

    def __bool__(self) -> bool:
        return bool(self._changed)

    def __len__(self) -> int:
        return len(self._told) + len(self._changed)

    @property
    def devices(self) -> list[str]:
        """The names of devices that its reader knows."""
        return self._told.devices()

    def changed(self, key: _Key, *, anew: bool) -> None:
        """Note that something came, went or changed. anew: it is to be told after all that is noted already."""
        known = self._facts.get(key) is not None or self._told.get(key) is not None
        if anew or not known:
            self._changed.pop(key, None)
        if known:
            self._changed[key] = None

    def take(self) -> list[ScanEvent]:
        """Return the next events; none = there is nothing new."""
        while self._changed:
            key, _ = self._changed.popitem(last=False)
            if events := list(self._events(key)):
                return events
        return []

    def _events(self, key: _Key) -> Iterator[ScanEvent]:
        old, new = self._told.get(key), self._facts.get(key)
        if old is not None and (new is None or new.birth != old.birth):
            yield from self._gone(key, old)
            old = None
        if new is None or (old is not None and new.event is old.event):
            return
        yield new.event
        self._tell(key, new)
        if key.kind is _Kind.DEVICE:
            # it is being read again for whoever hears this
            done = _Key(_Kind.DONE, key.device)
            self._tell(done, None)
            self.changed(done, anew=False)
        elif key.kind is _Kind.FINISHED:
            # whoever hears this takes everything as read: what is being read is told once more
            for known in list(self._told):
                fact = self._told.get(known)
                if (
                    fact is not None
                    and isinstance(fact.event, DeviceFound)
                    and self._facts.get(known._replace(kind=_Kind.DONE)) is None
                ):
                    self._tell(known, _Fact(fact.birth, replace(fact.event)))
                    self.changed(known, anew=False)

    def _gone(self, key: _Key, old: _Fact) -> Iterator[ScanEvent]:
        self._tell(key, None)
        match old.event:
            case EntryFound(listing):
                yield EntryGone(listing.entry.device, listing.entry.id)
            case ProblemFound(problem):
                yield ProblemGone(problem)
            case DeviceFound(device):
                for other in self._told.of(key.device):
                    if other != _FINISHED and (fact := self._told.get(other)) is not None:
                        yield from self._gone(other, fact)
                        self.changed(other, anew=False)
                yield DeviceGone(device)
            case _:
                pass  # the device's own event says so

    def _tell(self, key: _Key, fact: _Fact | None) -> None:
        if fact is None:
            self._told.pop(key)
        else:
            self._told.put(key, fact)
