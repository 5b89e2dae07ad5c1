# SPDX-License-Identifier: MIT
"""One session that several users share: the first frame and the menu after it, or the menus of several consoles.

They share one scan, which starts with the SharedSession, and only one console at a time can load and jump.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from threading import Lock

from bootmenu.bootstate.state_store import StateStore
from bootmenu.compat import EntryFacts
from bootmenu.discovery.dtb_candidates import DtbChoice
from bootmenu.discovery.scan_events import Listing
from bootmenu.discovery.scan_feed import Subscription
from bootmenu.discovery.scanner import Scanner
from bootmenu.errors import BootmenuError
from bootmenu.i18n import N_
from bootmenu.kexec.dtb_builder import PlanDtbs
from bootmenu.kexec.load_test import LoadTestPermission
from bootmenu.kexec.plan import LoadPlan
from bootmenu.model.entry import BootEntry
from bootmenu.model.finding import Report
from bootmenu.model.machine import MachineFacts
from bootmenu.model.progress import Progress
from bootmenu.session.entry_files import EntryFiles
from bootmenu.session.history import History
from bootmenu.session.session_protocol import BusyError, Session
from bootmenu.system.power import Power
from bootmenu.typed import NoReturn, Protocol


class ScanningSession(Session, Protocol):
    """A session whose scanner can be shared."""

    @property
    def scanner(self) -> Scanner:
        """Return the scanner."""


class SharedSession:
    """The session that all consoles use, and which console owns the machine."""

    def __init__(self, session: ScanningSession) -> None:
        self.session = session
        self._lock = Lock()
        """Protects `_owner`; never held while waiting for anything."""
        self._owner: tuple[ConsoleSession, str] | None = None
        """The console that loads, unloads, restarts or switches off, with a message for the others; None if none."""
        session.history.add(N_("The menu started."))
        session.scanner.rescan()

    def console(self) -> ConsoleSession:
        """Return a session for another console."""
        return ConsoleSession(self)

    def subscribe(self, wake: Callable[[], object] | None = None) -> Subscription:
        """Subscribe to the scan. wake: called, in any thread, whenever there is a new event."""
        return self.session.scanner.subscribe(wake)

    def close(self) -> None:
        """Stop the scan for good."""
        self.session.scanner.close()

    @property
    def is_owned(self) -> bool:
        """Return whether a console owns the machine."""
        return self._owner is not None

    def raise_if_busy(self, console: ConsoleSession) -> None:
        """Raise BusyError while another console owns the machine."""
        with self._lock:
            self._raise_if_busy(console)

    def _raise_if_busy(self, console: ConsoleSession) -> None:
        if self._owner is not None and self._owner[0] is not console:
            raise BusyError(self._owner[1], N_("Only one entry can be started: wait for it."))

    def acquire(self, console: ConsoleSession, message: str) -> None:
        """Make this console the owner of the machine. message: what other consoles are told meanwhile. Raise
        BusyError while another console is the owner."""
        with self._lock:
            self._raise_if_busy(console)
            self._owner = (console, message)

    def relinquish(self, console: ConsoleSession) -> None:
        """End this console's ownership, if it is the owner."""
        with self._lock:
            if self._owner is not None and self._owner[0] is console:
                self._owner = None

    @contextlib.contextmanager
    def owning(self, console: ConsoleSession, message: str) -> Iterator[None]:
        """Make this console the owner of the machine until the end. Raise BusyError while another console is."""
        self.acquire(console, message)
        try:
            yield
        finally:
            self.relinquish(console)


class ConsoleSession:
    """The session of one console. Its first scan is the one that already runs; later ones are for all consoles."""

    def __init__(self, shared: SharedSession) -> None:
        self._shared = shared
        self._session = shared.session
        self._has_scanned = False

    @property
    def machine(self) -> MachineFacts:
        """Return the facts of the machine."""
        return self._session.machine

    @property
    def machine_report(self) -> Report:
        """Return the findings that hold for every entry."""
        return self._session.machine_report

    @property
    def simulated(self) -> bool:
        """Return whether this is the demonstration machine."""
        return self._session.simulated

    @property
    def notices(self) -> tuple[str, ...]:
        """Return the reasons why nothing can be started here."""
        return self._session.notices

    @property
    def history(self) -> History:
        """Return what was done since the menu started, on every console."""
        return self._session.history

    @property
    def state_store(self) -> StateStore:
        """Return the store of the state that is kept between boots."""
        return self._session.state_store

    def scan(self) -> Subscription:
        """Subscribe to the running scan; from the second call on, or if it has failed, start a new one for all
        consoles first. Raise BusyError if that is necessary and another console owns the machine."""
        scanner = self._session.scanner
        if self._has_scanned or scanner.has_failed:
            self._shared.raise_if_busy(self)
            self.history.add(N_("Every partition is read again."))
            scanner.rescan()
        self._has_scanned = True
        return scanner.subscribe()

    def unlock(self, device: str, passphrase: str) -> None:
        """Unlock an encrypted partition; raise UnlockError if that fails."""
        with self._noting(N_("{name} could not be unlocked", name=device)):
            self._session.unlock(device, passphrase)
        self.history.add(N_("{name} was unlocked.", name=device))

    def holding(self, listing: Listing) -> AbstractContextManager[None]:
        """Mount the partitions of an entry's files, and keep them mounted until the end."""
        return self._session.holding(listing)

    def plan(self, listing: Listing) -> LoadPlan:
        """Return what booting an entry would do."""
        return self._session.plan(listing)

    def method(self, facts: EntryFacts) -> str:
        """Return the name of the loading method for an entry, or an empty string if there is none."""
        return self._session.method(facts)

    def device_trees(self, listing: Listing) -> tuple[DtbChoice, ...]:
        """Return the device trees for an entry's kernel, those for this board first."""
        return self._session.device_trees(listing)

    @property
    def entry_files(self) -> EntryFiles:
        """Return what the editor of an entry asks about the partitions."""
        return self._session.entry_files

    def recheck(self, entry: BootEntry) -> Listing:
        """Judge a changed entry."""
        return self._session.recheck(entry)

    def plan_dtbs(self, plan: LoadPlan) -> PlanDtbs:
        """Return the device trees of a plan."""
        return self._session.plan_dtbs(plan)

    def load_test_permission(self) -> LoadTestPermission:
        """Return whether a kernel can be loaded as a test now."""
        return self._session.load_test_permission()

    @property
    def powers(self) -> tuple[Power, ...]:
        """Return how the machine can be restarted or switched off."""
        return self._session.powers

    def power(self, wanted: Power) -> None:
        """Restart or switch off the machine. Raise BusyError while another console owns it."""
        with self._shared.owning(self, N_("Another console is restarting or switching off the machine.")):
            self.history.add(N_("The machine is asked to restart or to switch off."))
            self._session.power(wanted)

    def shell(self) -> None:
        """Run a login shell on this terminal."""
        self.history.add(N_("A shell was opened."))
        self._session.shell()
        self.history.add(N_("The shell was closed."))

    def kernel_log(self) -> list[str] | None:
        """Return the running kernel's messages."""
        return self._session.kernel_log()

    def load(self, plan: LoadPlan) -> Iterator[Progress]:
        """Load, and own the machine until the kernel is unloaded or the load has failed. Raise BusyError while
        another console owns it."""
        self._shared.acquire(self, _starting(plan))
        name = plan.entry.full_name
        self.history.add(N_("{name} is being loaded.", name=name))
        try:
            with self._noting(N_("{name} was not loaded", name=name)):
                yield from self._session.load(plan)
        except BaseException:
            self._shared.relinquish(self)
            raise
        self.history.add(N_("{name} is loaded.", name=name))

    def prepare_jump(self, plan: LoadPlan) -> Iterator[Progress]:
        """Run the hooks, sync and unmount."""
        yield from self._session.prepare_jump(plan)

    def unload(self, plan: LoadPlan) -> str:
        """Unload the kernel, unless another console has loaded it; return why it stays loaded, or an empty string."""
        try:
            with self._shared.owning(self, _starting(plan)):
                left = self._session.unload(plan)
        except BusyError:
            return ""
        self.history.add(left or N_("{name} was unloaded.", name=plan.entry.full_name))
        return left

    def execute(self, plan: LoadPlan) -> NoReturn:
        """Start the loaded kernel. Raise BusyError while another console owns the machine."""
        failed = N_("{name} was not started", name=plan.entry.full_name)
        with self._shared.owning(self, _starting(plan)), self._noting(failed):
            self._session.execute(plan)

    @contextlib.contextmanager
    def _noting(self, failed: str) -> Iterator[None]:
        """Note an error, with what has failed, and raise it again."""
        try:
            yield
        except BootmenuError as error:
            self.history.add(N_("{what}: {reason}", what=failed, reason=error.message))
            raise


def _starting(plan: LoadPlan) -> str:
    """Return the message for other consoles while this one loads or starts an entry."""
    return N_("Another console is starting {name}.", name=plan.entry.full_name)
