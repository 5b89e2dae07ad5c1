# SPDX-License-Identifier: MIT
"""What front ends need from a session, whatever machine it runs on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import NoReturn, Protocol

from bootmenu.bootstate.state_store import StateStore
from bootmenu.compat import EntryFacts
from bootmenu.discovery.dtb_candidates import TreeChoice
from bootmenu.discovery.scan_events import Listing
from bootmenu.discovery.scan_feed import Subscription
from bootmenu.errors import BootmenuError
from bootmenu.kexec.dtb_fixups import PlanTrees
from bootmenu.kexec.plan import LoadPlan
from bootmenu.kexec.trial_load import Preflight
from bootmenu.model.entry import BootEntry
from bootmenu.model.finding import Report
from bootmenu.model.machine import MachineFacts
from bootmenu.model.progress import Progress
from bootmenu.system.power import Power


class BusyError(BootmenuError):
    """Another console is loading, and the request would disturb it."""


class Session(Protocol):
    """Everything that a front end may ask of a session. A load runs as its iterator is read; closing it undoes it."""

    @property
    def machine(self) -> MachineFacts:
        """Return the facts of the first stage."""

    @property
    def machine_report(self) -> Report:
        """Return the findings that hold for every entry."""

    @property
    def simulated(self) -> bool:
        """Return whether this is the demonstration machine, where everything works but the jump."""

    @property
    def notices(self) -> tuple[str, ...]:
        """Return the reasons why nothing can be started here, like `kexec-tools is not installed`."""

    @property
    def state_store(self) -> StateStore:
        """Return the state that is kept between boots. The first call opens it, which may search for a partition."""

    def scan(self) -> Subscription:
        """Read every partition afresh; return what is found, and then what changes. Raise BusyError while another
        console starts something; earlier subscriptions continue."""

    def unlock(self, device: str, passphrase: str) -> None:
        """Unlock an encrypted partition by its kernel name, for the next scan to read. Takes seconds. Raise
        UnlockError if it fails."""

    def holding(self, listing: Listing) -> AbstractContextManager[None]:
        """Mount the partitions of this entry and keep them mounted until the end, despite other scans: from the plan
        to the jump, which unmounts everything. Never raise; what cannot be mounted is reported where it is needed."""

    def plan(self, listing: Listing) -> LoadPlan:
        """Return what booting this entry would do. Reads the disk; can be called in any thread. Raise BootmenuError
        if there is no way to boot it."""

    def method(self, facts: EntryFacts) -> str:
        """Return the name of the loading method that a plan for this entry would use, or an empty string."""

    def device_trees(self, listing: Listing) -> tuple[TreeChoice, ...]:
        """Return the device trees for this entry's kernel, those for this board first. Reads the disk, once per scan;
        can be called in any thread."""

    def recheck(self, entry: BootEntry) -> Listing:
        """Judge a changed entry as a scan would. Reads the disk; can be called in any thread."""

    def plan_trees(self, plan: LoadPlan) -> PlanTrees:
        """Return the device trees of a plan. Reads the disk; can be called in any thread. Raise BootmenuError."""

    def preflight(self) -> Preflight:
        """Return whether an entry can be loaded as a test now."""

    @property
    def powers(self) -> tuple[Power, ...]:
        """Return how the machine can be restarted or switched off. Asks the firmware once; can be called in any
        thread."""

    def power(self, wanted: Power) -> None:
        """Restart or switch off the machine. Return only by raising BootmenuError: PowerError, or SimulatedJump in a
        simulated session."""

    def shell(self) -> None:
        """Run a shell on the terminal of this process until it ends. Raise BootmenuError."""

    def kernel_log(self) -> list[str] | None:
        """Return the running kernel's messages, oldest first, or None if they cannot be read."""

    def load(self, plan: LoadPlan) -> Iterator[Progress]:
        """Read, prepare and load. Raise LoadError (kexec/kernel_errors.py); closing the iterator early unloads."""

    def prepare_jump(self, plan: LoadPlan) -> Iterator[Progress]:
        """Run the hooks, sync and unmount, after a successful load. Raise LoadError if a hook stops it."""

    def unload(self, plan: LoadPlan) -> str:
        """Unload a loaded kernel; return why one stays loaded, or an empty string. Never raise."""

    def execute(self, plan: LoadPlan) -> NoReturn:
        """Start the loaded kernel. Return only by raising LoadError, or SimulatedJump in a simulated session."""
