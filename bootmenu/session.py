# SPDX-License-Identifier: MIT
"""One sitting at one machine: what the menu and the command line both do, whichever machine it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NoReturn, Protocol

from bootmenu.discovery.scan import Listing, ScanEvent
from bootmenu.kexec.plan import LoadPlan
from bootmenu.model.finding import Report
from bootmenu.model.machine import MachineFacts
from bootmenu.model.progress import Progress


class Session(Protocol):
    """Everything a screen may ask for. Iterators do their work as they are read; closing one undoes it."""

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
        """Why nothing can be executed here, if so: `not running as root`, ..."""

    def scan(self) -> Iterator[ScanEvent]:
        """Look at every partition afresh."""

    def plan(self, listing: Listing) -> LoadPlan:
        """What booting this entry would do. Raises BootmenuError when it cannot be done at all."""

    def load(self, plan: LoadPlan) -> Iterator[Progress]:
        """Read, prepare, load. Raises LoadError (kexec/load.py); closing it early leaves nothing loaded."""

    def leave(self, plan: LoadPlan) -> Iterator[Progress]:
        """Sync and unmount, when the load has succeeded."""

    def unload(self) -> None:
        """Take a loaded kernel out again; never raises."""

    def jump(self, plan: LoadPlan) -> NoReturn:
        """Start the loaded kernel. Returns only by raising LoadError; a simulated session always raises
        SimulatedJump (kexec/jump.py)."""
