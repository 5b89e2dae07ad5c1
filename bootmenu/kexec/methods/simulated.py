# SPDX-License-Identifier: MIT
"""Load into a simulated kernel, for tests and the demonstration: it answers as the real one would."""

from __future__ import annotations

import os

from bootmenu.kexec.methods import METHODS, MethodError, Staged
from bootmenu.model.machine import MachineFacts
from bootmenu.system.host import Host
from bootmenu.system.recorded_host import SimulatedHost


class Simulated:
    """Load nothing; used only when asked for by name."""

    accepts_dtb = True
    writes_dtb = False
    reads_into_memory = False
    max_parts = 0

    def unavailable(self, machine: MachineFacts, own_tree: bool) -> str | None:  # noqa: ARG002
        """Return a reason always, so that no plan chooses it automatically."""
        return "it is a simulation"

    def reason(self, own_tree: bool) -> str:  # noqa: ARG002
        """Return what it does, for people."""
        return "SIMULATION: the files are read and prepared, and no kernel is loaded"

    def load(self, staged: Staged, host: Host) -> None:
        """Let the simulated kernel check sizes and CPUs. Raise MethodError."""
        if not isinstance(host, SimulatedHost):
            raise MethodError("simulated", None, "this is a real machine")
        try:
            host.kernel.load([os.fstat(fd).st_size for fd in staged.descriptors])
        except OSError as error:
            raise MethodError("kexec_load", error.errno, f"kexec_load failed: {error.strerror}") from None

    def unload(self, host: Host) -> None:
        """Unload the simulated kernel."""
        if isinstance(host, SimulatedHost):
            host.kernel.loaded = False


METHODS.register("simulated", last=True)(Simulated())
