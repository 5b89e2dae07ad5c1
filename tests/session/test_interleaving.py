# SPDX-License-Identifier: MIT
"""Two consoles at one machine, with a switch from one thread to each other one at every step.

The session, the scanner and its threads are the real ones; what they lock, wait for and report are the steps.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from bootmenu.bootstate import state_store
from bootmenu.bootstate.state import State
from bootmenu.bootstate.state_store import StateStore
from bootmenu.discovery import (
    change_schedule,
    partition_probe,
    partition_reader,
    scan_feed,
    scan_jobs,
    scan_runner,
    scanner,
)
from bootmenu.discovery.devices import Device
from bootmenu.discovery.hotplug import Change
from bootmenu.discovery.scan_events import ProblemFound, ScanFinished
from bootmenu.discovery.scanner import Scanner
from bootmenu.kexec import load as loading
from bootmenu.model.entry import Problem
from bootmenu.session import shared_session
from bootmenu.session.machine_session import MachineSession
from bootmenu.session.session_protocol import BusyError
from bootmenu.session.shared_session import ConsoleSession, SharedSession
from bootmenu.sources import Platform
from bootmenu.sources.tree import Tree
from bootmenu.system import power
from bootmenu.system.power import Power
from bootmenu.system.recorded_host import SimulatedHost
from tests.builders import fakes, machines
from tests.builders.interleaving import DeadlockError, InterleavingError, Schedule, explore

PLAN = fakes.plan_for(fakes.DEBIAN)


class NoChanges:
    """Nothing is plugged in or pulled; the scanner goes on listening for it."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._closed = False

    def wait(self) -> Change | None:
        """See Changes."""
        self._schedule.block(lambda: self._closed, "listens for changes")
        return None

    def close(self) -> None:
        """See Changes."""
        self._closed = True


@dataclass
class World:
    """A machine with a partition and two consoles, and what must never be true of it."""

    schedule: Schedule
    patch: pytest.MonkeyPatch
    folder: Path
    reading: int = 0
    loaded: int = 0
    """Kernels that are being loaded, or are; the machine that goes down counts as one."""
    kept: fakes.Kept = field(default_factory=fakes.Kept)

    def __post_init__(self) -> None:
        modules = (
            scanner,
            scan_feed,
            scan_runner,
            scan_jobs,
            change_schedule,
            partition_probe,
            shared_session,
            state_store,
        )
        self.schedule.patch(self.patch, *modules)
        self.patch.setattr(partition_reader, "read_partition", self.read)
        self.patch.setattr(loading, "load", self.load)
        self.patch.setattr(loading, "unload", self.unload)
        self.patch.setattr(power, "perform", self.perform)
        machine = machines.virt()
        devices = [Device(name=name, folder=str(self.folder)) for name in ("sda1",)]
        self.session = MachineSession(
            SimulatedHost.from_facts(machine),
            machine,
            lambda: devices,
            state_store=StateStore(self.kept),
            changes=NoChanges(self.schedule),
        )
        self.shared = SharedSession(self.session)
        self.consoles = self.shared.console(), self.shared.console()
        for console in self.consoles:
            list(console.scan().until_finished())

    def read(self, tree: Tree, _platform: Platform) -> Iterator[Problem]:
        """Read a partition, in two steps."""
        for number in range(2):
            self.reading += 1
            self.watch("reads")
            self.reading -= 1
            yield Problem(device=tree.device, path=f"/{number}", message="wrong")

    def watch(self, what: str) -> None:
        """Take a step, and see to it that no partition is read while a kernel is loaded, and that one kernel is."""
        for _ in range(2):
            self.schedule.check(not (self.reading and self.loaded), "a partition is read during a load")
            self.schedule.check(self.loaded <= 1, "two kernels are loaded at once")
            self.schedule.step(what)

    @contextlib.contextmanager
    def loading(self) -> Iterator[None]:
        self.loaded += 1
        try:
            self.watch("loads")
            yield
        except BaseException:
            self.loaded -= 1
            raise

    def load(self, *_: object, **__: object) -> Iterator[None]:
        with self.loading():
            yield
            self.watch("loads on")

    def unload(self, *_: object) -> str:
        self.watch("unloads")
        self.loaded -= bool(self.loaded)  # a load that was given up has taken it out
        return ""

    def perform(self, *_: object) -> None:
        with self.loading():
            raise power.PowerError("The kernel refused.", "Run as root.")

    def end(self) -> None:
        """See to it that everything goes on when both have come to their end."""
        self.schedule.check(not self.shared.is_owned, "a console owns the machine for ever")
        with contextlib.closing(self.consoles[0].scan()) as subscription:
            events = list(subscription.until_finished())
        self.schedule.check(isinstance(events[-1], ScanFinished), "the scan does not go on")
        self.schedule.check(sum(isinstance(event, ProblemFound) for event in events) == 2, "not all is found")
        self.session.close()


Act = Callable[[World, ConsoleSession], None]


def scan(world: World, console: ConsoleSession) -> None:
    with contextlib.closing(console.scan()) as subscription:
        events = list(subscription.until_finished())
    world.schedule.check(isinstance(events[-1], ScanFinished), "the scan does not end")


def load(world: World, console: ConsoleSession) -> None:
    for _ in console.load(PLAN):
        world.watch("goes on loading")
    world.watch("is loaded")
    console.unload(PLAN)


def give_up(_world: World, console: ConsoleSession) -> None:
    steps = console.load(PLAN)
    next(steps)
    steps.close()  # type: ignore[attr-defined]
    console.unload(PLAN)


def go_down(_world: World, console: ConsoleSession) -> None:
    with pytest.raises(power.PowerError):
        console.power(Power.OFF)


def scenario(
    folder: Path, acts: tuple[Act, Act], break_it: Callable[[World], None] = lambda world: None
) -> Callable[[Schedule], None]:
    """Two consoles that do one thing each, at the same time."""

    def run(schedule: Schedule) -> None:
        with pytest.MonkeyPatch.context() as patch:

            def work() -> None:
                world = World(schedule, patch, folder)
                break_it(world)
                refused = []

                def act(number: int) -> None:
                    try:
                        acts[number](world, world.consoles[number])
                    except BusyError:
                        refused.append(number)

                with schedule.interesting():
                    tasks = [schedule.begin(f"console {number}", partial(act, number)) for number in (0, 1)]
                    schedule.block(lambda: all(task.done for task in tasks), "waits for both consoles")
                schedule.check(len(refused) < 2, "each refuses the other")
                world.end()

            schedule.run(work)

    return run


PAIRS = [(scan, load), (load, scan), (load, load), (load, give_up), (scan, scan), (go_down, load), (scan, go_down)]


@pytest.mark.parametrize("acts", PAIRS, ids=lambda acts: " against ".join(act.__name__ for act in acts))
def test_two_consoles_at_every_step(tmp_path: Path, acts: tuple[Act, Act]) -> None:
    assert explore(scenario(tmp_path, acts)) > 20


@pytest.mark.slow
@pytest.mark.parametrize("acts", PAIRS, ids=lambda acts: " against ".join(act.__name__ for act in acts))
def test_two_consoles_at_every_two_steps(tmp_path: Path, acts: tuple[Act, Act]) -> None:
    """Suspend one console at each of its steps, then a console or a reading thread at a later one."""
    assert explore(scenario(tmp_path, acts), ("console",), ("console", "bootmenu-read")) > 100


# ---- what is remembered --------------------------------------------------------------------------------------


def remembering(break_it: Callable[[StateStore], None] = lambda memory: None) -> Callable[[Schedule], None]:
    """One console makes an entry the default, the other one another entry the next to boot, and neither is lost."""

    def run(schedule: Schedule) -> None:
        with pytest.MonkeyPatch.context() as patch:
            schedule.patch(patch, state_store)
            kept = fakes.Kept()

            def work() -> None:
                memory = StateStore(kept)
                break_it(memory)

                def change(make: Callable[[State], State]) -> None:
                    def slowly(state: State) -> State:
                        schedule.step("reads the state")
                        made = make(state)
                        schedule.step("has made another state")
                        return made

                    memory.update(slowly)

                changes = (
                    lambda state: state.with_default(fakes.DEBIAN),
                    lambda state: state.with_once(fakes.ALPINE),
                )
                tasks = [
                    schedule.begin(f"console {number}", partial(change, make)) for number, make in enumerate(changes)
                ]
                schedule.block(lambda: all(task.done for task in tasks), "waits for both consoles")
                for state in (memory.state, kept.state):
                    schedule.check(state.default == fakes.DEBIAN.entry.id, "the default is lost")
                    schedule.check(state.once == fakes.ALPINE.entry.id, "the one-shot entry is lost")

            schedule.run(work)

    return run


def test_a_default_and_a_one_shot_entry_at_every_step() -> None:
    assert explore(remembering()) > 10


# ---- each mistake is found -----------------------------------------------------------------------------------


def no_pause(world: World) -> None:
    world.patch.setattr(Scanner, "pause", lambda self: None)


def no_wait(world: World) -> None:
    def pause(self: Scanner) -> None:
        with self._condition:
            self._paused = True
            self._wake()

    world.patch.setattr(Scanner, "pause", pause)


def no_owner(world: World) -> None:
    world.patch.setattr(SharedSession, "_raise_if_busy", lambda self, console: None)


def no_wake(world: World) -> None:
    world.patch.setattr(Scanner, "_wake", lambda self: self._condition.notify_all())


def no_resume(world: World) -> None:
    world.patch.setattr(Scanner, "resume", lambda self: None)


def early_resume(world: World) -> None:
    """A rescan goes on although somebody loads."""
    rescan = Scanner.rescan

    def both(self: Scanner) -> None:
        rescan(self)
        self.resume()

    world.patch.setattr(Scanner, "rescan", both)


@pytest.mark.parametrize(
    ("acts", "break_it", "second", "error", "message"),
    [
        *(
            pytest.param(
                (scan, load), *broken, InterleavingError, "a partition is read during a load", marks=pytest.mark.slow
            )
            for broken in ((no_pause, "bootmenu-read"), (no_wait, "bootmenu-read"), (early_resume, "console"))
        ),
        ((load, load), no_owner, "console", InterleavingError, "two kernels are loaded at once"),
        ((scan, load), no_wake, "console", DeadlockError, "console"),
        ((scan, load), no_resume, "console", DeadlockError, "waits for a condition"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_mistake_is_found(
    tmp_path: Path,
    acts: tuple[Act, Act],
    break_it: Callable[[World], None],
    second: str,
    error: type[Exception],
    message: str,
) -> None:
    with pytest.raises(error, match=message):
        explore(scenario(tmp_path, acts, break_it), ("console",), (second,))


def test_a_lost_change_is_found() -> None:
    def no_lock(memory: StateStore) -> None:
        memory._changing = contextlib.nullcontext()  # type: ignore[assignment]

    with pytest.raises(InterleavingError, match="is lost"):
        explore(remembering(no_lock))
