# SPDX-License-Identifier: MIT
"""The running system."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from tests.builders import machines
from tests.builders.entries import entry, kernel
from tests.compat.examples.base import FAIL, PASS, UNKNOWN, VIRT, WARN, Example, kexec, own, running, virt


def system() -> Iterator[Example]:
    code = "SYS-CAP"
    yield Example(code=code, name="root", severity=PASS)
    yield Example(code=code, name="no capability", severity=FAIL, machine=virt(cap_sys_boot=False), says="as root")
    yield Example(code=code, name="no proc", severity=UNKNOWN, machine=virt(cap_sys_boot=None), says="/proc")
    code = "SYS-DISABLED"
    yield Example(code=code, name="not disabled", severity=PASS)
    yield Example(code=code, name="disabled", severity=FAIL, machine=kexec(load_disabled=True), says="reboot")
    yield Example(
        code=code,
        name="disabled and loaded",
        severity=FAIL,
        machine=kexec(load_disabled=True, loaded=True),
        says="only that one",
    )
    yield Example(code=code, name="unreadable", severity=UNKNOWN, machine=kexec(load_disabled=None))
    code = "SYS-SYSCALL"
    yield Example(code=code, name="kexec_load", severity=PASS, says="kexec_load")
    yield Example(
        code=code,
        name="file load only",
        severity=PASS,
        machine=kexec(kexec_load=False, kexec_file_load=True),
        says="kexec_file_load",
    )
    yield Example(
        code=code,
        name="neither",
        severity=FAIL,
        machine=kexec(kexec_load=False, kexec_file_load=False),
        says="CONFIG_KEXEC",
    )
    yield Example(
        code=code, name="nothing known", severity=UNKNOWN, machine=kexec(kexec_load=None, kexec_file_load=None)
    )
    yield Example(
        code=code, name="half known", severity=UNKNOWN, machine=kexec(kexec_load=False, kexec_file_load=None)
    )


def kexec_state() -> Iterator[Example]:
    code = "SYS-LIMIT"
    yield Example(code=code, name="no limit", severity=PASS, machine=kexec(load_limit=-1), says="no limit")
    yield Example(code=code, name="some left", severity=PASS, machine=kexec(load_limit=2), says="2 loads")
    yield Example(code=code, name="last one", severity=WARN, machine=kexec(load_limit=1), says="no second try")
    yield Example(code=code, name="used up", severity=FAIL, machine=kexec(load_limit=0), says="reboot")
    yield Example(code=code, name="before 6.3", severity=None, machine=kexec(load_limit=None))
    code = "SYS-LOADED"
    yield Example(code=code, name="nothing", severity=PASS)
    yield Example(code=code, name="loaded", severity=WARN, machine=kexec(loaded=True), says="kexec -u")
    yield Example(code=code, name="unread", severity=UNKNOWN, machine=kexec(loaded=None), says="/sys")
    none = kexec(loaded=None, kexec_load=False, kexec_file_load=False)
    yield Example(code=code, name="no kexec", severity=None, machine=none)
    code = "SYS-CRASH-LOADED"
    yield Example(code=code, name="armed", severity=PASS, machine=kexec(crash_loaded=True), says="arm its own")
    yield Example(code=code, name="not armed", severity=None, machine=kexec(crash_loaded=False))
    code = "TPM"
    yield Example(code=code, name="there", severity=PASS, machine=virt(has_tpm=True), says="not measured")
    yield Example(code=code, name="none", severity=None, machine=virt(has_tpm=False))


def signatures() -> Iterator[Example]:
    code = "SYS-LOCKDOWN"
    yield Example(code=code, name="none", severity=PASS)
    locked = virt(lockdown="integrity")
    yield Example(code=code, name="kexec_load only", severity=FAIL, machine=locked, says="integrity")
    both = dataclasses.replace(locked, kexec=dataclasses.replace(VIRT.kexec, kexec_file_load=True, signature=True))
    yield Example(code=code, name="signed only", severity=PASS, machine=both, says="kexec_file_load is left")
    by_tools = dataclasses.replace(entry(), method="kexec_tools")
    yield Example(code=code, name="by kexec_load", severity=FAIL, machine=both, entry=by_tools, says="kexec_load")
    for origin, way_out in (
        ("EFI Secure Boot", "firmware's setup"),
        ("command line", "without lockdown="),
        ("Kernel configuration", "CONFIG_LOCK_DOWN_KERNEL_FORCE"),
        ("securityfs", "whatever writes to"),
    ):
        known = dataclasses.replace(locked, lockdown_origin=origin)
        yield Example(code=code, name=origin, severity=FAIL, machine=known, says=way_out)
    yield Example(
        code=code, name="own tree", severity=FAIL, machine=both, entry=own(), says="no device tree but its own"
    )
    half = dataclasses.replace(locked, kexec=dataclasses.replace(VIRT.kexec, kexec_file_load=None))
    yield Example(code=code, name="file call unknown", severity=UNKNOWN, machine=half)
    yield Example(code=code, name="unread", severity=UNKNOWN, machine=virt(lockdown=None), says="securityfs")

    code = "SYS-SIG"
    unsigned, signed = entry(kernel=kernel(signed=False)), entry(kernel=kernel(signed=True))
    yield Example(code=code, name="kexec_load asks for none", severity=None, entry=unsigned)
    yield Example(
        code=code, name="locked and unsigned", severity=FAIL, machine=both, entry=unsigned, says="lockdown, integrity"
    )
    yield Example(
        code=code, name="locked and signed", severity=UNKNOWN, machine=both, entry=signed, says="whose it is"
    )
    wrapped = entry(kernel=kernel(signed=False, containers=("uki",)))
    yield Example(code=code, name="signed outside", severity=FAIL, machine=both, entry=wrapped, says="around it")
    unable = dataclasses.replace(both, kexec=dataclasses.replace(both.kexec, signature_read=False))
    yield Example(code=code, name="reads none", severity=FAIL, machine=unable, entry=signed, says="it takes none")
    either = kexec(kexec_load=True, kexec_file_load=True, signature=True, signature_forced=True)
    by_file = dataclasses.replace(unsigned, method="kexec_file_load")
    yield Example(
        code=code, name="forced beside kexec_load", severity=FAIL, machine=either, entry=by_file, says="--method"
    )
    by_load = dataclasses.replace(unsigned, method="kexec_load")
    yield Example(code=code, name="forced for the other call", severity=None, machine=either, entry=by_load)
    unread = dataclasses.replace(both, lockdown=None, kexec=dataclasses.replace(both.kexec, signature_forced=False))
    yield Example(code=code, name="lockdown unread", severity=UNKNOWN, machine=unread, entry=by_file)
    forced = kexec(kexec_load=False, kexec_file_load=True, signature=True, signature_forced=True)
    yield Example(code=code, name="forced", severity=FAIL, machine=forced, entry=unsigned, says="SIG_FORCE")
    yield Example(code=code, name="no place for one", severity=FAIL, machine=forced, entry=entry(kernel=kernel()))
    free = kexec(kexec_load=False, kexec_file_load=True, signature=True, signature_forced=False)
    yield Example(code=code, name="not demanded", severity=PASS, machine=free, entry=unsigned, says="demands no")
    asked = kexec(kexec_load=False, kexec_file_load=True, signature=None, signature_forced=None)
    yield Example(code=code, name="not known", severity=UNKNOWN, machine=asked, entry=unsigned, says="/boot/config-")
    unlocked = dataclasses.replace(locked, kexec=dataclasses.replace(both.kexec, signature=False))
    yield Example(code=code, name="locked without KEXEC_SIG", severity=PASS, machine=unlocked, entry=unsigned)


def descriptions() -> Iterator[Example]:
    code = "DT-R-SOURCE"
    yield Example(code=code, name="read", severity=PASS, says="/sys/firmware/fdt")
    yield Example(
        code=code,
        name="forbidden",
        severity=UNKNOWN,
        machine=virt(tree=None, tree_problem="not permitted: only root may read it"),
        says="only root",
    )
    yield Example(code=code, name="none", severity=UNKNOWN, machine=virt(tree=None, tree_problem=None))
    yield Example(code=code, name="acpi", severity=None, machine=machines.acpi())
    code = "DT-ACPI-HOST"
    yield Example(code=code, name="device tree", severity=PASS)
    yield Example(code=code, name="acpi", severity=PASS, machine=machines.acpi(), says="ACPI")
    yield Example(code=code, name="acpi without tree", severity=PASS, machine=virt(tree=None, acpi=True))
    yield Example(code=code, name="acpi and an own tree", severity=WARN, machine=machines.acpi(), entry=own())
    empty = running(cpus=())
    unread = dataclasses.replace(empty, acpi=None)
    yield Example(code=code, name="tree without CPUs", severity=UNKNOWN, machine=unread)
    yield Example(code=code, name="x86", severity=None, machine=machines.unprivileged_x86())
