# SPDX-License-Identifier: MIT
"""Edits to the entry's own device tree on its way to the second kernel: decided purely, applied to bytes."""

from __future__ import annotations

import copy
import os
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bootmenu.errors import BootmenuError
from bootmenu.formats.devicetree import MAX_SIZE, STALE_CHOSEN, DeviceTree, facts
from bootmenu.model.devicetree import MemoryRange, TreeFacts, merged


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One change to the device tree on its way to the second kernel. value None = the property is removed."""

    path: str
    """Node, absolute: `/chosen`."""
    property: str
    value: bytes | None
    why: str
    """For people: `carried over from the running tree`."""

    def __str__(self) -> str:
        if self.value is None:
            return f"{self.path}: {self.property} removed ({self.why})"
        return f"{self.path}: {self.property} set, {len(self.value)} bytes ({self.why})"


def edits(
    own: TreeFacts, running: TreeFacts | None, ram: Iterable[MemoryRange], *, carry_over: bool = True
) -> Iterator[Edit]:
    """What has to change so that the tree is true for this machine and this boot.

    own: the entry's tree. running: the first stage's, None when it is not known. ram: System RAM by the kernel.
    carry_over: False = add nothing of the running machine's.
    The command line and the initramfs are written by the loading method, which knows the addresses.
    """
    for name in own.stale_chosen:
        yield Edit(path="/chosen", property=name, value=None, why="belongs to an earlier boot")
    if own.has_kaslr_seed:
        # kexec-tools refuses a tree with a seed other than zero ("setup_2nd_dtb failed") and fills in a zero one
        yield Edit(path="/chosen", property="kaslr-seed", value=bytes(8), why="a fresh seed is put in at load")
    if carry_over and not merged(own.memory):
        areas = merged(running.memory if running else ()) or merged(ram)
        if areas:
            yield from _memory(areas, own)


def _memory(areas: tuple[MemoryRange, ...], own: TreeFacts) -> Iterator[Edit]:
    path = f"/memory@{areas[0].base:x}"
    layout = ">" + {1: "I", 2: "Q"}[own.address_cells] + {1: "I", 2: "Q"}[own.size_cells]
    try:
        reg = b"".join(struct.pack(layout, area.base, area.size) for area in areas)
    except struct.error:
        raise BootmenuError(
            "this machine's memory does not fit into the device tree, whose addresses have 32 bits",
            "Use this board's own device tree.",
        ) from None
    why = "carried over from the running machine"
    yield Edit(path=path, property="device_type", value=b"memory\0", why=why)
    yield Edit(path=path, property="reg", value=reg, why=why)


def apply(data: bytes, changes: Iterable[Edit]) -> bytes:
    """The tree with the edits made, packed and without NOPs. Raises FormatError, or BootmenuError over 2 MiB."""
    tree = DeviceTree.from_bytes(data)
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
        node = tree.ensure(edit.path)
        if edit.value is None:
            node.remove(edit.property)
        else:
            node.set(edit.property, edit.value)
    result = tree.to_bytes()
    if len(result) > MAX_SIZE:
        raise BootmenuError(
            f"the edited device tree has {len(result):,} bytes, the kernel reads at most {MAX_SIZE:,}",
            "Use a smaller device tree.",
        )
    facts(DeviceTree.from_bytes(result))  # what was written must read back
    return result


def finished(
    tree: DeviceTree,
    *,
    command_line: str,
    initramfs: MemoryRange | None,
    reserved: Iterable[MemoryRange],
    seeds: Mapping[str, bytes],
) -> bytes:
    """The tree as the next kernel gets it: with what only the loading method knows. The given tree is not changed.

    initramfs: where it lies, to the byte; None = there is none. reserved: memory that hardware goes on writing to,
    for the reservation block. seeds: random bytes by property, `kaslr-seed` and `rng-seed`. The length of the
    result depends on no address.
    """
    tree = copy.deepcopy(tree)
    chosen = tree.ensure("/chosen")
    for name in STALE_CHOSEN:
        chosen.remove(name)
    chosen.set("bootargs", os.fsencode(command_line) + b"\0")
    if initramfs is not None:
        chosen.set("linux,initrd-start", struct.pack(">Q", initramfs.base))
        chosen.set("linux,initrd-end", struct.pack(">Q", initramfs.end))
    for name, value in seeds.items():
        chosen.set(name, value)
    # a table is its own entry: the kernel looks for each as a whole (drivers/irqchip/irq-gic-v3-its.c)
    tree.reservations += [area for area in reserved if area not in tree.reservations]
    return tree.to_bytes()
