# SPDX-License-Identifier: MIT
"""A recorded machine in place of the real one, for tests of screens and for the demonstration."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator, Sequence
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
        """Accept a load of files of these sizes in bytes, or raise OSError with the errno of kernel/kexec_core.c."""
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
        # kernel/kexec_core.c:sanity_check_segment_list: "more than half of memory pages"; the check is MEM-HALF
        if self.facts.memory_total and sum(sizes) > self.facts.memory_total // 2:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        self.loaded = True


class _SimulatedLog(KernelLog):
    def __init__(self, kernel: SimulatedKernel) -> None:
        super().__init__("")
        self._kernel = kernel

    def _records(self) -> list[tuple[int, str]] | None:
        return list(enumerate(self._kernel.messages))

    @contextlib.contextmanager
    def watched(self) -> Iterator[Callable[[], list[str]]]:
        before = len(self._kernel.messages)
        yield lambda: self._kernel.messages[before:]


class _SimulatedSyscalls(Syscalls):
    def __init__(self, kernel: SimulatedKernel) -> None:
        super().__init__()
        self._kernel = kernel
        self._facts = kernel.facts

    def own_mounts(self) -> None:
        """Do nothing: nothing is mounted."""

    def sync(self) -> None:
        """Do nothing: nothing was written."""

    def kexec_load(self, entry: int, segments: Sequence[Segment]) -> None:  # noqa: ARG002
        """Let the simulated kernel judge the load."""
        if segments:
            self._kernel.load([piece.memory for piece in segments])
        else:
            self._kernel.loaded = False

    def kexec_file_load(self, kernel: int, initrd: int | None, command_line: bytes) -> None:  # noqa: ARG002
        """Let the simulated kernel judge the load."""
        self._kernel.load([os.fstat(fd).st_size for fd in (kernel, initrd) if fd is not None])

    def kexec_file_unload(self) -> None:
        """Unload the kernel."""
        self._kernel.loaded = False

    def reboot_kexec(self) -> None:
        """Refuse to jump."""
        raise OSError(errno.EPERM, os.strerror(errno.EPERM), "simulated")

    def reboot(self, command: int) -> None:
        """Refuse to restart or switch off."""
        raise OSError(errno.EPERM, os.strerror(errno.EPERM), f"simulated {command:#x}")

    def uname(self) -> tuple[str, str]:
        """Return (machine, kernel release) as recorded."""
        return self._facts.machine, self._facts.kernel_release


class SimulatedHost(Host, kw_only=True):
    """A machine that consists of recorded facts; it never changes the real one."""

    kernel: SimulatedKernel

    @classmethod
    def from_facts(cls, facts: MachineFacts, root: Path = Path("/nonexistent")) -> SimulatedHost:
        """Return a machine with these facts. root: a directory with the files of it that are known."""
        kernel = SimulatedKernel(facts)
        return cls(root=root, kernel=kernel, syscalls=_SimulatedSyscalls(kernel), log=_SimulatedLog(kernel))

    def kexec_loaded(self) -> bool | None:
        """Return whether a load was accepted."""
        return self.kernel.loaded
