# SPDX-License-Identifier: MIT
"""A session whose every answer is set by the test, and entries of every verdict."""

from __future__ import annotations

import contextlib
import itertools
from collections import UserDict, deque
from collections.abc import ItemsView, Iterator, Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Event, Thread
from typing import NoReturn, cast
from weakref import WeakSet

from bootmenu.bootstate.pin import StoredPin
from bootmenu.bootstate.state import State
from bootmenu.bootstate.state_store import StateStore
from bootmenu.compat.facts import EntryFacts, FileFacts, FileState, KernelFacts
from bootmenu.config.settings import Profile, Settings
from bootmenu.discovery import own_entries
from bootmenu.discovery.devices import Device
from bootmenu.discovery.dtb_candidates import DtbChoice
from bootmenu.discovery.file_choices import FileChoices
from bootmenu.discovery.scan_events import (
    DeviceDone,
    DeviceFound,
    EntryFound,
    Listing,
    ProblemFound,
    ScanEvent,
    ScanFinished,
)
from bootmenu.discovery.scan_feed import Subscription
from bootmenu.discovery.scan_runner import ScanRunner
from bootmenu.discovery.scanner import Scanner
from bootmenu.discovery.storage.luks import UnlockError
from bootmenu.errors import BootmenuError
from bootmenu.i18n import N_
from bootmenu.kexec.dtb_builder import PlanDtbs
from bootmenu.kexec.kernel_errors import LoadError, SimulatedJump
from bootmenu.kexec.load_test import LoadTestPermission
from bootmenu.kexec.plan import LoadPlan, PlannedFile
from bootmenu.model.devicetree import TreeFacts
from bootmenu.model.entry import BootEntry, CommandLine, FileRef, Problem, Snapshot
from bootmenu.model.finding import Finding, Report, Severity
from bootmenu.model.kernel import Architecture, KernelImage
from bootmenu.model.machine import MachineFacts
from bootmenu.model.own_entry import OwnEntry
from bootmenu.model.place import Bus, Place
from bootmenu.model.progress import Progress, Stage, StageState
from bootmenu.model.value import replace
from bootmenu.session.entry_files import EntryFiles
from bootmenu.session.history import History
from bootmenu.system.power import Power, PowerError

MACHINE = MachineFacts(
    architecture=Architecture.ARM64,
    machine="aarch64",
    kernel_release="6.1.0-49-arm64",
    tree=TreeFacts(compatible=("raspberrypi,3-model-b", "brcm,bcm2837"), model="Raspberry Pi 3 Model B"),
)

BOOT = Device(
    name="mmcblk0p1",
    label="BOOT",
    filesystem="vfat",
    uuid="1C4E-5A7B",
    place=Place(bus=Bus.INTERNAL, disk="mmcblk0p1"),
)
ROOT = Device(
    name="sda2", label="rootfs", filesystem="ext4", uuid="7b0c9d52", place=Place(bus=Bus.INTERNAL, disk="sda2")
)
STICK = Device(name="sdb1", filesystem="iso9660", uuid="2F11-90AC", place=Place(bus=Bus.INTERNAL, disk="sdb1"))

STUCK = Finding(
    code="CPU-STUCK",
    severity=Severity.FAIL,
    message="The CPUs cannot be handed over: 4 are possible, started by spin-table, "
    "and Linux has no way to give those back.",
    hint="Start the first stage with nr_cpus=1 on its command line (on a Raspberry Pi: cmdline.txt); "
    "nosmp and maxcpus= do not help. Or use firmware with PSCI.",
    evidence={"possible_cpus": [0, 1, 2, 3], "enable_methods": {"cpu@0": "spin-table"}},
)

PAGE = Finding(
    code="IMG-PAGE",
    severity=Severity.FAIL,
    message="This kernel uses 16 KiB pages. The Cortex-A53 here can do 4 KiB and 64 KiB.",
    hint="Choose a kernel with 4 KiB pages.",
    evidence={"page_size": 16384, "supported": [4096, 65536]},
)
CONSOLE = Finding(
    code="CMD-CONSOLE",
    severity=Severity.WARN,
    message="No console= is given: this line would stay silent.",
    hint="Add console=ttyAMA0 to the entry.",
)
COMPATIBLE = Finding(
    code="DT-MATCH",
    severity=Severity.UNKNOWN,
    message="Whether the device tree is for this machine is not known: it could not be read.",
    hint="Look at the file by hand.",
)
WRONG_FILE = Finding(code="FILE-THERE", severity=Severity.FAIL, message="", hint="Name a file that is there.")
ARCH = Finding(
    code="IMG-ARCH",
    severity=Severity.PASS,
    message="Kernel and machine are arm64.",
    evidence={"kernel": "arm64", "machine": "arm64"},
)


def listing(
    name: str,
    title: str,
    *findings: Finding,
    version: str = "6.1.0-49-arm64",
    source: str = "bls",
    device: str = "mmcblk0p1",
    default: bool = False,
    cmdline: str = "root=PARTUUID=6f0c4d5e-02 rw console=ttyAMA0 quiet",
    page_size: int = 4096,
) -> Listing:
    """An entry with a kernel, an initramfs and the findings that are given, besides a passing one."""
    kernel, initrd = f"/vmlinuz-{version or name}", f"/initrd.img-{version or name}"
    entry = BootEntry(
        id=name,
        title=title,
        version=version,
        source=source,
        config=FileRef(device=device, path=f"/loader/entries/{name}.conf", exists=True),
        device=device,
        kernel=FileRef(device=device, path=kernel, exists=True),
        initrds=(FileRef(device=device, path=initrd, exists=True),),
        cmdline=CommandLine(cmdline),
        default=default,
    )
    files = tuple(
        FileFacts(role=role, device=device, path=path, state=FileState.PRESENT, size=size)
        for role, path, size in (("kernel", kernel, 35_100_000), ("initramfs", initrd, 34_100_224))
    )
    image = KernelImage(
        format="arm64-image", architecture=Architecture.ARM64, page_size=page_size, file_size=35_100_000
    )
    facts = EntryFacts(
        id=name, title=title, files=files, kernel=KernelFacts(image=image, architecture=Architecture.ARM64)
    )
    report = Report.from_findings((*findings, ARCH))
    return Listing(entry=entry, facts=facts, report=report, places=(Place(bus=Bus.INTERNAL, disk=device),))


DEBIAN = listing("debian-49", "Debian GNU/Linux 12 (bookworm)", default=True)
OLDER = listing("debian-47", "Debian GNU/Linux 12 (bookworm)", CONSOLE, version="6.1.0-47-arm64")
PAGES = listing(
    "debian-16k", "Debian GNU/Linux 13, 16K pages", PAGE, CONSOLE, version="6.12.107-arm64-16k", page_size=16384
)
ALPINE = listing("alpine", "Alpine Linux edge", version="6.12.1-0-lts", source="extlinux", device="sda2")
TEST = listing("image-test", "Image-test", COMPATIBLE, version="", source="bare", device="sda2")

UNREADABLE = Problem(device="sdb1", path="", message=N_("not readable: no known file system"))
NONSENSE = Problem(
    device="sda2", path="/boot/extlinux/extlinux.conf", message="line 4: “speeling” makes no sense here"
)

FULL: tuple[ScanEvent, ...] = (
    DeviceFound(BOOT),
    EntryFound(DEBIAN),
    EntryFound(OLDER),
    EntryFound(PAGES),
    DeviceDone(BOOT, 3),
    DeviceFound(ROOT),
    EntryFound(ALPINE),
    EntryFound(TEST),
    ProblemFound(NONSENSE),
    DeviceDone(ROOT, 2),
    DeviceFound(STICK),
    ProblemFound(UNREADABLE),
    DeviceDone(STICK, 0),
    ScanFinished(0.4),
)
WIDE: tuple[ScanEvent, ...] = (
    DeviceFound(BOOT),
    EntryFound(listing("wide", "日本語 Linux 漢字")),
    EntryFound(listing("narrow", "Nihongo Linux, kanji")),
    DeviceDone(BOOT, 2),
    ScanFinished(0.1),
)
EMPTY: tuple[ScanEvent, ...] = (
    DeviceFound(BOOT),
    DeviceDone(BOOT, 0),
    DeviceFound(STICK),
    ProblemFound(UNREADABLE),
    DeviceDone(STICK, 0),
    ScanFinished(0.1),
)

ABSENT = "uuid=5d1c-88e0"
"""How a configuration names a partition that is not there yet."""


def _absent(found: Listing) -> Listing:
    """The entry, as long as the partition of its files is not there."""
    entry, facts = found.entry, found.facts
    files = tuple(replace(file, device=ABSENT, state=FileState.WAITING, size=None) for file in facts.files)
    waits = tuple(
        Finding(
            code="FILE-MISSING",
            severity=Severity.UNKNOWN,
            message=f"The {file.role} {file.path} waits for the device {ABSENT}, which has not been seen.",
            hint="Plug it in: the entry is judged again when it is there.",
        )
        for file in files
    )
    ref = replace(entry.kernel, device=ABSENT, exists=None)
    return Listing(
        entry=replace(
            entry,
            kernel=ref,
            initrds=tuple(replace(i, device=ABSENT, exists=None) for i in entry.initrds),
        ),
        facts=replace(facts, files=files, kernel=None),
        report=Report.from_findings(waits),
    )


WAITING: tuple[ScanEvent, ...] = (
    DeviceFound(BOOT),
    EntryFound(_absent(listing("stick", "Debian GNU/Linux 12, from the stick"))),
    EntryFound(OLDER),
    DeviceDone(BOOT, 2),
    ScanFinished(0.1),
)

SECRET = Device(name="sda3", label="crypt", filesystem="crypto_LUKS", uuid="C", locked=True)
LOCKED: tuple[ScanEvent, ...] = (
    DeviceFound(BOOT),
    EntryFound(DEBIAN),
    DeviceDone(BOOT, 1),
    DeviceFound(SECRET),
    ProblemFound(
        Problem(device="sda3", path="", message=N_("locked: it is encrypted, and the key u in the menu unlocks it"))
    ),
    DeviceDone(SECRET, 0),
    ScanFinished(0.1),
)


def busy() -> LoadError:
    """What a kernel says whose CPUs are stuck; one that notes can be added to."""
    return LoadError(
        "kexec_load failed: Device or resource busy",
        "Put nr_cpus=1 on the first stage's command line and start again.",
        stage=Stage.LOAD,
        call="kexec_load",
        errno=16,
        kernel_log=("kexec_core: Can't kexec: CPUs are stuck in the kernel.",),
    )


BUSY = busy()


def with_machine(found: Listing, *findings: Finding) -> Listing:
    """The entry as the checker would report it on a machine with those findings."""
    return replace(found, report=Report.from_findings((*findings, *found.report.findings)))


def plan_for(found: Listing) -> LoadPlan:
    """The plan a real session would make."""
    entry = found.entry
    return LoadPlan(
        entry=entry,
        method="kexec_file_load",
        reason="the entry names no device tree of its own",
        kernel=PlannedFile(ref=entry.kernel, size=35_100_000),
        initrds=tuple(PlannedFile(ref=ref, size=34_100_224) for ref in entry.initrds),
        command_line=entry.cmdline.text,
        notes=("The kernel verifies the image itself.",),
    )


def step(
    stage: Stage, state: StageState, done: int = 0, total: int = 0, seconds: float = 0.0, detail: str = ""
) -> Progress:
    """One event of a load."""
    return Progress(stage=stage, state=state, done=done, total=total, seconds=seconds, detail=detail)


LOADING: tuple[Progress, ...] = (
    step(Stage.KERNEL, StageState.RUNNING, 0, 35_100_000),
    step(Stage.KERNEL, StageState.DONE, 35_100_000, 35_100_000, 0.3),
    step(Stage.INITRAMFS, StageState.RUNNING, 12_100_000, 34_100_224, 0.1),
    step(Stage.INITRAMFS, StageState.DONE, 34_100_224, 34_100_224, 0.3, "as it is"),
    step(Stage.LOAD, StageState.RUNNING),
    step(Stage.LOAD, StageState.DONE, seconds=0.1),
)
LEAVING: tuple[Progress, ...] = (
    step(Stage.SYNC, StageState.DONE, seconds=0.1),
    step(Stage.UNMOUNT, StageState.DONE, seconds=0.1, detail="2 partitions"),
)


@dataclass
class Kept:
    """A place for the state, gone with the test."""

    state: State = field(default_factory=State)

    def read(self) -> State:
        """See Store."""
        return self.state

    def write(self, state: State) -> None:
        """See Store."""
        self.state = state


class FakeRunner:
    """A scan that finds the events of its session, waits at its gate, and goes on with what comes `later`."""

    def __init__(self, session: FakeSession) -> None:
        self.finished = self.over = False
        self.devices: dict[str, Device] = {}
        self._session = session
        self._events = deque(session.events)
        self._woken = Event()

    def advance(self) -> Iterator[ScanEvent]:
        """See ScanRunner."""
        if not self.finished and not self._events:
            self.over = True
        elif self.finished:
            if (event := self._session.later.get()) is not None:
                yield event
        elif not isinstance(self._events[0], ScanFinished):
            yield self._events.popleft()
        else:
            while not self._session.scan_gate.wait(0.002):
                if self._woken.is_set():
                    self._woken.clear()
                    return
            if self._session.scan_error:
                raise self._session.scan_error
            self.finished = True
            self._session.calls.append("scanned")
            yield self._events.popleft()

    def wake(self) -> None:
        """See ScanRunner."""
        self._woken.set()
        self._session.later.put(None)

    def quiesce(self, seconds: float) -> Iterator[ScanEvent]:
        """See ScanRunner."""
        return iter(())

    def resume(self) -> None:
        """See ScanRunner."""

    def stop(self) -> list[Thread]:
        """See ScanRunner."""
        return []


SCANNERS: WeakSet[Scanner] = WeakSet()
"""Those of all sessions, so that a test that ends can end their threads."""


_POOL = Device(name="sda2", filesystem="btrfs", label="arch")


def snapshot_events(snapshots: int, kernels: int = 1, *, nested: bool = False) -> list[ScanEvent]:
    """A system with so many snapshots; nested: each is a device, as those that are found on btrfs."""
    first = listing("arch", "Arch Linux", version="", device="sda2", default=True)
    events: list[ScanEvent] = [DeviceFound(_POOL, (0,)), EntryFound(first, 0), DeviceDone(_POOL, 1)]
    for number in range(snapshots):
        path = f"@/.snapshots/{number + 1}/snapshot"
        device = Device.nested(_POOL, f"/{path}", filesystem="btrfs") if nested else _POOL
        if nested:
            events.append(DeviceFound(device, (0, number)))
        for kernel in range(kernels):
            date = f"2026-{1 + number // 28:02}-{1 + number % 28:02} 09:30"
            title = f"Arch Linux ({date}, upgrade {number}) kernel {kernel}"
            found = listing(f"s{number}-{kernel}", title, version="", source="grub", device=device.name)
            snapshot = Snapshot(path=path, folder="@/.snapshots", name=str(number + 1), date=date)
            entry = replace(found.entry, snapshot=snapshot)
            events.append(EntryFound(replace(found, entry=entry), 1 + number * kernels + kernel))
        if nested:
            events.append(DeviceDone(device, kernels))
    return [*events, ScanFinished(0.1)]


def _history() -> History:
    """A menu that started twelve seconds after the machine, and has done something since."""
    found = History(clock=itertools.chain([12.0, 71.53], itertools.repeat(80.0)).__next__)
    found.add(N_("The menu started."))
    found.add(N_("{name} is loaded.", name="Debian GNU/Linux 12 (bookworm)"))
    return found


VERSIONS = ("6.12.107-arm64", "6.12.107-arm64-16k", "6.1.0-49-arm64", "6.1.0-47-arm64")
"""The versions of kernels that lie on the boot partition."""
_MINE = "own-my-test-entry-0123456789abcdef"
_OWN = listing(_MINE, "my test entry", source="own", cmdline="root=/dev/sda2 console=ttyAMA0 single")
OWN = (*FULL[:1], EntryFound(replace(_OWN, entry=replace(_OWN.entry, config=None)), 99), *FULL[1:])
"""Everything, with an entry that a person has made."""


class FakeEntryFiles(EntryFiles):
    """Offers the files that a test sets: their names by kind, and all paths."""

    def __init__(self, choices: FileChoices, paths: Sequence[str]) -> None:
        self._choices = choices
        self._paths = paths

    def choices(self, entry: BootEntry) -> FileChoices:
        """See EntryFiles."""
        return self._choices

    def completions(self, entry: BootEntry, text: str) -> tuple[str, ...]:
        """See EntryFiles."""
        return tuple(path for path in self._paths if path.startswith(text))

    def own_entry(self, entry: BootEntry, title: str) -> OwnEntry:
        """See EntryFiles."""
        return own_entries.stored(entry, title, {BOOT.name: BOOT, ROOT.name: ROOT})


@dataclass
class FakeSession:
    """Answers as it is told, and remembers what it was asked. A set `gate` lets everything through."""

    events: Sequence[ScanEvent] = FULL
    machine_report: Report = field(default_factory=lambda: Report(findings=()))
    simulated: bool = False
    notices: tuple[str, ...] = ()
    machine: MachineFacts = MACHINE
    scan_error: Exception | None = None
    plan_error: Exception | None = None
    trees: Sequence[DtbChoice] = ()
    entry_files: EntryFiles = field(default_factory=lambda: FakeEntryFiles(FileChoices(), ()))
    steps: Sequence[Progress] = LOADING
    load_error: Exception | None = None
    """Raised after the steps."""
    leave_error: Exception | None = None
    scan_gate: Event = field(default_factory=Event)
    """The scan waits before its last event until this is set."""
    load_gate: Event = field(default_factory=Event)
    """The load waits after its third step until this is set."""
    later: SimpleQueue[ScanEvent | None] = field(default_factory=SimpleQueue)
    """What comes after the scan; None wakes the scanner."""
    calls: list[str] = field(default_factory=list)
    passphrase: str = "open sesame"
    unlocked_events: Sequence[ScanEvent] = FULL
    """What a scan finds once the passphrase was right."""
    unlock_gate: Event = field(default_factory=Event)
    """A passphrase is tried until this is set."""
    state_store: StateStore = field(default_factory=lambda: StateStore(Kept()))
    history: History = field(default_factory=_history)
    recheck_gate: Event = field(default_factory=Event)
    """An edited entry is judged when this is set."""
    handed: PlanDtbs = field(default_factory=lambda: PlanDtbs(None, None, None))
    trees_error: Exception | None = None
    load_test: LoadTestPermission = field(default_factory=LoadTestPermission)
    can_do: tuple[Power, ...] = (Power.REBOOT, Power.OFF)
    power_gate: Event = field(default_factory=Event)
    """The machine is on its way down until this is set."""
    power_error: BootmenuError = field(default_factory=lambda: PowerError("The kernel refused.", "Run as root."))
    shell_error: BootmenuError | None = None
    kernel_lines: list[str] | None = field(default_factory=lambda: ["Booting Linux on physical CPU 0x0"])
    left: str = ""
    """Why a kernel stays loaded."""
    held: list[str] = field(default_factory=list)
    """Entries whose partitions stay mounted: whoever loads one has to hold it."""
    load_reached: Event = field(default_factory=Event)
    """Set when the load waits."""

    def __post_init__(self) -> None:
        self.scanner = Scanner(self._begin_scan, lambda: None)
        SCANNERS.add(self.scanner)
        self.scan_gate.set()
        self.load_gate.set()
        self.unlock_gate.set()
        self.recheck_gate.set()
        self.power_gate.set()

    def scan(self) -> Subscription:
        """See Session."""
        self.scanner.rescan()
        return self.scanner.subscribe()

    def _begin_scan(self) -> ScanRunner:
        self.calls.append("scan")
        return cast(ScanRunner, FakeRunner(self))

    def unlock(self, device: str, passphrase: str) -> None:
        """See Session."""
        self.calls.append(f"unlock {device}")
        self.unlock_gate.wait(120)
        if passphrase != self.passphrase:
            raise UnlockError(N_("This is not its passphrase."), N_("Try again."), wrong=True)
        self.events = self.unlocked_events

    @contextlib.contextmanager
    def holding(self, listing: Listing) -> Iterator[None]:
        """See Session."""
        self.held.append(listing.entry.id)
        try:
            yield
        finally:
            self.held.remove(listing.entry.id)

    def plan(self, listing: Listing) -> LoadPlan:
        """See Session."""
        self.calls.append(f"plan {listing.entry.id}")
        if self.plan_error:
            raise self.plan_error
        return plan_for(listing)

    def method(self, facts: EntryFacts) -> str:
        """See Session."""
        return "kexec_file_load" if not facts.wants_own_tree else ""

    def device_trees(self, listing: Listing) -> tuple[DtbChoice, ...]:
        """See Session."""
        self.calls.append(f"device trees {listing.entry.id}")
        return tuple(self.trees)

    def recheck(self, entry: BootEntry) -> Listing:
        """See Session."""
        self.calls.append(f"recheck {entry.id}: {entry.cmdline}")
        self.recheck_gate.wait(120)
        wrong = tuple(
            replace(WRONG_FILE, message=f"{ref.path} is not there.") for _, ref in entry.files if "wrong" in ref.path
        )
        console = () if "console=" in entry.cmdline.text else (CONSOLE,)
        report = Report.from_findings((*wrong, *console, ARCH))
        return Listing(entry=entry, facts=EntryFacts(id=entry.id, title=entry.title), report=report)

    def plan_dtbs(self, plan: LoadPlan) -> PlanDtbs:
        """See Session."""
        self.calls.append(f"trees {plan.entry.id}")
        if self.trees_error:
            raise self.trees_error
        return self.handed

    def load_test_permission(self) -> LoadTestPermission:
        """See Session."""
        return self.load_test

    @property
    def powers(self) -> tuple[Power, ...]:
        """See Session."""
        return self.can_do

    def power(self, wanted: Power) -> None:
        """See Session."""
        self.calls.append(f"power {wanted}")
        with self.scanner.paused():
            self.power_gate.wait(120)
            raise self.power_error

    def shell(self) -> None:
        """See Session."""
        self.calls.append("shell")
        if self.shell_error:
            raise self.shell_error

    def kernel_log(self) -> list[str] | None:
        """See Session."""
        return self.kernel_lines

    def load(self, plan: LoadPlan) -> Iterator[Progress]:
        """See Session."""
        self.calls.append(f"load {plan.entry.id}")
        assert plan.entry.id in self.held, "nobody holds what it names"
        finished = False
        self.scanner.pause()
        try:
            for index, progress in enumerate(self.steps):
                yield progress
                if index == 2:
                    self.load_reached.set()
                    self.load_gate.wait(120)
            if self.load_error:
                raise self.load_error
            finished = True
        finally:
            self.calls.append("loaded" if finished else "load undone")
            if not finished:
                self.scanner.resume()

    def prepare_jump(self, plan: LoadPlan) -> Iterator[Progress]:
        """See Session."""
        self.calls.append("leave")
        yield from LEAVING
        if self.leave_error:
            raise self.leave_error

    def unload(self, plan: LoadPlan) -> str:
        """See Session."""
        self.calls.append("unload")
        self.scanner.resume()
        return self.left

    def execute(self, plan: LoadPlan) -> NoReturn:
        """See Session."""
        self.scanner.resume()
        raise SimulatedJump("the simulated machine does not jump")


def stuck_session(**changes: object) -> FakeSession:
    """A machine on which nothing can be started."""
    events = tuple(
        EntryFound(with_machine(event.listing, STUCK)) if isinstance(event, EntryFound) else event for event in FULL
    )
    session = FakeSession(events=events, machine_report=Report(findings=(STUCK,)))
    for name, value in changes.items():
        setattr(session, name, value)
    return session


NO_ROOT = BootmenuError("not running as root", "Start it with sudo.")


# ---- the kiosk

_PIN = str(StoredPin.new("4711", n=2))
KIOSK = Settings(
    profile=Profile.KIOSK,
    kiosk_entries=("debian-49", "debian-47", "alpine", "debian-16k"),
    kiosk_recovery=("alpine",),
    kiosk_names={"debian-49": "Start normally", "debian-47": "Start the previous version", "alpine": "Repair"},
    kiosk_contact="Help: 0800 123 456 · device 4711",
    kiosk_pin=_PIN,
)


class Faulty(UserDict[str, str]):
    """Names for the kiosk's entries in which the menu makes a mistake, the first few times it looks."""

    def __init__(self, times: int) -> None:
        super().__init__({"*": "Start"})
        self.times = times

    def items(self) -> ItemsView[str, str]:
        """See dict."""
        if self.times:
            self.times -= 1
            raise ZeroDivisionError("a mistake of the menu's own")
        return super().items()


def faulty_kiosk(times: int) -> Settings:
    """So many mistakes in a row."""
    return replace(KIOSK, kiosk_names=Faulty(times))
