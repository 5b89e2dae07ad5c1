# SPDX-License-Identifier: MIT
"""CPUs that wait in a spin table."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from bootmenu.model.devicetree import CpuNode, MemoryRange, ReservedMemory
from bootmenu.model.finding import Severity
from tests.builders import machines
from tests.builders.entries import with_tree
from tests.compat.examples.base import FAIL, PASS, UNKNOWN, Example, own


def spin_tables() -> Iterator[Example]:
    spin = machines.spin_table()
    tree = machines.tree_of(spin)

    def released(*addresses: int | None) -> tuple[CpuNode, ...]:
        return tuple(
            dataclasses.replace(node, release_address=address)
            for node, address in zip(tree.cpus, addresses, strict=True)
        )

    code = "DT-CPU-RELEASE"
    right = (0xD8, 0xE0, 0xE8, 0xF0)

    def example(name: str, severity: Severity | None, says: str = "", **changes: object) -> Example:
        facts = with_tree(dataclasses.replace(tree, **changes))  # type: ignore[arg-type]
        return Example(code=code, name=name, severity=severity, machine=spin, entry=facts, says=says)

    yield example("same", PASS)
    yield example("another", FAIL, "0xf8", cpus=released(0xD8, 0xE0, 0xF8, 0xF0))
    yield example("two others", FAIL, "1 more", cpus=released(0xD8, 0xE0, 0xF8, 0xF8))
    yield example("zero", FAIL, cpus=released(0xD8, 0, 0xE8, 0xF0))
    yield example("missing", FAIL, "none", cpus=released(0xD8, None, 0xE8, 0xF0))
    yield example("of the boot CPU", PASS, cpus=released(0x99, *right[1:]))
    nowhere = dataclasses.replace(spin, tree=dataclasses.replace(tree, cpus=released(None, None, None, None)))
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
    blind = dataclasses.replace(spin, ram=None, tree=dataclasses.replace(tree, memory=()))
    bare = with_tree(dataclasses.replace(tree, memory=(), memory_reservations=()))
    yield Example(code=code, name="memory unknown", severity=UNKNOWN, machine=blind, entry=bare)
    yield Example(code=code, name="memory carried over", severity=FAIL, machine=spin, entry=bare)
    yield Example(code=code, name="psci", severity=None, entry=own())
