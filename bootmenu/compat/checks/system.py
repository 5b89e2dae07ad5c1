# SPDX-License-Identifier: MIT
"""May this process load a kernel at all, and does the running one have a call for it?"""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.compat.checker import Says, failed, machine_check, passed, unknown
from bootmenu.model.machine import MachineFacts


@machine_check("SYS-CAP", order=10)
def privileged(machine: MachineFacts) -> Iterator[Says]:
    """CAP_SYS_BOOT is needed for both kexec calls and for the jump."""
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


@machine_check("SYS-DISABLED", order=20)
def switched_off(machine: MachineFacts) -> Iterator[Says]:
    """kexec_load_disabled can be set once and stays until the next reboot."""
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


@machine_check("SYS-SYSCALL", order=30)
def has_a_call(machine: MachineFacts) -> Iterator[Says]:
    """kexec_load (any kernel, any device tree) or kexec_file_load (the running tree only)."""
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
