# SPDX-License-Identifier: MIT
"""A device that comes and goes as often as it likes: nothing grows with it, and every console knows what is there."""

from __future__ import annotations

import gc
import threading
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator, Sized
from pathlib import Path
from types import SimpleNamespace

import pytest

from bootmenu.discovery import change_schedule, partition_probe, scan_jobs
from bootmenu.discovery.devices import Device
from bootmenu.discovery.hotplug import Change
from bootmenu.discovery.scan_events import DeviceFound, ScanEvent
from bootmenu.discovery.scan_feed import ScanFeed
from bootmenu.frontends.tui.screens import scanning_screen
from bootmenu.frontends.tui.screens.scanning_screen import ScanningScreen
from bootmenu.model.entry import Problem
from bootmenu.session.machine_session import MachineSession
from bootmenu.session.scan_results import ScanResults
from bootmenu.session.shared_session import ConsoleSession, SharedSession
from bootmenu.system.recorded_host import SimulatedHost
from tests.builders import machines
from tests.builders.entries import whole_image
from tests.builders.trees import write_tree
from tests.discovery.test_hotplug import Told
from tests.properties import rarely

KERNEL = whole_image()
FLAPS = 60
"""Between two counts; 10,000 take minutes."""


class Console:
    """A view that reads in a thread while it is awake."""

    def __init__(self, session: ConsoleSession) -> None:
        self.results = ScanResults()
        self.changed = threading.Condition()
        self.subscription = session.scan()
        self.results.begin()
        for event in self.subscription.until_finished():
            self.results.add(event)

    def wake(self) -> None:
        threading.Thread(target=self.read, daemon=True).start()

    def read(self) -> None:
        for event in self.subscription:
            self.take(event)

    def take(self, event: ScanEvent) -> None:
        with self.changed:
            self.results.add(event)
            self.changed.notify_all()

    def titles(self) -> list[str]:
        return [listing.entry.title for listing in self.results.listings]

    def until(self, holds: Callable[[], bool]) -> None:
        with self.changed:
            assert self.changed.wait_for(holds, 60), self.titles()


class Machine:
    """A machine with a disk, a stick that flaps, and two consoles, one of which is asleep."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.there: list[Device | Problem] = []
        self.changes = Told()
        machine = machines.virt()
        session = MachineSession(
            SimulatedHost.from_facts(machine), machine, lambda: list(self.there), changes=self.changes
        )
        self.session = session
        # one that names a file on another disk, and one that looks for another file each time
        config = "label fixed\nkernel LABEL=STICK:/k\n"
        self.fixed = self.partition("sda1", {"extlinux.conf": config})
        self.there = [self.fixed]
        self.shared = SharedSession(session)
        self.awake, self.asleep = Console(self.shared.console()), Console(self.shared.console())
        self.awake.wake()
        self.flaps = 0

    def partition(self, name: str, files: dict[str, bytes | str], **names: object) -> Device:
        return Device(name=name, folder=str(write_tree(self.top / name, files)), **names)  # type: ignore[arg-type]

    def flap(self, name: str) -> None:
        """The stick comes, is read by the one console, and goes."""
        self.flaps += 1
        grub = (
            f"search --file /file-{self.flaps} --set=root\nmenuentry g{self.flaps} {{ linux /other }}\n"
            f"menuentry h{self.flaps} {{ linux /k }}\n"
        )
        config = f"label stick{self.flaps}\nkernel /k\nlabel other\nkernel /k-{self.flaps}\n speeling {self.flaps}\n"
        files: dict[str, bytes | str] = {
            "extlinux.conf": config,
            "boot/grub/grub.cfg": grub,
            "k": KERNEL,
            f"boot/vmlinuz-{self.flaps}": KERNEL,
        }
        for old in (self.top / name).glob("boot/vmlinuz-*"):
            old.unlink()
        stick = self.partition(name, files, label="STICK")
        trouble = Problem(device="sdx", path="", message=f"not readable: {self.flaps}")
        self.there = [self.fixed, stick, trouble]
        self.changes.queue.put(Change())
        self.awake.until(lambda: f"stick{self.flaps}" in self.awake.titles())
        self.there = [self.fixed]
        self.changes.queue.put(Change(gone=name))
        self.changes.queue.put(Change(gone=f"nobody-{self.flaps}"))
        self.awake.until(lambda: self.awake.titles() == ["fixed"])


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    for module, names in (
        (change_schedule, ("PROBE_DELAY", "SECOND_PROBE_DELAY")),
        (scan_jobs, ("COLLECTING", "START_INTERVAL")),
    ):
        for name in names:
            monkeypatch.setattr(module, name, 0.001)
    monkeypatch.setattr(partition_probe, "PROBE_INTERVAL", 0.001)
    made = Machine(tmp_path)
    yield made
    made.shared.close()
    made.session.close()


def wait_for_readers() -> None:
    """Let threads end that have read what is gone by now."""
    for thread in threading.enumerate():
        if thread.name == "bootmenu-read":
            thread.join(60)


def kept() -> Counter[str]:
    """Objects of bootmenu that there are, by class."""
    gc.collect()
    return Counter(
        f"{type(thing).__module__}.{type(thing).__qualname__}"
        for thing in gc.get_objects()
        if type(thing).__module__.startswith("bootmenu.discovery")
    )


def stores(machine: Machine) -> dict[str, int]:
    """The length of whatever has one, in the scan, the mounts and what the consoles follow."""
    found = {}
    scanner, runner = machine.session.scanner, machine.session.scanner.runner
    assert runner is not None
    scanning = (
        scanner,
        scanner._feed,
        runner,
        runner._jobs,
        runner._prober.changes,
        runner._table,
        runner._duplicates,
    )
    sleeping = machine.asleep.subscription
    for owner in (
        *scanning,
        runner._references,
        machine.session._mounts,
        machine.session._partitions.storage,
        sleeping,
    ):
        for name in dir(owner):
            value: object = getattr(owner, name, None)
            if not name.startswith("__") and isinstance(value, Sized) and not isinstance(value, str):
                found[f"{type(owner).__name__}.{name}"] = len(value)
    for known in runner._table.by_name.values():
        found["asked"] = len(known.asked)
        found["holds"] = len(known.holds)
    return found


@pytest.mark.parametrize("names", [*rarely(1), 10**9], ids=["one name", "another name each time"])
def test_nothing_grows_with_a_device_that_comes_and_goes(machine: Machine, names: int) -> None:
    seen, memory, lengths = [], [], []
    threads = threading.active_count()
    tracemalloc.start()
    try:
        for _ in range(3):
            for _ in range(FLAPS):
                machine.flap(f"sdb{machine.flaps % names}")
            seen.append(kept())
            lengths.append(stores(machine))
            memory.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    # less than one for each of them is what threads are at work with
    grown = {name: (seen[1][name], seen[2][name]) for name in seen[2] if seen[2][name] > seen[1][name] + FLAPS // 4}
    assert not grown
    longer = {name: (lengths[1][name], n) for name, n in lengths[2].items() if n > lengths[1].get(name, 0) + 2}
    assert not longer
    assert memory[2] - memory[1] < FLAPS * 10_000, "it was 97 kB a flap"
    assert threading.active_count() < threads + 10
    machine.asleep.wake()
    machine.asleep.until(lambda: machine.asleep.titles() == ["fixed"])


def test_changes_that_nobody_reads_do_not_pile_up(machine: Machine) -> None:
    """While something is being loaded nobody listens, and a stick may flap."""
    scanner = machine.session.scanner
    scanner.pause()
    runner = scanner.runner
    assert runner is not None
    for number in range(10_000):
        runner.changed(Change(gone=f"sd{number}"))
    assert len(runner._jobs) < 100
    assert len(runner._prober.changes) <= change_schedule.MAX_REMOVED + 1
    # and then all of them may be others
    machine.fixed = machine.partition("sda1", {"extlinux.conf": "label other\nkernel /k\n"})
    machine.there = [machine.fixed]
    scanner.resume()
    machine.asleep.wake()
    machine.asleep.until(lambda: machine.asleep.titles() == ["other"])


def test_a_screen_that_is_away_is_told_no_more_than_it_can_keep() -> None:
    """As while a shell runs: its messages are taken in by nobody."""
    posted: list[ScanningScreen.EventReceived] = []
    full = threading.Event()

    def post(message: ScanningScreen.EventReceived) -> None:
        posted.append(message)
        if len(posted) == scanning_screen._MAX_QUEUED:
            full.set()

    feed = ScanFeed()
    feed.publish(
        feed.log, (DeviceFound(Device(name=f"sd{number}")) for number in range(5 * scanning_screen._MAX_QUEUED))
    )
    screen = SimpleNamespace(
        post_message=post, EventReceived=ScanningScreen.EventReceived, ScanEnded=ScanningScreen.ScanEnded
    )
    subscription = feed.subscribe()
    thread = threading.Thread(target=ScanningScreen._forward_events, args=(screen, subscription))
    thread.start()
    assert full.wait(60)
    for message in posted[: scanning_screen._MAX_QUEUED // 2]:
        message.slots.release()
    subscription.close()
    thread.join(60)
    assert not thread.is_alive()
    assert len(posted) <= scanning_screen._MAX_QUEUED * 3 // 2 + 1
