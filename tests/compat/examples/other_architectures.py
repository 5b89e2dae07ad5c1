# SPDX-License-Identifier: MIT
"""Kernels for x86 and RISC-V."""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.compat.facts import EntryFacts
from bootmenu.model.finding import Severity
from bootmenu.model.kernel import Architecture
from bootmenu.model.value import replace
from tests.builders import machines
from tests.builders.entries import entry, kernel
from tests.compat.examples.base import FAIL, PASS, UNKNOWN, WARN, Example, Silent, virt

SILENT: Silent = {
    "X86-BZIMAGE": ("another format", {Architecture.ARM64, Architecture.RISCV64}),
    "X86-EFI": ("another format", {Architecture.ARM64, Architecture.RISCV64}),
    "RISCV-IMAGE": ("another format", {Architecture.ARM64, Architecture.X86_64}),
}

X86 = replace(machines.unprivileged_x86(), five_level_paging=False)


RISCV = virt(architecture=Architecture.RISCV64, machine="riscv64")


def architectures() -> Iterator[Example]:
    code = "X86-BZIMAGE"

    def bzimage(**changes: int) -> EntryFacts:
        fields = {"version": 0x20F, "loadflags": 1, "xloadflags": 0x23, **changes}
        facts = kernel(format="bzimage", architecture=Architecture.X86_64, fields=fields)
        return entry(kernel=facts, method="kexec_file_load")

    def example(name: str, severity: Severity | None, says: str = "", **changes: int) -> Example:
        return Example(code=code, name=name, severity=severity, machine=X86, entry=bzimage(**changes), says=says)

    yield example("whole", PASS)
    yield example("old protocol", FAIL, "2.11", version=0x20B)
    yield example("loaded low", FAIL, "low", loadflags=0)
    yield example("32 bits", FAIL, "64-bit", xloadflags=0x20)
    yield example("below 4 GB", FAIL, "XLF_CAN_BE_LOADED_ABOVE_4G", xloadflags=0x21)
    low = replace(bzimage(xloadflags=0x21), method="kexec_tools")
    yield Example(
        code=code, name="below 4 GB by kexec-tools", severity=UNKNOWN, machine=X86, entry=low, says="32-bit"
    )
    small = replace(X86, efi=True, efi_bits=32)
    yield Example(code=code, name="32-bit EFI", severity=FAIL, machine=small, entry=bzimage(), says="efi=noruntime")
    either = replace(bzimage(), method=None)
    yield Example(code=code, name="32-bit EFI by any call", severity=UNKNOWN, machine=small, entry=either)
    by_tools = replace(either, method="kexec_tools")
    yield Example(code=code, name="32-bit EFI by kexec-tools", severity=PASS, machine=small, entry=by_tools)
    without = replace(small, command_line="quiet efi=debug,noruntime")
    yield Example(code=code, name="32-bit EFI unused", severity=PASS, machine=without, entry=bzimage())
    unsure = replace(small, efi_bits=None)
    yield Example(code=code, name="EFI of unknown bits", severity=UNKNOWN, machine=unsure, entry=bzimage())
    yield example("no 5-level", PASS, xloadflags=3)
    five = replace(X86, five_level_paging=True)
    old = bzimage(xloadflags=3)
    yield Example(code=code, name="5-level", severity=FAIL, machine=five, entry=old, says="no5lvl")
    unread = replace(X86, five_level_paging=None)
    yield Example(code=code, name="5-level unread", severity=UNKNOWN, machine=unread, entry=old, says="la57")
    hollow = entry(kernel=kernel(format="bzimage", architecture=Architecture.X86_64))
    yield Example(code=code, name="header unread", severity=UNKNOWN, machine=X86, entry=hollow)
    yield Example(code=code, name="arm64", severity=None)

    code = "X86-EFI"
    started = replace(X86, efi=True, efi_bits=64, command_line="quiet")
    for name, severity, machine in (
        ("on", PASS, started),
        ("a BIOS", None, replace(X86, efi=False)),
        ("noefi", WARN, replace(started, command_line="noefi")),
        ("noruntime", WARN, replace(started, command_line="efi=debug,noruntime")),
        ("efi unread", UNKNOWN, replace(started, efi=None)),
        ("command line unread", UNKNOWN, replace(started, command_line=None)),
    ):
        yield Example(code=code, name=name, severity=severity, machine=machine, entry=bzimage())

    code = "RISCV-IMAGE"
    riscv = kernel(format="riscv-image", architecture=Architecture.RISCV64)
    by_tools = entry(kernel=riscv, method="kexec_tools")
    yield Example(code=code, name="whole", severity=PASS, machine=RISCV, entry=by_tools)
    for said, severity in ((True, PASS), (False, UNKNOWN), (None, UNKNOWN)):
        machine = replace(RISCV, kexec=replace(RISCV.kexec, file_image=said))
        made = entry(kernel=riscv)
        yield Example(code=code, name=f"by any call {said}", severity=severity, machine=machine, entry=made)
    sizeless = entry(kernel=kernel(format="riscv-image", architecture=Architecture.RISCV64, image_size=0))
    yield Example(code=code, name="no size", severity=FAIL, machine=RISCV, entry=sizeless)
    by_file = entry(kernel=riscv, method="kexec_file_load")
    for said, severity in ((True, PASS), (False, FAIL), (None, UNKNOWN)):
        machine = replace(RISCV, kexec=replace(RISCV.kexec, kexec_file_load=True, file_image=said))
        yield Example(code=code, name=f"by file {said}", severity=severity, machine=machine, entry=by_file)
    treeless = replace(RISCV, tree=None)
    yield Example(code=code, name="no tree", severity=WARN, machine=treeless, entry=entry(kernel=riscv))
    forbidden = replace(treeless, tree_problem="not permitted: only root may read it")
    yield Example(code=code, name="tree unread", severity=UNKNOWN, machine=forbidden, entry=entry(kernel=riscv))
    yield Example(code=code, name="arm64", severity=None)
