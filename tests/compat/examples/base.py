# SPDX-License-Identifier: MIT
"""What an example is, and the facts that most of them begin with: a good machine and a good entry."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field

from bootmenu.compat import check
from bootmenu.compat.facts import DeviceTreeFacts, EntryFacts
from bootmenu.demo.builders import board_tree
from bootmenu.model.devicetree import CpuNode
from bootmenu.model.finding import Finding, Severity
from bootmenu.model.kernel import Architecture
from bootmenu.model.machine import CpuFacts, MachineFacts
from bootmenu.model.value import replace
from tests.builders import machines
from tests.builders.entries import entry, kernel_of, with_tree

PASS, UNKNOWN, WARN, FAIL = Severity.PASS, Severity.UNKNOWN, Severity.WARN, Severity.FAIL
VIRT = machines.virt()
TREE = machines.tree_of(VIRT)
GIB = 1 << 30


Unreachable = Mapping[tuple[str, Severity], str]
"""Code and severity that no facts lead to, and why. Of every code all are asked: pass, warn or fail, unknown."""

Silent = Mapping[str, tuple[str, Set[Architecture]]]
"""Code of a check that never says anything on some architectures: why that is right, and on which."""


@dataclass(frozen=True, kw_only=True)
class Example:
    """One row. severity None = the check does not apply. says: a part of the message or the hint."""

    code: str
    name: str
    severity: Severity | None
    machine: MachineFacts = VIRT
    entry: EntryFacts = field(default_factory=entry)
    says: str = ""

    @property
    def id(self) -> str:
        return f"{self.code}-{self.severity or 'silent'}-{self.name}".replace(" ", "-")

    def findings(self) -> list[Finding]:
        return [finding for finding in check(self.machine, self.entry).findings if finding.code == self.code]


def virt(**changes: object) -> MachineFacts:
    return replace(VIRT, **changes)  # type: ignore[arg-type]


def kexec(**changes: object) -> MachineFacts:
    return virt(kexec=replace(VIRT.kexec, **changes))  # type: ignore[arg-type]


def running(**changes: object) -> MachineFacts:
    """The machine with another device tree."""
    return virt(tree=replace(TREE, **changes))  # type: ignore[arg-type]


def own(**changes: object) -> EntryFacts:
    """An entry whose tree is the machine's own but for this."""
    return with_tree(replace(TREE, **changes))  # type: ignore[arg-type]


def cpus(*changes: Mapping[str, object]) -> tuple[CpuFacts, ...]:
    """The machine's CPUs, each with its changes."""
    padded = [*changes, *[{}] * (len(VIRT.cpus) - len(changes))]
    pairs = zip(VIRT.cpus, padded, strict=True)
    return tuple(replace(cpu, **change) for cpu, change in pairs)  # type: ignore[arg-type]


def each_cpu(**changes: object) -> tuple[CpuFacts, ...]:
    return tuple(replace(cpu, **changes) for cpu in VIRT.cpus)  # type: ignore[arg-type]


def nodes(*changes: dict[str, object]) -> tuple[CpuNode, ...]:
    """The machine's CPU nodes, each with its changes."""
    padded = [*changes, *[{}] * (len(TREE.cpus) - len(changes))]
    pairs = zip(TREE.cpus, padded, strict=True)
    return tuple(replace(node, **change) for node, change in pairs)  # type: ignore[arg-type]


def cpu_node(hardware_id: int | None, enable_method: str | None = "psci") -> CpuNode:
    return CpuNode(name=f"cpu@{hardware_id}", hardware_id=hardware_id, enable_method=enable_method)


def blob(data: bytes) -> EntryFacts:
    """An entry whose device tree has these bytes."""
    return with_tree(own=DeviceTreeFacts.from_bytes(data))


def bytes_of(data: bytes) -> EntryFacts:
    """An entry whose kernel has these bytes."""
    return entry(kernel=kernel_of(data))


def spoilt(offset: int, replacement: bytes) -> bytes:
    data = bytearray(board_tree(TREE.compatible).to_bytes())
    data[offset : offset + len(replacement)] = replacement
    return bytes(data)


def misaligned() -> bytes:
    """A sound tree whose blocks were moved by two bytes."""
    data = bytearray(board_tree(TREE.compatible).to_bytes())
    data[40:40] = bytes(2)
    for at in (4, 8, 12, 16):
        data[at : at + 4] = (int.from_bytes(data[at : at + 4], "big") + 2).to_bytes(4, "big")
    return bytes(data)
