# SPDX-License-Identifier: MIT
"""Explain why a load or a jump failed: the call, its errno, the kernel's log, and what to do."""

from __future__ import annotations

import errno as errnos
import os
from collections.abc import Iterable

from bootmenu.errors import BootmenuError
from bootmenu.model.machine import MachineFacts
from bootmenu.model.progress import Stage


class LoadError(BootmenuError):
    """A load or a jump failed; nothing stays loaded, unless `left_loaded` says so.

    stage: where it failed. call: `kexec_load`, `kexec`, `reboot`, ... errno: None if it was no system call.
    kernel_log: the lines that the kernel logged meanwhile, oldest first.
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
        """Return name and meaning, `EBUSY, device or resource busy`; empty without an errno."""
        if self.errno is None:
            return ""
        name = errnos.errorcode.get(self.errno, str(self.errno))
        return f"{name}, {os.strerror(self.errno).lower()}"

    def to_json(self) -> dict[str, object]:
        """Return the error as JSON, with the call and the kernel's log verbatim."""
        return {
            **super().to_json(),
            "stage": str(self.stage),
            "call": self.call,
            "errno": None if self.errno is None else errnos.errorcode.get(self.errno, str(self.errno)),
            "kernel_log": list(self.kernel_log),
            "left_loaded": list(left_loaded(self)),
        }


def leave_note(error: BaseException, left: str) -> None:
    """Add a note to an error that a kernel stays loaded. left: what `load.unload` returned; empty if nothing does."""
    if left and left not in left_loaded(error):
        error.add_note(left)


def left_loaded(error: BaseException) -> tuple[str, ...]:
    """Return the notes of an error about a kernel that stays loaded; () if nothing does."""
    return tuple(getattr(error, "__notes__", ()))


class SimulatedJump(BootmenuError):  # noqa: N818 - it reports no failure
    """The simulated machine reached the jump, which it does not make."""


_SIGN = "Use a kernel that is signed with a key that the running one trusts, or one that need not be signed."


def explain(
    errno: int | None, kernel_log: Iterable[str], call: str = "", machine: MachineFacts | None = None
) -> tuple[str, str]:
    """Return (why, what to do) for a refusal of kexec_load or kexec_file_load.

    The errno alone is ambiguous: the reason in the kernel's log decides (kernel/kexec.c,
    arch/arm64/kernel/machine_kexec.c), and without one what is known of the machine. call: which of the two it was;
    empty if unknown. machine: its permissions, as they were before the call.
    """
    log = " ".join(kernel_log)
    machine = machine or MachineFacts()
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
            return _not_permitted(log, call, machine)
        case errnos.EACCES:
            return (
                "A security policy (IMA) wants to see the file and refuses this call.",
                "Load the entry without a device tree of its own, by kexec_file_load.",
            )
        case errnos.EINVAL if "command line" in log:
            # arch/x86/kernel/kexec-bzimage64.c:bzImage64_load
            return ("The command line is longer than this kernel takes.", "Shorten it.")
        case errnos.EINVAL:
            return (
                "The kernel does not accept what it was handed: most often an initramfs that needs more than half of "
                "the RAM, or a command line that is too long.",
                "Use a smaller initramfs, a shorter command line, or a machine with more memory.",
            )
        case errnos.EADDRNOTAVAIL:
            return (
                "There is no place in memory for this kernel.",
                "Use a smaller initramfs, or free reserved memory.",
            )
        case errnos.EFAULT | errnos.EIO:
            return (
                "A file could not be read to its end while the kernel copied it: its disk failed or it is truncated.",
                "Check the disk, then scan again.",
            )
        case errnos.ENOEXEC:
            return (
                "The running kernel does not know this kernel's format, or it is for another architecture.",
                "Use a kernel for this machine.",
            )
        case errnos.ENOMEM:
            return ("There is not enough free memory to hold the next kernel.", "Use a smaller initramfs.")
        case errnos.ENOSYS:
            return (
                "The running kernel was built without kexec.",
                "Use a first-stage kernel built with CONFIG_KEXEC=y.",
            )
        # crypto/asymmetric_keys: verify_pefile.c, mscode_parser.c, pkcs7_verify.c, pkcs7_trust.c; where signatures
        # are enforced (CONFIG_KEXEC_SIG_FORCE, or IMA under Secure Boot): lockdown alone turns all of them into EPERM
        case errnos.ENODATA:
            return ("This kernel is not signed, and the running one takes signed kernels only.", _SIGN)
        case errnos.ENOKEY:
            return ("This kernel is signed, but with no key that the running one trusts.", _SIGN)
        case errnos.EKEYREJECTED:
            return (
                "The running kernel rejects this kernel's signature: the file was changed after it was signed, its "
                "key was revoked, it is not signed at all, or signatures cannot be read here.",
                _SIGN,
            )
        case errnos.ENOPKG:
            return (
                "This kernel's signature was made by an algorithm that the running kernel does not have.",
                "Use a kernel that is signed in another way, or a first-stage kernel with that algorithm built in.",
            )
        case errnos.EBADMSG | errnos.EMSGSIZE | 524:  # ENOTSUPP of include/linux/errno.h, which libc does not name
            return (
                "This kernel's signature is damaged, or of a kind that the running kernel does not know.",
                "Copy the file again, or reinstall the kernel package.",
            )
        case errnos.ELIBBAD:
            return (
                "The running kernel demands a signature, and this file has no place for one: it is no whole EFI "
                "program (PE).",
                "Copy the file again; or use a kernel with an EFI stub, and signed.",
            )
        case _:
            return ("The kernel could not be loaded.", "See the kernel's messages above, and the log.")


def _not_permitted(log: str, call: str, machine: MachineFacts) -> tuple[str, str]:
    """Return (why, what to do) for EPERM: the first known reason, in the order of the kernel's checks."""
    # kernel/kexec_core.c:kexec_load_permitted, then kernel/kexec.c:kexec_load_check or
    # kernel/kexec_file.c:kimage_validate_signature
    kexec, locked = machine.kexec, machine.lockdown not in (None, "none")
    if machine.cap_sys_boot is False:
        return (
            "This process may not load a kernel: it lacks CAP_SYS_BOOT.",
            "Run bootmenu as root; in a container root lacks it, too.",
        )
    if kexec.load_disabled:
        return (
            "Loading kernels is switched off on this machine (kexec_load_disabled is 1).",
            "The switch cannot be turned back: reboot, and remove whatever sets kernel.kexec_load_disabled.",
        )
    if kexec.load_limit == 0:
        return (
            "No load is permitted any more: kexec_load_limit_reboot has counted down to 0.",
            "Only a reboot lifts it: set kernel.kexec_load_limit_reboot higher, or not at all.",
        )
    # security/lockdown/lockdown.c: "Lockdown: %s: kexec of unsigned images is restricted"
    if locked or "kexec of unsigned images is restricted" in log:
        by = f" ({machine.lockdown_origin})" if machine.lockdown_origin else ""
        if call == "kexec_load":
            return (
                f"The running kernel is locked down{by} and refuses the call kexec_load, whatever is loaded.",
                "Load by kexec_file_load, which takes signed kernels and passes on the running device tree.",
            )
        return (
            f"The running kernel is locked down{by}: this kernel is not signed, or with no key that it trusts.",
            "Use a kernel that is signed with a key that the running one trusts; or start the first stage without "
            "lockdown= and with Secure Boot off.",
        )
    if None in (machine.cap_sys_boot, kexec.load_disabled, machine.lockdown):
        return (
            "Loading is not permitted. It could not be read whether this process lacks CAP_SYS_BOOT, kernels may be "
            "loaded at all (kexec_load_disabled), or the running kernel is locked down.",
            "Look at the kernel's log, at /proc/sys/kernel/kexec_load_disabled and /sys/kernel/security/lockdown.",
        )
    return (
        "Loading is not permitted, though root may load kernels here: a security policy (SELinux, IMA) forbids it.",
        "Look at the kernel's log and at the policy.",
    )
