# SPDX-License-Identifier: MIT
"""A sitting at a machine: scanning again, loading, leaving, and coming back from a jump."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from itertools import islice
from pathlib import Path

import pytest

from bootmenu.bootstate.state import Attempt, State, encode
from bootmenu.bootstate.state_backends import FolderBackend
from bootmenu.commands.boot_command import BootOptions, boot
from bootmenu.config.settings import Settings, Verify, Watchdog
from bootmenu.demo import demonstration
from bootmenu.demo.builders import board_tree
from bootmenu.discovery import partition_table
from bootmenu.discovery.devices import Device
from bootmenu.discovery.dtb_candidates import Fit
from bootmenu.discovery.scan_events import DeviceDone, DeviceFound, EntryFound, Listing, ScanEvent, ScanFinished
from bootmenu.errors import BootmenuError, UsageError
from bootmenu.formats.editable_dtb import differences
from bootmenu.kexec import hooks
from bootmenu.kexec.dtb_builder import PlanDtbs
from bootmenu.kexec.kernel_errors import LoadError, SimulatedJump, left_loaded
from bootmenu.kexec.plan import PlanError
from bootmenu.model.entry import CommandLine, FileRef
from bootmenu.model.finding import Severity
from bootmenu.model.kernel import Architecture
from bootmenu.model.progress import Stage, StageState
from bootmenu.model.value import replace
from bootmenu.session.boot_success import mark_good
from bootmenu.session.files_session import FilesSession
from bootmenu.session.machine_session import MachineSession
from bootmenu.session.scan_collection import collect
from bootmenu.system.host import Host
from bootmenu.system.power import Power, PowerError
from bootmenu.system.recorded_host import SimulatedHost
from tests.builders import fakes, machines
from tests.builders.containers import uki
from tests.builders.entries import whole_image
from tests.builders.hosts import fake_host, syscalls_of
from tests.builders.places import INSIDE
from tests.builders.trees import write_tree
from tests.kexec.staging import Kexec
from tests.properties import part


@pytest.fixture
def demo() -> Iterator[MachineSession]:
    with demonstration(pace=None) as session:
        yield session


def test_the_demonstration_has_every_verdict_and_a_problem(demo: MachineSession) -> None:
    listings, problems = collect(demo)
    assert {listing.report.verdict for listing in listings} == set(Severity)
    assert problems
    assert demo.simulated
    assert demo.notices == ()
    assert len({listing.entry.id for listing in listings}) == len(listings)
    assert sum(listing.entry.default for listing in listings) == 3


def test_the_demonstration_does_everything_but_the_jump_and_again(demo: MachineSession) -> None:
    listings, _ = collect(demo)
    (good,) = [listing for listing in listings if "own device tree" in listing.entry.title]
    plan = demo.plan(good)
    for _ in range(2):
        events = [*demo.load(plan), *demo.prepare_jump(plan)]
        assert {event.stage for event in events} == set(Stage) - {Stage.JUMP, Stage.HOOKS, Stage.WATCHDOG}
        with pytest.raises(SimulatedJump):
            demo.execute(plan)
        demo.unload(plan)
    (large,) = [listing for listing in listings if listing.entry.title == "vmlinuz-rescue"]
    with pytest.raises(LoadError) as caught:
        list(demo.load(demo.plan(large)))
    assert caught.value.errno_text.startswith("EINVAL")


def own_tree(session: MachineSession) -> Listing:
    """The demonstration's entry that brings a device tree, which a plan reads."""
    (own,) = [listing for listing in collect(session)[0] if "own device tree" in listing.entry.title]
    return own


def test_an_entry_is_planned_and_started_again_after_a_jump_that_came_back(demo: MachineSession) -> None:
    own = own_tree(demo)
    for _ in range(3):
        with demo.holding(own):
            plan = demo.plan(own)
            assert demo.plan_dtbs(plan).final is not None
            list(demo.load(plan))
            list(demo.prepare_jump(plan))
            with pytest.raises(SimulatedJump):
                demo.execute(plan)
            demo.unload(plan)
    assert demo._mounts.open_trees() == {}


def test_an_entry_is_started_right_after_a_look_has_begun_anew(demo: MachineSession) -> None:
    own = own_tree(demo)
    for held in (True, False):
        stream = demo.scan()  # which has met nothing so far
        with demo.holding(own) if held else nullcontext():
            plan = demo.plan(own)
            assert demo.device_trees(own)
            assert demo.recheck(own.entry).report.verdict is own.report.verdict
            assert list(demo.load(plan))[-1].state is StageState.DONE
            demo.unload(plan)
        stream.close()


def steps_to_a_start(demo: MachineSession, own: Listing) -> Iterator[None]:
    """Everything from the choice to the jump that comes back, a step at a time."""
    with demo.holding(own):
        yield
        plan = demo.plan(own)
        yield
        demo.plan_dtbs(plan)
        for _ in demo.load(plan):
            yield
        for _ in demo.prepare_jump(plan):
            yield
        with pytest.raises(SimulatedJump):
            demo.execute(plan)
        demo.unload(plan)


def test_a_rescan_before_any_step_of_a_start_takes_nothing_away_from_it(demo: MachineSession) -> None:
    own = own_tree(demo)
    demo._pace = None
    number = sum(1 for _ in steps_to_a_start(demo, own))
    assert number > 8
    for at in part(range(number)):
        for read in (0, 3, None):  # events of the other scan until it goes on: none, some, all
            for step, _ in enumerate(steps_to_a_start(demo, own)):
                if step == at:
                    scan = demo.scan()
                    events: list[ScanEvent] = []
                    if demo.scanner.is_paused:  # it begins when nothing is loaded any more
                        assert scan.take() == []
                    else:
                        events = list(islice(scan.until_finished(), read))
            if not any(isinstance(event, ScanFinished) for event in events):
                events += scan.until_finished()
            assert not [event for event in events if "does not answer" in str(event)]
            scan.close()
    listings, problems = collect(demo)
    assert listings
    assert not [problem for problem in problems if "answer" in problem.message]


def test_a_partition_that_is_gone_is_said_and_nothing_is_held(tmp_path: Path) -> None:
    write_tree(
        tmp_path / "part", {"vmlinuz": whole_image(), "extlinux.conf": "label a\nkernel /vmlinuz\nfdt /a.dtb\n"}
    )
    write_tree(tmp_path / "part", {"a.dtb": board_tree(("x",)).to_bytes()})
    found = [Device(name="sda1", folder=str(tmp_path / "part"))]
    machine = machines.virt()
    session = MachineSession(SimulatedHost.from_facts(machine), machine, lambda: tuple(found), method="simulated")
    (listing,), _ = collect(session)
    plan = session.plan(listing)
    # pulled out: a look that has ended knows nothing of it
    found.clear()
    for _ in session.scan().until_finished():
        pass
    with session.holding(listing):
        with pytest.raises(PlanError, match="lies on sda1, which is not there any more"):
            session.plan(listing)
        with pytest.raises(LoadError, match="lies on sda1, which is not there any more"):
            list(session.load(plan))
    # there, and not to be read
    found.append(Device(name="sda1", folder=str(tmp_path / "gone")))
    for _ in session.scan().until_finished():
        pass
    with session.holding(listing):
        with pytest.raises(BootmenuError, match=r"sda1: .*No such file"):
            session.plan(listing)
        with pytest.raises(LoadError, match=r"sda1: .*No such file"):
            list(session.load(plan))
    assert session._mounts.open_trees() == {}


@pytest.mark.parametrize("end", ["cancelled", "refused", "failed", "raised"])
def test_what_was_held_is_let_go_of_however_a_start_ends(demo: MachineSession, end: str) -> None:
    own = own_tree(demo)
    demo._mounts.release()
    with suppress(LoadError, ZeroDivisionError), demo.holding(own):
        assert own.entry.device in demo._mounts.open_trees()
        demo._mounts.release()
        assert own.entry.device in demo._mounts.open_trees(), "a scan lets go of what nobody holds"
        plan = demo.plan(own)
        if end == "raised":
            raise ZeroDivisionError
        if end == "refused":
            syscalls = demo.host.syscalls
            syscalls.kexec_load = lambda *_: (_ for _ in ()).throw(OSError(16, "busy"))  # type: ignore[method-assign]
        for _ in demo.load(plan):
            if end == "cancelled":
                break
        if end == "failed":
            raise LoadError("did not jump", "", stage=Stage.JUMP)
    demo._mounts.release()
    assert demo._mounts.open_trees() == {}


def test_the_device_trees_beside_an_entry_are_offered_also_after_its_partition_was_let_go(
    demo: MachineSession,
) -> None:
    listings, _ = collect(demo)
    (own,) = [listing for listing in listings if "own device tree" in listing.entry.title]
    for _ in range(2):
        fits = {choice.ref.path: choice.fits for choice in demo.device_trees(own)}
        assert fits["/boot/dtbs/this-board.dtb"] is Fit.EXACT
        assert fits["/boot/dtbs/other-board.dtb"] is Fit.OTHER
        assert list(fits.values()) == sorted(fits.values(), key=list(Fit).index)
        demo._mounts.release()
    elsewhere = replace(own.entry, dtb=FileRef(device="uuid=none", path="/a.dtb"))
    kernel = replace(elsewhere, kernel=FileRef(device="uuid=none", path="/vmlinuz"))
    assert demo.device_trees(replace(own, entry=kernel)) == ()


def test_the_demonstration_leaves_nothing_behind() -> None:
    with demonstration(pace=None) as session:
        listings, _ = collect(session)
        folders = {listing.entry.device for listing in listings}
        roots = [device.folder for device in session._partitions.find() if isinstance(device, Device)]
    assert folders
    assert all(root is not None and not Path(root).exists() for root in roots)


def session_of(*devices: Device) -> MachineSession:
    machine = machines.virt()
    return MachineSession(SimulatedHost.from_facts(machine), machine, lambda: devices)


def test_the_events_of_a_scan(tmp_path: Path) -> None:
    write_tree(tmp_path, {"vmlinuz": whole_image(), "loader/entries/x.conf": "junk\n"})
    good, gone = Device(name="sda1", folder=str(tmp_path)), Device(name="sdb1", folder=str(tmp_path / "gone"))
    events = list(session_of(good, gone).scan())
    kinds = [type(event) for event in events]
    assert kinds[0] is DeviceFound
    assert kinds[-1] is ScanFinished
    assert sorted(kind.__name__ for kind in kinds[1:-1]) == [
        *("DeviceDone", "DeviceDone", "DeviceFound", "EntryFound"),
        *("ProblemFound", "ProblemFound", "ProblemFound"),
    ]
    assert kinds.count(EntryFound) == 1
    done = [event for event in events if isinstance(event, DeviceDone)]
    assert {event.device.name: event.entries for event in done} == {"sda1": 1, "sdb1": 0}


@pytest.mark.parametrize(
    ("before", "after", "data"),
    [
        ("loader/entries/a+3.conf", "loader/entries/a+2-1.conf", b"linux /k"),
        ("EFI/Linux/a+3.efi", "EFI/Linux/a+2-1.efi", uki((".linux", whole_image()))),
    ],
)
def test_boot_counting_leaves_an_entry_its_id(tmp_path: Path, before: str, after: str, data: bytes) -> None:
    write_tree(tmp_path, {before: data})
    session = session_of(Device(name="sda1", folder=str(tmp_path)))
    (first,) = (listing.entry for listing in collect(session)[0])
    (tmp_path / before).rename(tmp_path / after)
    (second,) = (listing.entry for listing in collect(session)[0])
    assert first.id == second.id
    assert (first.tries_left, second.tries_left) == (3, 2)


def test_a_machine_with_too_many_entries_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partition_table, "MAX_ENTRIES", 3)
    text = "".join(f"label l{number}\nkernel /k\n" for number in range(5))
    write_tree(tmp_path, {"extlinux.conf": text})
    listings, problems = collect(session_of(Device(name="sda1", folder=str(tmp_path))))
    assert len(listings) == 3
    assert ["too many" in problem.message for problem in problems] == [True]


def test_why_nothing_can_be_executed_here(tmp_path: Path) -> None:
    machine = machines.virt()
    host = SimulatedHost.from_facts(machine)
    assert MachineSession(host, machine, tuple).notices == ()
    pc = replace(machine, machine="x86_64", architecture=Architecture.X86_64)
    assert MachineSession(host, pc, tuple).notices == (), (
        "that one method is for arm64 is no news where another is not"
    )
    bare = replace(machine, cap_sys_boot=False, kexec=replace(machine.kexec, tools_version=None), ram=None)
    asked, *reasons = MachineSession(host, bare, tuple).notices
    assert asked == "not running as root"
    assert [("/proc/iomem" in reason, "kexec-tools is not installed" in reason) for reason in reasons] == [
        (True, False),
        (False, False),
        (False, True),
    ]


def test_a_jump_that_comes_back_leaves_nothing_loaded(tmp_path: Path) -> None:
    kexec = Kexec()
    write_tree(tmp_path / "part", {"vmlinuz": whole_image()})
    host = fake_host(tmp_path / "host", {"/sys/kernel/kexec_loaded": "1\n"}, {"kexec": kexec})
    device = Device(name="sda1", folder=str(tmp_path / "part"), place=INSIDE)
    session = MachineSession(host, machines.virt(), lambda: (device,), method="kexec_tools")
    (listing,), _ = collect(session)
    plan = session.plan(listing)
    events = [*session.load(plan), *session.prepare_jump(plan)]
    assert events[-1].state is StageState.DONE
    kexec.status_of_unload, kexec.error = 1, b"kexec_load failed: Device or resource busy"
    with pytest.raises(LoadError, match="did not jump") as caught:
        session.execute(plan)
    assert "A kernel stays loaded" in " ".join(left_loaded(caught.value))
    assert (len(kexec.loads), kexec.unloads) == (1, 1)
    assert ("reboot_kexec",) in syscalls_of(host).calls
    again = [*session.load(plan)]
    assert again[-1].state is StageState.DONE, "its partition can be read as before"


def started(tmp_path: Path, settings: Settings, config: str = "loader/entries/a+3.conf") -> MachineSession:
    """A session whose one entry is loaded, and whose jump fails with EPERM unless a test says otherwise."""
    write_tree(tmp_path / "part", {"vmlinuz": whole_image(), config: b"title A\nlinux /vmlinuz\n"})
    write_tree(tmp_path / "host/var/lib/bootmenu", {"state.json": encode(State(once="x"))})
    host = fake_host(tmp_path / "host", {"/sys/kernel/kexec_loaded": "1\n"}, {"kexec": Kexec()})
    device = Device(name="sda1", folder=str(tmp_path / "part"), place=INSIDE)
    return MachineSession(host, machines.virt(), lambda: (device,), method="kexec_tools", settings=settings)


def jump(session: MachineSession) -> str:
    """The id of the entry into which the jump was tried."""
    (listing,), _ = collect(session)
    plan = session.plan(listing)
    list(session.load(plan))
    list(session.prepare_jump(plan))
    with pytest.raises(LoadError, match="did not jump"):
        session.execute(plan)
    return plan.entry.id


@pytest.mark.parametrize("counters", [True, False])
def test_a_try_is_on_the_disk_before_the_jump_and_taken_back_after_it(tmp_path: Path, counters: bool) -> None:
    session = started(tmp_path, Settings(rename_counters=counters))
    calls = syscalls_of(session.host)
    seen: list[tuple[State, list[str]]] = []
    reboot = calls.reboot_kexec

    def look() -> None:
        names = [path.name for path in (tmp_path / "part/loader/entries").iterdir()]
        seen.append((FolderBackend(tmp_path / "host/var/lib/bootmenu").read(), names))
        reboot()

    calls.reboot_kexec = look  # type: ignore[method-assign]
    entry = jump(session)
    ((before, names),) = seen
    assert before.trying is not None
    assert (before.trying.entry, before.trying.title, before.once) == (entry, "A", None)
    assert names == ["a+2-1.conf" if counters else "a+3.conf"]
    after = FolderBackend(tmp_path / "host/var/lib/bootmenu").read()
    assert (after.trying, after.tries, after.last) == (None, (), before.last)
    assert (tmp_path / "part/loader/entries/a+3.conf").exists()


def test_a_counted_kernel_is_started_again_after_a_jump_that_came_back(tmp_path: Path) -> None:
    path = tmp_path / "part/EFI/Linux/a+3.efi"
    write_tree(tmp_path / "part", {"EFI/Linux/a+3.efi": uki((".linux", whole_image()), (".initrd", b"070701"))})
    host = fake_host(tmp_path / "host", {"/sys/kernel/kexec_loaded": "1\n"}, {"kexec": Kexec()})
    session = MachineSession(
        host,
        machines.virt(),
        lambda: (Device(name="sda1", folder=str(tmp_path / "part"), place=INSIDE),),
        method="kexec_tools",
        settings=Settings(rename_counters=True),
    )
    (listing,), _ = collect(session)
    before = path.stat().st_ctime_ns
    for _ in range(2):
        plan = session.plan(listing)
        list(session.load(plan))
        list(session.prepare_jump(plan))
        with pytest.raises(LoadError, match="did not jump"):
            session.execute(plan)
    assert path.stat().st_ctime_ns > before, "it was renamed, and renamed back"
    path.write_bytes(path.read_bytes())
    with pytest.raises(LoadError, match="changed since it was looked at: it was written to"):
        list(session.load(session.plan(listing)))


def trying(tmp_path: Path, session: MachineSession) -> None:
    """As it is after the jump, in the next system."""
    (listing,), _ = collect(session)
    attempt = Attempt(entry=listing.entry.id, at="", title="A")
    FolderBackend(tmp_path / "host/var/lib/bootmenu").write(State().booting(attempt))


@pytest.mark.parametrize("counters", [True, False])
def test_what_came_up_well_is_remembered_and_counted_no_more(tmp_path: Path, counters: bool) -> None:
    settings = Settings(rename_counters=counters)
    trying(tmp_path, started(tmp_path, settings, "loader/entries/a+2-1.conf"))
    session = MachineSession(
        fake_host(tmp_path / "host"),
        machines.virt(),
        lambda: (Device(name="sda1", folder=str(tmp_path / "part"), place=INSIDE),),
        settings=settings,
    )
    assert mark_good(session) == "A came up well" + (", and its boot counting has ended." if counters else ".")
    (path,) = (tmp_path / "part/loader/entries").iterdir()
    assert path.name == ("a.conf" if counters else "a+2-1.conf")
    state = FolderBackend(tmp_path / "host/var/lib/bootmenu").read()
    assert state.trying is None
    assert [good.title for good in state.good] == ["A"]
    assert mark_good(session).startswith("Nothing to mark")


def test_where_nothing_is_remembered_nothing_is_marked_good(tmp_path: Path) -> None:
    session = MachineSession(fake_host(tmp_path), machines.virt(), tuple)
    with pytest.raises(UsageError, match="Nothing is remembered"):
        mark_good(session)


def test_what_cannot_be_remembered_keeps_nothing_from_starting(tmp_path: Path) -> None:
    session = started(tmp_path, Settings(rename_counters=True))
    write_tree(tmp_path / "part/loader/entries", {"a+2-1.conf": b"linux /k"})
    found = [listing for listing in collect(session)[0] if listing.entry.title == "A"]
    plan = session.plan(found[0])
    list(session.load(plan))
    list(session.prepare_jump(plan))
    with pytest.raises(LoadError, match="did not jump"):
        session.execute(plan)
    assert "a+2-1.conf already exists" in session.state_store.error


def test_the_partition_that_remembers_is_let_go_of_for_that_moment(tmp_path: Path) -> None:
    write_tree(tmp_path / "part", {"vmlinuz": whole_image()})
    device = Device(name="sda1", label="STATE", folder=str(tmp_path / "part"), place=INSIDE)
    host = fake_host(tmp_path / "host")
    session = MachineSession(host, machines.virt(), lambda: (device,), settings=Settings(state_device="LABEL=STATE"))
    collect(session)
    opened = session._mounts.open_trees()
    with session._partitions.unmounted("sda1"):
        assert session._mounts.open_trees() == {}
    assert opened.keys() == session._mounts.open_trees().keys() == {"sda1"}
    assert session.state_store.keep(State(default="x"))
    assert (tmp_path / "part/var/lib/bootmenu/state.json").exists()


def test_a_plan_names_the_hooks_and_what_the_settings_leave_out(tmp_path: Path) -> None:
    names = ("ask", "never")
    host = fake_host(tmp_path / "host", {f"{hooks.FOLDER}/{name}": "#!/bin/sh\n" for name in names})
    for name in names:
        host.path(f"{hooks.FOLDER}/{name}").chmod(0o755)
    write_tree(tmp_path / "part", {"vmlinuz": whole_image()})
    settings = Settings(skip_hooks=("never",), watchdog=Watchdog.FEED)
    devices = (Device(name="sda1", folder=str(tmp_path / "part"), place=INSIDE),)
    session = MachineSession(host, machines.virt(), lambda: devices, settings=settings)
    (listing,), _ = collect(session)
    plan = session.plan(listing)
    assert (plan.hooks, plan.watchdog) == (("ask",), Watchdog.FEED)
    assert {Stage.HOOKS, Stage.WATCHDOG} <= set(plan.stages)
    assert "The hook never is skipped, as the settings want." in plan.notes
    assert plan.to_json()["hooks"] == ["ask"]


def test_the_settings_demand_what_a_file_is(tmp_path: Path) -> None:
    session = started(tmp_path, Settings(sha256={"/kernel": "00" * 32}))
    (tmp_path / "part/vmlinuz").rename(tmp_path / "part/kernel")
    (tmp_path / "part/vmlinuz").symlink_to("kernel")
    found = next(listing for listing in collect(session)[0] if listing.entry.title == "A")
    plan = session.plan(found)
    assert plan.kernel.sha256 == "00" * 32
    with pytest.raises(LoadError, match="the settings demand 0000"):
        list(session.load(plan))


def test_a_demand_holds_after_everything_was_let_go_of(tmp_path: Path) -> None:
    """By the name of a link's target: what is mounted when it is planned says nothing."""
    session = started(tmp_path, Settings(sha256={"/kernel": "00" * 32}))
    (tmp_path / "part/vmlinuz").rename(tmp_path / "part/kernel")
    (tmp_path / "part/vmlinuz").symlink_to("kernel")
    found = next(listing for listing in collect(session)[0] if listing.entry.title == "A")
    session.release()
    plan = session.plan(found)
    with pytest.raises(LoadError, match="the settings demand 0000"):
        list(session.load(plan))


def test_a_demand_holds_for_a_file_of_the_running_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the partition is called under which it is demanded."""
    write_tree(tmp_path / "part", {"vmlinuz": whole_image()})
    (tmp_path / "link").symlink_to("part/vmlinuz")
    there = [Device(name="sda1", label="BOOT", folder=str(tmp_path / "part"))]
    asked: list[object] = []

    def find(host: object) -> Iterator[Device]:
        asked.append(host)
        return iter(there)

    monkeypatch.setattr("bootmenu.session.files_session.find", find)
    machine = machines.virt()
    session = FilesSession(
        SimulatedHost.from_facts(machine), machine, kernel=str(tmp_path / "link"), dtb=None, overlays=(), initrds=(),
        command_line="", settings=Settings(sha256={"label=BOOT:/vmlinuz": "00" * 32}),
    )  # fmt: skip
    with contextlib.closing(session):
        plan = session.plan(session.listing)
        with pytest.raises(LoadError, match="the settings demand 0000"):
            list(session.load(plan))
    assert len(asked) == 1, "the machine's disks are looked for once"


def test_where_all_are_verified_nothing_is_planned_without_a_digest(tmp_path: Path) -> None:
    session = started(tmp_path, Settings(verify=Verify.ALL))
    found = next(listing for listing in collect(session)[0] if listing.entry.title == "A")
    with pytest.raises(PlanError, match="/vmlinuz: the settings have no SHA-256 for it"):
        session.plan(found)
    session.settings = Settings()
    plan = session.plan(found)
    session.settings = Settings(verify=Verify.ALL)
    with pytest.raises(LoadError, match="no SHA-256"):
        list(session.load(plan))


def test_an_edited_entry_is_judged_anew_and_the_entry_stays_as_it_was(tmp_path: Path) -> None:
    write_tree(tmp_path / "a", {"k": whole_image(), "loader/entries/a.conf": "linux /k\noptions root=/dev/sda1 a\n"})
    write_tree(tmp_path / "b", {"other": whole_image()})
    devices = (
        Device(name="sda1", folder=str(tmp_path / "a")),
        Device(name="sdb1", label="SECOND", folder=str(tmp_path / "b")),
    )
    session = session_of(*devices)
    listing = next(listing for listing in collect(session)[0] if listing.entry.source == "bls")
    edited = replace(listing.entry, kernel=FileRef(device="label=SECOND", path="/other"), cmdline=CommandLine("b"))
    judged = session.recheck(edited)
    assert judged.entry.kernel == FileRef(device="sdb1", path="/other", exists=True)
    assert session.plan(judged).command_line == "b"
    gone = session.recheck(replace(edited, kernel=FileRef(device="sda1", path="/gone")))
    assert gone.report.verdict is Severity.FAIL
    waits = session.recheck(replace(edited, kernel=FileRef(device="label=none", path="/gone")))
    assert waits.report.verdict is Severity.UNKNOWN
    again = next(found for found in collect(session)[0] if found.entry.source == "bls")
    assert again.entry == listing.entry


def test_what_an_edited_entry_leaves_open_stays_open(tmp_path: Path) -> None:
    image = uki((".linux", whole_image()), (".cmdline", b"root=/dev/sda1 own"))
    write_tree(tmp_path, {"EFI/Linux/a.efi": image})
    session = session_of(Device(name="sda1", folder=str(tmp_path)))
    (listing,) = collect(session)[0]
    assert listing.entry.cmdline.text == "root=/dev/sda1 own"
    emptied = session.recheck(replace(listing.entry, cmdline=CommandLine("")))
    assert session.plan(emptied).command_line == ""


def test_the_trees_of_a_plan_are_the_named_one_and_what_is_made_of_it(demo: MachineSession) -> None:
    listings, _ = collect(demo)
    (own,) = [listing for listing in listings if "own device tree" in listing.entry.title]
    plan = demo.plan(own)
    trees = demo.plan_dtbs(plan)
    assert trees.own is not None
    assert trees.final is not None
    assert plan.edits
    assert list(differences(trees.own, trees.final))
    assert trees.running is not None
    (plain, *_) = [listing for listing in listings if not listing.facts.wants_own_tree]
    assert demo.plan_dtbs(demo.plan(plain)) == PlanDtbs(trees.running, None, trees.running)


def test_the_trees_of_a_machine_whose_own_cannot_be_read(tmp_path: Path) -> None:
    write_tree(tmp_path, {"boot/vmlinuz": whole_image()})
    session = session_of(Device(name="sda1", folder=str(tmp_path)))
    (plain,) = collect(session)[0]
    assert session.plan_dtbs(session.plan(plain)) == PlanDtbs(None, None, None)


def test_a_simulated_machine_never_goes_down(demo: MachineSession) -> None:
    for wanted in Power:
        with pytest.raises(SimulatedJump):
            demo.power(wanted)


def test_power_lets_go_of_the_partitions_first(tmp_path: Path) -> None:
    write_tree(tmp_path / "part", {"vmlinuz": whole_image()})
    host = fake_host(tmp_path / "host")
    session = MachineSession(
        host, machines.virt(), lambda: (Device(name="sda1", folder=str(tmp_path / "part"), place=INSIDE),)
    )
    collect(session)
    assert session._mounts.open_trees()
    with pytest.raises(PowerError):
        session.power(Power.REBOOT)
    assert not session._mounts.open_trees()
    assert syscalls_of(host).calls[-1][0] == "reboot"


def files(host_root: Path, kernel: Path, **more: object) -> FilesSession:
    options: dict[str, object] = {"dtb": None, "overlays": (), "initrds": (), "command_line": "", **more}
    return FilesSession(fake_host(host_root), machines.virt(), kernel=str(kernel), **options)  # type: ignore[arg-type]


def test_a_session_about_files(tmp_path: Path) -> None:
    (tmp_path / "Image").write_bytes(whole_image())
    (tmp_path / "link").symlink_to("Image")
    session = files(tmp_path / "host", tmp_path / "link", initrds=(str(tmp_path / "Image"),), command_line="x=y")
    (finding,) = session.listing.report.of(Severity.FAIL)
    assert finding.code == "INITRD-FORMAT", "a kernel is no initramfs"
    assert session.listing.entry.kernel.path == str((tmp_path / "Image").resolve())
    assert session.plan(session.listing).command_line == "x=y"
    session.close()


def test_the_verdict_is_about_the_tree_that_a_load_would_hand_on(tmp_path: Path) -> None:
    (tmp_path / "Image").write_bytes(whole_image())
    board = board_tree(machines.tree_of(machines.virt()).compatible, memory=(), psci_method=None)
    (tmp_path / "board.dtb").write_bytes(board.to_bytes())
    (tmp_path / "bare.dtbo").write_bytes(board_tree([]).to_bytes())

    def codes(settings: Settings, **more: object) -> set[str]:
        session = files(
            tmp_path / "host", tmp_path / "Image", dtb=str(tmp_path / "board.dtb"), settings=settings, **more
        )
        found = session.listing.report
        return {finding.code for finding in (*found.of(Severity.FAIL), *found.of(Severity.WARN))}

    assert not codes(Settings()) & {"DT-MEMORY", "DT-PSCI-NODE"}, "carried over"
    assert {"DT-MEMORY", "DT-PSCI-NODE"} <= codes(Settings(carry_over=False))
    assert "DTB-OVERLAYS" in codes(Settings(), overlays=(str(tmp_path / "bare.dtbo"),)), "there is no fdtoverlay"


@pytest.mark.parametrize("role", ["kernel", "dtb", "initrds", "overlays"])
def test_a_file_that_is_not_there_is_a_wrong_call(tmp_path: Path, role: str) -> None:
    (tmp_path / "Image").write_bytes(whole_image())
    gone = str(tmp_path / "gone")
    more: dict[str, object] = {} if role == "kernel" else {role: gone if role == "dtb" else (gone,)}
    with pytest.raises(UsageError, match="gone: does not exist") as caught:
        files(tmp_path / "host", tmp_path / ("gone" if role == "kernel" else "Image"), **more)
    assert caught.value.hint


def test_the_method_of_an_entry_is_known_without_a_plan(demo: MachineSession) -> None:
    (listing, *_) = collect(demo)[0]
    assert demo.method(listing.facts) == demo.plan(listing).method
    machine = replace(machines.virt(), cap_sys_boot=False, ram=None)
    bare = replace(machine, kexec=replace(machine.kexec, tools_version=None))
    session = MachineSession(SimulatedHost.from_facts(bare), bare, tuple, method="kexec_tools_of_nobody")
    assert session.method(listing.facts) == ""


def test_the_command_boot_says_what_stays_loaded(capsys: pytest.CaptureFixture[str]) -> None:
    session = fakes.FakeSession(left="A kernel stays loaded.", leave_error=fakes.busy())
    with pytest.raises(BootmenuError, match="A kernel stays loaded"):
        boot(session, fakes.DEBIAN, BootOptions())
    assert "unload" in session.calls
    assert "A kernel stays" not in capsys.readouterr().out


def test_the_command_boot_holds_what_it_plans_until_the_jump(capsys: pytest.CaptureFixture[str]) -> None:
    session = fakes.FakeSession()
    with pytest.raises(SimulatedJump):
        boot(session, fakes.DEBIAN, BootOptions())
    assert "load debian-49" in session.calls
    assert session.held == []
    assert "6.1.0-49" in capsys.readouterr().out


@pytest.mark.parametrize("rescanned", [False, True])
def test_a_kernel_that_is_another_one_since_the_scan_is_started_after_another_look_only(
    demo: MachineSession, rescanned: bool
) -> None:
    own = own_tree(demo)
    kernel = own.entry.kernel
    with demo._mounts.reading(demo.scanner.devices[kernel.device]) as tree:
        descriptor, _ = tree.descriptor(kernel.path)
    path = Path(f"/proc/self/fd/{descriptor}").readlink()
    os.close(descriptor)
    data = path.read_bytes()
    path.write_bytes(data)
    if rescanned:
        (own,) = [listing for listing in collect(demo)[0] if listing.entry.id == own.entry.id]
        list(demo.load(demo.plan(own)))
    else:
        with pytest.raises(LoadError, match=f"{kernel.path}: changed since it was looked at") as caught:
            list(demo.load(demo.plan(own)))
        assert "Scan again" in caught.value.hint


def test_a_file_that_was_named_is_the_one_that_was_looked_at(tmp_path: Path) -> None:
    kernel = tmp_path / "kernel"
    kernel.write_bytes(whole_image())
    session = files(tmp_path / "host", kernel, method="kexec_tools")
    plan = session.plan(session.listing)
    session.host.commands.programs = {"kexec": Kexec()}  # type: ignore[attr-defined]
    for _ in range(2):
        assert list(session.load(plan))[-1].state is StageState.DONE
        session.release()
    kernel.write_bytes(whole_image())
    with pytest.raises(LoadError, match="kernel: changed since it was looked at"):
        list(session.load(plan))


def test_a_damaged_state_does_not_keep_a_system_from_being_marked_good(tmp_path: Path) -> None:
    """Once it is told; after that there is nothing more to tell."""
    place = tmp_path / "host/var/lib/bootmenu"
    place.mkdir(parents=True)
    (place / "state.json").write_bytes(b"")

    def marked() -> tuple[str, str]:
        session = MachineSession(fake_host(tmp_path / "host"), machines.virt(), tuple)
        return mark_good(session), session.state_store.healed

    said, healed = marked()
    assert said == "It is no longer known which entry was started; no boot counts as failed."
    assert healed.startswith("What was remembered was damaged")
    assert marked() == ("Nothing to mark: no entry was started, or it is marked good already.", "")
    FolderBackend(place).write(State().booting(Attempt(entry="x", at="", title="X")))
    FolderBackend(place).write(State())
    (place / "state.json").write_bytes(b"{")
    said, healed = marked()
    assert (said, healed[:32]) == ("X came up well.", "What was remembered last was dam")


def test_the_firmware_is_asked_once_what_it_can_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An EFI variable takes milliseconds in the firmware, and whoever draws asks at every picture."""
    asked: list[str] = []
    read = Host.read

    def counted(self: Host, path: str) -> bytes | None:
        asked.append(path)
        return read(self, path)

    monkeypatch.setattr(Host, "read", counted)
    session = MachineSession(fake_host(tmp_path), machines.virt(), tuple)
    assert [session.powers for _ in range(10)] == [(Power.REBOOT, Power.OFF)] * 10
    assert sum("OsIndicationsSupported" in path for path in asked) == 1
    session.close()
