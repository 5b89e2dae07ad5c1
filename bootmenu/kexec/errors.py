# SPDX-License-Identifier: MIT
"""How a load or a jump fails: with the call, its errno, what the kernel said, and what to do."""

from __future__ import annotations

import errno as errnos
import os
from collections.abc import Iterable

from bootmenu.errors import BootmenuError
from bootmenu.model.progress import Stage


class LoadError(BootmenuError):
    """A load or a jump did not succeed; nothing is loaded, unless `left_loaded` says so.

    stage: where it happened. call: `kexec_load`, `kexec`, `reboot`, ... errno: None when it was no system call.
    kernel_log: the lines that appeared meanwhile, oldest first.
    """

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        stage: Stage,
        call: str = "",
        errno: int | None = None,
        kernel_log: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message, hint)
        self.stage = stage
        self.call = call
        self.errno = errno
        self.kernel_log = kernel_log

    @property
    def errno_text(self) -> str:
        """`EBUSY, device or resource busy`; empty without an errno."""
        if self.errno is None:
            return ""
        name = errnos.errorcode.get(self.errno, str(self.errno))
        return f"{name}, {os.strerror(self.errno).lower()}"


def leave_note(error: BaseException, left: str) -> None:
    """Note in an error that a kernel stays loaded. left: what an unload returned; empty = none does."""
    if left and left not in left_loaded(error):
        error.add_note(left)


def left_loaded(error: BaseException) -> tuple[str, ...]:
    """Return what an error notes of a kernel that stays loaded; () = none does."""
    return tuple(getattr(error, "__notes__", ()))


class SimulatedJump(BootmenuError):  # noqa: N818 - not an error of anybody's
    """The simulated machine got as far as the jump, which it does not make."""


def explain(errno: int | None, kernel_log: Iterable[str]) -> tuple[str, str]:
    """(why, what to do) for a refusal of kexec_load or kexec_file_load.

    The errno alone is ambiguous; where the kernel logged its reason, that decides (kernel/kexec.c,
    arch/arm64/kernel/machine_kexec.c).
    """
    log = " ".join(kernel_log)
    match errno:
        case errnos.EBUSY if "stuck in the kernel" in log:
            return (
                "The CPUs of this machine cannot be handed over: Linux has no way to stop those that firmware "
                "started without PSCI.",
                "Put nr_cpus=1 on the first stage's command line and start again. "
                "On a Raspberry Pi that is the file cmdline.txt.",
            )
        case errnos.EBUSY:
            return (
                "The kernel is busy: CPUs cannot be stopped, protected KVM is active, or another load is under way.",
                "If it stays so, start the first stage with nr_cpus=1, or without kvm-arm.mode=protected.",
            )
        case errnos.EPERM:
            return (
                "Loading is not permitted: not root, switched off (kexec_load_disabled), used up "
                "(kexec_load_limit_reboot), or locked down.",
                "Run as root; look at /proc/sys/kernel/kexec_load_disabled and /sys/kernel/security/lockdown.",
            )
        case errnos.EACCES:
            return (
                "A security policy (IMA) wants to see the file and refuses this call.",
                "Load the entry without a device tree of its own, by kexec_file_load.",
            )
        case errnos.EINVAL:
            return (
                "The kernel does not accept this layout: most often the initramfs needs more than half of the RAM.",
                "Use a smaller initramfs or a machine with more memory.",
            )
        case errnos.EADDRNOTAVAIL:
            return (
                "There is no place in memory for this kernel.",
                "Use a smaller initramfs, or free reserved memory.",
            )
        case errnos.EFAULT:
            return (
                "A file could not be read to its end while the kernel copied it: its disk failed, or it was cut off.",
                "Check the disk, then scan again.",
            )
        case errnos.ENOEXEC:
            return (
                "The running kernel does not know this kernel's format, or it is for another architecture.",
                "Use a kernel for this machine.",
            )
        case errnos.ENOMEM:
            return ("There is not enough free memory to hold the new kernel.", "Use a smaller initramfs.")
        case errnos.ENOSYS:
            return (
                "The running kernel was built without kexec.",
                "Use a first-stage kernel built with CONFIG_KEXEC=y.",
            )
        case errnos.EKEYREJECTED | errnos.ENOKEY | errnos.EBADMSG | errnos.ELIBBAD:
            return (
                "The kernel's signature is missing, damaged or not trusted.",
                "Use a kernel signed with a known key.",
            )
        case _:
            return ("The kernel could not be loaded.", "Look at the kernel's own words above, and at the log.")
