# SPDX-License-Identifier: MIT
"""Partitions side by side: order, dead disks, references from one to another, and what is one entry."""

from __future__ import annotations

import ctypes
import hashlib
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from bootmenu.compat import EntryFacts
from bootmenu.compat.facts import FileState
from bootmenu.discovery import duplicate_index, entry_facts, entry_ids, partition_reader, partition_table, scan_jobs
from bootmenu.discovery.devices import Device
from bootmenu.discovery.scan_events import (
    DeviceDone,
    DeviceFound,
    EntryFound,
    EntryGone,
    Listing,
    ProblemFound,
    ProblemGone,
    ScanEvent,
    ScanFinished,
)
from bootmenu.discovery.scan_state import FoundEntry
from bootmenu.model.entry import BootEntry, CommandLine, FileRef, Problem
from bootmenu.model.finding import Severity
from bootmenu.model.value import replace
from bootmenu.session.machine_session import MachineSession
from bootmenu.session.scan_collection import collect, collect_from
from bootmenu.sources import SOURCES, Platform, read_partition
from bootmenu.sources.tree import Tree
from bootmenu.system.recorded_host import SimulatedHost
from tests.builders import fakes, machines
from tests.builders.entries import whole_image
from tests.builders.trees import write_tree

KERNEL = whole_image()


def session_of(*found: Device | Problem, patience: float = 60.0) -> MachineSession:
    machine = machines.virt()
    return MachineSession(SimulatedHost.from_facts(machine), machine, lambda: found, patience=patience)


def partition(top: Path, name: str, files: Mapping[str, bytes | str], **names: object) -> Device:
    folder = write_tree(top / name, {"there": "", **files})
    return Device(name=name, folder=str(folder), **names)  # type: ignore[arg-type]


def labels(*names: str, append: str = "") -> str:
    return "".join(f"label {name}\nkernel /k-{name}\nappend {append}\n" for name in names)


def titles(listings: Iterable[Listing]) -> list[str]:
    return [listing.entry.title for listing in listings]


class Gate:
    """A parser that waits on some partitions before anything of them is read."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
        self.open = {name: threading.Event() for name in names}
        self.reached = {name: threading.Event() for name in names}

        def read(tree: Tree, platform: Platform) -> Iterator[BootEntry | Problem]:
            if tree.device in self.open:
                self.reached[tree.device].set()
                assert self.open[tree.device].wait(60)
            yield from read_partition(tree, platform)

        monkeypatch.setattr(partition_reader, "read_partition", read)


# ---- side by side -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("last", ["sda1", "sda2", "sdb1"])
def test_the_final_order_is_that_of_the_devices_whichever_is_read_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: str
) -> None:
    devices = [
        partition(tmp_path, name, {"extlinux.conf": labels(f"{name}-a", f"{name}-b") + "nonsense x\n"})
        for name in ("sda2", "sda1", "sdb1")
    ]
    trouble = Problem(device="sdc", path="", message="not readable")
    gate = Gate(monkeypatch, last)
    session = session_of(devices[0], devices[1], trouble, devices[2])
    others = {device.name for device in devices} - {last}
    events, done = [], set()
    for event in session.scan().until_finished():
        events.append(event)
        if isinstance(event, DeviceDone):
            done.add(event.device.name)
            if done == others:
                gate.open[last].set()
    found = [event.device.name for event in events if isinstance(event, DeviceFound)]
    assert found == ["sda2", "sda1", "sdb1"], "found in order, however they are read"
    listings, problems = collect(session)
    assert titles(listings) == ["sda2-a", "sda2-b", "sda1-a", "sda1-b", "sdb1-a", "sdb1-b"]
    assert [problem.device for problem in problems] == ["sda2", "sda1", "sdc", "sdb1"]
    ids = [listing.entry.id for listing in listings]
    assert ids == [listing.entry.id for listing in collect(session)[0]]
    session.close()


def test_a_dead_disk_delays_nobody_and_is_told_and_heard_when_it_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch, "sda1")
    dead = partition(tmp_path, "sda1", {"extlinux.conf": labels("late")})
    good = [partition(tmp_path, f"sdb{n}", {"extlinux.conf": labels(f"good{n}")}) for n in range(3)]
    session = session_of(dead, *good, patience=0.2)
    subscription = session.scan()
    listings, problems = collect_from(subscription)
    assert titles(listings) == ["good0", "good1", "good2"]
    assert [str(problem) for problem in problems] == ["sda1: does not answer: nothing came from it for 0.2 s"]
    gate.open["sda1"].set()
    late = list(subscription)
    assert [type(event) for event in late] == [ProblemGone, EntryFound, DeviceDone]
    assert isinstance(late[1], EntryFound)
    assert late[1].listing.entry.title == "late"
    session.close()


def test_any_number_of_dead_disks_occupy_no_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"sd{letter}1" for letter in "abcdefghijkl"]
    gate = Gate(monkeypatch, *names)
    dead = [partition(tmp_path, name, {}) for name in names]
    good = partition(tmp_path, "sdz1", {"extlinux.conf": labels("good")})
    session = session_of(*dead, good, patience=0.2)
    listings, problems = collect(session)
    assert titles(listings) == ["good"]
    assert [problem.device for problem in problems] == names
    for event in gate.open.values():
        event.set()
    session.close()


def test_no_more_partitions_are_read_at_a_time_than_are_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan_jobs, "MAX_RUNNING", 2)
    names = ["sda1", "sdb1", "sdc1"]
    gate = Gate(monkeypatch, *names)
    session = session_of(*(partition(tmp_path, name, {}) for name in names))
    order = []
    for event in session.scan().until_finished():
        if isinstance(event, DeviceFound) and event.device.name == "sdc1":
            helper = threading.Thread(target=lambda: _let_one_after_the_other(gate, names))
            helper.start()
        if isinstance(event, DeviceDone):
            order.append(event.device.name)
    helper.join()
    assert order[:1] == ["sda1"]
    assert sorted(order) == names
    session.close()


def _let_one_after_the_other(gate: Gate, names: list[str]) -> None:
    for name in names[:2]:
        assert gate.reached[name].wait(60)
    assert not gate.reached[names[2]].is_set()
    gate.open[names[0]].set()
    assert gate.reached[names[2]].wait(60)
    for name in names[1:]:
        gate.open[name].set()


def test_a_look_for_partitions_that_hangs_is_told(tmp_path: Path) -> None:
    answer = threading.Event()
    good = partition(tmp_path, "sda1", {"extlinux.conf": labels("good")})

    def look() -> Iterator[Device | Problem]:
        yield good
        assert answer.wait(60)
        yield partition(tmp_path, "sdb1", {"extlinux.conf": labels("late")})

    machine = machines.virt()
    session = MachineSession(SimulatedHost.from_facts(machine), machine, look, patience=0.2)
    subscription = session.scan()
    listings, problems = collect_from(subscription)
    assert titles(listings) == ["good"]
    assert [str(problem) for problem in problems] == [
        "looking for partitions does not answer: nothing came from it for 0.2 s"
    ]
    answer.set()
    late = list(subscription)
    assert [event.listing.entry.title for event in late if isinstance(event, EntryFound)] == ["late"]
    session.close()


def test_a_mistake_of_a_reader_costs_its_own_partition(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(tree: Tree, platform: Platform) -> Iterator[BootEntry | Problem]:
        if tree.device == "sda1":
            raise ZeroDivisionError
        yield from read_partition(tree, platform)

    monkeypatch.setattr(partition_reader, "read_partition", read)
    good = partition(tmp_path, "sdb1", {"extlinux.conf": labels("good")})
    session = session_of(partition(tmp_path, "sda1", {}), good)
    listings, problems = collect(session)
    assert titles(listings) == ["good"]
    assert [str(problem) for problem in problems] == ["sda1: reading it failed: “ZeroDivisionError”"]
    session.close()


def test_what_the_look_for_partitions_raises_is_raised() -> None:
    def look() -> Iterator[Device]:
        raise OSError("no such bus")

    machine = machines.virt()
    session = MachineSession(SimulatedHost.from_facts(machine), machine, look)
    with pytest.raises(OSError, match="no such bus"):
        collect(session)


def test_a_scan_that_waits_for_a_disk_can_be_closed_by_another_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch, "sda1")
    session = session_of(partition(tmp_path, "sda1", {}))
    stream = session.scan()
    events: list[ScanEvent] = []
    told = threading.Event()

    def follow() -> None:
        for event in stream:
            events.append(event)
            told.set()

    reader = threading.Thread(target=follow)
    reader.start()
    assert gate.reached["sda1"].wait(60)
    assert told.wait(60)
    stream.close()
    reader.join()
    assert [type(event) for event in events] == [DeviceFound]
    gate.open["sda1"].set()
    session.close()


def test_a_file_system_that_really_hangs_delays_nobody(tmp_path: Path) -> None:
    """FUSE without anybody who answers: openat2 waits in the kernel."""
    if os.geteuid() != 0 or not Path("/dev/fuse").exists():
        pytest.skip("mounting needs root, and hanging needs FUSE")
    dead = tmp_path / "dead"
    dead.mkdir()
    libc = ctypes.CDLL(None, use_errno=True)
    fuse = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    options = f"fd={fuse},rootmode=40000,user_id=0,group_id=0".encode()
    assert libc.mount(b"none", os.fsencode(dead), b"fuse", 0, options) == 0, os.strerror(ctypes.get_errno())
    try:
        good = partition(tmp_path, "sdb1", {"extlinux.conf": labels("good")})
        session = session_of(Device(name="sda1", folder=str(dead)), good, patience=0.5)
        listings, problems = collect(session)
        assert titles(listings) == ["good"]
        assert ["does not answer" in str(problem) for problem in problems] == [True]
        session.close()
    finally:
        os.close(fuse)  # what waits is told that the connection is gone
        assert libc.umount2(os.fsencode(dead), 2) == 0


# ---- references -------------------------------------------------------------------------------------------


@pytest.fixture
def referring(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets a file `refer` on a partition offer one entry a line: REFERENCE PATH [COMMAND LINE]."""

    def parse(tree: Tree) -> Iterator[BootEntry | Problem]:
        if "refer" not in tree.list("/"):
            return
        config = FileRef(device=tree.device, path="/refer", exists=True)
        for line in tree.read("/refer", 10_000).decode().splitlines():
            device, path, *options = line.split(" ", 2)
            yield BootEntry(
                id=line,
                title=f"from {tree.device}",
                source="refer",
                config=config,
                device=tree.device,
                kernel=FileRef(device=device, path=path),
                cmdline=CommandLine(" ".join(options)),
            )

    SOURCES.names()
    monkeypatch.setattr(SOURCES, "_registered", dict(SOURCES._registered))
    monkeypatch.setattr(SOURCES, "_ordered", None)
    SOURCES.register("refer", before="bls")(parse)


def kernels(listings: Iterable[Listing]) -> list[tuple[str, bool | None, FileState]]:
    return [
        (listing.entry.kernel.device, listing.entry.kernel.exists, listing.facts.files[0].state)
        for listing in listings
        if listing.entry.source == "refer"
    ]


@pytest.mark.usefixtures("referring")
@pytest.mark.parametrize(
    "reference",
    ["uuid=abcd-1234", "label=ROOT", "partuuid=0a-02", "partlabel=root", "sdb2", "hd0,gpt2", "file=/mark"],
)
@pytest.mark.parametrize("last", ["sda1", "sdb2"])
def test_a_reference_is_followed_whichever_partition_is_read_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reference: str, last: str
) -> None:
    gate = Gate(monkeypatch, last)
    one = partition(
        tmp_path, "sda1", {"refer": f"{reference} /boot/Image root=UUID=abcd-1234\n"}, disk="sda", number=1
    )
    two = partition(
        tmp_path, "sdb2", {"boot/Image": KERNEL, "mark": "x"}, uuid="ABCD-1234", label="ROOT", partuuid="0A-02",
        partlabel="root", disk="sdb", number=2,
    )  # fmt: skip
    session = session_of(one, two)
    listings = []
    for event in session.scan().until_finished():
        if isinstance(event, DeviceDone) and event.device.name != last:
            gate.open[last].set()
        if isinstance(event, EntryFound):
            listings.append(event.listing)
    referring = [listing for listing in listings if listing.entry.source == "refer"]
    assert kernels(referring)[-1:] == [("sdb2", True, FileState.PRESENT)]
    assert len({listing.entry.id for listing in referring}) == 1
    assert referring[-1].facts.kernel is not None
    session.close()


@pytest.mark.usefixtures("referring")
@pytest.mark.parametrize("reference", ["uuid=1234", "hd0,gpt7", "file=/gone", "sdz9"])
def test_a_reference_to_what_is_not_there_waits_and_says_so(tmp_path: Path, reference: str) -> None:
    session = session_of(
        partition(tmp_path, "sda1", {"refer": f"{reference} /Image x\n"}),
        partition(tmp_path, "sda2", {"Image": KERNEL}),
    )
    listings, _ = collect(session)
    assert kernels(listings) == [(reference, None, FileState.WAITING)]
    report = listings[0].report
    assert report.verdict is Severity.UNKNOWN
    worst = report.findings[0]
    assert (worst.code, worst.message) == (
        "FILE-MISSING",
        f"The kernel /Image waits for the device {reference}, which has not been seen.",
    )
    assert worst.hint.startswith("Plug it in")
    session.close()


@pytest.mark.usefixtures("referring")
def test_a_reference_to_a_disk_that_does_not_answer_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = partition(tmp_path, "sda1", {"refer": "uuid=1 /Image\nuuid=2 /Image\n"})
    two, dead = (
        partition(tmp_path, "sdb1", {"Image": KERNEL}, uuid="1"),
        Device(name="sdc1", path="/dev/sdc1", uuid="2"),
    )
    session = session_of(one, two, dead, patience=0.2)
    asked, answer = threading.Event(), threading.Event()

    def mount(*_: object) -> None:
        asked.set()
        assert answer.wait(60)
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(session.host.syscalls, "mount", mount)
    listings, problems = collect(session)
    assert asked.is_set()
    assert kernels(listings) == [("sdb1", True, FileState.PRESENT), ("uuid=2", None, FileState.WAITING)]
    assert [problem.device for problem in problems] == ["sdc1"]
    answer.set()
    session.close()


@pytest.mark.usefixtures("referring")
def test_the_silence_of_a_disk_is_over_once_when_all_that_wait_for_it_have_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two partitions name files of a third, which dies when it is asked for them: one sentence, told gone once."""
    gates = {name: threading.Event() for name in ("sda1", "sdc1")}
    gather = entry_facts.gather

    def gathered(entry: BootEntry, trees: Mapping[str, Tree], **options: Any) -> tuple[BootEntry, EntryFacts]:
        if "sdb1" in trees and entry.device in gates:
            assert gates[entry.device].wait(60)
        return gather(entry, trees, **options)

    monkeypatch.setattr(entry_facts, "gather", gathered)
    other = partition(tmp_path, "sdb1", {"k": KERNEL}, uuid="b")
    naming = [partition(tmp_path, name, {"refer": "uuid=b /k"}, uuid=name) for name in gates]
    session = session_of(other, *naming, patience=0.2)
    silent = Problem(device="sdb1", path="", message="does not answer: nothing came from it for 0.2 s")
    stream = session.scan()
    found = [event.problem for event in stream.until_finished() if isinstance(event, ProblemFound)]
    assert found == [silent]
    runner = session.scanner.runner
    assert runner is not None
    assert sum(job.problem == silent for job in runner._jobs.running) == 2
    gates["sda1"].set()
    told: list[ScanEvent] = []
    while not any(isinstance(event, EntryFound) for event in told):
        told.append(next(stream))
    assert not any(isinstance(event, ProblemGone) for event in told), "it has not answered the other one"
    gates["sdc1"].set()
    told += list(stream)
    assert [event.problem for event in told if isinstance(event, ProblemGone)] == [silent]
    session.close()


def test_what_was_never_told_is_not_told_to_be_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A partition with too many problems does not answer either, and answers again."""
    monkeypatch.setattr(partition_table, "MAX_PROBLEMS", 1)
    gate = threading.Event()

    def read(tree: Tree, board: tuple[str, ...] = ()) -> Iterator[BootEntry | Problem]:
        yield Problem(device=tree.device, path="/a", message="wrong")
        assert gate.wait(60)
        yield Problem(device=tree.device, path="/b", message="wrong, too")

    monkeypatch.setattr(partition_reader, "read_partition", read)
    session = session_of(partition(tmp_path, "sda1", {"a": ""}), patience=0.1)
    subscription = session.scan()
    list(subscription.until_finished())
    gate.set()
    told = list(subscription)
    assert [event for event in told if isinstance(event, ProblemFound | ProblemGone)] == []
    session.close()


def test_a_list_survives_whatever_is_told_twice() -> None:
    problem = Problem(device="sda1", path="", message="wrong")
    events = (ProblemFound(problem), ProblemFound(problem), ProblemGone(problem), ProblemGone(problem))
    for number in range(len(events) + 1):
        _, problems = collect(fakes.FakeSession(events=(*events[:number], ScanFinished(0.1))))
        assert problems == ([problem] if number in (1, 2) else [])


def test_root_is_judged_by_all_partitions_also_those_found_later(tmp_path: Path) -> None:
    one = partition(tmp_path, "sda1", {"extlinux.conf": labels("a", append="root=PARTUUID=77-02"), "k-a": KERNEL})
    two = partition(tmp_path, "sdb2", {}, partuuid="77-02")
    found = threading.Event()

    def look() -> Iterator[Device]:
        yield one
        assert found.wait(60)
        yield two

    machine = machines.virt()
    session = MachineSession(SimulatedHost.from_facts(machine), machine, look)
    verdicts = []
    for event in session.scan().until_finished():
        if isinstance(event, EntryFound):
            verdicts.append(root_of(event.listing))
            assert event.listing.facts.partitions is not None
            # a changed entry is judged by what is known at this moment, too
            assert root_of(session.recheck(event.listing.entry)) is verdicts[-1]
            found.set()
    assert verdicts == [Severity.UNKNOWN, Severity.PASS], "what may still be found is not missing"
    session.close()


def root_of(listing: Listing) -> Severity:
    finding = listing.report.get("CMD-ROOT")
    assert finding is not None
    return finding.severity


def test_root_is_missing_only_at_the_end_of_a_scan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate(monkeypatch, "sdb1")
    files: dict[str, bytes | str] = {"k-a": KERNEL, "extlinux.conf": labels("a", append="root=PARTUUID=77-02")}
    session = session_of(partition(tmp_path, "sda1", files), partition(tmp_path, "sdb1", {}))
    verdicts = []
    for event in session.scan().until_finished():
        if isinstance(event, EntryFound):
            verdicts.append(root_of(event.listing))
            gate.open["sdb1"].set()
    assert verdicts == [Severity.UNKNOWN, Severity.WARN]
    (listing,), _ = collect(session)
    assert root_of(session.recheck(listing.entry)) is Severity.WARN
    session.close()


# ---- what is one entry ------------------------------------------------------------------------------------


def both(tmp_path: Path, first: str, second: str) -> list[Listing]:
    """A BLS entry and an extlinux label of one partition."""
    files: dict[str, bytes | str] = {
        "loader/entries/a.conf": first,
        "extlinux.conf": second,
        "vmlinuz-6.1": KERNEL,
        "i": b"070701",
    }
    session = session_of(partition(tmp_path, "sda1", files))
    listings, _ = collect(session)
    session.close()
    return listings


BLS = "title Debian\nversion 6.1\nlinux /vmlinuz-6.1\ninitrd /i\noptions quiet\n"
LABEL = "default x\nlabel x\nmenu label Debian\nkernel /vmlinuz-6.1\ninitrd /i\nappend quiet\n"


def test_the_same_in_two_configurations_is_one_entry_with_two_sources(tmp_path: Path) -> None:
    (one,) = both(tmp_path, BLS, LABEL)
    assert one.entry.source == "bls"
    assert [(origin.source, origin.config and origin.config.path) for origin in one.entry.also] == [
        ("extlinux", "/extlinux.conf")
    ]
    assert one.entry.default, "it is the default of one of them"


@pytest.mark.parametrize(
    ("part", "other"),
    [
        ("title Debian", "title Debian "),
        ("title Debian", "title Other"),
        ("version 6.1", "version 6.2"),
        ("linux /vmlinuz-6.1", "linux /i"),
        ("initrd /i\n", ""),
        ("options quiet", "options loud"),
        ("options quiet", "options quiet\ndevicetree /i"),
    ],
)
def test_what_differs_in_anything_stays_two(tmp_path: Path, part: str, other: str) -> None:
    listings = both(tmp_path, BLS.replace(part, other), LABEL)
    assert len(listings) == (1 if other == "title Debian " else 2)


def test_the_same_twice_in_one_configuration_stays_two(tmp_path: Path) -> None:
    session = session_of(partition(tmp_path, "sda1", {"extlinux.conf": LABEL + LABEL.replace("label x", "label y")}))
    listings, _ = collect(session)
    assert len(listings) == 2
    session.close()


@pytest.mark.usefixtures("referring")
@pytest.mark.parametrize("last", ["sda1", "sdb1"])
def test_the_first_of_two_partitions_has_the_entry_whichever_is_read_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: str
) -> None:
    def same(tree: Tree) -> Iterator[BootEntry]:
        if "same" in tree.list("/"):
            config = FileRef(device=tree.device, path="/same")
            kernel = FileRef(device="sdc1", path="/Image")
            yield BootEntry(id="s", title="S", source="same", config=config, device=tree.device, kernel=kernel)

    SOURCES.register("same", before="bls")(same)
    gate = Gate(monkeypatch, last)
    devices = [partition(tmp_path, name, {"same": ""}) for name in ("sda1", "sdb1")]
    session = session_of(*devices, partition(tmp_path, "sdc1", {"Image": KERNEL}))
    shown: dict[str, BootEntry] = {}
    for event in session.scan().until_finished():
        if isinstance(event, DeviceDone) and event.device.name != last:
            gate.open[last].set()
        if isinstance(event, EntryFound):
            shown[event.listing.entry.id] = event.listing.entry
        if isinstance(event, EntryGone):
            del shown[event.entry_id]
    (entry,) = shown.values()
    assert entry.device == "sda1"
    assert [origin.config and origin.config.device for origin in entry.also] == ["sdb1"]
    assert entry.kernel.device == "sdc1"
    session.close()


@pytest.mark.usefixtures("referring")
def test_a_bare_kernel_that_another_partition_offers_is_no_entry_of_its_own(tmp_path: Path) -> None:
    one = partition(tmp_path, "sda1", {"refer": "uuid=2 /vmlinuz\n"})
    two = partition(tmp_path, "sda2", {"vmlinuz": KERNEL, "boot/vmlinuz-2": KERNEL}, uuid="2")
    session = session_of(two, one)
    listings, _ = collect(session)
    assert [listing.entry.source for listing in listings] == ["bare", "refer"]
    assert listings[0].entry.kernel.path == "/boot/vmlinuz-2"
    session.close()


def test_copies_of_a_disk_have_entries_of_different_ids_in_the_order_of_the_disks(tmp_path: Path) -> None:
    devices = [partition(tmp_path, name, {"extlinux.conf": labels("a")}, uuid="1") for name in ("sda1", "sdb1")]
    session = session_of(*devices)
    one, two = (listing.entry.id for listing in collect(session)[0])
    assert one != two
    alone = session_of(replace(devices[1], name="sdz1"))
    assert [listing.entry.id for listing in collect(alone)[0]] == [one], "the first of them is as if it were alone"
    for each in (session, alone):
        each.close()


@pytest.mark.parametrize("count", [40, 400])
def test_very_many_equal_entries_are_told_and_named_in_work_that_grows_with_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    looked_at = hashed = 0
    publish = duplicate_index.DuplicateIndex._publish_group

    def counted(self: duplicate_index.DuplicateIndex, group: list[FoundEntry]) -> None:
        nonlocal looked_at
        looked_at += len(group)
        publish(self, group)

    def sha256(data: bytes) -> object:
        nonlocal hashed
        hashed += 1
        return hashlib.sha256(data)

    monkeypatch.setattr(duplicate_index.DuplicateIndex, "_publish_group", counted)
    monkeypatch.setattr(entry_ids, "sha256", sha256)
    text = "label x\nkernel /k\nappend a\n" * count
    places = ("extlinux/extlinux.conf", "boot/extlinux/extlinux.conf", "extlinux.conf", "boot/extlinux.conf")
    device = partition(tmp_path, "sda1", {"k": KERNEL, **dict.fromkeys(places, text)})
    session = session_of(device)
    listings, _ = collect(session)
    session.close()
    assert len(listings) == count, "those of one configuration, and not of the three that say the same"
    assert [len(listing.entry.also) for listing in listings] == [3] + [0] * (count - 1)
    assert len({listing.entry.id for listing in listings}) == count
    assert looked_at < 50 * len(places) * count
    assert hashed <= 2 * len(places) * count
