# SPDX-License-Identifier: MIT
"""Loading by the system call kexec_file_load: the kernel itself reads, checks, lays out, and hands its own tree on.

It takes raw kernels only (arm64 and riscv64 Image, bzImage), checks signatures, and is all that lockdown leaves.
"""

from __future__ import annotations

import os

from bootmenu.kexec.methods import METHODS, MethodError, Staged
from bootmenu.model.kernel import Architecture
from bootmenu.model.machine import MachineFacts
from bootmenu.system.host import Host

_ARCHITECTURES = (Architecture.ARM64, Architecture.X86_64, Architecture.RISCV64)


class KexecFileLoad:
    """Kernel and initramfs are handed over as descriptors."""

    accepts_dtb = False
    writes_dtb = False
    reads_into_memory = True
    parts = 0

    def unavailable(self, machine: MachineFacts, own_tree: bool) -> str | None:
        """The call has no argument for a device tree: one that was chosen is never dropped in silence."""
        if machine.architecture not in _ARCHITECTURES:
            return f"this machine is {machine.machine or 'unknown'}"
        if machine.kexec.kexec_file_load is False:
            return "the running kernel has no kexec_file_load"
        if machine.architecture is Architecture.RISCV64 and machine.kexec.file_image is False:
            return "the running kernel's kexec_file_load takes no Image, which came with 6.16"
        if own_tree:
            return "the call hands on the running device tree only, and this entry brings its own"
        return None

    def reason(self, own_tree: bool) -> str:  # noqa: ARG002
        """For the plan."""
        return "the call kexec_file_load: the running kernel itself checks and lays out what it loads"

    def load(self, staged: Staged, host: Host) -> None:
        """One call."""
        try:
            host.syscalls.kexec_file_load(staged.kernel.descriptor, staged.initrd, os.fsencode(staged.command_line))
        except OSError as error:
            raise MethodError("kexec_file_load", error.errno, error.strerror or "") from None

    def unload(self, host: Host) -> None:
        """By the same call."""
        try:
            host.syscalls.kexec_file_unload()
        except OSError as error:
            raise MethodError("kexec_file_load", error.errno, error.strerror or "") from None


METHODS.register("kexec_file_load", after="kexec_load")(KexecFileLoad())
