# SPDX-License-Identifier: MIT
"""What the checker needs to know about a device tree, as values that can be recorded without the tree."""

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
        """Return the first address after it."""
        return self.base + self.size

    def __lt__(self, other: MemoryRange) -> bool:
        return (self.base, self.size) < (other.base, other.size)

    def __str__(self) -> str:
        return f"{self.base:#x}-{self.end - 1:#x}" if self.size else f"{self.base:#x} (empty)"


def merged(ranges: Iterable[MemoryRange]) -> tuple[MemoryRange, ...]:
    """Return the ranges sorted, with adjacent and overlapping ones joined and empty ones removed."""
    joined: list[MemoryRange] = []
    for piece in sorted(piece for piece in ranges if piece.size > 0):
        if joined and piece.base <= joined[-1].end:
            end = max(joined[-1].end, piece.end)
            joined[-1] = MemoryRange(base=joined[-1].base, size=end - joined[-1].base)
        else:
            joined.append(piece)
    return tuple(joined)


def subtracted(ranges: Iterable[MemoryRange], taken: Iterable[MemoryRange]) -> tuple[MemoryRange, ...]:
    """Return the parts of `ranges` that are outside of `taken`, sorted and merged."""
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
    """A node of /cpus with device_type or name `cpu`."""

    name: str
    """Node name, such as `cpu@1`."""
    hardware_id: int | None
    """MPIDR affinity bits from `reg`; None without a usable `reg`."""
    enable_method: str | None = None
    """First string of the node's `enable-method`, or None (arm64 does not inherit it from /cpus)."""
    release_address: int | None = None
    """`cpu-release-addr`, a big-endian u64 like every cell, or None."""


class ReservedMemory(Value, kw_only=True):
    """A range of a child of /reserved-memory with a fixed address."""

    name: str
    """Node name, such as `optee@1e000000`."""
    area: MemoryRange
    """The reserved range."""
    no_map: bool
    """Whether the kernel must not even map it, because firmware is there."""


class InterruptController(Value, kw_only=True):
    """The controller that the root's `interrupt-parent` names."""

    name: str
    """Node name, such as `intc@8000000`."""
    compatible: tuple[str, ...]
    """Its `compatible`, most specific first."""
    base: int | None = None
    """Physical address of its first registers; None without `reg`, or if a bus in between has no plain `ranges`."""


class SerialPort(Value, kw_only=True):
    """A node that can be a console."""

    name: str
    """Node name, such as `serial@9000000`."""
    compatible: tuple[str, ...]
    """Its `compatible`, most specific first."""


class TreeFacts(Value, kw_only=True):
    """What checks need to know about a device tree that was read completely."""

    compatible: tuple[str, ...] = ()
    """`compatible` of the root, most specific first; empty if the property is missing."""
    model: str | None = None
    """`model` of the root: the board's name."""
    cpus: tuple[CpuNode, ...] = ()
    """CPUs in the order of the tree, without those with status `fail`, which the kernel ignores, too."""
    psci_compatible: tuple[str, ...] | None = None
    """`compatible` of /psci; None without that node."""
    psci_method: str | None = None
    """Conduit, `hvc` or `smc`; None without the node or property."""
    psci_functions: tuple[str, ...] = ()
    """Functions (`cpu_on`, `cpu_off`, ...) that the node gives numbers, which PSCI 0.1 needs."""
    memory: tuple[MemoryRange, ...] = ()
    """Every `reg` of every memory node, unmerged, empty ones included."""
    memory_reservations: tuple[MemoryRange, ...] = ()
    """The memory reservation block, up to its terminator."""
    stdout_path: str | None = None
    """`stdout-path` of /chosen: the console of a kernel without console=."""
    stale_chosen: tuple[str, ...] = ()
    """Properties of /chosen that belong to an earlier boot with this tree."""
    has_kaslr_seed: bool = False
    """Whether /chosen has a kaslr-seed other than zero."""
    address_cells: int = 2
    """#address-cells of the root, 1 or 2."""
    size_cells: int = 2
    """#size-cells of the root, 1 or 2."""
    has_symbols: bool = False
    """Whether /__symbols__ exists, which overlays need."""
    reserved_memory: tuple[ReservedMemory, ...] = ()
    """Children of /reserved-memory with a fixed address."""
    interrupt_controller: InterruptController | None = None
    """The root's interrupt controller; None: there is none, or nothing refers to it."""
    uefi_properties: tuple[str, ...] = ()
    """Properties of /chosen that begin with `linux,uefi-`: how the kernel finds EFI's tables."""
    serial_ports: tuple[SerialPort, ...] = ()
    """Available nodes whose name or `compatible` is that of a serial port."""
