# SPDX-License-Identifier: MIT
"""What firmware left behind."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from bootmenu.compat.facts import Handed
from bootmenu.model.devicetree import InterruptController, MemoryRange, ReservedMemory
from tests.builders import machines
from tests.builders.entries import entry, with_tree
from tests.compat.examples.base import FAIL, PASS, TREE, UNKNOWN, WARN, Example, nodes, own, running, virt


def firmware() -> Iterator[Example]:
    code = "DT-PSCI-METHOD"
    yield Example(code=code, name="same", severity=PASS, entry=own())
    yield Example(
        code=code, name="smc on hvc", severity=FAIL, entry=own(psci_method="smc"), says="undefined instruction"
    )
    yield Example(
        code=code, name="hvc on smc", severity=FAIL, machine=running(psci_method="smc"), entry=own(), says="to smc"
    )
    yield Example(
        code=code, name="no psci here", severity=FAIL, machine=machines.spin_table(), entry=own(), says="by PSCI"
    )
    yield Example(code=code, name="no method", severity=WARN, entry=own(psci_method=None), says="method of /psci")
    yield Example(code=code, name="no such method", severity=WARN, entry=own(psci_method="carrier pigeon"))
    yield Example(code=code, name="running without", severity=UNKNOWN, machine=running(psci_method=None), entry=own())
    yield Example(code=code, name="no running tree", severity=UNKNOWN, machine=virt(tree=None), entry=own())
    yield Example(code=code, name="acpi", severity=UNKNOWN, machine=machines.acpi(), entry=own())
    yield Example(
        code=code,
        name="no such method in both",
        severity=WARN,
        machine=running(psci_method="pigeon"),
        entry=own(psci_method="pigeon"),
    )
    yield Example(code=code, name="uses none", severity=None, entry=own(psci_compatible=None, psci_method=None))


def psci() -> Iterator[Example]:
    code = "DT-PSCI-NODE"
    yield Example(code=code, name="there", severity=PASS, entry=own())
    without = own(psci_compatible=None, psci_method=None)
    yield Example(code=code, name="CPUs use it", severity=WARN, entry=without, says="power off")
    spin_table: dict[str, object] = {"enable_method": "spin-table"}
    spinning = own(psci_compatible=None, cpus=nodes(*[spin_table] * 4))
    yield Example(code=code, name="the machine has it", severity=WARN, entry=spinning)
    spin = machines.spin_table()
    nobody = with_tree(machines.tree_of(spin))
    yield Example(code=code, name="nobody has it", severity=None, machine=spin, entry=nobody)
    yield Example(code=code, name="no running tree", severity=UNKNOWN, machine=virt(tree=None), entry=spinning)
    code = "DT-PSCI-COMPAT"
    yield Example(code=code, name="1.0", severity=PASS, entry=own())
    old = own(psci_compatible=("arm,psci",), psci_functions=("cpu_on",))
    yield Example(code=code, name="0.1 without numbers", severity=WARN, entry=old, says="cpu_off")
    named = own(psci_compatible=("arm,psci",), psci_functions=("cpu_on", "cpu_off"))
    yield Example(code=code, name="0.1 with numbers", severity=PASS, entry=named)
    strange = own(psci_compatible=("acme,psci",))
    yield Example(code=code, name="nobody knows it", severity=WARN, entry=strange, says="acme,psci")
    yield Example(code=code, name="no node", severity=None, entry=own(psci_compatible=None))

    code = "DT-PSCI-METHOD"
    wrong = running(psci_method="smc")
    stub = dataclasses.replace(wrong, exception_level="EL2", host_extensions=False)
    yield Example(code=code, name="hvc answered by the stub", severity=WARN, machine=stub, entry=own())
    unread = dataclasses.replace(stub, host_extensions=None)
    yield Example(code=code, name="hvc at EL2", severity=UNKNOWN, machine=unread, entry=own())


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
    handed = Handed(tree=own(reserved_memory=kept()).tree, carried=("/reserved-memory/optee@40100000",))
    carried = dataclasses.replace(own(), handed=handed)
    yield Example(code=code, name="carried over", severity=PASS, machine=optee, entry=carried)
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
    efi = dataclasses.replace(running(uefi_properties=names), efi=True)
    yield Example(code=code, name="lost", severity=WARN, machine=efi, entry=own(), says="EFI variables")
    yield Example(code=code, name="kept", severity=PASS, machine=efi, entry=own(uefi_properties=names))
    yield Example(code=code, name="half kept", severity=WARN, machine=efi, entry=own(uefi_properties=names[:1]))
    yield Example(code=code, name="not EFI", severity=None, entry=own())
    unread = dataclasses.replace(efi, efi=None)
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
    board = own(compatible=("acme,rocket",))
    yield Example(code=code, name="another board", severity=None, entry=board)

    code = "GIC-LPI"
    live = machines.gic_v3()
    yield Example(code=code, name="live tables", severity=FAIL, machine=live, says="gicv3_nolpi")
    off = dataclasses.replace(live, lpi_tables=())
    yield Example(code=code, name="its off", severity=PASS, machine=off)
    efi = dataclasses.replace(live, efi=True)
    yield Example(code=code, name="efi", severity=PASS, machine=efi, says="EFI")
    avoiding = entry(avoids_lpi_tables=True)
    yield Example(code=code, name="left alone", severity=PASS, machine=live, entry=avoiding, says="left alone")
    reserved = dataclasses.replace(efi, lpi_tables=None)
    yield Example(code=code, name="efi, log unread", severity=PASS, machine=reserved, says="EFI")
    unread = dataclasses.replace(live, lpi_tables=None)
    yield Example(code=code, name="log unread", severity=UNKNOWN, machine=unread, says="as root")
    maybe = dataclasses.replace(live, efi=None)
    yield Example(code=code, name="efi unread", severity=UNKNOWN, machine=maybe)
    treeless = dataclasses.replace(live, tree=None)
    yield Example(code=code, name="by the log alone", severity=FAIL, machine=treeless)
    yield Example(code=code, name="GICv2", severity=None, machine=virt(lpi_tables=None))
