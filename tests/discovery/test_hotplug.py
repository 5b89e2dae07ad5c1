# SPDX-License-Identifier: MIT
"""Media that come and go: what the kernel says of them, and what a scan that goes on makes of it."""

from __future__ import annotations

import errno
import os
import select
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.compat.facts import FileState
from bootmenu.discovery import change_schedule
from bootmenu.discovery.devices import Device
from bootmenu.discovery.hotplug import Change, Changes, Hotplug
from bootmenu.discovery.scan_events import (
    DeviceDone,
    DeviceFound,
    DeviceGone,
    EntryFound,
    EntryGone,
    ProblemFound,
    ProblemGone,
    ScanEvent,
)
from bootmenu.discovery.scan_feed import Subscription
from bootmenu.model.entry import Problem
from bootmenu.model.finding import Severity
from bootmenu.session.machine_session import MachineSession
from bootmenu.system.recorded_host import SimulatedHost
from bootmenu.system.uevents import KernelEvents
from tests.builders import machines
from tests.builders.entries import whole_image
from tests.builders.trees import write_tree


def message(action: str, path: str, **values: str) -> bytes:
    fields = {"ACTION": action, "DEVPATH": path, "SUBSYSTEM": "block", **values}
    return b"\0".join(
        (f"{action}@{path}".encode(), *(f"{key}={value}".encode() for key, value in fields.items()), b"")
    )


@pytest.mark.parametrize(
    ("data", "change"),
    [
        (message("add", "/devices/x/block/sda/sda1"), Change()),
        (message("change", "/devices/x/block/sr0"), Change()),
        (message("change", "/devices/x/block/sr0", DISK_MEDIA_CHANGE="1"), Change(gone="sr0")),
        (message("remove", "/devices/x/block/sda/sda1"), Change(gone="sda1")),
        (message("remove", "/devices/x/block/cciss!c0d0"), Change(gone="cciss/c0d0")),
        (message("remove", "/devices/x", SUBSYSTEM="usb"), None),
        (b"libudev\0\xfe\xed\xca\xfe SUBSYSTEM=block\0", None),
        (b"add@/x\0SUBSYSTEM", None),
        (b"", Change()),  # some were lost
    ],
)
def test_what_the_kernel_says(data: bytes, change: Change | None) -> None:
    assert Change.from_message(data) == change


@given(st.binary(max_size=3000))
def test_any_message_is_a_change_or_none(data: bytes) -> None:
    assert isinstance(Change.from_message(data), Change | None)


# ---- the socket -------------------------------------------------------------------------------------------


def test_the_kernel_is_listened_to_and_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    events = KernelEvents()
    answers: list[object] = [
        (b"forged", [], 0, (4711, 1)),
        (b"cut", [], socket.MSG_TRUNC, (0, 1)),
        BlockingIOError(),
        (b"true", [], 0, (0, 1)),
        OSError(errno.ENOBUFS, "full"),
        OSError(errno.ENOMEM, "no memory"),
    ]

    class Socket:
        def __init__(self, real: socket.socket) -> None:
            self.real, self.other = socket.socketpair()
            real.close()
            self.other.send(b"x")  # there is always something to read

        def fileno(self) -> int:
            return self.real.fileno()

        def close(self) -> None:
            self.real.close()
            self.other.close()

        def recvmsg(self, size: int) -> object:
            answer = answers.pop(0)
            if isinstance(answer, OSError):
                raise answer
            return answer

    fake = Socket(events._socket)
    monkeypatch.setattr(events, "_socket", fake)
    assert events.receive() == b"true"
    assert events.receive() == b""
    assert events.receive() == b"", "what is lost is looked for, and nobody goes deaf"
    events.close()
    assert events.receive() is None


def test_who_waits_for_the_kernel_can_be_told_to_stop() -> None:
    hotplug = Hotplug()
    outcome: list[Change | None] = []

    def wait() -> None:
        while (change := hotplug.wait()) is not None:
            outcome.append(change)
        outcome.append(None)

    thread = threading.Thread(target=wait)
    thread.start()
    hotplug.close()
    thread.join(60)
    assert outcome[-1] is None


def open_numbers() -> set[str]:
    """Of descriptors: the highest is that of the folder itself."""
    return {path.name for path in Path("/proc/self/fd").iterdir() if path.exists() or path.is_symlink()}


@pytest.mark.parametrize("heard", ["nobody", "while it waits", "with a mistake"])
def test_whoever_listened_leaves_nothing_open_however_often_it_is_closed(
    heard: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = open_numbers()
    events = KernelEvents()
    waits, told = threading.Event(), SimpleQueue[object]()
    real = select.poll

    class Poll:
        def __init__(self) -> None:
            self.real = real()

        def register(self, *arguments: Any) -> None:
            self.real.register(*arguments)

        def poll(self) -> object:
            waits.set()
            if heard == "with a mistake":
                raise OSError(errno.EIO, "no")
            return self.real.poll()

    monkeypatch.setattr(select, "poll", Poll)

    def receive() -> None:
        try:
            while (message := events.receive()) is not None:
                told.put(message)
            told.put(None)
        except OSError as error:
            told.put(error)

    thread = threading.Thread(target=receive)
    if heard != "nobody":
        thread.start()
        assert waits.wait(10)
    events.close()
    events.close()
    if heard != "nobody":
        thread.join(10)
        assert not thread.is_alive()
    assert events.receive() is None
    assert open_numbers() == before
    events.close()


def test_a_session_that_is_closed_ends_the_thread_that_listens(tmp_path: Path) -> None:
    before = open_numbers()
    machine = machines.virt()
    for _ in range(3):
        session = MachineSession(SimulatedHost.from_facts(machine), machine, tuple, changes=Hotplug())
        list(session.scan().until_finished())
        threads = [thread for thread in (session.scanner._thread, session.scanner._listener) if thread is not None]
        assert len(threads) == 2
        session.close()
        session.close()
        assert not any(thread.is_alive() for thread in threads)
    assert open_numbers() == before


# ---- a scan that goes on ----------------------------------------------------------------------------------


class Told(Changes):
    """Changes that the test tells."""

    def __init__(self) -> None:
        self.queue: SimpleQueue[Change | None] = SimpleQueue()

    def wait(self) -> Change | None:
        return self.queue.get()

    def close(self) -> None:
        self.queue.put(None)


class Bench:
    """A machine whose partitions the test plugs in and pulls."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.there: list[Device | Problem] = []
        self.changes = Told()
        machine = machines.virt()
        self.session = MachineSession(
            SimulatedHost.from_facts(machine), machine, lambda: list(self.there), changes=self.changes
        )
        self.stream: Subscription | None = None

    def partition(self, name: str, files: Mapping[str, bytes | str], **names: object) -> Device:
        folder = write_tree(self.top / name, {"there": "", **files})
        return Device(name=name, folder=str(folder), **names)  # type: ignore[arg-type]

    def scan(self) -> list[ScanEvent]:
        self.stream = self.session.scan()
        return list(self.stream.until_finished())

    def tell(self, *gone: str) -> None:
        for name in gone or ("",):
            self.changes.queue.put(Change(gone=name))

    def until(self, holds: Callable[[ScanEvent], object]) -> list[ScanEvent]:
        assert self.stream is not None
        events = []
        for event in self.stream:
            events.append(event)
            if holds(event):
                return events
        raise AssertionError(events)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr(change_schedule, "PROBE_DELAY", 0.01)
    monkeypatch.setattr(change_schedule, "PROBE_INTERVAL", 0.0)
    monkeypatch.setattr(change_schedule, "SECOND_PROBE_DELAY", 0.02)
    made = Bench(tmp_path)
    yield made
    made.session.close()


def labels(*names: str) -> str:
    return "".join(f"label {name}\nkernel /k\n" for name in names)


def test_what_is_plugged_in_is_read_and_what_is_pulled_is_gone(bench: Bench) -> None:
    fixed = bench.partition("sda1", {"extlinux.conf": labels("fixed")})
    stick = bench.partition("sdb1", {"extlinux.conf": labels("a", "b") + "nonsense x\n"})
    bench.there = [fixed]
    bench.scan()
    bench.there = [fixed, stick]
    bench.tell()
    came = bench.until(lambda event: isinstance(event, DeviceDone))
    assert [type(event) for event in came if not isinstance(event, ProblemFound)] == [
        DeviceFound,
        EntryFound,
        EntryFound,
        DeviceDone,
    ]
    (problem,) = [event.problem for event in came if isinstance(event, ProblemFound)]
    ids = {event.listing.entry.id for event in came if isinstance(event, EntryFound)}
    bench.there = [fixed]
    bench.tell("sdb1")
    went = bench.until(lambda event: isinstance(event, DeviceGone))
    assert {event.entry_id for event in went if isinstance(event, EntryGone)} == ids
    assert [event.problem for event in went if isinstance(event, ProblemGone)] == [problem]
    assert went[-1] == DeviceGone(stick)
    assert set(bench.session.scanner.devices) == {"sda1"}
    assert set(bench.session._mounts.open_trees()) == {"sda1"}


def test_what_is_pulled_is_gone_also_when_only_the_look_tells(bench: Bench) -> None:
    fixed, stick = (bench.partition(name, {"extlinux.conf": labels(name)}) for name in ("sda1", "sdb1"))
    lost = Problem(device="sdc", path="", message="not readable: no known file system")
    bench.there = [fixed, stick, lost]
    bench.scan()
    bench.there = [fixed]
    bench.tell()
    went = bench.until(lambda event: isinstance(event, DeviceGone))
    assert ProblemGone(lost) in went
    assert DeviceGone(stick) in went


def test_another_medium_of_the_same_name_is_read_anew_and_the_same_is_left_alone(bench: Bench) -> None:
    fixed, stick = (bench.partition(name, {"extlinux.conf": labels(name)}) for name in ("sda1", "sdb1"))
    bench.there = [fixed, stick]
    bench.scan()
    write_tree(bench.top / "sdb1", {"extlinux.conf": labels("other")})
    bench.tell("sdb1")
    events = bench.until(lambda event: isinstance(event, DeviceDone))
    assert {event.device for event in events if isinstance(event, DeviceFound | DeviceGone)} == {stick}
    assert [event.listing.entry.title for event in events if isinstance(event, EntryFound)] == ["other"]
    bench.there = [fixed, Device(name="sdb1", folder=stick.folder, label="NEW")]
    bench.tell()
    events = bench.until(lambda event: isinstance(event, DeviceDone))
    assert [event.device for event in events if isinstance(event, DeviceGone)] == [stick]


def test_an_entry_waits_for_the_disk_of_its_kernel_and_again_when_that_is_pulled(bench: Bench) -> None:
    config = "label a\nkernel (hd0,gpt7)/Image\nappend root=PARTUUID=77-07\n"
    fixed = bench.partition("sda1", {"extlinux.conf": config}, disk="sda", number=1)
    stick = bench.partition("sdb7", {"Image": whole_image()}, disk="sdb", number=7, partuuid="77-07")
    bench.there = [fixed]
    *_, before = [event.listing for event in bench.scan() if isinstance(event, EntryFound)]
    if before.entry.kernel.device != "hd0,gpt7":
        pytest.fail(f"extlinux calls it {before.entry.kernel}")
    assert before.facts.files[0].state is FileState.WAITING
    bench.there = [fixed, stick]
    bench.tell()

    def complete(event: ScanEvent) -> bool:
        return (
            isinstance(event, EntryFound)
            and event.listing.entry.kernel.device == "sdb7"
            and event.listing.report.of(Severity.UNKNOWN) == ()
            and event.listing.facts.files[0].state is FileState.PRESENT
            and (root := event.listing.report.get("CMD-ROOT")) is not None
            and root.severity is Severity.PASS
        )

    found = bench.until(complete)[-1]
    assert isinstance(found, EntryFound)
    assert found.listing.entry.id == before.entry.id
    bench.there = [fixed]
    bench.tell("sdb7")

    def waiting(event: ScanEvent) -> bool:
        return isinstance(event, EntryFound) and event.listing.entry.kernel == before.entry.kernel

    bench.until(waiting)


def test_changes_before_the_watch_are_not_lost(bench: Bench) -> None:
    bench.there = [bench.partition("sda1", {})]
    bench.scan()
    bench.tell()
    bench.there.append(bench.partition("sdb1", {}))
    assert bench.until(lambda event: isinstance(event, DeviceFound))


def test_a_watch_is_ended_by_another_thread(bench: Bench) -> None:
    bench.scan()
    stream = bench.stream
    assert stream is not None
    events: list[ScanEvent] = []
    reader = threading.Thread(target=lambda: events.extend(stream))
    reader.start()
    stream.close()
    reader.join(60)
    assert not reader.is_alive()
    assert not events


def test_a_real_medium_comes_and_goes(tmp_path: Path) -> None:
    """A loop device, of which the kernel tells as of a stick whose medium is changed."""
    losetup = shutil.which("losetup", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if os.geteuid() != 0 or losetup is None or not Path("/dev/loop-control").exists():
        pytest.skip("setting up a loop device needs root and losetup")
    image = tmp_path / "image"
    image.write_bytes(bytes(1 << 20))
    hotplug = Hotplug()
    at_last = threading.Timer(60, hotplug.close)
    at_last.start()

    def told(wanted: Change) -> bool:
        while (change := hotplug.wait()) is not None:
            if change == wanted:
                return True
        return False

    try:
        done = subprocess.run([losetup, "--find", "--show", str(image)], capture_output=True, text=True)
        if done.returncode != 0:
            pytest.skip(f"no loop device is to be had: {done.stderr.strip()}")
        path = done.stdout.strip()
        try:
            assert told(Change())
        finally:
            subprocess.run([losetup, "--detach", path], check=True)
        assert told(Change(gone=path.removeprefix("/dev/")))
    finally:
        at_last.cancel()
        hotplug.close()
