# SPDX-License-Identifier: MIT
"""Check that the running kernel accepts the system call that would load the entry, and the kernel's signature."""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.compat.checker import CheckResult, entry_check, failed, passed, unknown
from bootmenu.compat.facts import EntryFacts
from bootmenu.model.kernel import Signature
from bootmenu.model.machine import MachineFacts

FILE_LOAD = "kexec_file_load"
"""The loading method in which the running kernel itself reads, verifies and places the new one."""


def loads_by_file(machine: MachineFacts, entry: EntryFacts) -> bool | None:
    """Return whether kexec_file_load would load the entry, or None if not known."""
    if entry.method is not None:
        return entry.method == FILE_LOAD
    if is_locked_down(machine) or machine.kexec.kexec_load is False:
        return True
    return False if machine.kexec.kexec_file_load is False else None


def is_locked_down(machine: MachineFacts) -> bool:
    """Return whether the running kernel is known to be locked down."""
    return machine.lockdown not in (None, "none")


def _level(machine: MachineFacts) -> str:
    """Return the lockdown level and what set it, in the kernel's own words."""
    return ", ".join(filter(None, (machine.lockdown, machine.lockdown_origin)))


def _way_to_load_unsigned(machine: MachineFacts) -> str:
    if machine.kexec.kexec_load and not machine.secure_boot:
        return "Load it by the call kexec_load, which demands none: --method kexec_tools."
    return "Use a first-stage kernel that does not force signatures."


def _way_out(machine: MachineFacts) -> str:
    """Return how to disable lockdown."""
    # security/lockdown/lockdown.c: "Kernel is locked down from %s"
    origin = machine.lockdown_origin or ""
    if "Secure Boot" in origin or (not origin and machine.secure_boot):
        return "Switch Secure Boot off in the firmware's setup."
    match origin:
        case "command line":
            return "Start the first stage without lockdown= on its kernel command line."
        case "Kernel configuration":
            return "Use a first-stage kernel that was built without CONFIG_LOCK_DOWN_KERNEL_FORCE_*."
        case "securityfs":
            return "Restart, and remove whatever writes to /sys/kernel/security/lockdown."
        case _:
            return "Start the first stage without lockdown= on its kernel command line, or with Secure Boot off."


def _demand(machine: MachineFacts) -> str:
    """Return why signatures are required, in the kernel's own words."""
    if is_locked_down(machine):
        return f"lockdown, {_level(machine)}"
    return "Secure Boot" if machine.secure_boot else "CONFIG_KEXEC_SIG_FORCE"


@entry_check("SYS-LOCKDOWN", after="FILE-MISSING")
def lockdown(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:
    """Check that lockdown does not refuse the load: it forbids kexec_load (EPERM); SYS-SIG checks kexec_file_load.

    Lockdown, which distributions switch on with Secure Boot, forbids kexec_load, and with it every device tree of an
    entry's own. kexec_file_load stays allowed for signed kernels.

    fail: the call that this entry needs is refused. → Load it by kexec_file_load; or start the first stage without
        lockdown=; or switch Secure Boot off in the firmware's setup.
    unknown: lockdown, or which calls the kernel has, could not be read. → Mount securityfs: mount -t securityfs none
        /sys/kernel/security.
    evidence: lockdown, from /sys/kernel/security/lockdown; lockdown_origin: who switched it on; secure_boot,
        kexec_file_load, method; own_tree: whether the entry has a device tree of its own
    """
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
            f"The running kernel is locked down ({level}) and has no kexec_file_load: no kernel can be loaded.",
            hint,
            **evidence,
        )
    elif entry.wants_own_tree:
        yield failed(
            f"The running kernel is locked down ({level}): it passes on no device tree but its own.",
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


@entry_check("SYS-SIG", after="IMG-PAGE", requires=("IMG-FORMAT",))
def signature(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:
    """Check that the kernel is signed, if kexec_file_load requires a valid signature.

    With lockdown or CONFIG_KEXEC_SIG_FORCE the running kernel takes only kernels that a key it trusts has signed.

    fail: this kernel is not signed, or by nobody whom the running one trusts, or it was changed after that; or the
        running kernel cannot verify signatures. → Use a signed kernel; or start the first stage without lockdown= or
        Secure Boot; or use a first-stage kernel that forces no signatures.
    unknown: whose signature it is, or which keys the running kernel trusts, could not be read; or only the name of
        the key that is said to vouch is known; or it is not known whether a signature is needed. → Test the entry:
        nothing changes if it is refused. Or put the running kernel's configuration at /boot/config-RELEASE.
    evidence: KEXEC_SIG and KEXEC_SIG_FORCE, from the running kernel's configuration; lockdown, secure_boot; signed:
        whether the kernel has a signature; signature_read; signer and signer_keys: who has signed it, and the keys
        that it names as vouching for that; proven_keys: those that really do; trusted: the keys of the running
        kernel, from /proc/keys
    """
    image = entry.kernel.image if entry.kernel else None
    kexec = machine.kexec
    by_file = loads_by_file(machine, entry)
    if image is None or by_file is False:
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
    # kernel/kexec_file.c:kimage_validate_signature: a bad signature is an error if signatures are enforced, and EPERM
    # under lockdown (except for what IMA guarantees to appraise); otherwise it is only logged
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
    elif by_file is None:
        yield unknown(
            f"kexec_file_load demands a signature here ({why}); which call would load this kernel is not known.",
            way_out,
            **evidence,
        )
    elif kexec.signature_read is False:
        # kexec_image_verify_sig: "kernel loader does not support signature verification", EKEYREJECTED
        yield failed(
            f"The running kernel requires a signature ({why}), but was built without support for verifying one.",
            way_out,
            **evidence,
        )
    elif image.signed:
        yield _judged(machine, entry, why, way_out, evidence)
    else:
        # crypto/asymmetric_keys/verify_pefile.c: only a PE file can have a signature
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


_REVOKED = ".blacklist"


def _judged(
    machine: MachineFacts, entry: EntryFacts, why: str, way_out: str, evidence: dict[str, object]
) -> CheckResult:
    """Return whether the running kernel will take the signature of this one."""
    # kernel/kexec_file.c:kexec_kernel_verify_pe_sig asks the secondary keyring, which the built-in keys and those of
    # the machine's owner are linked to, and then the platform's
    takes = f"The running kernel takes only what a key that it trusts has signed ({why})"
    signature, keys = entry.signature, machine.keys
    evidence |= {
        "signer": signature.signer if signature else None,
        "signer_keys": list(signature.keys) if signature else None,
        "proven_keys": list(signature.proven) if signature else None,
        "trusted": None if keys is None else [f"{key.keyring} {key.id} {key.name}" for key in keys],
    }
    test = f"Test it: nothing is changed when it is refused. Else: {way_out}"
    use = f"Use a kernel that is signed by one of these. Else: {way_out}"
    if signature is None:
        return unknown(f"{takes}. This kernel carries a signature, which was not read.", test, **evidence)
    if signature.problem:
        return failed(
            f"{takes}, and rejects the signature of this one: {signature.problem}.",
            f"Copy the file again, or sign it once more. Else: {way_out}",
            **evidence,
        )
    if keys is None:
        return unknown(
            f"{takes}. {_by(signature)} has signed this one; which keys are trusted could not be read.",
            test,
            **evidence,
        )
    known = {key.id: key for key in keys if key.keyring != _REVOKED}
    revoked = {key.id for key in keys if key.keyring == _REVOKED}
    trusted = next((known[key] for key in signature.keys if key in known), None)
    if not revoked.isdisjoint((*signature.keys, *signature.certificates)):
        return failed(f"{takes}, and the key of {_by(signature)} is revoked.", use, **evidence)
    if trusted is None and signature.keys:
        names = ", ".join(dict.fromkeys(key.name for key in known.values())) or "nobody"
        return failed(f"{takes}. {_by(signature)} has signed this one, it trusts {names}.", use, **evidence)
    if trusted is None or signature.unchecked:
        return unknown(
            f"{takes}. Whether it takes the signature of this one is not known: "
            f"{signature.unchecked or 'it names no key'}.",
            test,
            **evidence,
        )
    if trusted.id not in signature.proven:
        return unknown(
            f"{takes}. {_by(signature)} has signed this one and names {trusted.name}, which is trusted; whether that "
            "is true cannot be checked here, where only the name of that key is known.",
            test,
            **evidence,
        )
    return passed(f"{_by(signature)} has signed this kernel, and the running one trusts {trusted.name}.", **evidence)


def _by(signature: Signature) -> str:
    return signature.signer or "An unknown signer"
