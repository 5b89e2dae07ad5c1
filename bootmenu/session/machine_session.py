# SPDX-License-Identifier: MIT
"""A session on a machine: it scans the partitions, and plans, loads and starts an entry.

What only entries need is imported with the first one: a machine without any is to answer at once.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from functools import cached_property

from bootmenu.config.settings import Settings
from bootmenu.discovery.devices import Device
from bootmenu.discovery.partition_order import PartitionOrder
from bootmenu.discovery.scan_events import Listing
from bootmenu.discovery.scan_runner import ScanRunner
from bootmenu.discovery.scanner import Scanner
from bootmenu.discovery.storage.luks import UnlockError
from bootmenu.errors import BootmenuError
from bootmenu.i18n import N_
from bootmenu.model.value import replace
from bootmenu.session.history import History
from bootmenu.session.machine_state import MachineState
from bootmenu.session.partition_access import PartitionAccess
from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from bootmenu.bootstate.boot_counting import Counted
    from bootmenu.bootstate.state_store import StateStore
    from bootmenu.compat import EntryFacts
    from bootmenu.discovery.dtb_candidates import DtbChoice
    from bootmenu.discovery.hotplug import Changes
    from bootmenu.discovery.mounts import Mounts
    from bootmenu.discovery.partition_reader import PartitionReader
    from bootmenu.discovery.partition_table import PartitionTable
    from bootmenu.discovery.scan_feed import Subscription
    from bootmenu.kexec.dtb_builder import DtbBuilder, PlanDtbs
    from bootmenu.kexec.load_test import LoadTestPermission
    from bootmenu.kexec.plan import LoadPlan
    from bootmenu.model.entry import BootEntry, Problem
    from bootmenu.model.finding import Report
    from bootmenu.model.machine import MachineFacts
    from bootmenu.model.progress import Progress
    from bootmenu.session.entry_files import EntryFiles
    from bootmenu.system.host import Host
    from bootmenu.system.power import Power
    from bootmenu.typed import NoReturn


class MachineSession:
    """A Session (session_protocol.py) on a host, which is the real machine or a simulated one. It must be closed.

    devices: yields partitions and problems at every scan, in a thread; None for all of this machine. method: loading
    method to use instead of the plan's choice. pace: bytes per second of a simulated medium. local: whether the facts
    are about the host. patience: seconds after which a device counts as silent; None for the setting. changes:
    reports partitions that come and go; closed with it. state_store: instead of the one that the settings name.
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
        state_store: StateStore | None = None,
    ) -> None:
        self.host = host
        self.settings = settings or Settings()
        self._machine = machine
        self._partitions = PartitionAccess(host, lambda: self.settings, devices, lambda: self.scanner.devices)
        self._method = method
        self._simulated = simulated
        self._local = local
        self._pace = pace
        self._patience = self.settings.scan_seconds if patience is None else patience
        self._order = PartitionOrder()
        self.scanner = Scanner(self._begin_scan, self._partitions.unmount, changes)
        self._reader: PartitionReader | None = None
        """The one of the current scan, or None before it has found a partition."""
        self._renamed_back: set[tuple[str, str]] = set()
        """Device and path of files that boot counting has renamed, and renamed back after a failed jump."""
        self._state = MachineState(
            lambda: state_store or _opened_store(host, self.settings, self._partitions),
            self.scanner.own_changed,
            listed=state_store is not None or (local and devices is None),
        )

    @property
    def state_store(self) -> StateStore:
        """Return the store of the state that is kept between boots, opening it at the first call."""
        return self._state.store

    @property
    def machine(self) -> MachineFacts:
        """Return the facts of the machine."""
        return self._machine

    @cached_property
    def history(self) -> History:
        """What was done since the session began."""
        return History()

    @cached_property
    def machine_report(self) -> Report:
        """The findings that hold for every entry."""
        from bootmenu.compat import check_machine

        return check_machine(self._machine)

    @cached_property
    def entry_files(self) -> EntryFiles:
        """What the editor of an entry asks about the partitions."""
        from bootmenu.session.entry_files import EntryFiles

        return EntryFiles(self._partitions)

    @cached_property
    def dtb_builder(self) -> DtbBuilder:
        """Builds the device trees of this session's plans."""
        from bootmenu.kexec.dtb_builder import DtbBuilder

        return DtbBuilder(
            self.host,
            self._machine,
            self._mounts.open_trees,
            carry_over=self.settings.carry_over,
            local=self._local,
        )

    @property
    def simulated(self) -> bool:
        """Return whether this is the demonstration machine, where everything works but the jump."""
        return self._simulated

    @property
    def notices(self) -> tuple[str, ...]:
        """Return the reasons why nothing can be started here."""
        if self._method is not None:
            return ()
        reasons = ("not running as root",) if self._machine.cap_sys_boot is False else ()
        from bootmenu.kexec.methods import METHODS

        methods = [method for name, method in METHODS.items() if name != "simulated"]
        by_method = [method.unavailable(self._machine, False) for method in methods]
        # if one method can be used, it does not matter why another cannot
        return reasons if None in by_method else (*reasons, *dict.fromkeys(filter(None, by_method)))

    def _open_reader(self, table: PartitionTable | None = None) -> PartitionReader:
        from bootmenu.discovery.partition_reader import PartitionReader

        self._reader = PartitionReader(
            self._mounts,
            self._machine,
            lambda: self.machine_report,
            predict=self.predict,
            predict_dtb=self.dtb_builder.predict,
            may_read=self._partitions.may_read,
            own=self._state.own_entries,
        )
        self._reader.table = table
        return self._reader

    def _begin_scan(self) -> ScanRunner:
        self._reader = None
        if self.settings.state_device:
            self._state.own_entries()  # opens it before its partition is read, which could not be written then
        return ScanRunner(
            self._partitions.find,
            self._open_reader,
            order=self._order,
            silent_after=self._patience,
            forever=self.scanner.watches,
        )

    @property
    def _mounts(self) -> Mounts:
        return self._partitions.mounts

    def scan(self) -> Subscription:
        """Read every partition again, after unmounting what the last scan mounted and nothing keeps mounted."""
        self.scanner.rescan()
        return self.scanner.subscribe()

    def predict(self, facts: EntryFacts) -> EntryFacts:
        """Return the facts of an entry, completed with what a plan of this session would do."""
        from bootmenu.kexec.plan import predict_method

        return predict_method(facts, self._machine, self._method)

    def unlock(self, device: str, passphrase: str) -> None:
        """Unlock an encrypted partition."""
        locked = self._partitions.known().get(device)
        if locked is None:
            raise UnlockError(N_("There is no partition {device} to unlock.", device=device))
        self._partitions.storage.unlock(locked, passphrase)

    def holding(self, listing: Listing) -> AbstractContextManager[None]:
        """Mount the partitions of an entry's files, and keep them mounted until the end."""
        return self._partitions.holding(listing.entry)

    def plan(self, listing: Listing) -> LoadPlan:
        """Return what booting an entry would do."""
        from bootmenu.kexec import hooks  # what only a start needs is imported with it
        from bootmenu.kexec.digests import with_demands
        from bootmenu.kexec.plan import make_plan

        with self._partitions.reading(listing.entry) as trees:
            dtb_builder, facts = self.dtb_builder.on(trees), _without_change_times(listing.facts, self._renamed_back)
            plan = make_plan(listing.entry, facts, self._machine, dtb_builder=dtb_builder, method=self._method)
            plan = with_demands(plan, self._partitions.demands, trees)
        # those of a recorded machine are not recorded
        found = hooks.find(self.host, self.settings.skip_hooks) if self._local else hooks.Hooks()
        return replace(plan, hooks=found.names, watchdog=self.settings.watchdog, notes=(*plan.notes, *found.notes))

    def method(self, facts: EntryFacts) -> str:
        """Return the name of the loading method for an entry, or an empty string if there is none."""
        from bootmenu.kexec.plan import PlanError, choose_method

        try:
            return choose_method(self._machine, facts.wants_own_tree, self._method)[0]
        except PlanError:
            return ""

    def device_trees(self, listing: Listing) -> tuple[DtbChoice, ...]:
        """Return the device trees for an entry's kernel, those for this board first."""
        entry = listing.entry
        refs = [ref for _, ref in entry.files] + ([entry.dtb_folder] if entry.dtb_folder else [])
        with self._partitions.reading_if_possible(ref.device for ref in refs) as trees:
            return (self._reader or self._open_reader()).device_trees.choices(entry, trees)

    def recheck(self, entry: BootEntry) -> Listing:
        """Judge a changed entry, whose files may name their partitions in any way (UUID=…, LABEL=…, sda1)."""
        from bootmenu.session.changed_entry import judge

        return judge(entry, self, self._partitions)

    def plan_dtbs(self, plan: LoadPlan) -> PlanDtbs:
        """Return the device trees of a plan."""
        with self._partitions.reading(plan.entry) as trees:
            return self.dtb_builder.on(trees).dtbs(plan)

    def load_test_permission(self) -> LoadTestPermission:
        """Return whether a kernel can be loaded as a test now."""
        from bootmenu.kexec.load_test import load_test_permission

        return load_test_permission(self.host, self._machine)

    @cached_property
    def powers(self) -> tuple[Power, ...]:
        """How the machine can be restarted or switched off. The firmware is asked once, because its answer does not
        change while the system runs (UEFI, 8.5.4: OsIndicationsSupported)."""
        from bootmenu.system import power

        return power.offered(self.host)

    def power(self, wanted: Power) -> None:
        """Restart or switch off the machine."""
        from bootmenu.kexec.kernel_errors import SimulatedJump
        from bootmenu.system import power as powers

        if self._simulated:
            raise SimulatedJump(N_("Here the machine would go down."), N_("This is a simulation."))
        with self.scanner.paused():
            powers.perform(self.host, wanted, self.release)

    def shell(self) -> None:
        """Run a login shell on this terminal."""
        self.host.commands.interactive(["sh", "-l"])

    def kernel_log(self) -> list[str] | None:
        """Return the running kernel's messages."""
        return self.host.log.lines()

    def load(self, plan: LoadPlan) -> Iterator[Progress]:
        """Read, prepare and load. The scan stays paused until the kernel is unloaded, or the load has failed."""
        from bootmenu.kexec import load
        from bootmenu.kexec.kernel_errors import LoadError
        from bootmenu.model.progress import Stage

        self.scanner.pause()
        try:
            with contextlib.ExitStack() as stack:
                try:
                    trees = stack.enter_context(self._partitions.reading(plan.entry))
                except BootmenuError as error:
                    raise LoadError(error.message, error.hint, stage=Stage.KERNEL) from None
                plan = replace(plan, demands=self._partitions.demands)
                yield from load.load(plan, trees, self.host, pace=self._pace, dtb_builder=self.dtb_builder)
        except BaseException:
            self.scanner.resume()
            raise

    def prepare_jump(self, plan: LoadPlan) -> Iterator[Progress]:
        """Run the hooks, sync and unmount."""
        from bootmenu.kexec import jump

        yield from jump.prepare_jump(self.host, plan, self.release)

    def unload(self, plan: LoadPlan) -> str:
        """Unload the kernel, and resume the scan; return why it stays loaded, or an empty string."""
        from bootmenu.kexec import load

        try:
            return load.unload(plan, self.host)
        finally:
            self.scanner.resume()

    def execute(self, plan: LoadPlan) -> NoReturn:
        """Start the loaded kernel, after recording the attempt in the state."""
        from bootmenu.bootstate.state import Attempt, State
        from bootmenu.kexec import jump, load
        from bootmenu.kexec.kernel_errors import SimulatedJump, leave_note

        if self._simulated:
            message = N_("Here the machine would start {name}.", name=plan.entry.full_name)
            raise SimulatedJump(message, N_("This is a simulation."))
        counted = _count_try(self, self._partitions, plan.entry)
        self.state_store.update(lambda state: state.on_menu_start().booting(Attempt.now(plan.entry)))
        try:
            jump.execute(self.host)
        except BaseException as error:  # nothing was started, so this is not counted as a try
            self.state_store.update(State.on_boot_failed)
            if counted is not None:
                counted.take_back()
                self._renamed_back.add((plan.entry.kernel.device, plan.entry.kernel.path))
            leave_note(error, load.unload(plan, self.host))
            self._partitions.reassemble()
            self.scanner.resume()
            raise
        raise AssertionError("jump returns only by raising")

    def release(self) -> list[str]:
        """Unmount everything and close assembled storage; return what could not be unmounted or closed, and why."""
        with self.scanner.paused():
            return self._partitions.release()

    def close(self) -> None:
        """End the scan and unmount everything."""
        self.scanner.close()
        self.release()


def _count_try(session: MachineSession, partitions: PartitionAccess, entry: BootEntry) -> Counted | None:
    """Count a try in the entry's file name; return how to undo that, or None if nothing was renamed."""
    device, settings = partitions.known().get(entry.device), session.settings
    if not settings.rename_counters or device is None:
        return None
    from bootmenu.bootstate.boot_counting import count_try

    try:
        return count_try(session.host, device, entry, settings.state_place)
    except (BootmenuError, OSError) as error:
        session.state_store.error = N_(
            "The try could not be counted in the entry's file name: {reason}.", reason=error
        )
        return None


def _without_change_times(facts: EntryFacts, renamed: set[tuple[str, str]]) -> EntryFacts:
    """Return the facts without the change times of files that boot counting has renamed and renamed back: only their
    names have changed since the entry was judged. renamed: device and path of each."""
    if not renamed:
        return facts
    files = (
        replace(file, stamp=replace(file.stamp, changed=None))
        if file.stamp is not None and (file.device, file.path) in renamed
        else file
        for file in facts.files
    )
    return replace(facts, files=tuple(files))


def _opened_store(host: Host, settings: Settings, partitions: PartitionAccess) -> StateStore:
    """Return the store that the settings name, or one that remembers nothing and says why."""
    from bootmenu.bootstate.backend_from_settings import open_state_store
    from bootmenu.bootstate.state_store import StateStore

    try:
        return open_state_store(host, settings, partitions.find(), partitions.unmounted)
    except (BootmenuError, OSError) as error:
        return StateStore(None, N_("Nothing is remembered between boots: {reason}.", reason=error))
