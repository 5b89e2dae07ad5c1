# SPDX-License-Identifier: MIT
"""Keep a log of scan events without those that are out of date.

It has only the last event about everything that exists, so it does not grow however often a device comes and goes.
Every reader has a cursor, which knows what was sent to its reader and what has changed since. A slow or late reader
gets the current facts, and what is gone of those sent to it, but nothing that was found and gone again in between.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from weakref import WeakSet

from bootmenu.discovery.scan_events import (
    DeviceDone,
    DeviceFound,
    DeviceGone,
    EntryFound,
    EntryGone,
    ProblemFound,
    ProblemGone,
    ScanFinished,
)
from bootmenu.model.closed_set import Enum, auto
from bootmenu.model.value import replace
from bootmenu.typed import TYPE_CHECKING, NamedTuple, assert_never

if TYPE_CHECKING:
    from bootmenu.discovery.scan_events import (
        ScanEvent,
    )
    from bootmenu.model.entry import Problem


class _Kind(Enum):
    DEVICE = auto()
    DONE = auto()
    ENTRY = auto()
    PROBLEM = auto()
    FINISHED = auto()


class _Key(NamedTuple):
    """The subject of an event."""

    kind: _Kind
    device: str = ""
    what: str | Problem | None = None
    """The id of an entry, or a problem."""


_FINISHED = _Key(_Kind.FINISHED)


class _Fact(NamedTuple):
    """The last event about a subject."""

    birth: int
    """A new number at each reappearance; the same while it only changes."""
    event: ScanEvent


class _Facts:
    """Facts by subject, and by device."""

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
        """Return the keys of all facts about a device."""
        return list(self._of.get(device, ()))

    def devices(self) -> list[str]:
        """Return the names of the devices with any facts."""
        return [name for name, keys in self._of.items() if keys.keys() != {_FINISHED}]

    def __iter__(self) -> Iterator[_Key]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)


class CompactedLog:
    """The current facts after all events so far. Not thread-safe: its user has to lock it and its cursors."""

    def __init__(self) -> None:
        self._facts = _Facts()
        self._births = 0
        self._cursors: WeakSet[Cursor] = WeakSet()

    def __len__(self) -> int:
        return len(self._facts)

    def add(self, event: ScanEvent) -> None:
        """Record the next event."""
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
        """Return a cursor for a new reader. ScanFinished comes after everything that was found."""
        cursor = Cursor(self._facts)
        for key in (*(key for key in self._facts if key != _FINISHED), _FINISHED):
            cursor.changed(key, anew=True)
        self._cursors.add(cursor)
        return cursor

    def _put(self, key: _Key, event: ScanEvent) -> None:
        earlier = self._facts.get(key)
        if earlier is None:
            self._births += 1
        self._facts.put(key, _Fact(earlier.birth if earlier else self._births, event))
        for cursor in self._cursors:
            cursor.changed(key, anew=earlier is None)

    def _drop(self, key: _Key) -> None:
        if self._facts.pop(key) is not None:
            for cursor in self._cursors:
                cursor.changed(key, anew=True)


class Cursor:
    """What was sent to one reader, and what has changed since. Its size is bounded by the current facts and those
    sent."""

    def __init__(self, facts: _Facts) -> None:
        self._facts = facts
        self._sent = _Facts()
        self._changed: OrderedDict[_Key, None] = OrderedDict()
        """Keys of changed facts, in the order in which they are sent."""

    def __bool__(self) -> bool:
        return bool(self._changed)

    def __len__(self) -> int:
        return len(self._sent) + len(self._changed)

    @property
    def devices(self) -> list[str]:
        """Return the names of the devices that were sent to its reader."""
        return self._sent.devices()

    def changed(self, key: _Key, *, anew: bool) -> None:
        """Record that a fact is new, gone or changed. anew: send it after all changes recorded so far."""
        relevant = self._facts.get(key) is not None or self._sent.get(key) is not None
        if anew or not relevant:
            self._changed.pop(key, None)
        if relevant:
            self._changed[key] = None

    def take(self) -> list[ScanEvent]:
        """Return the next events, or [] if nothing has changed."""
        while self._changed:
            key, _ = self._changed.popitem(last=False)
            if events := list(self._events(key)):
                return events
        return []

    def _events(self, key: _Key) -> Iterator[ScanEvent]:
        old, new = self._sent.get(key), self._facts.get(key)
        if old is not None and (new is None or new.birth != old.birth):
            yield from self._gone(key, old)
            old = None
        if new is None or (old is not None and new.event is old.event):
            return
        yield new.event
        self._record_sent(key, new)
        if key.kind is _Kind.DEVICE:
            # DeviceFound means to its reader that the device is being read: send DeviceDone again, if it is done
            done = _Key(_Kind.DONE, key.device)
            self._record_sent(done, None)
            self.changed(done, anew=False)
        elif key.kind is _Kind.FINISHED:
            # readers treat all as read after ScanFinished, so repeat DeviceFound for what is still being read
            for sent in list(self._sent):
                fact = self._sent.get(sent)
                if (
                    fact is not None
                    and isinstance(fact.event, DeviceFound)
                    and self._facts.get(sent._replace(kind=_Kind.DONE)) is None
                ):
                    self._record_sent(sent, _Fact(fact.birth, replace(fact.event)))
                    self.changed(sent, anew=False)

    def _gone(self, key: _Key, old: _Fact) -> Iterator[ScanEvent]:
        self._record_sent(key, None)
        match old.event:
            case EntryFound(listing):
                yield EntryGone(listing.entry.device, listing.entry.id)
            case ProblemFound(problem):
                yield ProblemGone(problem)
            case DeviceFound(device):
                for other in self._sent.of(key.device):
                    if other != _FINISHED and (fact := self._sent.get(other)) is not None:
                        yield from self._gone(other, fact)
                        self.changed(other, anew=False)
                yield DeviceGone(device)
            case _:
                pass  # DeviceFound and DeviceGone imply it

    def _record_sent(self, key: _Key, fact: _Fact | None) -> None:
        if fact is None:
            self._sent.pop(key)
        else:
            self._sent.put(key, fact)
