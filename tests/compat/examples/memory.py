# SPDX-License-Identifier: MIT
"""Whether there is room."""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.compat.facts import EntryFacts, KernelFacts
from bootmenu.model.devicetree import MemoryRange
from bootmenu.model.kernel import Architecture, Embedded, Role
from bootmenu.model.value import replace
from tests.builders import machines
from tests.builders.entries import entry, kernel, kernel_file, with_files
from tests.compat.examples.base import FAIL, GIB, PASS, TREE, UNKNOWN, WARN, Example, Silent, Unreachable, virt

UNREACHABLE: Unreachable = {
    ("MEM-IOMEM", FAIL): "it says whether the others can look",
}
SILENT: Silent = {
    "MEM-INITRD-WINDOW": ("only arm64's kernel demands it", {Architecture.X86_64, Architecture.RISCV64}),
}


def _x86(**changes: object) -> KernelFacts:
    fields = {"setup_sects": 4, "kernel_alignment": 2 << 20, "loadflags": 1, "xloadflags": 0x23, "version": 0x20F}
    return kernel(format="bzimage", architecture=Architecture.X86_64, fields=fields, text_offset=None, **changes)


def others() -> Iterator[Example]:
    """The same rules, on machines where the kernel itself places what it loads."""
    mib = 1 << 20
    base = TREE.memory[0].base
    pc = virt(architecture=Architecture.X86_64, machine="x86_64", tree=None, acpi=True)
    board = virt(architecture=Architecture.RISCV64, machine="riscv64")
    riscv = kernel(format="riscv-image", architecture=Architecture.RISCV64, text_offset=2 * mib)
    for name, machine, found in (("x86", pc, _x86()), ("riscv64", board, riscv)):
        for size, severity in ((30 * mib, PASS), (GIB // 2, FAIL)):
            files = (kernel_file(), kernel_file(role="initramfs", size=size))
            made = entry(kernel=found, files=files, method="kexec_file_load")
            yield Example(code="MEM-HALF", name=f"{name} {size}", severity=severity, machine=machine, entry=made)
        poor = replace(machine, memory_available=mib)
        files = (kernel_file(), kernel_file(role="initramfs", size=mib))
        short = entry(kernel=found, files=files)
        yield Example(code="MEM-FREE", name=f"{name} short", severity=WARN, machine=poor, entry=short)
        blind = replace(machine, memory_total=None)
        yield Example(code="MEM-HALF", name=f"{name} unread", severity=UNKNOWN, machine=blind, entry=short)
        yield Example(code="MEM-INITRD-WINDOW", name=name, severity=None, machine=machine, entry=short)
    # init_size is what has to fit, not the file
    large = entry(kernel=_x86(image_size=64 * mib))
    taken = (MemoryRange(base=base, size=GIB - 60 * mib),)
    full = replace(pc, ram_taken=taken)
    yield Example(code="MEM-HOLE", name="x86", severity=FAIL, machine=full, entry=large, says="2 MiB boundary")
    yield Example(code="MEM-HOLE", name="x86 room", severity=PASS, machine=pc, entry=large)
    # text_offset is an alignment on riscv64, and nothing to be added
    exact = replace(board, ram_taken=(MemoryRange(base=base, size=GIB - 64 * mib),))
    fits = kernel(format="riscv-image", architecture=Architecture.RISCV64, text_offset=2 * mib, image_size=64 * mib)
    yield Example(code="MEM-HOLE", name="riscv64", severity=PASS, machine=exact, entry=entry(kernel=fits))
    odd = kernel(format="riscv-image", architecture=Architecture.RISCV64, text_offset=64 * 1024, image_size=65 * mib)
    yield Example(
        code="MEM-HOLE", name="riscv64 full", severity=FAIL, machine=exact, entry=entry(kernel=odd), says="64 KiB"
    )
    reserving = replace(exact, ram_taken=(MemoryRange(base=base, size=GIB - 65 * mib),))
    bare = kernel(format="riscv-image", architecture=Architecture.RISCV64, text_offset=4096, image_size=65 * mib)
    for method, severity in (("kexec_tools", PASS), ("kexec_load", FAIL)):
        made = entry(kernel=bare, method=method)
        yield Example(code="MEM-HOLE", name=f"riscv64 {method}", severity=severity, machine=reserving, entry=made)
    natively = entry(kernel=odd, method="kexec_load")
    yield Example(
        code="MEM-HOLE", name="riscv64 itself", severity=FAIL, machine=exact, entry=natively, says="2 MiB boundary"
    )


def room() -> Iterator[Example]:
    code = "MEM-IOMEM"
    yield Example(code=code, name="read", severity=PASS)
    yield Example(code=code, name="zeros", severity=UNKNOWN, machine=virt(ram=None), says="as root")
    yield Example(code=code, name="x86", severity=UNKNOWN, machine=machines.unprivileged_x86(), says="as root")

    code = "MEM-HOLE"
    base = TREE.memory[0].base
    mib = 1 << 20
    large = entry(kernel=kernel(image_size=64 * mib))
    yield Example(code=code, name="room", severity=PASS, entry=large)
    taken = (MemoryRange(base=base, size=GIB - 60 * mib),)
    yield Example(
        code=code, name="too small", severity=FAIL, entry=large, machine=virt(ram_taken=taken), says="67.1 MB"
    )
    # 64 MiB are there, but not from a 2 MiB boundary on
    crooked = (MemoryRange(base=base, size=mib), MemoryRange(base=base + 65 * mib, size=GIB - 65 * mib))
    yield Example(code=code, name="crooked", severity=FAIL, entry=large, machine=virt(ram_taken=crooked))
    straight = (MemoryRange(base=base, size=2 * mib), MemoryRange(base=base + 66 * mib, size=GIB - 66 * mib))
    yield Example(code=code, name="just enough", severity=PASS, entry=large, machine=virt(ram_taken=straight))
    tables = virt(ram_taken=straight, lpi_tables=(MemoryRange(base=base + 32 * mib, size=0x10000),))
    avoiding = replace(large, avoids_lpi_tables=True)
    yield Example(code=code, name="LPI tables in the way", severity=FAIL, entry=avoiding, machine=tables)
    offset = entry(kernel=kernel(image_size=64 * mib, text_offset=0x80000))
    yield Example(code=code, name="with text_offset", severity=FAIL, entry=offset, machine=virt(ram_taken=straight))
    # 16 MiB are assumed
    old = entry(kernel=kernel(image_size=0))
    tiny = virt(ram_taken=(MemoryRange(base=base, size=GIB - 8 * mib),))
    yield Example(code=code, name="size not said", severity=FAIL, entry=old, machine=tiny)
    yield Example(code=code, name="reserved unread", severity=UNKNOWN, machine=virt(ram_taken=None))
    yield Example(code=code, name="map unread", severity=None, machine=virt(ram=None))

    code = "MEM-HALF"

    def with_initramfs(size: int | None) -> EntryFacts:
        return with_files(kernel_file(), kernel_file(role="initramfs", size=size))

    yield Example(code=code, name="fits", severity=PASS, entry=with_initramfs(30 * mib))
    yield Example(
        code=code, name="too large", severity=FAIL, entry=with_initramfs(GIB // 2), says="smaller initramfs"
    )
    nearly = entry(kernel=kernel(image_size=GIB // 2))
    yield Example(code=code, name="the kernel alone", severity=FAIL, entry=nearly)
    yield Example(code=code, name="memory unread", severity=UNKNOWN, machine=virt(memory_total=None))
    nearly_half = with_initramfs(GIB // 2 - mib // 10)
    whole = virt(memory_total=GIB)
    yield Example(code=code, name="what goes with it decides", severity=UNKNOWN, entry=nearly_half, machine=whole)
    within = Embedded(role=Role.INITRAMFS, name=".initrd", offset=4096, size=mib)
    bundled = with_files(kernel_file(), kernel_file(role="initramfs", size=GIB // 2, embedded=within))
    yield Example(code=code, name="a part of a large file", severity=PASS, entry=bundled)
    yield Example(code=code, name="size unread", severity=UNKNOWN, entry=with_initramfs(None))

    code = "MEM-INITRD-WINDOW"
    huge = virt(memory_total=1 << 40)
    yield Example(code=code, name="fits", severity=PASS, entry=with_initramfs(30 * mib))
    yield Example(code=code, name="too large", severity=FAIL, entry=with_initramfs(33 * GIB), machine=huge)
    yield Example(code=code, name="at the limit", severity=UNKNOWN, entry=with_initramfs(31 * GIB), machine=huge)
    yield Example(code=code, name="size unread", severity=UNKNOWN, entry=with_initramfs(None))
    yield Example(code=code, name="no initramfs", severity=None)

    code = "MEM-FREE"
    yield Example(code=code, name="enough", severity=PASS, entry=with_initramfs(30 * mib))
    poor = virt(memory_available=50 * mib)
    yield Example(code=code, name="short", severity=WARN, entry=with_initramfs(30 * mib), machine=poor, says="63 MB")
    flat = replace(with_initramfs(30 * mib), reads_into_memory=False)
    yield Example(code=code, name="copied once", severity=PASS, entry=flat, machine=poor)
    for size, severity in ((300, PASS), (470, WARN)):
        large = replace(with_initramfs(size * mib), reads_into_memory=False)
        yield Example(code=code, name=f"copied once, {size} MiB", severity=severity, entry=large)
    yield Example(code=code, name="unread", severity=UNKNOWN, machine=virt(memory_available=None))
    yield Example(code=code, name="refused anyway", severity=None, entry=with_initramfs(GIB))
