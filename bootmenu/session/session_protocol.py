# SPDX-License-Identifier: MIT
"""The interface of a session that front ends use, on a real machine or a simulated one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager

from bootmenu.errors import BootmenuError
from bootmenu.typed import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from bootmenu.bootstate.state_store import StateStore
    from bootmenu.compat import EntryFacts
    from bootmenu.discovery.dtb_candidates import DtbChoice
    from bootmenu.discovery.scan_events import Listing
    from bootmenu.discovery.scan_feed import Subscription
    from bootmenu.kexec.dtb_builder import PlanDtbs
    from bootmenu.kexec.load_test import LoadTestPermission
    from bootmenu.kexec.plan import LoadPlan
    from bootmenu.model.entry import BootEntry
    from bootmenu.model.finding import Report
    from bootmenu.model.machine import MachineFacts
    from bootmenu.model.progress import Progress
    from bootmenu.session.entry_files import EntryFiles
    from bootmenu.session.history import History
    from bootmenu.system.power import Power
    from bootmenu.typed import NoReturn


class BusyError(BootmenuError):
    """Another console owns the machine, because it is loading, restarting or switching off."""


class Session(Protocol):
    """What a front end may ask of a session. A load proceeds as its iterator is read; closing that early unloads."""

    @property
    def machine(self) -> MachineFacts:
        """Return the facts of the machine."""

    @property
    def machine_report(self) -> Report:
        """Return the findings that hold for every entry."""

    @property
    def simulated(self) -> bool:
        """Return whether this is the demonstration machine, where everything works but the jump."""

    @property
    def notices(self) -> tuple[str, ...]:
        """Return the reasons why nothing can be started here, such as `kexec-tools is not installed`."""

    @property
    def history(self) -> History:
        """Return what was done since the menu started, on every console."""

    @property
    def state_store(self) -> StateStore:
        """Return the store of the state that is kept between boots. The first call opens it, which may search for a
        partition."""

    def scan(self) -> Subscription:
        """Read every partition again; return a subscription to what is found, and to later changes. Earlier ones stay
        valid. Raise BusyError while another console owns the machine."""

    def unlock(self, device: str, passphrase: str) -> None:
        """Unlock an encrypted partition, given by its kernel name, so that the next scan can read it. This takes
        seconds. Raise UnlockError if it fails."""

    def holding(self, listing: Listing) -> AbstractContextManager[None]:
        """Mount the partitions of an entry's files, and keep them mounted until the end, even if a scan starts.

        Use it from the plan to the jump, which unmounts everything. Never raise: what cannot be mounted is reported
        where it is needed."""

    def plan(self, listing: Listing) -> LoadPlan:
        """Return what booting this entry would do. Reads the disk; may be called in any thread. Raise BootmenuError
        if it cannot be booted."""

    def method(self, facts: EntryFacts) -> str:
        """Return the name of the loading method that a plan would use, or an empty string if there is none."""

    def device_trees(self, listing: Listing) -> tuple[DtbChoice, ...]:
        """Return the device trees for this entry's kernel, those for this board first. Reads the disk, once per scan;
        may be called in any thread."""

    @property
    def entry_files(self) -> EntryFiles:
        """Return what the editor of an entry asks about the partitions."""

    def recheck(self, entry: BootEntry) -> Listing:
        """Judge a changed entry as a scan would. Reads the disk; may be called in any thread."""

    def plan_dtbs(self, plan: LoadPlan) -> PlanDtbs:
        """Return the device trees of a plan. Reads the disk; may be called in any thread. Raise BootmenuError."""

    def load_test_permission(self) -> LoadTestPermission:
        """Return whether a kernel can be loaded as a test now."""

    @property
    def powers(self) -> tuple[Power, ...]:
        """Return how the machine can be restarted or switched off. Asks the firmware once; may be called in any
        thread."""

    def power(self, wanted: Power) -> None:
        """Restart or switch off the machine. Return only by raising BootmenuError: PowerError, or SimulatedJump in a
        simulated session."""

    def shell(self) -> None:
        """Run a shell on the terminal of this process until it ends. Raise BootmenuError if that fails."""

    def kernel_log(self) -> list[str] | None:
        """Return the running kernel's messages, oldest first, or None if they cannot be read."""

    def load(self, plan: LoadPlan) -> Iterator[Progress]:
        """Read, prepare and load. Raise LoadError (kexec/kernel_errors.py) if that fails."""

    def prepare_jump(self, plan: LoadPlan) -> Iterator[Progress]:
        """Run the hooks, sync and unmount, after a successful load. Raise LoadError if a hook refuses."""

    def unload(self, plan: LoadPlan) -> str:
        """Unload the kernel; return why it stays loaded, or an empty string. Never raise."""

    def execute(self, plan: LoadPlan) -> NoReturn:
        """Start the loaded kernel. Return only by raising LoadError, or SimulatedJump in a simulated session."""
