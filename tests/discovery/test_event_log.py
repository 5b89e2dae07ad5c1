# SPDX-License-Identifier: MIT
"""A log that keeps what is true: every reader, slow or late, ends with what one knows who heard every event."""

from __future__ import annotations

import gc
import random
import sys
import tracemalloc
from collections.abc import Iterator

import pytest

from bootmenu.discovery.devices import Device
from bootmenu.discovery.event_log import CompactedLog, Cursor
from bootmenu.discovery.scan_events import (
    DeviceDone,
    DeviceFound,
    DeviceGone,
    EntryFound,
    EntryGone,
    Listing,
    ProblemFound,
    ProblemGone,
    ScanEvent,
    ScanFinished,
)
from bootmenu.model.entry import Problem
from bootmenu.session.scan_results import ScanResults
from tests.builders import fakes
from tests.properties import part

NAMES = ("sda1", "sdb1", "sdb2")


def entry(device: str, name: str, title: str = "") -> Listing:
    return fakes.listing(name, title or name, device=device)


def problem(device: str, number: int) -> Problem:
    return Problem(device=device, path="", message=f"trouble {number}")


def known(results: ScanResults) -> object:
    """All that a screen could show of it."""
    groups = {
        group.device.name: (
            group.device,
            group.position,
            group.found,
            group.found and group.done,
            [listing.entry for listing in group.listings],
            sorted(group.problems, key=str),
        )
        for group in results._current.values()
    }
    return groups, [group.device.name for group in results.groups] if results.finished else None


class World:
    """A scan that tells as a scanner does, in an order that chance decides."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.log = CompactedLog()
        self.truth = ScanResults()
        self.ranks = 0

    def tell(self, *events: ScanEvent) -> None:
        for event in events:
            self.log.add(event)
            self.truth.add(event)

    def step(self) -> None:
        name = self.chance.choice(NAMES)
        group = self.truth._current.get(name)
        there = group is not None and group.found
        match self.chance.randrange(8):
            case 0 | 1 if there and group is not None:
                for listing in group.listings if self.chance.random() < 0.8 else ():
                    self.tell(EntryGone(name, listing.entry.id))
                self.tell(DeviceGone(group.device))
                if self.chance.random() < 0.5:
                    self.found(name)
            case 0 | 1:
                self.found(name)
            case 2 | 3 if there:
                self.tell(DeviceDone(Device(name=name, label=f"{self.ranks}"), 3))
            case 4 if there:
                number = self.chance.randrange(4)
                title = f"title {self.chance.randrange(2)}"
                self.tell(EntryFound(entry(name, f"e{number}", title), number))
            case 5 if there and group is not None and group.listings:
                self.tell(EntryGone(name, self.chance.choice(group.listings).entry.id))
            case 6:
                self.tell(ProblemFound(problem(name, self.chance.randrange(3)), (1000 + NAMES.index(name),)))
            case 7 if group is not None and group.problems:
                self.tell(ProblemGone(self.chance.choice(group.problems)))
            case _:
                if self.chance.random() < 0.2:
                    undone = [
                        group.device for group in self.truth._current.values() if group.found and not group.done
                    ]
                    self.tell(*(DeviceDone(device, 0) for device in undone), ScanFinished(self.chance.random()))

    def found(self, name: str) -> None:
        self.ranks += 1
        self.tell(DeviceFound(Device(name=name, label=f"{self.ranks}"), (self.ranks,)))


class Reader:
    """A console."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.cursor = world.log.cursor()
        self.results = ScanResults()

    def read(self) -> None:
        """The next events."""
        self.take_in(self.cursor.take())

    def read_all(self) -> None:
        while events := self.cursor.take():
            self.take_in(events)
        assert not self.cursor

    def take_in(self, events: list[ScanEvent]) -> None:
        for event in events:
            self.results.add(event)


@pytest.mark.parametrize("seed", part(range(150)))
def test_whoever_reads_when_he_likes_knows_what_is_true(seed: int) -> None:
    chance = random.Random(seed)
    world = World(chance)
    readers = [Reader(world) for _ in range(2)]
    for _ in range(seed):
        world.step()
        for reader in readers:
            for _ in range(chance.randrange(3)):
                reader.read()
        if chance.random() < 0.2:
            reader = chance.choice(readers)
            reader.read_all()
            assert known(reader.results) == known(world.truth)
        if chance.random() < 0.05:
            readers[0] = Reader(world)
        late = Reader(world)
        late.read_all()
        assert known(late.results) == known(world.truth)
    for reader in readers:
        reader.read_all()
        assert known(reader.results) == known(world.truth)


@pytest.mark.parametrize("seed", range(30))
def test_what_is_kept_is_bounded_by_what_is_there_and_what_a_reader_knows(seed: int) -> None:
    chance = random.Random(seed)
    world = World(chance)
    slow = Reader(world)
    for _ in range(200):
        world.step()
        there = sum(2 + len(group.listings) + len(group.problems) for group in world.truth._current.values()) + 1
        assert len(world.log) <= there
        assert len(slow.cursor) <= len(world.log), "it has read nothing"
    slow.read()
    seen = len(slow.cursor._sent)
    for _ in range(200):
        world.step()
        assert len(slow.cursor) <= len(world.log) + 2 * seen


def flap(name: str, entries: int = 3) -> Iterator[ScanEvent]:
    """A stick comes with its entries and goes."""
    device = Device(name=name)
    listings = [entry(name, f"e{number}") for number in range(entries)]
    yield DeviceFound(device, (1,))
    for number, listing in enumerate(listings):
        yield EntryFound(listing, number)
    yield ProblemFound(problem(name, 1))
    yield DeviceDone(device, entries)
    for listing in listings:
        yield EntryGone(name, listing.entry.id)
    yield ProblemGone(problem(name, 1))
    yield DeviceGone(device)


def cursors(log: CompactedLog) -> tuple[Cursor, Cursor, Cursor]:
    """Of one who never reads, one who read once, and one who reads everything."""
    return log.cursor(), log.cursor(), log.cursor()


def held() -> int:
    """Return the bytes that are in use, without what Python itself keeps for reuse: its free lists of tuples, and the
    attribute names in its cache of types (up to 4,096, of which 3.11 makes a new one for each class pattern)."""
    gc.collect()
    if sys.version_info < (3, 12):
        sys._clear_type_cache()
    return tracemalloc.get_traced_memory()[0]


@pytest.mark.parametrize("names", [1, 10**9], ids=["one name", "another name each time"])
def test_thousands_of_flaps_leave_nothing(names: int) -> None:
    log = CompactedLog()
    never, once, always = cursors(log)
    sizes, memory = [], []
    tracemalloc.start()
    try:
        for number in range(600):
            for step, event in enumerate(flap(f"sd{number % names}")):
                log.add(event)
                always.take()
                if number == 10 and step == 4:
                    while once.take():
                        pass
            if number in (200, 400, 599):
                sizes.append([len(log), len(never), len(once), len(always)])
                memory.append(held())
    finally:
        tracemalloc.stop()
    assert sizes[0] == sizes[1] == sizes[2]
    assert sizes[0][:2] == [0, 0]
    assert sizes[0][3] == 0
    assert max(memory) - min(memory) < 2_000, "one object of 64 bytes a flap would be 25,000"
    assert [type(event) for event in once.take()] == [EntryGone]


def test_the_end_of_a_scan_comes_after_all_that_was_found_also_for_who_is_late() -> None:
    log = CompactedLog()
    log.add(DeviceFound(Device(name="sda1"), (1,)))
    log.add(ScanFinished(0.1))
    late = log.cursor()
    log.add(EntryFound(entry("sda1", "a")))
    told = [type(event) for _ in range(4) for event in late.take()]
    assert told == [DeviceFound, ScanFinished, EntryFound, DeviceFound], "the last, since it is being read"


def test_a_reader_that_is_gone_is_not_remembered() -> None:
    log = CompactedLog()
    for _ in range(100):
        log.cursor()
    assert len(log._cursors) <= 1
