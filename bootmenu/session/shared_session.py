# SPDX-License-Identifier: MIT
"""One session, used by several at once: the first frame and the menu after it, or the menus of several consoles.

There is one scan for all of them, which begins with the SharedSession, and only one console can load and jump.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from threading import Lock
from typing import NoReturn, Protocol

from bootmenu.bootstate.state_store import StateStore
from bootmenu.compat import EntryFacts
from bootmenu.discovery.dtb_candidates import TreeChoice
from bootmenu.discovery.scan_events import Listing
from bootmenu.discovery.scan_feed import Subscription
from bootmenu.discovery.scanner import Scanner
from bootmenu.i18n import N_
from bootmenu.kexec.dtb_fixups import PlanTrees
from bootmenu.kexec.plan import LoadPlan
from bootmenu.kexec.trial_load import Preflight
from bootmenu.model.entry import BootEntry
from bootmenu.model.finding import Report
from bootmenu.model.machine import MachineFacts
from bootmenu.model.progress import Progress
from bootmenu.session.session_protocol import BusyError, Session
from bootmenu.system.power import Power


class ScanningSession(Session, Protocol):
    """A session whose scanner can be shared."""

    @property
    def scanner(self) -> Scanner:
        """Return the owner of its scan."""


class SharedSession:
    """The session behind several consoles, and which of them owns the machine."""

    def __init__(self, session: ScanningSession) -> None:
        self.session = session
        self._lock = Lock()
        """Protects `_owner`; never held while anything is waited for."""
        self._owner: tuple[ConsoleSession, str] | None = None
        """Who loads, unloads or ends what runs here, and the sentence for the others; None = no console does."""
        session.scanner.rescan()

    def console(self) -> ConsoleSession:
        """Return a session for one more console."""
        return ConsoleSession(self)

    def subscribe(self, wake: Callable[[], object] | None = None) -> Subscription:
        """Follow the scan. wake: called in some thread whenever there is something new."""
        return self.session.scanner.subscribe(wake)

    def close(self) -> None:
        """End the scan for good."""
        self.session.scanner.close()

    @property
    def is_owned(self) -> bool:
        """Return whether a console owns the machine."""
        return self._owner is not None

    def check(self, console: ConsoleSession) -> None:
        """Raise BusyError while another console owns the machine."""
        with self._lock:
            self._check(console)

    def _check(self, console: ConsoleSession) -> None:
        if self._owner is not None and self._owner[0] is not console:
            raise BusyError(self._owner[1], N_("Only one entry can be started: wait for it."))

    def take(self, console: ConsoleSession, sentence: str) -> None:
        """Make this console the owner of the machine. sentence: for whoever wants to be it then. Raise BusyError
        while another one is."""
        with self._lock:
            self._check(console)
            self._owner = (console, sentence)

    def give_back(self, console: ConsoleSession) -> None:
        """Let any console be the owner from now on."""
        with self._lock:
            if self._owner is not None and self._owner[0] is console:
                self._owner = None

    @contextlib.contextmanager
    def owning(self, console: ConsoleSession, sentence: str) -> Iterator[None]:
        """Make this console the owner of the machine until the end. Raise BusyError while another one is."""
        self.take(console, sentence)
        try:
            yield
        finally:
            self.give_back(console)


class ConsoleSession:
    """The session of one console. Its first scan is the one that runs already; a later one is everybody's."""

    def __init__(self, shared: SharedSession) -> None:
        self._shared = shared
        self._session = shared.session
        self._has_scanned = False

    @property
    def machine(self) -> MachineFacts:
        """Return the first stage's facts."""
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
        """Return why nothing can be executed here, if so."""
        return self._session.notices

    @property
    def state_store(self) -> StateStore:
        """Return what is remembered between boots."""
        return self._session.state_store

    def scan(self) -> Subscription:
        """Follow the scan that runs; from the second time on, or when it has failed, begin another one for everybody.
        Raise BusyError instead while another console owns the machine."""
        scanner = self._session.scanner
        if self._has_scanned or scanner.has_failed:
            self._shared.check(self)
            scanner.rescan()
        self._has_scanned = True
        return scanner.subscribe()

    def unlock(self, device: str, passphrase: str) -> None:
        """Open an encrypted partition; raise UnlockError."""
        self._session.unlock(device, passphrase)

    def holding(self, listing: Listing) -> AbstractContextManager[None]:
        """Keep what an entry names mounted until the end."""
        return self._session.holding(listing)

    def plan(self, listing: Listing) -> LoadPlan:
        """Return what booting an entry would do."""
        return self._session.plan(listing)

    def method(self, facts: EntryFacts) -> str:
        """Return the name of the loading method that a plan would use."""
        return self._session.method(facts)

    def device_trees(self, listing: Listing) -> tuple[TreeChoice, ...]:
        """Return the device trees that there are for an entry's kernel."""
        return self._session.device_trees(listing)

    def recheck(self, entry: BootEntry) -> Listing:
        """Judge an entry that was changed."""
        return self._session.recheck(entry)

    def plan_trees(self, plan: LoadPlan) -> PlanTrees:
        """Return the device trees of a plan."""
        return self._session.plan_trees(plan)

    def preflight(self) -> Preflight:
        """Return whether an entry may be loaded as a test now."""
        return self._session.preflight()

    @property
    def powers(self) -> tuple[Power, ...]:
        """Return what can be done with the whole machine."""
        return self._session.powers

    def power(self, wanted: Power) -> None:
        """Restart or switch off. Raise BusyError while another console owns the machine."""
        with self._shared.owning(self, N_("Another console is ending what runs here.")):
            self._session.power(wanted)

    def shell(self) -> None:
        """Run a shell on the terminal of this process."""
        self._session.shell()

    def kernel_log(self) -> list[str] | None:
        """Return the running kernel's messages."""
        return self._session.kernel_log()

    def load(self, plan: LoadPlan) -> Iterator[Progress]:
        """Load, and own the machine until what is loaded is taken out again. Raise BusyError while another console
        owns it."""
        self._shared.take(self, _starting(plan))
        try:
            yield from self._session.load(plan)
        except BaseException:
            self._shared.give_back(self)
            raise

    def prepare_jump(self, plan: LoadPlan) -> Iterator[Progress]:
        """Run the hooks, sync and unmount."""
        yield from self._session.prepare_jump(plan)

    def unload(self, plan: LoadPlan) -> str:
        """Take a loaded kernel out again. What another console has loaded stays, without a word."""
        try:
            with self._shared.owning(self, _starting(plan)):
                return self._session.unload(plan)
        except BusyError:
            return ""

    def execute(self, plan: LoadPlan) -> NoReturn:
        """Start the loaded kernel. Raise BusyError while another console owns the machine."""
        with self._shared.owning(self, _starting(plan)):
            self._session.execute(plan)


def _starting(plan: LoadPlan) -> str:
    name = plan.entry.title or plan.entry.kernel.path
    return N_("Another console is starting {name}.", name=name)
