# SPDX-License-Identifier: MIT
"""Other architectures, tools and devices."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from bootmenu.compat.facts import EntryFacts
from bootmenu.model.finding import Severity
from bootmenu.model.kernel import Architecture, Compression
from bootmenu.model.machine import MachineFacts
from tests.builders import machines
from tests.builders.entries import entry, kernel
from tests.compat.examples.base import FAIL, PASS, UNKNOWN, WARN, Example, kexec, own, virt

X86 = dataclasses.replace(machines.unprivileged_x86(), five_level_paging=False)
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
    low = dataclasses.replace(bzimage(xloadflags=0x21), method="kexec_tools")
    yield Example(
        code=code, name="below 4 GB by kexec-tools", severity=UNKNOWN, machine=X86, entry=low, says="32-bit"
    )
    small = dataclasses.replace(X86, efi=True, efi_bits=32)
    yield Example(code=code, name="32-bit EFI", severity=FAIL, machine=small, entry=bzimage(), says="efi=noruntime")
    without = dataclasses.replace(small, command_line="quiet efi=debug,noruntime")
    yield Example(code=code, name="32-bit EFI unused", severity=PASS, machine=without, entry=bzimage())
    unsure = dataclasses.replace(small, efi_bits=None)
    yield Example(code=code, name="EFI of unknown bits", severity=UNKNOWN, machine=unsure, entry=bzimage())
    yield example("no 5-level", PASS, xloadflags=3)
    five = dataclasses.replace(X86, five_level_paging=True)
    old = bzimage(xloadflags=3)
    yield Example(code=code, name="5-level", severity=FAIL, machine=five, entry=old, says="no5lvl")
    unread = dataclasses.replace(X86, five_level_paging=None)
    yield Example(code=code, name="5-level unread", severity=UNKNOWN, machine=unread, entry=old, says="la57")
    hollow = entry(kernel=kernel(format="bzimage", architecture=Architecture.X86_64))
    yield Example(code=code, name="header unread", severity=UNKNOWN, machine=X86, entry=hollow)
    yield Example(code=code, name="arm64", severity=None)

    code = "RISCV-IMAGE"
    riscv = kernel(format="riscv-image", architecture=Architecture.RISCV64)
    yield Example(code=code, name="whole", severity=PASS, machine=RISCV, entry=entry(kernel=riscv))
    sizeless = entry(kernel=kernel(format="riscv-image", architecture=Architecture.RISCV64, image_size=0))
    yield Example(code=code, name="no size", severity=FAIL, machine=RISCV, entry=sizeless)
    by_file = entry(kernel=riscv, method="kexec_file_load")
    for said, severity in ((True, PASS), (False, FAIL), (None, UNKNOWN)):
        machine = dataclasses.replace(RISCV, kexec=dataclasses.replace(RISCV.kexec, file_image=said))
        yield Example(code=code, name=f"by file {said}", severity=severity, machine=machine, entry=by_file)
    treeless = dataclasses.replace(RISCV, tree=None)
    yield Example(code=code, name="no tree", severity=WARN, machine=treeless, entry=entry(kernel=riscv))
    forbidden = dataclasses.replace(treeless, tree_problem="not permitted: only root may read it")
    yield Example(code=code, name="tree unread", severity=UNKNOWN, machine=forbidden, entry=entry(kernel=riscv))
    yield Example(code=code, name="arm64", severity=None)


def tools() -> Iterator[Example]:
    code = "TOOL-DTB-IGNORED"
    yield Example(code=code, name="kexec_load", severity=PASS, entry=own())
    file_only = kexec(kexec_load=False, kexec_file_load=True)
    yield Example(code=code, name="file load only", severity=FAIL, entry=own(), machine=file_only, says="never takes")
    unread = kexec(kexec_load=None)
    yield Example(code=code, name="unread", severity=UNKNOWN, entry=own(), machine=unread, says="/boot/config-")
    yield Example(code=code, name="no tree of its own", severity=None)
    code = "TOOL-VERSION"
    yield Example(code=code, name="raw", severity=PASS, says="2.0.25")
    packed = entry(kernel=kernel(compression=Compression.ZSTD))
    yield Example(code=code, name="packed", severity=PASS, entry=packed, says="unpacked here")
    yield Example(code=code, name="not there", severity=WARN, machine=kexec(tools_version=None), says="Install")
    pc = machines.unprivileged_x86()
    yield Example(code=code, name="x86", severity=PASS, machine=pc, says="is enough")
    alone = dataclasses.replace(pc, kexec=dataclasses.replace(pc.kexec, kexec_file_load=False))
    yield Example(code=code, name="nothing on x86", severity=FAIL, machine=alone, says="nothing else")
    unread = dataclasses.replace(pc, kexec=dataclasses.replace(pc.kexec, kexec_file_load=None))
    yield Example(code=code, name="call unread", severity=UNKNOWN, machine=unread, says="another call")

    def riscv(version: str, **changes: object) -> MachineFacts:
        return dataclasses.replace(RISCV, kexec=dataclasses.replace(RISCV.kexec, tools_version=version, **changes))  # type: ignore[arg-type]

    old = riscv("2.0.31", kexec_file_load=False)
    yield Example(code=code, name="too old for riscv64", severity=FAIL, machine=old, says="2.0.32")
    enough = riscv("2.0.31", kexec_file_load=True, file_image=True)
    yield Example(code=code, name="not needed on riscv64", severity=PASS, machine=enough, says="is enough")
    both_old = riscv("2.0.31", kexec_file_load=True, file_image=False)
    yield Example(code=code, name="both too old", severity=FAIL, machine=both_old, says="knows no riscv64")
    new = riscv("2.0.32", kexec_file_load=False)
    yield Example(code=code, name="new enough for riscv64", severity=PASS, machine=new)
    strange = riscv("unknown", kexec_file_load=False)
    yield Example(code=code, name="of unknown version", severity=UNKNOWN, machine=strange, says="kexec --version")
    code = "DEV-DMA"
    yield Example(code=code, name="screen", severity=PASS, machine=virt(drivers=("nouveau",)), says="nouveau")
    yield Example(code=code, name="none", severity=None)
