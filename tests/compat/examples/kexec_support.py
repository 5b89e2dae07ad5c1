# SPDX-License-Identifier: MIT
"""What the running kernel permits."""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.model.kernel import Architecture
from tests.compat.examples.base import FAIL, PASS, UNKNOWN, WARN, Example, Silent, Unreachable, kexec, virt

UNREACHABLE: Unreachable = {
    ("SYS-ARCH", PASS): "IMG-ARCH says it, with the kernel",
    ("SYS-ARCH", UNKNOWN): "IMG-ARCH says it, with the kernel",
    ("SYS-LIMIT", UNKNOWN): "where there is no such file there is no limit",
    ("SYS-CRASH-LOADED", FAIL): "information",
    ("SYS-CRASH-LOADED", UNKNOWN): "information, and nothing depends on it",
}
SILENT: Silent = {
    "SYS-ARCH": ("it speaks of the others", {Architecture.ARM64, Architecture.X86_64, Architecture.RISCV64}),
}


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
    code = "SYS-ARCH"
    for architecture in (Architecture.PPC64, Architecture.LOONGARCH64, Architecture.X86):
        machine = virt(architecture=architecture)
        yield Example(code=code, name=architecture, severity=FAIL, machine=machine, says=f"on {architecture}")
    yield Example(code=code, name="arm64", severity=None)
    yield Example(code=code, name="unknown", severity=None, machine=virt(architecture=None))
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
