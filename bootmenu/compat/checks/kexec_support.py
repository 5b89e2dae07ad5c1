# SPDX-License-Identifier: MIT
"""May this process load a kernel at all, and does the running one have a call for it?"""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.compat.checker import Says, entry_check, failed, machine_check, passed, unknown, warned
from bootmenu.compat.facts import EntryFacts
from bootmenu.model.kernel import Architecture
from bootmenu.model.machine import MachineFacts

_DESCRIBED_BY_TREE = (Architecture.ARM64, Architecture.RISCV64)
"""Machines of these are described by a device tree, or by ACPI."""


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


@machine_check("SYS-LIMIT", order=21)
def load_limit(machine: MachineFacts) -> Iterator[Says]:
    """kexec_load_limit_reboot counts down on every permitted attempt, also on those that fail."""
    # Documentation/admin-guide/sysctl/kernel.rst; since 6.3, absent before: nothing to check then
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


@machine_check("SYS-LOADED", order=35)
def loaded(machine: MachineFacts) -> Iterator[Says]:
    """A kernel that waits already is replaced by the next load."""
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


@machine_check("SYS-CRASH-LOADED", order=36)
def crash_kernel(machine: MachineFacts) -> Iterator[Says]:
    """Information: an armed kdump is gone in the second kernel."""
    if machine.kexec.crash_loaded:
        yield passed("A crash kernel is armed; the second kernel has to arm its own.", kexec_crash_loaded=True)


@machine_check("EL-MODE", order=60)
def exception_level(machine: MachineFacts) -> Iterator[Says]:
    """At which exception level the CPUs run; the second kernel is entered at the same one."""
    if machine.architecture is not Architecture.ARM64:
        return
    if machine.exception_level is None:
        yield unknown(
            "At which exception level this machine's CPUs run could not be read from the kernel log.",
            "Run bootmenu as root, soon after the first stage has started: the log forgets its beginning.",
            exception_level=None,
        )
    elif machine.exception_level == "inconsistent":
        yield warned(
            "The CPUs were started at different exception levels: firmware is at fault.",
            "Update the firmware; KVM will not work in the second kernel.",
            exception_level=machine.exception_level,
        )
    else:
        yield passed(f"All CPUs started at {machine.exception_level}.", exception_level=machine.exception_level)


@machine_check("DT-R-SOURCE", order=70)
def running_tree(machine: MachineFacts) -> Iterator[Says]:
    """The tree that this machine was described with, to compare an entry's with."""
    if machine.architecture not in _DESCRIBED_BY_TREE or machine.acpi:
        return
    evidence: dict[str, object] = {"source": machine.tree_source, "problem": machine.tree_problem}
    if machine.tree is not None:
        yield passed(f"This machine's device tree is readable: {machine.tree_source}.", **evidence)
    else:
        yield unknown(
            f"This machine's device tree could not be read: {machine.tree_problem or 'there is none'}.",
            "Run bootmenu as root, with /sys mounted.",
            **evidence,
        )


@entry_check("DT-ACPI-HOST", order=318)
def acpi_host(machine: MachineFacts, entry: EntryFacts) -> Iterator[Says]:
    """A machine described by ACPI hands its tables on; a device tree of an entry's own hides them."""
    if machine.architecture not in _DESCRIBED_BY_TREE:
        return
    evidence: dict[str, object] = {
        "acpi": machine.acpi,
        "cpus_in_tree": None if machine.tree is None else len(machine.tree.cpus),
        "own_tree": entry.wants_own_tree,
    }
    if machine.tree and machine.tree.cpus:
        yield passed("This machine is described by a device tree.", **evidence)
    elif machine.acpi and entry.wants_own_tree:
        yield warned(
            "This machine was described by ACPI, not by a device tree: the entry's own tree cannot be compared.",
            "Leave the device tree out of the entry, so that the ACPI tables are handed on.",
            **evidence,
        )
    elif machine.acpi:
        yield passed("This machine is described by ACPI, and its tables are handed on.", **evidence)
    elif machine.acpi is None:
        yield unknown(
            "No device tree that describes this machine's CPUs could be read, and whether ACPI does is not known.",
            "Run bootmenu as root, with /sys mounted: /sys/firmware/acpi says it.",
            **evidence,
        )
    elif machine.tree is not None:
        yield unknown(
            "This machine's device tree describes no CPUs, and ACPI does not describe this machine.",
            "Is this the tree that the first stage was started with?",
            **evidence,
        )


FILE_LOAD = "kexec_file_load"
"""The loading method by which the kernel itself reads, checks and places what it loads."""


def loads_by_file(machine: MachineFacts, entry: EntryFacts) -> bool | None:
    """Return whether kexec_file_load is what would load the entry; None = not known."""
    if entry.method is not None:
        return entry.method == FILE_LOAD
    if is_locked_down(machine):
        return True
    return None if machine.kexec.kexec_load is None else not machine.kexec.kexec_load


def is_locked_down(machine: MachineFacts) -> bool:
    """Return whether the running kernel is known to be locked down."""
    return machine.lockdown not in (None, "none")


def _level(machine: MachineFacts) -> str:
    """Return how far it is locked down, and by what, in the kernel's own words."""
    return ", ".join(filter(None, (machine.lockdown, machine.lockdown_origin)))


def _way_to_load_unsigned(machine: MachineFacts) -> str:
    if machine.kexec.kexec_load and not machine.secure_boot:
        return "Load it by the call kexec_load, which demands none: --method kexec_tools."
    return "Use a first-stage kernel that does not force signatures."


def _way_out(machine: MachineFacts) -> str:
    """Return what has to change so that it is not locked down."""
    # security/lockdown/lockdown.c: "Kernel is locked down from %s"
    origin = machine.lockdown_origin or ""
    if "Secure Boot" in origin or (not origin and machine.secure_boot):
        return "Switch Secure Boot off in the firmware's setup."
    match origin:
        case "command line":
            return "Start the first stage without lockdown= on its command line."
        case "Kernel configuration":
            return "Use a first-stage kernel that was built without CONFIG_LOCK_DOWN_KERNEL_FORCE_*."
        case "securityfs":
            return "Restart, and remove whatever writes to /sys/kernel/security/lockdown."
        case _:
            return "Start the first stage without lockdown= on its command line, or with Secure Boot off."


def _demand(machine: MachineFacts) -> str:
    """Return why signatures are demanded, in the kernel's own words."""
    if is_locked_down(machine):
        return f"lockdown, {_level(machine)}"
    return "Secure Boot" if machine.secure_boot else "CONFIG_KEXEC_SIG_FORCE"


@entry_check("SYS-LOCKDOWN", order=120)
def lockdown(machine: MachineFacts, entry: EntryFacts) -> Iterator[Says]:
    """Lockdown refuses kexec_load (EPERM); kexec_file_load is left, and what it takes is SYS-SIG's."""
    evidence: dict[str, object] = {
        "lockdown": machine.lockdown,
        "lockdown_origin": machine.lockdown_origin,
        "secure_boot": machine.secure_boot,
        "kexec_file_load": machine.kexec.kexec_file_load,
        "own_tree": entry.wants_own_tree,
        "method": entry.method,
    }
    hint, level = _way_out(machine), _level(machine)
    if machine.lockdown is None:
        yield unknown(
            "Whether the running kernel is locked down could not be read.",
            "Mount securityfs: mount -t securityfs none /sys/kernel/security.",
            **evidence,
        )
    elif machine.lockdown == "none":
        yield passed("The running kernel is not locked down.", **evidence)
    elif machine.kexec.kexec_file_load is False:
        yield failed(
            f"The running kernel is locked down ({level}) and has no kexec_file_load: it loads nothing.",
            hint,
            **evidence,
        )
    elif entry.wants_own_tree:
        yield failed(
            f"The running kernel is locked down ({level}): it hands on no device tree but its own.",
            f"Leave the device tree out of the entry. Else: {hint}",
            **evidence,
        )
    elif entry.method in ("kexec_load", "kexec_tools"):
        # kernel/kexec.c:kexec_load_check: security_locked_down(LOCKDOWN_KEXEC)
        yield failed(
            f"The running kernel is locked down ({level}) and refuses the call kexec_load.",
            "Load it by kexec_file_load.",
            **evidence,
        )
    elif machine.kexec.kexec_file_load is None:
        yield unknown(
            f"The running kernel is locked down ({level}); whether it has kexec_file_load, the one call that is left "
            "then, is not known.",
            hint,
            **evidence,
        )
    else:
        yield passed(
            f"The running kernel is locked down ({level}): kexec_file_load is left.",
            **evidence,
        )


@entry_check("SYS-SIG", order=240, requires=("IMG-FORMAT",))
def signature(machine: MachineFacts, entry: EntryFacts) -> Iterator[Says]:
    """Where a valid signature is demanded of what kexec_file_load loads, an unsigned kernel is refused."""
    image = entry.kernel.image if entry.kernel else None
    kexec = machine.kexec
    if image is None or loads_by_file(machine, entry) is False:
        return  # kexec_load asks for none
    locked = is_locked_down(machine)
    evidence: dict[str, object] = {
        "signed": image.signed,
        "KEXEC_SIG": kexec.signature,
        "KEXEC_SIG_FORCE": kexec.signature_forced,
        "signature_read": kexec.signature_read,
        "lockdown": machine.lockdown,
        "secure_boot": machine.secure_boot,
    }
    # kernel/kexec_file.c:kimage_validate_signature: what is wrong with a signature is an error where signatures are
    # forced, and EPERM under lockdown (but for what IMA guarantees to appraise); else it is only noted
    why = _demand(machine)
    demanded = True if locked or kexec.signature_forced else None
    if kexec.signature_forced is False and machine.lockdown == "none":
        demanded = False
    if locked:
        way_out = _way_out(machine)
    else:
        way_out = _way_to_load_unsigned(machine)
    if kexec.signature is False or demanded is False:
        yield passed("The running kernel demands no signature.", **evidence)
    elif kexec.signature is None or demanded is None:
        yield unknown(
            "Whether the running kernel demands a signature is not known."
            + (" This kernel carries one." if image.signed else " This kernel carries none."),
            f"Put the running kernel's configuration at /boot/config-{machine.kernel_release or 'RELEASE'}.",
            **evidence,
        )
    elif kexec.signature_read is False:
        # kexec_image_verify_sig: "kernel loader does not support signature verification", EKEYREJECTED
        yield failed(
            f"The running kernel demands a signature ({why}) and was built without what reads one: it takes none.",
            way_out,
            **evidence,
        )
    elif image.signed:
        yield unknown(
            f"The running kernel takes only what a key that it trusts has signed ({why}). This kernel carries a "
            "signature; whose it is, and whether that key is among the trusted ones, is not looked at.",
            f"Test it: nothing is changed when it is refused. Else: {way_out}",
            **evidence,
        )
    else:
        # crypto/asymmetric_keys/verify_pefile.c: what is no PE file has no signature, either
        outside = (
            " A signature around it (of its UKI or zboot file) does not count: the kernel is taken out."
            if image.containers
            else ""
        )
        yield failed(
            f"The running kernel takes signed kernels only ({why}), and this one is not signed.{outside}",
            f"Use a kernel that is signed itself. Else: {way_out}",
            **evidence,
        )
