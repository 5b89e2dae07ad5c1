# SPDX-License-Identifier: MIT
"""Check that this process may load a kernel, and that the running kernel has a system call for it."""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.compat.checker import CheckResult, failed, machine_check, passed, unknown, warned
from bootmenu.model.kernel import LOADABLE
from bootmenu.model.machine import MachineFacts


@machine_check("SYS-CAP")
def privileged(machine: MachineFacts) -> Iterator[CheckResult]:
    """Check for CAP_SYS_BOOT, which both kexec calls and the jump need.

    The kernel takes kexec calls from processes with this capability only. Root has it, unless a container or a
    service took it away.

    fail: this process lacks it. → Run bootmenu as root.
    unknown: /proc/self/status could not be read. → Mount /proc.
    evidence: CAP_SYS_BOOT, from CapEff in /proc/self/status
    """
    match machine.cap_sys_boot:
        case True:
            yield passed("This process may load and start kernels.", CAP_SYS_BOOT=True)
        case False:
            yield failed(
                "This process may not load a kernel: it lacks CAP_SYS_BOOT.",
                "Run bootmenu as root.",
                CAP_SYS_BOOT=False,
            )
        case None:
            yield unknown(
                "Whether this process may load a kernel could not be read from /proc/self/status.",
                "Is /proc mounted?",
            )


@machine_check("SYS-DISABLED")
def switched_off(machine: MachineFacts) -> Iterator[CheckResult]:
    """Check that kexec_load_disabled is not set; it cannot be cleared until the next reboot.

    An administrator can switch loading off for good with the sysctl kernel.kexec_load_disabled. It is the same for
    every entry.

    fail: loading is switched off. → Reboot, and remove what sets kernel.kexec_load_disabled; look in /etc/sysctl.d.
    unknown: the switch could not be read. This kernel may have no kexec at all. → Mount /proc, or use a kernel with
        CONFIG_KEXEC=y.
    evidence: kexec_load_disabled, from /proc/sys/kernel; kexec_loaded, from /sys/kernel
    """
    kexec = machine.kexec
    evidence: dict[str, object] = {"kexec_load_disabled": kexec.load_disabled, "kexec_loaded": kexec.loaded}
    match kexec.load_disabled:
        case False:
            yield passed("Loading kernels is not switched off.", **evidence)
        case True:
            yield failed(
                "Loading kernels is switched off on this machine (kexec_load_disabled is 1)."
                + (" A kernel is loaded already, and only that one can still be started." if kexec.loaded else ""),
                "The switch cannot be turned back: reboot, and remove whatever sets kernel.kexec_load_disabled "
                "(look in /etc/sysctl.d).",
                **evidence,
            )
        case None:
            yield unknown(
                "Whether loading kernels is switched off could not be read.",
                "/proc/sys/kernel/kexec_load_disabled is missing: this kernel may have no kexec at all.",
                **evidence,
            )


@machine_check("SYS-LIMIT")
def load_limit(machine: MachineFacts) -> Iterator[CheckResult]:
    """Check that kexec_load_limit_reboot permits another load; it counts failed attempts, too.

    The sysctl kernel.kexec_load_limit_reboot can allow a fixed number of loads until the next reboot. Without a
    limit the check passes.

    warn: one load is left. An attempt that fails uses it up. → Be sure of the entry: there is no second try before a
        reboot.
    fail: no load is left. → Reboot, and set kernel.kexec_load_limit_reboot higher, or not at all.
    evidence: kexec_load_limit_reboot, from /proc/sys/kernel
    """
    # Documentation/admin-guide/sysctl/kernel.rst: exists since 6.3; before, there is nothing to check
    limit = machine.kexec.load_limit
    if limit is None:
        return
    match limit:
        case 0:
            yield failed(
                "No load is permitted any more: kexec_load_limit_reboot has counted down to 0.",
                "Only a reboot lifts it: set kernel.kexec_load_limit_reboot higher, or not at all.",
                kexec_load_limit_reboot=limit,
            )
        case 1:
            yield warned(
                "One load is left (kexec_load_limit_reboot is 1), and an attempt that fails uses it up, too.",
                "Be sure of the entry: there is no second try before a reboot.",
                kexec_load_limit_reboot=limit,
            )
        case _:
            left = "no limit" if limit < 0 else f"{limit} loads left"
            yield passed(f"The number of loads is not used up: {left}.", kexec_load_limit_reboot=limit)


@machine_check("SYS-SYSCALL")
def has_a_call(machine: MachineFacts) -> Iterator[CheckResult]:
    """Check for kexec_load (any kernel, any device tree) or kexec_file_load (running tree only).

    There are two system calls. kexec_load takes any kernel and any device tree. kexec_file_load reads the kernel
    file itself and passes on the running tree.

    fail: the running kernel has neither call. → Use a first-stage kernel built with CONFIG_KEXEC=y, as Debian's is.
    unknown: the running kernel's configuration could not be found. → Put it at /boot/config-RELEASE, or build the
        kernel with CONFIG_IKCONFIG_PROC=y.
    evidence: kexec_load, kexec_file_load: whether the running kernel has the call; source: where that was read
    """
    kexec = machine.kexec
    evidence: dict[str, object] = {
        "kexec_load": kexec.kexec_load,
        "kexec_file_load": kexec.kexec_file_load,
        "source": kexec.config_source,
    }
    calls = [
        name
        for name, there in (("kexec_load", kexec.kexec_load), ("kexec_file_load", kexec.kexec_file_load))
        if there
    ]
    if calls:
        yield passed(f"The running kernel can load another one: {' and '.join(calls)}.", **evidence)
    elif kexec.kexec_load is False and kexec.kexec_file_load is False:
        yield failed(
            "The running kernel has no kexec: neither kexec_load nor kexec_file_load was built in.",
            "Use a first-stage kernel built with CONFIG_KEXEC=y; Debian's have it.",
            **evidence,
        )
    else:
        yield unknown(
            "Whether the running kernel has kexec could not be found out.",
            f"Put the kernel's configuration at /boot/config-{machine.kernel_release or 'RELEASE'}, "
            "or build the kernel with CONFIG_IKCONFIG_PROC=y.",
            **evidence,
        )


@machine_check("SYS-ARCH")
def known_architecture(machine: MachineFacts) -> Iterator[CheckResult]:
    """Check that bootmenu knows how to load a kernel on this architecture.

    How a kernel is entered differs from one architecture to the next. On the others, kexec-tools may know it.

    fail: bootmenu loads no kernel here. → Load it with kexec-tools by hand: kexec -l, then kexec -e.
    evidence: machine: what uname -m says
    """
    architecture = machine.architecture
    if architecture is not None and architecture not in LOADABLE:
        yield failed(
            f"bootmenu cannot load a kernel on {architecture}: it knows {', '.join(LOADABLE)}.",
            "Load it with kexec-tools by hand: kexec -l KERNEL --initrd=FILE, then kexec -e.",
            machine=machine.machine,
        )


@machine_check("SYS-LOADED")
def loaded(machine: MachineFacts) -> Iterator[CheckResult]:
    """Report a kernel that is already loaded, which the next load replaces.

    The kernel keeps one loaded kernel. Another program, such as systemctl kexec, may have loaded it.

    warn: a kernel is loaded, and the next load replaces it. → Nothing, or unload it with kexec -u.
    unknown: /sys/kernel/kexec_loaded could not be read. → Mount /sys.
    evidence: kexec_loaded, from /sys/kernel/kexec_loaded
    """
    match machine.kexec.loaded:
        case True:
            yield warned(
                "A kernel is loaded already; loading another one replaces it.",
                "To get rid of it: kexec -u.",
                kexec_loaded=True,
            )
        case False:
            yield passed("No kernel is loaded yet.", kexec_loaded=False)
        case None if machine.kexec.kexec_load is False and machine.kexec.kexec_file_load is False:
            return  # SYS-SYSCALL has said that there is no kexec at all
        case None:
            yield unknown(
                "Whether a kernel is loaded already could not be read.",
                "Is /sys mounted? /sys/kernel/kexec_loaded says it.",
                kexec_loaded=None,
            )


@machine_check("SYS-CRASH-LOADED")
def crash_kernel(machine: MachineFacts) -> Iterator[CheckResult]:
    """Report that a loaded crash kernel (kdump) is lost in the next kernel.

    The crash kernel that kdump has loaded is not handed on. The next system has to load its own.

    pass: a crash kernel is loaded; this is for information only.
    evidence: kexec_crash_loaded, from /sys/kernel/kexec_crash_loaded
    """
    if machine.kexec.crash_loaded:
        yield passed("A crash kernel is armed; the next kernel has to arm its own.", kexec_crash_loaded=True)
