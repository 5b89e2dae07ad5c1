# SPDX-License-Identifier: MIT
"""What firmware set up: memory, reservations, EFI's tables, interrupts."""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.compat.facts import FixedUpDtb
from bootmenu.model.devicetree import InterruptController, MemoryRange, ReservedMemory
from bootmenu.model.kernel import Architecture
from bootmenu.model.value import replace
from tests.builders import machines
from tests.builders.entries import entry
from tests.compat.examples.base import FAIL, GIB, PASS, TREE, UNKNOWN, WARN, Example, Silent, own, running, virt

SILENT: Silent = {
    "GIC-LPI": ("only arm64 has that interrupt controller", {Architecture.X86_64, Architecture.RISCV64}),
}


def memory() -> Iterator[Example]:
    code = "DT-MEMORY"
    area = TREE.memory[0]
    half = MemoryRange(base=area.base, size=area.size // 2)
    rest = MemoryRange(base=half.end, size=half.size)
    yield Example(code=code, name="same", severity=PASS, entry=own())
    yield Example(code=code, name="same in two pieces", severity=PASS, entry=own(memory=(rest, half)))
    fixed_up = FixedUpDtb(tree=TREE, fixups=(f"/memory@{area.base:x}",))
    filled = replace(own(memory=()), fixed_up=fixed_up)
    yield Example(code=code, name="none, filled in", severity=PASS, entry=filled, says="filled in")
    empty = own(memory=(MemoryRange(base=0, size=0),))
    yield Example(code=code, name="empty", severity=FAIL, entry=empty)
    yield Example(code=code, name="empty, filled in", severity=PASS, entry=replace(empty, fixed_up=fixed_up))
    yield Example(
        code=code,
        name="none, and not filled in",
        severity=FAIL,
        entry=own(memory=()),
        says="carry-over",
    )
    yield Example(
        code=code,
        name="none, and nothing to fill in",
        severity=FAIL,
        machine=virt(tree=replace(TREE, memory=()), ram=None),
        entry=own(memory=()),
        says="as root",
    )
    beyond = MemoryRange(base=area.base, size=2 * GIB)
    yield Example(code=code, name="outside", severity=FAIL, entry=own(memory=(beyond,)), says="0x80000000")
    yield Example(code=code, name="smaller", severity=WARN, entry=own(memory=(half,)), says="512 MiB will not")
    placeholder = replace(own(memory=(beyond,)), fixed_up=fixed_up)
    yield Example(code=code, name="placeholder replaced", severity=PASS, entry=placeholder, says="replaced")
    low = replace(placeholder, fixed_up=replace(fixed_up, tree=own(memory=(half,)).tree))
    yield Example(code=code, name="not all can be said", severity=WARN, entry=low, says="32 bits")
    tables = ("linux,uefi-mmap-start",)
    efi = replace(running(memory=(beyond,), uefi_properties=tables), efi=True, ram=(half,))
    grub = own(memory=(beyond,), uefi_properties=tables)
    yield Example(code=code, name="EFI's map counts", severity=PASS, machine=efi, entry=grub, says="EFI")
    lost = own(memory=(beyond,))
    yield Example(code=code, name="without EFI's map", severity=FAIL, machine=efi, entry=lost, says="claims")
    yield Example(
        # EFI firmware's tree has no /memory: the kernel's own map is the truth
        code=code,
        name="known from iomem",
        severity=PASS,
        machine=running(memory=()),
        entry=own(),
    )
    yield Example(
        code=code,
        name="nothing known",
        severity=UNKNOWN,
        machine=virt(tree=replace(TREE, memory=()), ram=None),
        entry=own(),
    )
    yield Example(code=code, name="none of its own", severity=None)


def reservations() -> Iterator[Example]:
    code = "DT-RESERVED"
    area = MemoryRange(base=TREE.memory[0].base + (1 << 20), size=1 << 20)

    def kept(no_map: bool = True, at: MemoryRange = area) -> tuple[ReservedMemory, ...]:
        return (ReservedMemory(name="optee@40100000", area=at, no_map=no_map),)

    yield Example(code=code, name="nothing reserved", severity=PASS, entry=own())
    optee = running(reserved_memory=kept())
    yield Example(code=code, name="kept", severity=PASS, machine=optee, entry=own(reserved_memory=kept()))
    yield Example(code=code, name="lost", severity=FAIL, machine=optee, entry=own(), says="optee@40100000")
    mapped = own(reserved_memory=kept(no_map=False))
    yield Example(code=code, name="kept but mapped", severity=WARN, machine=optee, entry=mapped)
    fixed_up = FixedUpDtb(tree=own(reserved_memory=kept()).tree, fixups=("/reserved-memory/optee@40100000",))
    fixed = replace(own(), fixed_up=fixed_up)
    yield Example(code=code, name="added by a fix-up", severity=PASS, machine=optee, entry=fixed)
    beside = own(memory=(MemoryRange(base=area.end, size=1 << 20),))
    yield Example(code=code, name="not in its memory", severity=PASS, machine=optee, entry=beside)
    half = own(reserved_memory=kept(at=MemoryRange(base=area.base, size=4096)))
    yield Example(code=code, name="half kept", severity=FAIL, machine=optee, entry=half)
    soft = running(reserved_memory=kept(no_map=False))
    yield Example(code=code, name="pool lost", severity=WARN, machine=soft, entry=own(), says="0x40100000")
    listed = running(memory_reservations=(area,))
    yield Example(code=code, name="memreserve lost", severity=WARN, machine=listed, entry=own())
    also = own(memory_reservations=(area,))
    yield Example(code=code, name="memreserve kept", severity=PASS, machine=listed, entry=also)
    yield Example(code=code, name="no running tree", severity=UNKNOWN, machine=virt(tree=None), entry=own())
    yield Example(code=code, name="acpi", severity=UNKNOWN, machine=machines.acpi(), entry=own())

    code = "DT-UEFI"
    names = ("linux,uefi-mmap-start", "linux,uefi-system-table")
    efi = replace(running(uefi_properties=names), efi=True)
    yield Example(code=code, name="lost", severity=WARN, machine=efi, entry=own(), says="EFI variables")
    yield Example(code=code, name="kept", severity=PASS, machine=efi, entry=own(uefi_properties=names))
    yield Example(code=code, name="half kept", severity=WARN, machine=efi, entry=own(uefi_properties=names[:1]))
    yield Example(code=code, name="not EFI", severity=None, entry=own())
    unread = replace(efi, efi=None)
    yield Example(code=code, name="unread", severity=UNKNOWN, machine=unread, entry=own(), says="/sys")


def interrupts() -> Iterator[Example]:
    code = "DT-GIC"
    yield Example(code=code, name="same", severity=PASS, entry=own())

    def gic(*compatible: str, base: int | None = 0x8000000) -> InterruptController:
        return InterruptController(name="gic", compatible=compatible, base=base)

    alike = own(interrupt_controller=gic("arm,gic-400"))
    yield Example(code=code, name="another name of its kind", severity=PASS, entry=alike)
    v3 = own(interrupt_controller=gic("arm,gic-v3"))
    yield Example(code=code, name="another kind", severity=FAIL, entry=v3, says="arm,gic-v3")
    elsewhere = own(interrupt_controller=gic("arm,cortex-a15-gic", base=0x1000))
    yield Example(code=code, name="elsewhere", severity=FAIL, entry=elsewhere, says="0x1000")
    untold = own(interrupt_controller=gic("arm,cortex-a15-gic", base=None))
    yield Example(code=code, name="no address", severity=UNKNOWN, entry=untold)
    none = own(interrupt_controller=None)
    yield Example(code=code, name="none", severity=FAIL, entry=none, says="no interrupt controller")
    bare = running(interrupt_controller=None)
    yield Example(code=code, name="running without", severity=UNKNOWN, machine=bare, entry=own())
    riscv = replace(bare, architecture=Architecture.RISCV64, machine="riscv64")
    yield Example(code=code, name="in each CPU", severity=None, machine=riscv, entry=none)
    named = replace(machines.virt(), architecture=Architecture.RISCV64, machine="riscv64")
    yield Example(code=code, name="in each CPU, says the entry", severity=None, machine=named, entry=none)
    board = own(compatible=("acme,rocket",))
    yield Example(code=code, name="another board", severity=None, entry=board)

    code = "GIC-LPI"
    live = machines.gic_v3()
    yield Example(code=code, name="live tables", severity=FAIL, machine=live, says="gicv3_nolpi")
    off = replace(live, lpi_tables=())
    yield Example(code=code, name="its off", severity=PASS, machine=off)
    efi = replace(live, efi=True)
    yield Example(code=code, name="efi", severity=PASS, machine=efi, says="EFI")
    avoiding = entry(avoids_lpi_tables=True)
    yield Example(code=code, name="left alone", severity=PASS, machine=live, entry=avoiding, says="left alone")
    reserved = replace(efi, lpi_tables=None)
    yield Example(code=code, name="efi, log unread", severity=PASS, machine=reserved, says="EFI")
    unread = replace(live, lpi_tables=None)
    yield Example(code=code, name="log unread", severity=UNKNOWN, machine=unread, says="as root")
    maybe = replace(live, efi=None)
    yield Example(code=code, name="efi unread", severity=UNKNOWN, machine=maybe)
    treeless = replace(live, tree=None)
    yield Example(code=code, name="by the log alone", severity=FAIL, machine=treeless)
    yield Example(code=code, name="GICv2", severity=None, machine=virt(lpi_tables=None))
