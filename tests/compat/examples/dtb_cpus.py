# SPDX-License-Identifier: MIT
"""The CPUs of an entry's own device tree, and how they are started."""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.model.devicetree import CpuNode, MemoryRange, ReservedMemory
from bootmenu.model.finding import Severity
from bootmenu.model.kernel import Architecture
from bootmenu.model.value import replace
from tests.builders import machines
from tests.builders.entries import with_tree
from tests.compat.examples.base import (
    FAIL,
    PASS,
    TREE,
    UNKNOWN,
    WARN,
    Example,
    Unreachable,
    cpu_node,
    each_cpu,
    nodes,
    own,
    running,
    virt,
)

UNREACHABLE: Unreachable = {
    ("DT-CPU-ENABLE-METHOD", UNKNOWN): "DT-CPU-SET, which it requires, is unknown then",
    ("DT-PSCI-COMPAT", UNKNOWN): "a tree that was read says it; DTB-STRUCT speaks of the others",
}


def tree_cpus() -> Iterator[Example]:
    code = "DT-CPU-SET"
    spin = machines.spin_table()
    spinning = machines.tree_of(spin)
    yield Example(code=code, name="same", severity=PASS, entry=own())
    yield Example(code=code, name="other order", severity=PASS, entry=own(cpus=TREE.cpus[::-1]))
    yield Example(
        code=code,
        name="without the boot cpu",
        severity=FAIL,
        entry=own(cpus=TREE.cpus[1:]),
        says="0x0, the one that makes the jump",
    )
    yield Example(code=code, name="no cpus", severity=FAIL, entry=own(cpus=()))
    yield Example(
        code=code,
        name="without the cpu of reboot=",
        severity=FAIL,
        machine=virt(command_line="reboot=s3"),
        entry=own(cpus=TREE.cpus[:3]),
        says="0x3, the one that makes the jump",
    )
    yield Example(code=code, name="fewer", severity=WARN, entry=own(cpus=TREE.cpus[:2]), says="2 of 4")
    yield Example(
        code=code,
        name="fewer of a spin table",
        severity=FAIL,
        machine=spin,
        entry=with_tree(replace(spinning, cpus=spinning.cpus[:2])),
        says="spins in memory",
    )
    yield Example(code=code, name="more", severity=WARN, entry=own(cpus=(*TREE.cpus, cpu_node(0x100))), says="0x100")
    yield Example(
        code=code, name="duplicate", severity=WARN, entry=own(cpus=(*TREE.cpus, cpu_node(3))), says="more than once"
    )
    riscv = virt(architecture=Architecture.RISCV64, machine="riscv64")
    for name, number, severity in (("the jumping cpu", 0, FAIL), ("another", 3, WARN)):
        yield Example(
            code=code,
            name=f"{name} twice on riscv64",
            severity=severity,
            machine=riscv,
            entry=own(cpus=(*TREE.cpus, cpu_node(number))),
            says="more than once",
        )
    yield Example(
        code=code, name="no reg", severity=WARN, entry=own(cpus=(*TREE.cpus, cpu_node(None))), says="usable reg"
    )
    yield Example(
        code=code,
        name="bits beyond MPIDR",
        severity=WARN,
        entry=own(cpus=(*TREE.cpus, cpu_node(1 << 31))),
        says="usable reg",
    )
    yield Example(
        code=code,
        name="affinity 3",
        severity=PASS,
        machine=running(cpus=(*TREE.cpus, cpu_node(1 << 32))),
        entry=own(cpus=(*TREE.cpus, cpu_node(1 << 32))),
    )
    yield Example(code=code, name="no running tree", severity=UNKNOWN, machine=virt(tree=None), entry=own())
    yield Example(code=code, name="acpi", severity=UNKNOWN, machine=machines.acpi(), entry=own())
    yield Example(code=code, name="acpi and no cpus", severity=UNKNOWN, machine=machines.acpi(), entry=own(cpus=()))
    yield Example(
        code=code,
        name="jumping cpu unknown",
        severity=UNKNOWN,
        machine=virt(cpus=each_cpu(hardware_id=None)),
        entry=own(cpus=TREE.cpus[:2]),
    )
    yield Example(
        code=code,
        name="jumping cpu unknown but all are there",
        severity=PASS,
        machine=virt(cpus=each_cpu(hardware_id=None)),
        entry=own(),
    )
    yield Example(code=code, name="none of its own", severity=None)

    code = "DT-CPU-ENABLE-METHOD"
    again = (*TREE.cpus, cpu_node(3, "spin-table"))
    yield Example(code=code, name="another method, said second", severity=PASS, entry=own(cpus=again))
    to_spin: dict[str, object] = {"enable_method": "spin-table"}
    none: dict[str, object] = {"enable_method": None}
    yield Example(code=code, name="same", severity=PASS, entry=own())
    yield Example(
        code=code,
        name="psci to spin-table",
        severity=WARN,
        entry=own(cpus=nodes(*[to_spin] * 4)),
        says="3 CPUs by spin-table, this machine by psci",
    )
    yield Example(
        code=code,
        name="the next kexec too",
        severity=WARN,
        entry=own(cpus=nodes({}, to_spin)),
        says="next kexec",
    )
    yield Example(
        code=code,
        name="spin-table to psci",
        severity=WARN,
        machine=spin,
        entry=with_tree(replace(spinning, cpus=TREE.cpus)),
        says="psci, this machine by spin-table",
    )
    yield Example(
        code=code,
        name="by hardware id, not by place",
        severity=PASS,
        machine=running(cpus=nodes({}, {}, {}, to_spin)),
        entry=own(cpus=nodes({}, {}, {}, to_spin)[::-1]),
    )
    yield Example(
        code=code, name="missing on a secondary", severity=WARN, entry=own(cpus=nodes({}, none)), says="1 CPU"
    )
    yield Example(code=code, name="missing on the boot cpu", severity=PASS, entry=own(cpus=nodes(none)))
    yield Example(
        code=code,
        name="nobody knows it",
        severity=WARN,
        entry=own(cpus=nodes({}, {"enable_method": "magic"})),
        says="magic",
    )
    yield Example(code=code, name="after an unknown set", severity=None, machine=virt(tree=None), entry=own())
    yield Example(code=code, name="after a failed set", severity=None, entry=own(cpus=TREE.cpus[1:]))


def spin_tables() -> Iterator[Example]:
    spin = machines.spin_table()
    tree = machines.tree_of(spin)

    def released(*addresses: int | None) -> tuple[CpuNode, ...]:
        return tuple(
            replace(node, release_address=address) for node, address in zip(tree.cpus, addresses, strict=True)
        )

    code = "DT-CPU-RELEASE"
    right = (0xD8, 0xE0, 0xE8, 0xF0)

    def example(name: str, severity: Severity | None, says: str = "", **changes: object) -> Example:
        facts = with_tree(replace(tree, **changes))  # type: ignore[arg-type]
        return Example(code=code, name=name, severity=severity, machine=spin, entry=facts, says=says)

    yield example("same", PASS)
    yield example("another", FAIL, "0xf8", cpus=released(0xD8, 0xE0, 0xF8, 0xF0))
    yield example("two others", FAIL, "1 more", cpus=released(0xD8, 0xE0, 0xF8, 0xF8))
    yield example("zero", FAIL, cpus=released(0xD8, 0, 0xE8, 0xF0))
    yield example("missing", FAIL, "none", cpus=released(0xD8, None, 0xE8, 0xF0))
    yield example("of the boot CPU", PASS, cpus=released(0x99, *right[1:]))
    nowhere = replace(spin, tree=replace(tree, cpus=released(None, None, None, None)))
    yield Example(code=code, name="running without", severity=UNKNOWN, machine=nowhere, entry=with_tree(tree))
    yield Example(code=code, name="psci", severity=None, entry=own())

    code = "DT-CPU-SPIN-RESERVED"
    yield example("in a memreserve", PASS)
    pages = (ReservedMemory(name="spin@0", area=MemoryRange(base=0, size=4096), no_map=False),)
    yield example("in reserved-memory", PASS, memory_reservations=(), reserved_memory=pages)
    yield example("open", FAIL, "0xe0", memory_reservations=())
    half = (MemoryRange(base=0, size=0xF4),)
    yield example("partly reserved", FAIL, "0xf0", memory_reservations=half)
    high = (MemoryRange(base=0x100000, size=0x3BF00000),)
    yield example("outside of memory", PASS, memory_reservations=(), memory=high)
    blind = replace(spin, ram=None, tree=replace(tree, memory=()))
    bare = with_tree(replace(tree, memory=(), memory_reservations=()))
    yield Example(code=code, name="memory unknown", severity=UNKNOWN, machine=blind, entry=bare)
    yield Example(code=code, name="memory filled in", severity=FAIL, machine=spin, entry=bare)
    yield Example(code=code, name="psci", severity=None, entry=own())


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
    stub = replace(wrong, exception_level="EL2", host_extensions=False)
    yield Example(code=code, name="hvc answered by the stub", severity=WARN, machine=stub, entry=own())
    unread = replace(stub, host_extensions=None)
    yield Example(code=code, name="hvc at EL2", severity=UNKNOWN, machine=unread, entry=own())


def psci_conduits() -> Iterator[Example]:
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
