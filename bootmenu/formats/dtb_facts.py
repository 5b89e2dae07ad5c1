# SPDX-License-Identifier: MIT
"""Extract the facts for the checks from a device tree: CPUs, memory, PSCI, interrupt controller, serial ports."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from bootmenu.formats.dtb import DeviceTree, Node, string_list
from bootmenu.model.devicetree import (
    CpuNode,
    InterruptController,
    MemoryRange,
    ReservedMemory,
    SerialPort,
    TreeFacts,
)

MPIDR_MASK = 0xFF00FFFFFF
"""Affinity bits; other bits in a CPU's `reg` are an error (arch/arm64/kernel/smp.c:of_get_cpu_hwid)."""

STALE_CHOSEN = (
    "linux,elfcorehdr",
    "linux,usable-memory-range",
    "linux,initrd-start",
    "linux,initrd-end",
    "linux,ima-kexec-buffer",
    "linux,kho-fdt",
    "linux,kho-scratch",
)


def psci_node(root: Node) -> Node | None:
    """Return the PSCI node. Linux finds it by its compatible (drivers/firmware/psci/psci.c:psci_dt_init); on boards
    of TI and NXP it is in /firmware."""
    firmware = root.child("firmware")
    places = (root.child("psci"), firmware.child("psci") if firmware is not None else None)
    found = [node for node in places if node is not None]
    named = (node for node in found if any(name.startswith("arm,psci") for name in node.strings("compatible")))
    return next(named, next(iter(found), None))


def facts(tree: DeviceTree) -> TreeFacts:
    """Return the facts for the checks. Omit properties that are missing or have a wrong length; never raise."""
    root = tree.root
    psci = psci_node(root)
    chosen = root.child("chosen")
    return TreeFacts(
        compatible=root.strings("compatible"),
        model=root.string("model"),
        cpus=tuple(_cpus(root)),
        psci_compatible=None if psci is None else psci.strings("compatible"),
        psci_method=None if psci is None else psci.string("method"),
        psci_functions=tuple(name for name in ("cpu_on", "cpu_off") if psci and psci.get(name) is not None),
        memory=tuple(memory(root)),
        memory_reservations=tuple(tree.reservations),
        stdout_path=chosen.string("stdout-path") if chosen else None,
        stale_chosen=tuple(name for name in STALE_CHOSEN if chosen and chosen.get(name) is not None),
        has_kaslr_seed=has_kaslr_seed(root),
        address_cells=_cells(root, "#address-cells"),
        size_cells=_cells(root, "#size-cells"),
        has_symbols=root.child("__symbols__") is not None,
        reserved_memory=tuple(reserved_memory(root)),
        interrupt_controller=_interrupt_controller(root),
        uefi_properties=uefi_properties(root),
        serial_ports=tuple(itertools.islice(_serial_ports(root), _MAX_SERIAL)),
    )


_MAX_SERIAL = 256


def has_kaslr_seed(root: Node) -> bool:
    """Return whether /chosen has a seed that is not zero."""
    chosen = root.child("chosen")
    return any((chosen.get("kaslr-seed") or b"") if chosen else b"")


def uefi_properties(root: Node) -> tuple[str, ...]:
    """Return the names of the properties by which /chosen refers to EFI."""
    chosen = root.child("chosen")
    return tuple(name for name, _ in chosen.properties if name.startswith("linux,uefi-")) if chosen else ()


def _serial_ports(root: Node) -> Iterator[SerialPort]:
    for node in root.nodes():
        if _is_serial(node) and node.available():
            yield SerialPort(name=node.name, compatible=node.strings("compatible"))


_SERIAL = (b"uart", b"serial", b"pl011", b"16550", b"8250", b"scif")


def _is_serial(node: Node) -> bool:
    if node.name.partition("@")[0] in ("serial", "uart"):
        return True
    compatible = node.get("compatible")
    # most have none of the words: their strings need not be taken apart
    if compatible is None or not any(part in compatible for part in _SERIAL):
        return False
    return any(part in name.encode() for name in string_list(compatible) for part in _SERIAL)


def _cells(node: Node, name: str) -> int:
    # include/linux/of.h: OF_ROOT_NODE_ADDR_CELLS_DEFAULT and ..._SIZE_... are 1; no bus is wider than 64 bits
    return 2 if node.u32(name) == 2 else 1


def _cpus(root: Node) -> Iterator[CpuNode]:
    parent = root.child("cpus")
    if parent is None:
        return
    cells = parent.u32("#address-cells")
    for node in parent.children:
        if node.name.partition("@")[0] != "cpu" and node.string("device_type") != "cpu":
            continue
        # drivers/of/base.c:of_get_next_cpu_node skips only these: a "disabled" CPU can still be started
        status = node.string("status") or ""
        if status == "fail" or status.startswith("fail-"):
            continue
        reg = node.get("reg") or b""
        width = 4 * (cells or 1)
        known = len(reg) >= width and width in (4, 8)
        yield CpuNode(
            name=node.name,
            hardware_id=int.from_bytes(reg[:width], "big") if known else None,
            enable_method=node.string("enable-method"),
            release_address=node.u64("cpu-release-addr"),
        )


def reserved_memory(root: Node) -> Iterator[ReservedMemory]:
    """Yield the ranges of each child of /reserved-memory."""
    parent = root.child("reserved-memory")
    if parent is None:
        return
    address, size = _cells(parent, "#address-cells"), _cells(parent, "#size-cells")
    for node in parent.children:
        if node.available():
            for area in _ranges(node.get("reg") or b"", address, size):
                yield ReservedMemory(name=node.name, area=area, no_map=node.get("no-map") is not None)


def _interrupt_controller(root: Node) -> InterruptController | None:
    wanted = root.u32("interrupt-parent")
    if wanted is None:
        return None
    path: list[tuple[Node, int]] = [(root, 0)]  # the current node and its parents, each with its next child's index
    while path:
        node, at = path[-1]
        if at == 0 and wanted in (node.u32("phandle"), node.u32("linux,phandle")):
            parents = tuple(parent for parent, _ in path[:-1])
            return InterruptController(
                name=node.name, compatible=node.strings("compatible"), base=_physical(node, parents)
            )
        if at < len(node.children):
            path[-1] = (node, at + 1)
            path.append((node.children[at], 0))
        else:
            path.pop()
    return None


def _physical(node: Node, parents: tuple[Node, ...]) -> int | None:
    """Return the first address in `reg`, translated by the `ranges` of all parent buses, or None if impossible."""
    # Devicetree Specification 2.3.8: an empty `ranges` is the identity; without it there is no translation
    if not parents:
        return None
    cells = _cells(parents[-1], "#address-cells")
    reg = node.get("reg") or b""
    if len(reg) < 4 * cells:
        return None
    address = int.from_bytes(reg[: 4 * cells], "big")
    for bus, above in zip(reversed(parents[1:]), reversed(parents[:-1]), strict=True):
        ranges = bus.get("ranges")
        if ranges is None:
            return None
        if not ranges:
            continue
        inner, outer = _cells(bus, "#address-cells"), _cells(above, "#address-cells")
        width = 4 * (inner + outer + _cells(bus, "#size-cells"))
        for at in range(0, len(ranges) - width + 1, width):
            child, parent, size = (
                int.from_bytes(ranges[at + begin : at + end], "big")
                for begin, end in ((0, 4 * inner), (4 * inner, 4 * (inner + outer)), (4 * (inner + outer), width))
            )
            if child <= address < child + size:
                address += parent - child
                break
        else:
            return None
    return address


def _ranges(reg: bytes, address: int, size: int) -> Iterator[MemoryRange]:
    width = 4 * (address + size)
    for at in range(0, len(reg) - width + 1, width):
        split = at + 4 * address
        yield MemoryRange(
            base=int.from_bytes(reg[at:split], "big"), size=int.from_bytes(reg[split : at + width], "big")
        )


def memory(root: Node) -> Iterator[MemoryRange]:
    """Yield the ranges of RAM."""
    # drivers/of/fdt.c:early_init_dt_scan_memory looks at the root's children with device_type "memory".
    address, size = _cells(root, "#address-cells"), _cells(root, "#size-cells")
    for node in root.children:
        if node.string("device_type") == "memory" and node.available():
            usable = node.get("linux,usable-memory")  # has precedence even if empty
            yield from _ranges((node.get("reg") or b"") if usable is None else usable, address, size)
