# SPDX-License-Identifier: MIT
"""A recorded machine instead of the real one: for tests of screens and for the demonstration."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path

from bootmenu.model.kernel import Architecture
from bootmenu.model.machine import MachineFacts
from bootmenu.model.value import Record, field
from bootmenu.system.host import Host
from bootmenu.system.kmsg import KernelLog
from bootmenu.system.syscalls import Segment, Syscalls


class SimulatedKernel(Record):
    """Answers a load as the recorded machine's kernel would."""

    facts: MachineFacts
    messages: list[str] = field(default_factory=list)
    loaded: bool = False

    def load(self, sizes: list[int]) -> None:
        """sizes: bytes of each file. Raises OSError with the errno of kernel/kexec_core.c."""
        if self.facts.kexec.load_disabled or self.facts.cap_sys_boot is False:
            raise OSError(errno.EPERM, os.strerror(errno.EPERM))
        # arch/arm64/kernel/machine_kexec.c:machine_kexec_prepare
        possible = self.facts.possible_cpus or ()
        if (
            self.facts.architecture is Architecture.ARM64
            and len(possible) > 1
            and not any(cpu.offline_control for cpu in self.facts.cpus)
        ):
            self.messages.append("kexec: Can't kexec: CPUs are stuck in the kernel.")
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        # kernel/kexec_core.c:sanity_check_segment_list: "more than half of memory pages"
        if self.facts.memory_total and sum(sizes) > self.facts.memory_total // 2:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        self.loaded = True


class _SimulatedLog(KernelLog):
    def __init__(self, kernel: SimulatedKernel) -> None:
        super().__init__("")
        self._kernel = kernel

    def _records(self, after: int) -> list[tuple[int, str]] | None:
        return [record for record in enumerate(self._kernel.messages) if record[0] > after]


class _SimulatedSyscalls(Syscalls):
    def __init__(self, kernel: SimulatedKernel) -> None:
        super().__init__()
        self._kernel = kernel
        self._facts = kernel.facts

    def own_mounts(self) -> None:
        """Nothing is mounted."""

    def sync(self) -> None:
        """Nothing was written."""

    def kexec_load(self, entry: int, segments: Sequence[Segment]) -> None:  # noqa: ARG002
        """The simulated kernel judges, and keeps nothing."""
        if segments:
            self._kernel.load([piece.memory for piece in segments])
        else:
            self._kernel.loaded = False

    def kexec_file_load(self, kernel: int, initrd: int | None, command_line: bytes) -> None:  # noqa: ARG002
        """The same."""
        self._kernel.load([os.fstat(fd).st_size for fd in (kernel, initrd) if fd is not None])

    def kexec_file_unload(self) -> None:
        """Forget it."""
        self._kernel.loaded = False

    def reboot_kexec(self) -> None:
        """Never jumps."""
        raise OSError(errno.EPERM, os.strerror(errno.EPERM), "simulated")

    def reboot(self, command: int) -> None:
        """Never goes down."""
        raise OSError(errno.EPERM, os.strerror(errno.EPERM), f"simulated {command:#x}")

    def uname(self) -> tuple[str, str]:
        """As recorded."""
        return self._facts.machine, self._facts.kernel_release


class SimulatedHost(Host, kw_only=True):
    """Folders of the real machine may be read, nothing of it is changed."""

    kernel: SimulatedKernel

    @classmethod
    def from_facts(cls, facts: MachineFacts, root: Path = Path("/nonexistent")) -> SimulatedHost:
        """A machine that is as these facts say. root: a folder with those of its files that are known."""
        kernel = SimulatedKernel(facts)
        return cls(root=root, kernel=kernel, syscalls=_SimulatedSyscalls(kernel), log=_SimulatedLog(kernel))

    def kexec_loaded(self) -> bool | None:
        """What the simulated kernel holds."""
        return self.kernel.loaded
