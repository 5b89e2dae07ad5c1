# SPDX-License-Identifier: MIT
"""The device tree on its way to the second kernel: what has to change, decided purely, and applied to it.

Firmware fills a board's tree in before it starts a kernel: memory, reservations, numbers of this one machine. With
kexec no firmware runs, so that what it wrote is carried over from the running tree.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bootmenu.errors import BootmenuError
from bootmenu.formats.devicetree import MAX_SIZE, STALE_CHOSEN, DeviceTree, Node, facts
from bootmenu.formats.devicetree_text import text_of
from bootmenu.model.devicetree import MemoryRange, ReservedMemory, TreeFacts, merged, subtracted
from bootmenu.model.machine import MachineFacts

RESERVE = "/memreserve/"
"""As an Edit's path: an entry of the memory reservation block, address and size of 8 bytes each."""
_SEEDS = {"kaslr-seed": 8, "rng-seed": 128}
"""Bytes, as arch/arm64/kernel and drivers/of/kexec.c write them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One change to the device tree on its way to the second kernel. value None = the property is removed, unless
    `fresh` or `late` say otherwise."""

    path: str
    """Node, absolute: `/chosen`; or RESERVE."""
    property: str = ""
    value: bytes | None = None
    why: str
    """For people: `carried over from the running tree`."""
    fresh: int = 0
    """So many random bytes are put in when the tree is made."""
    late: bool = False
    """The loading method puts it in, as only that knows the addresses."""

    def __str__(self) -> str:
        if self.path == RESERVE and self.value is not None:
            base, size = struct.unpack(">QQ", self.value)
            return f"{MemoryRange(base=base, size=size)} reserved ({self.why})"
        if self.late:
            return f"{self.path}: {self.property} set at load ({self.why})"
        if self.fresh:
            return f"{self.path}: {self.property} set, {self.fresh} random bytes ({self.why})"
        if self.value is None:
            return f"{self.path}: {self.property} removed ({self.why})"
        return f"{self.path}: {self.property} = {text_of(self.value)} ({self.why})"

    def to_json(self) -> dict[str, object]:
        """As `boot --dry-run --json` prints it."""
        value = None if self.value is None else self.value.hex()
        return {
            "path": self.path,
            "property": self.property,
            "value": value,
            "why": self.why,
            "at_load": self.late or bool(self.fresh),
        }


_EARLIER = "belongs to an earlier boot"
_RUNNING = "carried over from the running machine"


def edits(
    own: DeviceTree, machine: MachineFacts, running: DeviceTree | None = None, *, carry_over: bool = True
) -> Iterator[Edit]:
    """What has to change so that the tree is true for this machine and this boot.

    own: the tree that would be handed on, overlays applied. running: the first stage's whole tree; None = only its
    facts are known. carry_over: False = add nothing of the running machine's.
    """
    told = facts(own)
    for name in told.stale_chosen:
        yield Edit(path="/chosen", property=name, why=_EARLIER)
    if carry_over:
        # arch/arm64/kernel/acpi.c:dt_is_stub: a tree with any node besides /chosen makes the kernel distrust ACPI,
        # and without that a machine which is described by it is lost
        if any(node.name != "chosen" for node in own.root.children):
            yield from _memory(told, machine)
            yield from _reservations(own, told, machine, running)
            yield from _psci(told, machine, running)
        if running is not None:
            yield from _firmware_tables(own, running)
            yield from _identity(own, running)


def boot_edits(own: DeviceTree, command_line: str, *, initramfs: bool, seeds: bool) -> Iterator[Edit]:
    """What belongs to this boot. seeds: the method writes the tree itself. kexec-tools does not: it puts a seed where
    it finds a zero, and refuses a tree with another one ("setup_2nd_dtb failed")."""
    yield Edit(
        path="/chosen", property="bootargs", value=os.fsencode(command_line) + b"\0", why="the entry's command line"
    )
    if initramfs:
        for name in ("linux,initrd-start", "linux,initrd-end"):
            yield Edit(path="/chosen", property=name, late=True, why="where the initramfs will lie")
    chosen = own.node("/chosen")
    why = "what the running kernel drew; a seed from a file is none"
    for name, size in _SEEDS.items():
        if seeds or (name == "rng-seed" and chosen and chosen.get(name) is not None):
            yield Edit(path="/chosen", property=name, fresh=size, why=why)
        elif name == "kaslr-seed" and facts(own).has_kaslr_seed:
            yield Edit(path="/chosen", property=name, value=bytes(size), why="a fresh seed is put in at load")


# ---- memory and reservations --------------------------------------------------------------------------------


def _memory(own: TreeFacts, machine: MachineFacts) -> Iterator[Edit]:
    areas = memory_of(machine)
    if merged(own.memory) or not areas:
        return
    path = f"/memory@{areas[0].base:x}"
    yield Edit(path=path, property="device_type", value=b"memory\0", why=_RUNNING)
    reg = b"".join(_cells(area, own.address_cells, own.size_cells) for area in areas)
    yield Edit(path=path, property="reg", value=reg, why=_RUNNING)


def memory_of(machine: MachineFacts) -> tuple[MemoryRange, ...]:
    """What the running tree calls memory, or the kernel does where that says nothing.

    What firmware keeps is named beside RAM, and counts where it touches RAM: it lies in it. By itself it may as well
    be flash, which EFI firmware lists with the memory that it keeps.
    """
    if told := merged(machine.tree.memory if machine.tree else ()):
        return told
    taken = machine.ram_taken or ()
    return tuple(area for area in merged(machine.ram or ()) if subtracted((area,), taken))


def _cells(area: MemoryRange, address_cells: int, size_cells: int) -> bytes:
    widths = {1: "I", 2: "Q"}
    try:
        return struct.pack(f">{widths[address_cells]}{widths[size_cells]}", area.base, area.size)
    except (struct.error, KeyError):
        raise BootmenuError(
            "this machine's memory does not fit into the device tree, whose addresses have 32 bits",
            "Use this board's own device tree.",
        ) from None


def _reservations(
    own: DeviceTree, told: TreeFacts, machine: MachineFacts, running: DeviceTree | None
) -> Iterator[Edit]:
    ours = machine.tree
    if ours is None:
        return
    used = merged(told.memory) or memory_of(machine)
    unmapped = [item.area for item in told.reserved_memory if item.no_map]
    for item in ours.reserved_memory:
        if item.no_map and _lost(item.area, unmapped, used):
            yield from _reserved_node(own, told, item)
    kept = [*(item.area for item in told.reserved_memory), *told.memory_reservations]
    for area in ours.memory_reservations:
        # the running system's own initramfs needs no room any more
        if _lost(area, kept, used) and not (running and _holds_initramfs(running, area)):
            yield Edit(path=RESERVE, value=struct.pack(">QQ", area.base, area.size), why=_RUNNING)


def _lost(area: MemoryRange, kept: Sequence[MemoryRange], used: Sequence[MemoryRange]) -> bool:
    """Some of it is memory that nothing keeps."""
    return any(area.base < piece.end and piece.base < area.end for piece in subtracted(used, kept))


def _reserved_node(own: DeviceTree, told: TreeFacts, item: ReservedMemory) -> Iterator[Edit]:
    parent = own.node("/reserved-memory") or Node("reserved-memory")
    # drivers/of/fdt.c:__reserved_mem_check_root: without the cells of the root, none of the reservations counts
    cells = []
    for name, wanted in (("#address-cells", told.address_cells), ("#size-cells", told.size_cells)):
        given = parent.u32(name)
        if given is None:
            yield Edit(path="/reserved-memory", property=name, value=struct.pack(">I", wanted), why=_RUNNING)
        cells.append(wanted if given is None else given)
    if parent.get("ranges") is None:
        yield Edit(path="/reserved-memory", property="ranges", value=b"", why=_RUNNING)
    # Devicetree Specification 0.4, 2.2.1; the running tree's facts may come from a file
    name = re.sub(r"[^A-Za-z0-9,._+-]", "", item.name.partition("@")[0])[:31] or "memory"
    path = f"/reserved-memory/{name}@{item.area.base:x}"
    yield Edit(path=path, property="reg", value=_cells(item.area, cells[0], cells[1]), why=_RUNNING)
    yield Edit(path=path, property="no-map", value=b"", why=_RUNNING)


def _holds_initramfs(running: DeviceTree, area: MemoryRange) -> bool:
    chosen = running.node("/chosen")
    start = chosen.u64("linux,initrd-start") if chosen else None
    return start is not None and area.base <= start < area.end


# ---- what firmware knows -------------------------------------------------------------------------------------


def _psci(own: TreeFacts, machine: MachineFacts, running: DeviceTree | None) -> Iterator[Edit]:
    """How to call firmware, where the tree does not say; never against what it says."""
    ours = machine.tree
    if own.psci_compatible is not None or ours is None or not ours.psci_compatible or not ours.psci_method:
        return
    if node := running.node("/psci") if running else None:
        yield from (Edit(path="/psci", property=name, value=value, why=_RUNNING) for name, value in node.properties)
    elif any(name in ("arm,psci-0.2", "arm,psci-1.0") for name in ours.psci_compatible):
        names = b"".join(name.encode("utf-8", "replace") + b"\0" for name in ours.psci_compatible)
        yield Edit(path="/psci", property="compatible", value=names, why=_RUNNING)
        yield Edit(
            path="/psci", property="method", value=ours.psci_method.encode("utf-8", "replace") + b"\0", why=_RUNNING
        )


def _firmware_tables(own: DeviceTree, running: DeviceTree) -> Iterator[Edit]:
    """Documentation/arch/arm/uefi.rst: linux,uefi-system-table, linux,uefi-mmap-start and others in /chosen."""
    ours, theirs = running.node("/chosen"), own.node("/chosen")
    for name, value in ours.properties if ours else ():
        if name.startswith("linux,uefi-") and (theirs is None or theirs.get(name) is None):
            yield Edit(path="/chosen", property=name, value=value, why=_RUNNING)


_ADDRESSES = ("local-mac-address", "mac-address", "local-bd-address")


def _identity(own: DeviceTree, running: DeviceTree) -> Iterator[Edit]:
    """The numbers of this one machine: its serial number, and the addresses of its network devices by their alias."""
    serial = running.root.get("serial-number")
    if serial and own.root.get("serial-number") is None:
        yield Edit(path="/", property="serial-number", value=serial, why=_RUNNING)
    ours, theirs = running.node("/aliases"), own.node("/aliases")
    for alias, _ in ours.properties if ours and theirs else ():
        source, target = _aliased(running, ours, alias), _aliased(own, theirs, alias)
        if source is None or target is None:
            continue
        for name in _ADDRESSES:
            value = source[1].get(name)
            if value and any(value) and not any(target[1].get(name) or b""):
                yield Edit(path=target[0], property=name, value=value, why=_RUNNING)


def _aliased(tree: DeviceTree, aliases: Node | None, name: str) -> tuple[str, Node] | None:
    path = aliases.string(name) if aliases else None
    node = tree.node(path) if path and path.startswith("/") else None
    return (path, node) if path and node else None


# ---- applying them -------------------------------------------------------------------------------------------


def apply(tree: DeviceTree, changes: Iterable[Edit]) -> DeviceTree:
    """Another tree, with the edits made; the given one is not changed. Late ones are left to the loading method."""
    tree = tree.copy()
    changes = tuple(changes)
    written = {edit.path for edit in changes if edit.path.startswith("/memory@")}
    if written:
        # what stands there may be empty, disabled or overruled by linux,usable-memory: none of it may stay
        tree.root.children = [
            node
            for node in tree.root.children
            if node.string("device_type") != "memory" and f"/{node.name}" not in written
        ]
    for edit in changes:
        if edit.late:
            continue
        if edit.path == RESERVE and edit.value is not None:
            base, size = struct.unpack(">QQ", edit.value)
            tree.reservations.append(MemoryRange(base=base, size=size))
            continue
        node = tree.root if edit.path == "/" else tree.ensure(edit.path)
        value = os.urandom(edit.fresh) if edit.fresh else edit.value
        if value is None:
            node.remove(edit.property)
        else:
            node.set(edit.property, value)
    return tree


def packed(tree: DeviceTree) -> bytes:
    """As it is loaded. Raises BootmenuError when it has more than 2 MiB, FormatError should it not read back."""
    data = tree.to_bytes()
    if len(data) > MAX_SIZE:
        raise BootmenuError(
            f"the edited device tree has {len(data):,} bytes, the kernel reads at most {MAX_SIZE:,}",
            "Use a smaller device tree.",
        )
    facts(DeviceTree.from_bytes(data))
    return data


def finished(
    tree: DeviceTree, *, command_line: str, initramfs: MemoryRange | None, reserved: Iterable[MemoryRange]
) -> bytes:
    """The tree as the next kernel gets it: with what only the loading method knows. It may be called again.

    initramfs: where it lies, to the byte; None = there is none. reserved: memory that hardware goes on writing to,
    for the reservation block. The length of the result depends on no address.
    """
    chosen = tree.ensure("/chosen")
    for name in STALE_CHOSEN:
        chosen.remove(name)
    chosen.set("bootargs", os.fsencode(command_line) + b"\0")
    if initramfs is not None:
        chosen.set("linux,initrd-start", struct.pack(">Q", initramfs.base))
        chosen.set("linux,initrd-end", struct.pack(">Q", initramfs.end))
    # a table is its own entry: the kernel looks for each as a whole (drivers/irqchip/irq-gic-v3-its.c)
    tree.reservations += [area for area in reserved if area not in tree.reservations]
    return tree.to_bytes()
