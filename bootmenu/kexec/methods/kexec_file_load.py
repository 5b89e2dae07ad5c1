# SPDX-License-Identifier: MIT
"""Load with the system call kexec_file_load: the kernel reads, checks and places the files, and hands over its tree.

It takes raw kernels only (arm64 and riscv64 Image, bzImage), checks signatures, and is the only way under lockdown.
"""

from __future__ import annotations

import errno
import os

from bootmenu.kexec.methods import METHODS, MethodError, Staged
from bootmenu.model.kernel import LOADABLE, Architecture
from bootmenu.model.machine import MachineFacts
from bootmenu.system.host import Host


class KexecFileLoad:
    """Hand kernel and initramfs to the running kernel as descriptors."""

    accepts_dtb = False
    writes_dtb = False
    reads_into_memory = True
    max_parts = 0

    def unavailable(self, machine: MachineFacts, own_tree: bool) -> str | None:
        """Refuse an entry with its own device tree, too: the call has no argument for one."""
        if machine.architecture not in LOADABLE:
            return f"this machine is {machine.machine or 'unknown'}"
        if machine.kexec.kexec_file_load is False:
            return "the running kernel has no kexec_file_load"
        if machine.architecture is Architecture.RISCV64 and machine.kexec.file_image is False:
            return "the running kernel's kexec_file_load takes no Image, which came with 6.16"
        if own_tree:
            return "the call passes on the running device tree only, and this entry brings its own"
        return None

    def reason(self, own_tree: bool) -> str:  # noqa: ARG002
        """Return what it does, for people."""
        return "the call kexec_file_load: the running kernel itself checks and lays out what it loads"

    def load(self, staged: Staged, host: Host) -> None:
        """Make the call, twice if a file cannot be read the first time. Raise MethodError."""
        try:
            _call(staged, host)
        except MethodError as error:
            if error.errno != errno.EIO:  # fs/kernel_read_file.c: also of a file that ends early
                raise
            for part in (staged.kernel, *staged.initramfs):
                part.read_through()
            _call(staged, host)

    def unload(self, host: Host) -> None:
        """Unload with the same call. Raise MethodError."""
        try:
            host.syscalls.kexec_file_unload()
        except OSError as error:
            raise MethodError("kexec_file_load", error.errno, error.strerror or "") from None


def _call(staged: Staged, host: Host) -> None:
    try:
        host.syscalls.kexec_file_load(staged.kernel.descriptor, staged.initrd, os.fsencode(staged.command_line))
    except OSError as error:
        raise MethodError("kexec_file_load", error.errno, error.strerror or "") from None


METHODS.register("kexec_file_load", after="kexec_load")(KexecFileLoad())
