# SPDX-License-Identifier: MIT
"""One sitting at one machine: what the menu and the command line both do, whichever machine it is."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import NoReturn, Protocol, assert_never

from bootmenu.bootstate import state_file
from bootmenu.bootstate.backend_from_settings import open_state_store
from bootmenu.bootstate.boot_counting import Counted, count_try, end_counting
from bootmenu.bootstate.state import Attempt, State, timestamp
from bootmenu.bootstate.state_store import StateStore
from bootmenu.compat import EntryFacts, FileState, check, check_machine
from bootmenu.config.settings import Settings
from bootmenu.discovery import resolve, root_option
from bootmenu.discovery.attachment import Presence
from bootmenu.discovery.devices import Device, find
from bootmenu.discovery.dtb_candidates import TreeChoice
from bootmenu.discovery.entry_facts import gather
from bootmenu.discovery.hotplug import Changes
from bootmenu.discovery.mounts import MountError, Mounts
from bootmenu.discovery.partition_order import Ranks
from bootmenu.discovery.partition_reader import PartitionReader
from bootmenu.discovery.scan_events import (
    DeviceDone,
    DeviceFound,
    DeviceGone,
    EntryFound,
    EntryGone,
    Listing,
    ProblemFound,
    ProblemGone,
    Rank,
    ScanFinished,
)
from bootmenu.discovery.scan_feed import Subscription
from bootmenu.discovery.scan_runner import ScanRunner
from bootmenu.discovery.scanner import Scanner
from bootmenu.discovery.storage.assembly import Storage
from bootmenu.discovery.storage.luks import UnlockError
from bootmenu.errors import BootmenuError, UsageError
from bootmenu.i18n import N_, joined
from bootmenu.kexec import hooks
from bootmenu.kexec import jump as jumping
from bootmenu.kexec import load as loading
from bootmenu.kexec.demands import Demands
from bootmenu.kexec.digests import demanding
from bootmenu.kexec.dtb_fixups import DtbFixups, PlanTrees
from bootmenu.kexec.kernel_errors import LoadError, SimulatedJump, leave_note
from bootmenu.kexec.methods import METHODS
from bootmenu.kexec.plan import LoadPlan, PlanError, choose, make_plan, predict
from bootmenu.kexec.trial_load import Preflight, preflight
from bootmenu.model.codec import to_json
from bootmenu.model.entry import BootEntry, CommandLine, FileRef, Problem
from bootmenu.model.finding import Report
from bootmenu.model.machine import MachineFacts
from bootmenu.model.progress import Progress, Stage
from bootmenu.model.value import replace
from bootmenu.system import power as powers
from bootmenu.system.directory_tree import DirectoryTree
from bootmenu.system.host import Host
from bootmenu.system.power import Power

_SETTLING = 30.0
"""Seconds that a disk may take to appear after the start of the menu."""


class BusyError(BootmenuError):
    """Another console is at work, and what is wanted would be in its way."""


class Session(Protocol):
    """Everything a screen may ask for. The iterator of a load works as it is read; closing it undoes the load."""

    @property
    def machine(self) -> MachineFacts:
        """The first stage's facts."""

    @property
    def machine_report(self) -> Report:
        """Findings that hold for every entry."""

    @property
    def simulated(self) -> bool:
        """True on the demonstration machine: everything but the jump."""

    @property
    def notices(self) -> tuple[str, ...]:
        """Why nothing can be executed here, if so: `kexec-tools is not installed`, ..."""

    @property
    def memory(self) -> StateStore:
        """What is remembered between boots; opened when it is first asked for, which may look for a partition."""

    def scan(self) -> Subscription:
        """Read every partition afresh, and return what is found, then whatever changes. Raise BusyError while another
        console starts something: earlier subscriptions go on."""

    def unlock(self, device: str, passphrase: str) -> None:
        """Open an encrypted partition, by its kernel name; the next scan reads what is in it. Takes seconds. Raises
        UnlockError."""

    def holding(self, listing: Listing) -> AbstractContextManager[None]:
        """Mount what this entry names, and keep it mounted until the end, whoever scans meanwhile: from the plan to
        the jump, which lets go of everything. What cannot be mounted is said by what needs it; never raises."""

    def plan(self, listing: Listing) -> LoadPlan:
        """What booting this entry would do. Reads the disk; may be called in a thread. Raises BootmenuError when it
        cannot be done at all."""

    def method(self, facts: EntryFacts) -> str:
        """Name of the loading method that a plan for this entry would use; empty where none can. Asks nobody."""

    def device_trees(self, listing: Listing) -> tuple[TreeChoice, ...]:
        """The device trees that lie ready for this entry's kernel, those for this board first; () where there are
        none. Reads the disk, once in a scan; may be called in a thread."""

    def recheck(self, entry: BootEntry) -> Listing:
        """An entry that somebody has changed, judged as a scan would: what it leaves open stays open. Reads the disk;
        may be called in a thread."""

    def plan_trees(self, plan: LoadPlan) -> PlanTrees:
        """The device trees of a plan. Reads the disk; may be called in a thread. Raises BootmenuError."""

    def preflight(self) -> Preflight:
        """Whether an entry may be loaded as a test now."""

    @property
    def powers(self) -> tuple[Power, ...]:
        """What can be done with the whole machine. Asks the firmware, once; may be called in a thread."""

    def power(self, wanted: Power) -> None:
        """Do it; returns only by raising BootmenuError: PowerError, or SimulatedJump in a simulated session."""

    def shell(self) -> None:
        """A shell on the terminal of this process; returns when it has ended. Raises BootmenuError."""

    def kernel_log(self) -> list[str] | None:
        """The running kernel's messages, oldest first; None = they may not be read."""

    def load(self, plan: LoadPlan) -> Iterator[Progress]:
        """Read, prepare, load. Raises LoadError (kexec/kernel_errors.py); closing it early leaves nothing loaded."""

    def prepare_jump(self, plan: LoadPlan) -> Iterator[Progress]:
        """Run the hooks, sync and unmount, when the load has succeeded. Raises LoadError when a hook stops it."""

    def unload(self, plan: LoadPlan) -> str:
        """Take a loaded kernel out again; never raises. Returns why one stays loaded; empty = none does."""

    def execute(self, plan: LoadPlan) -> NoReturn:
        """Start the loaded kernel. Returns only by raising LoadError; a simulated session always raises
        SimulatedJump."""


class MachineSession:
    """A Session over a host: the real machine, or a simulated one.

    devices: asked at every scan, in a thread; None = all that this machine has. method: loading method to use in
    place of the plan's choice. pace: bytes per second of a simulated medium. local: the host is the machine that the
    facts are about. patience: seconds after which a silent device does not answer; None = as the settings say.
    changes: says when partitions come and go; closed with the session. memory: in place of the one that the settings
    name. A context manager's work is done by `close`.
    """

    def __init__(
        self,
        host: Host,
        machine: MachineFacts,
        devices: Callable[[], Iterable[Device | Problem]] | None = None,
        *,
        method: str | None = None,
        simulated: bool = False,
        pace: int | None = None,
        settings: Settings | None = None,
        local: bool = True,
        patience: float | None = None,
        changes: Changes | None = None,
        memory: StateStore | None = None,
    ) -> None:
        self.host = host
        self.settings = settings or Settings()
        self._machine = machine
        self._machine_report = check_machine(machine)
        self._storage = Storage(host)
        self._find = devices or self._storage.find
        self._presence = Presence(_SETTLING)
        self._method = method
        self._simulated = simulated
        self._pace = pace
        self._patience = self.settings.scan_seconds if patience is None else patience
        self._mounts = Mounts(host, self._storage.loops)
        self.dtb_fixups = DtbFixups(
            host, machine, self._mounts.known, carry_over=self.settings.carry_over, local=local
        )
        self._ranks = Ranks()
        self.scanner = Scanner(self._begin_scan, self._mounts.release, changes)
        self._forever = changes is not None
        self._reader = self._new_reader()
        self._unscanned: dict[str, Device] = {}
        """Partitions that are known without a scan."""
        self._tried: set[tuple[str, str]] = set()
        """Device and path of files that were renamed for a try, and back again."""
        self._memory = memory
        self._opening = threading.Lock()
        self._powers: tuple[Power, ...] | None = None

    @property
    def memory(self) -> StateStore:
        """See Session."""
        with self._opening:
            if self._memory is None:
                try:
                    self._memory = open_state_store(self.host, self.settings, self._devices(), self._aside)
                except (BootmenuError, OSError) as error:
                    self._memory = StateStore(
                        None, N_("Nothing is remembered between boots: {reason}.", reason=error)
                    )
            return self._memory

    def _devices(self) -> Iterator[Device | Problem]:
        """Look for everything that can be read, and tell what was there from the beginning."""
        for found in self._find():
            if isinstance(found, Device):
                found = replace(found, place=self._presence.mark(found.place, found.name))
            yield found
        self._presence.looked()

    @contextlib.contextmanager
    def _aside(self, name: str) -> Iterator[None]:
        """A file system that is mounted read-only cannot be mounted for writing as well."""
        opened = [known for known in self._mounts.known() if known == name or known.startswith(f"{name}:")]
        self._mounts.release(name)
        try:
            yield
        finally:
            devices = self.scanner.devices
            for known in opened:
                if known in devices:
                    with contextlib.suppress(MountError):  # then whatever needs it says so
                        self._mounts.tree(devices[known])

    @property
    def machine(self) -> MachineFacts:
        """See Session."""
        return self._machine

    @property
    def machine_report(self) -> Report:
        """See Session."""
        return self._machine_report

    @property
    def simulated(self) -> bool:
        """See Session."""
        return self._simulated

    @property
    def notices(self) -> tuple[str, ...]:
        """See Session."""
        if self._method is not None:
            return ()
        asked = ("not running as root",) if self._machine.cap_sys_boot is False else ()
        methods = [method for name, method in METHODS.items() if name != "simulated"]
        reasons = [method.unavailable(self._machine, False) for method in methods]
        # where one method serves, why another one does not is no news
        return asked if None in reasons else (*asked, *dict.fromkeys(filter(None, reasons)))

    def _new_reader(self) -> PartitionReader:
        return PartitionReader(
            self._mounts,
            self._machine,
            self._machine_report,
            predict=self.predict,
            predict_dtb=self.dtb_fixups.predict,
        )

    def _begin_scan(self) -> ScanRunner:
        self._reader = self._new_reader()
        return ScanRunner(
            self._devices, self._reader, ranks=self._ranks, patience=self._patience, forever=self._forever
        )

    @property
    def devices(self) -> dict[str, Device]:
        """Return the partitions of the last scan, by name."""
        return self.scanner.devices

    def scan(self) -> Subscription:
        """Read every partition afresh. What the last scan mounted is unmounted first, but for what somebody holds."""
        self.scanner.rescan()
        return self.scanner.subscribe()

    def predict(self, facts: EntryFacts) -> EntryFacts:
        """The facts of an entry, with what a plan of this session would do for it."""
        return predict(facts, self._machine, self._method)

    def unlock(self, device: str, passphrase: str) -> None:
        """See Session."""
        locked = self._known().get(device)
        if locked is None:
            raise UnlockError(N_("There is no {device} here that could be unlocked.", device=device))
        self._storage.unlock(locked, passphrase)

    @contextlib.contextmanager
    def holding(self, listing: Listing) -> Iterator[None]:
        """See Session."""
        with contextlib.ExitStack() as stack:
            for device in self._named_by(listing.entry):
                with contextlib.suppress(MountError):
                    stack.enter_context(self._mounts.holding(device))
            yield

    def _known(self) -> dict[str, Device]:
        """Return the partitions by name, also those that a scan which has just begun has not met again."""
        return {**self._unscanned, **self.scanner.devices}

    def _named_by(self, entry: BootEntry) -> list[Device]:
        """The partitions of its files, as far as they are known."""
        self._put_together()
        known = self._known()
        return [known[name] for name in sorted({ref.device for _, ref in entry.files} & known.keys())]

    def _put_together(self) -> None:
        """Assemble again what a jump that came back has taken down, except for what needs a passphrase."""
        if self._storage.released:
            with contextlib.suppress(BootmenuError, OSError):  # then what needs it says so
                for _ in self._devices():
                    pass

    def _open(self, device: Device, stack: contextlib.ExitStack) -> DirectoryTree:
        """Return the files of a partition, which stays mounted and open until the stack ends, whoever lets go of it
        meanwhile. Raise MountError."""
        stack.enter_context(self._mounts.holding(device))
        return stack.enter_context(self._mounts.reading(device))

    @contextlib.contextmanager
    def _reading(self, entry: BootEntry) -> Iterator[dict[str, DirectoryTree]]:
        """Open the partitions of an entry's files until the end; yield their trees by device name.

        Raise BootmenuError for a partition that cannot be read now."""
        with contextlib.ExitStack() as stack:
            trees = {}
            for device in self._named_by(entry):
                try:
                    trees[device.name] = self._open(device, stack)
                except MountError as error:
                    raise BootmenuError(
                        joined(": ", [device.name, error.message]), N_("Check the disk, then scan again.")
                    ) from None
            for device in self._beside(trees):
                with contextlib.suppress(MountError):  # what is demanded of a file there is refused, then
                    trees[device.name] = stack.enter_context(self._mounts.reading(device))
            yield trees

    def _beside(self, names: Collection[str]) -> list[Device]:
        """Return the other partitions that may hold a file of these under a name for which a SHA-256 is demanded."""
        wanted = self._demands.places(names) - set(names)
        return [self._present()[name] for name in sorted(wanted)]

    def plan(self, listing: Listing) -> LoadPlan:
        """See Session."""
        with self._reading(listing.entry) as trees:
            dtb_fixups, facts = self.dtb_fixups.on(trees), self._untried(listing.facts)
            plan = make_plan(listing.entry, facts, self._machine, dtb_fixups=dtb_fixups, method=self._method)
            plan = demanding(plan, self._demands, trees)
        found = hooks.find(self.host, self.settings.skip_hooks)
        return replace(plan, hooks=found.names, watchdog=self.settings.watchdog, notes=(*plan.notes, *found.notes))

    @property
    def _demands(self) -> Demands:
        return Demands.of(self.settings, self._present().values())

    def _present(self) -> dict[str, Device]:
        """The partitions that are there, by name."""
        return self._known()

    def _untried(self, facts: EntryFacts) -> EntryFacts:
        """Return the facts without the times of files that boot counting has renamed and back: a UKI that was counted
        itself is still the one that was judged."""
        if not self._tried:
            return facts
        files = (
            replace(file, stamp=replace(file.stamp, changed=None))
            if file.stamp is not None and (file.device, file.path) in self._tried
            else file
            for file in facts.files
        )
        return replace(facts, files=tuple(files))

    def method(self, facts: EntryFacts) -> str:
        """See Session."""
        try:
            return choose(self._machine, facts.wants_own_tree, self._method)[0]
        except PlanError:
            return ""

    def device_trees(self, listing: Listing) -> tuple[TreeChoice, ...]:
        """See Session."""
        entry, devices = listing.entry, self._known()
        refs = [ref for _, ref in entry.files] + ([entry.dtb_folder] if entry.dtb_folder else [])
        with contextlib.ExitStack() as stack:
            trees = {}
            for name in sorted({ref.device for ref in refs} & devices.keys()):
                with contextlib.suppress(MountError):  # then nothing on it is offered
                    trees[name] = self._open(devices[name], stack)
            return self._reader.device_trees.choices(entry, trees)

    def recheck(self, entry: BootEntry) -> Listing:
        """See Session. A file on another partition is found by any of that partition's names."""
        devices = self._known()
        own = devices.get(entry.device)
        if own is not None:
            entry = _renamed(entry, own, tuple(devices.values()))
        with contextlib.ExitStack() as stack:
            trees = {}
            for name in sorted({ref.device for _, ref in entry.files} & devices.keys()):
                with contextlib.suppress(MountError):  # then its files are waited for
                    trees[name] = self._open(devices[name], stack)
            entry, facts = gather(
                entry,
                trees,
                board=self._machine.tree.compatible if self._machine.tree else (),
                partitions=tuple(name for device in devices.values() for name in device.names),
                predict_dtb=self.dtb_fixups.predict,
                complete=False,
            )
            here = own or Device(name=entry.device)
            facts = root_option.with_root(facts, entry.cmdline, self._mounts, here, tuple(devices.values()))
        facts = self.predict(facts)
        names = dict.fromkeys((entry.device, *(ref.device for _, ref in entry.files)))
        return Listing(
            entry=entry,
            facts=facts,
            report=check(self._machine, facts, self._machine_report),
            places=tuple(dict.fromkeys(devices[name].place for name in names if name in devices)),
        )

    def plan_trees(self, plan: LoadPlan) -> PlanTrees:
        """See Session."""
        with self._reading(plan.entry) as trees:
            return self.dtb_fixups.on(trees).trees(plan)

    def preflight(self) -> Preflight:
        """See Session."""
        return preflight(self.host, self._machine)

    @property
    def powers(self) -> tuple[Power, ...]:
        """See Session. The firmware says it anew at every start, and nothing can change it meanwhile (UEFI, 8.5.4:
        OsIndicationsSupported)."""
        if self._powers is None:
            self._powers = powers.offered(self.host)
        return self._powers

    def power(self, wanted: Power) -> None:
        """See Session."""
        if self._simulated:
            raise SimulatedJump(N_("Here the machine would go down."), N_("This is a simulation."))
        with self.scanner.paused():
            powers.perform(self.host, wanted, self.release)

    def shell(self) -> None:
        """See Session."""
        self.host.commands.interactive(["sh", "-l"])

    def kernel_log(self) -> list[str] | None:
        """See Session."""
        return self.host.log.lines()

    def load(self, plan: LoadPlan) -> Iterator[Progress]:
        """Read, prepare and load. The scan is paused from the beginning, until nothing is loaded any more."""
        self.scanner.pause()
        try:
            with contextlib.ExitStack() as stack:
                try:
                    trees = stack.enter_context(self._reading(plan.entry))
                except BootmenuError as error:
                    raise LoadError(error.message, error.hint, stage=Stage.KERNEL) from None
                plan = replace(plan, demands=self._demands)
                yield from loading.load(plan, trees, self.host, pace=self._pace)
        except BaseException:
            self.scanner.resume()
            raise

    def prepare_jump(self, plan: LoadPlan) -> Iterator[Progress]:
        """See Session."""
        yield from jumping.prepare_jump(self.host, plan, self.release)

    def unload(self, plan: LoadPlan) -> str:
        """Take a loaded kernel out again, and let the scan go on; return why one stays loaded."""
        try:
            return loading.unload(plan, self.host)
        finally:
            self.scanner.resume()

    def execute(self, plan: LoadPlan) -> NoReturn:
        """See Session. What has to be remembered of it is on the disk before it is made."""
        if self._simulated:
            message = N_("Here the machine would start {name}.", name=plan.entry.title)
            raise SimulatedJump(message, N_("This is a simulation."))
        counted = self._count_try(plan.entry)
        self.memory.update(lambda state: state.on_menu_start().booting(Attempt.now(plan.entry)))
        try:
            jumping.execute(self.host)
        except BaseException as error:  # it was no try
            self.memory.update(State.on_boot_failed)
            if counted is not None:
                counted.take_back()
                self._tried.add((plan.entry.kernel.device, plan.entry.kernel.path))
            leave_note(error, loading.unload(plan, self.host))
            self._put_together()
            self.scanner.resume()
            raise
        raise AssertionError("jump returns only by raising")

    def _count_try(self, entry: BootEntry) -> Counted | None:
        device = self._known().get(entry.device)
        if not self.settings.rename_counters or device is None:
            return None
        try:
            return count_try(self.host, device, entry, self.settings.state_place)
        except (BootmenuError, OSError) as error:
            self.memory.error = N_("The try could not be counted in the entry's file name: {reason}.", reason=error)
            return None

    def release(self) -> list[str]:
        """Unmount everything, also what is held, and take down what was put together for it; returns what is stuck,
        and why."""
        with self.scanner.paused():
            return self._mounts.release(held=True) + self._storage.release()

    def close(self) -> None:
        """Let go of everything."""
        self.scanner.close()
        self.release()


def _renamed(entry: BootEntry, own: Device, devices: Sequence[Device]) -> BootEntry:
    """With kernel names in place of other names of partitions."""

    def known(file: FileRef) -> FileRef:
        found = resolve.resolve(file.device, own, devices)
        return file if found is None else replace(file, device=found.name)

    return replace(
        entry,
        kernel=known(entry.kernel),
        initrds=tuple(map(known, entry.initrds)),
        dtb=known(entry.dtb) if entry.dtb else None,
        overlays=tuple(map(known, entry.overlays)),
    )


_FORGOTTEN = "It is not known any more what was started, and nothing counts as lost."
_LOST = N_("It counts as lost at the next start.")


def mark_good(session: MachineSession) -> str:
    """The system that was started last came up well: remember that, and end its boot counting where allowed.
    Returns what was done. Raises UsageError where nothing is remembered, else BootmenuError."""
    memory = session.memory
    if not memory.remembers:
        raise UsageError(memory.error, "Name the place in /etc/bootmenu.toml as the first stage does: state.device.")
    if memory.error:
        raise BootmenuError(memory.error, _LOST)
    tried = memory.state.trying
    if tried is None:
        return _FORGOTTEN if memory.healed else state_file.NOTHING_TRIED
    if not memory.update(lambda state: state.mark_good(timestamp())):
        raise BootmenuError(memory.error, _LOST)
    name, praise = tried.title or tried.entry, state_file.praise(to_json(tried))
    if not session.settings.rename_counters:
        return f"{praise}."
    found = [listing.entry for listing in collect(session)[0] if listing.entry.id == tried.entry]
    devices = session.devices
    try:
        with session.scanner.paused():
            session.release()  # what is to be written must not be mounted read-only
            ended = [
                end_counting(session.host, devices[entry.device], entry, session.settings.state_place)
                for entry in found
            ]
    except OSError as error:
        raise BootmenuError(f"The counter of {name} stays in its file name: {error.strerror}.") from None
    return praise + (", and is counted no more." if any(ended) else ".")


def collect(session: Session) -> tuple[list[Listing], list[Problem]]:
    """Scan, and return everything at once: partitions as they were found, on each what is to be listed first."""
    with contextlib.closing(session.scan()) as subscription:
        return collect_from(subscription)


def collect_from(subscription: Subscription) -> tuple[list[Listing], list[Problem]]:
    """Return what a subscription is told up to the end of the scan."""
    ranks: dict[str, Rank] = {}
    places: dict[tuple[str, str], tuple[int, Listing]] = {}
    problems: dict[Problem, None] = {}
    for event in subscription.until_finished():
        match event:
            case DeviceFound(device, rank):
                ranks[device.name] = rank
            case EntryFound(listing, place):
                places[listing.entry.device, listing.entry.id] = (place, listing)
            case EntryGone(name, entry_id):
                places.pop((name, entry_id), None)
            case ProblemFound(problem, rank):
                ranks.setdefault(problem.device, rank)
                problems[problem] = None
            case ProblemGone(problem):
                problems.pop(problem, None)
            case DeviceDone() | DeviceGone() | ScanFinished():
                pass
            case _:
                assert_never(event)
    placed = sorted(places.values(), key=lambda found: (ranks[found[1].entry.device], found[0]))
    return [listing for _, listing in placed], sorted(problems, key=lambda problem: ranks[problem.device])


class FilesSession(MachineSession):
    """A session about one entry that was made up of files of the running system, wherever they lie.

    Paths are the caller's own and may lead anywhere. Raises UsageError when one of them cannot be read.
    """

    def __init__(
        self,
        host: Host,
        machine: MachineFacts,
        *,
        kernel: str,
        dtb: str | None,
        overlays: tuple[str, ...],
        initrds: tuple[str, ...],
        command_line: str,
        dtb_edits: tuple[str, ...] = (),
        method: str | None = None,
        settings: Settings | None = None,
        local: bool = True,
        partitions: Sequence[Device] | None = None,
    ) -> None:
        """partitions: among which root= is looked for; None = it is not."""
        super().__init__(
            host, machine, tuple, method=method, settings=settings, local=local, memory=StateStore(None)
        )  # files that were named are no entry that could be remembered
        here = Device(name="", folder="/")
        self._unscanned[here.name] = here
        self._all: dict[str, Device] | None = None
        tree = self._mounts.tree(here)

        def ref(path: str) -> FileRef:
            return FileRef(device=here.name, path=os.path.realpath(path))

        entry, facts = gather(
            BootEntry(
                id="files",
                title=os.path.basename(kernel),
                source="files",
                device=here.name,
                kernel=ref(kernel),
                initrds=tuple(map(ref, initrds)),
                dtb=None if dtb is None else ref(dtb),
                overlays=tuple(map(ref, overlays)),
                dtb_edits=dtb_edits,
                cmdline=CommandLine(command_line),
            ),
            {here.name: tree},
            board=machine.tree.compatible if machine.tree else (),
            deep=True,
            partitions=None if partitions is None else tuple(name for each in partitions for name in each.names),
            predict_dtb=self.dtb_fixups.predict,
        )
        facts = replace(facts, typed=True)
        facts = self.predict(root_option.with_root(facts, entry.cmdline, self._mounts, here, partitions or ()))
        for file in facts.files:
            if file.state is not FileState.PRESENT:
                raise UsageError(f"{file.path}: {file.detail or file.state}", f"Name a {file.role} that can be read.")
        self.listing = Listing(entry=entry, facts=facts, report=check(machine, facts, self.machine_report))
        """The entry, with its report."""

    def _present(self) -> dict[str, Device]:
        """Return all partitions of the machine: a file that was named may be on any. Ask once, and where it
        matters."""
        if self._all is None:
            found = find(self.host) if self.settings.sha256 else ()
            self._all = {device.name: device for device in found if isinstance(device, Device)}
        return self._all
