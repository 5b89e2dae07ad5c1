# SPDX-License-Identifier: MIT
"""Load with the program `kexec` of kexec-tools, which makes the call kexec_load (-c)."""

from __future__ import annotations

import errno
import os
import re

from bootmenu.compat.checks.loading_tools import tools_problem
from bootmenu.kexec.methods import METHODS, MethodError, Staged
from bootmenu.model.kernel import LOADABLE, Architecture
from bootmenu.model.machine import MachineFacts
from bootmenu.system.host import Host
from bootmenu.system.processes import CommandError

_LOAD_SECONDS = 300.0
_ERRNOS = {os.strerror(number): number for number in errno.errorcode}


class KexecTools:
    """Run `kexec -c -l`. Always -c: since 2.0.27 the default tries kexec_file_load first, which silently drops
    --dtb. Never -d: it sets debug flags that older kernels refuse."""

    accepts_dtb = True
    writes_dtb = False
    reads_into_memory = True
    max_parts = 0

    def unavailable(self, machine: MachineFacts, own_tree: bool) -> str | None:
        """Require kexec-tools, too, and a kernel that permits kexec_load."""
        if machine.architecture not in LOADABLE:
            return f"this machine is {machine.machine or 'unknown'}"
        if problem := tools_problem(machine):
            return problem
        if machine.kexec.kexec_load is False:
            return "the running kernel has no kexec_load"
        if machine.lockdown not in (None, "none"):
            return f"the running kernel is locked down ({machine.lockdown}), which forbids kexec_load"
        if own_tree and machine.architecture is Architecture.X86_64:
            return "this machine has no use for the device tree that the entry brings"
        return None

    def reason(self, own_tree: bool) -> str:
        """Return what it does, for people."""
        tree = "takes the entry's own device tree" if own_tree else "passes on the running device tree"
        return f"kexec -c -l: the call kexec_load, which {tree}"

    def load(self, staged: Staged, host: Host) -> None:
        """Pass the files as inherited descriptors, so that no path of a foreign disk is on a command line."""
        argv = [
            "kexec",
            "-c",
            "-l",
            f"/proc/self/fd/{staged.kernel.descriptor}",
            f"--command-line={staged.command_line}",
        ]
        if staged.initrd is not None:
            argv.append(f"--initrd=/proc/self/fd/{staged.initrd}")
        if staged.dtb is not None:
            argv.append(f"--dtb=/proc/self/fd/{staged.dtb}")
        self._run(argv, host, staged.descriptors)

    def unload(self, host: Host) -> None:
        """Run `kexec -c -u`. Raise MethodError."""
        self._run(["kexec", "-c", "-u"], host, ())

    def _run(self, argv: list[str], host: Host, descriptors: tuple[int, ...]) -> None:
        try:
            done = host.commands.run(argv, timeout=_LOAD_SECONDS, pass_fds=descriptors)
        except CommandError as error:
            raise MethodError("kexec", None, error.message) from None
        if done.returncode != 0:
            match = re.search(r"(kexec(?:_file)?_load)[a-z ]* failed: (.+)", done.error_text)
            number = _ERRNOS.get(match[2].strip()) if match else None
            raise MethodError(match[1] if match else "kexec", number, done.error_text)


METHODS.register("kexec_tools", after="kexec_file_load")(KexecTools())
