# SPDX-License-Identifier: MIT
"""What the checker needs of a device tree: values without the tree, so that they can be recorded."""

from __future__ import annotations

from collections.abc import Iterable

from bootmenu.model.value import Value


class MemoryRange(Value, kw_only=True):
    """`size` bytes of physical memory from address `base`."""

    base: int
    """Address of the first byte."""
    size: int
    """Bytes."""

    @property
    def end(self) -> int:
        """First address behind it."""
        return self.base + self.size

    def __lt__(self, other: MemoryRange) -> bool:
        return (self.base, self.size) < (other.base, other.size)

    def __str__(self) -> str:
        return f"{self.base:#x}-{self.end - 1:#x}" if self.size else f"{self.base:#x} (empty)"


def merged(ranges: Iterable[MemoryRange]) -> tuple[MemoryRange, ...]:
    """Sorted, with touching and overlapping ranges joined and empty ones gone."""
    joined: list[MemoryRange] = []
    for piece in sorted(piece for piece in ranges if piece.size > 0):
        if joined and piece.base <= joined[-1].end:
            end = max(joined[-1].end, piece.end)
            joined[-1] = MemoryRange(base=joined[-1].base, size=end - joined[-1].base)
        else:
            joined.append(piece)
    return tuple(joined)


def subtracted(ranges: Iterable[MemoryRange], taken: Iterable[MemoryRange]) -> tuple[MemoryRange, ...]:
    """What of `ranges` lies in none of `taken`, sorted and merged."""
    left: list[MemoryRange] = []
    holes, first = merged(taken), 0
    for piece in merged(ranges):
        start = piece.base
        while first < len(holes) and holes[first].end <= start:
            first += 1
        for at in range(first, len(holes)):
            hole = holes[at]
            if hole.base >= piece.end:
                break
            if hole.base > start:
                left.append(MemoryRange(base=start, size=hole.base - start))
            start = max(start, hole.end)
        if start < piece.end:
            left.append(MemoryRange(base=start, size=piece.end - start))
    return tuple(left)


class CpuNode(Value, kw_only=True):
    """One node of /cpus with device_type or name `cpu`."""

    name: str
    """Node name, such as `cpu@1`."""
    hardware_id: int | None
    """MPIDR affinity bits from `reg`; None = no usable `reg`."""
    enable_method: str | None = None
    """First string of the node's own `enable-method` (arm64 inherits none from /cpus); None = none."""
    release_address: int | None = None
    """`cpu-release-addr`, a big-endian u64 like every cell; None = none."""


class ReservedMemory(Value, kw_only=True):
    """One range of a child of /reserved-memory with a fixed place."""

    name: str
    """Node name, such as `optee@1e000000`."""
    area: MemoryRange
    """Where it is."""
    no_map: bool
    """The kernel must not even map it: firmware lives there."""


class InterruptController(Value, kw_only=True):
    """The controller that the root's `interrupt-parent` names."""

    name: str
    """Node name, such as `intc@8000000`."""
    compatible: tuple[str, ...]
    """Its `compatible`, most specific first."""
    base: int | None = None
    """Physical address of its first registers; None = no `reg`, or a bus on the way has no plain `ranges`."""


class SerialPort(Value, kw_only=True):
    """A node that a console may be on."""

    name: str
    """Node name, such as `serial@9000000`."""
    compatible: tuple[str, ...]
    """Its `compatible`, most specific first."""


class TreeFacts(Value, kw_only=True):
    """A device tree that was read to its end, as far as checks ask for it."""

    compatible: tuple[str, ...] = ()
    """Root `compatible`, most specific first; empty = the property is missing."""
    model: str | None = None
    """`model` of the root: the board's name."""
    cpus: tuple[CpuNode, ...] = ()
    """In the order of the tree; nodes with status `fail` are left out, as the kernel does."""
    psci_compatible: tuple[str, ...] | None = None
    """`compatible` of /psci; None = no such node."""
    psci_method: str | None = None
    """Conduit, `hvc` or `smc`; None = no node or no property."""
    psci_functions: tuple[str, ...] = ()
    """Which of `cpu_on`, `cpu_off`, ... the node gives numbers to, as PSCI 0.1 needs."""
    memory: tuple[MemoryRange, ...] = ()
    """Every `reg` of every memory node, unmerged, empty ones included."""
    memory_reservations: tuple[MemoryRange, ...] = ()
    """The memory reservation block, to its terminator."""
    stdout_path: str | None = None
    """`stdout-path` of /chosen, where the console is without console=."""
    stale_chosen: tuple[str, ...] = ()
    """Properties of /chosen that belong to the system that was booted with this tree before."""
    has_kaslr_seed: bool = False
    """/chosen holds a kaslr-seed other than zero."""
    address_cells: int = 2
    """#address-cells of the root, 1 or 2."""
    size_cells: int = 2
    """#size-cells of the root, 1 or 2."""
    has_symbols: bool = False
    """/__symbols__ is there: overlays can be applied."""
    reserved_memory: tuple[ReservedMemory, ...] = ()
    """Children of /reserved-memory with a fixed place."""
    interrupt_controller: InterruptController | None = None
    """The root's; None = there is none, or it is named by nothing."""
    uefi_properties: tuple[str, ...] = ()
    """Properties of /chosen that begin with `linux,uefi-`: how the kernel finds EFI's tables."""
    serial_ports: tuple[SerialPort, ...] = ()
    """Available nodes that are named or compatible like one."""
