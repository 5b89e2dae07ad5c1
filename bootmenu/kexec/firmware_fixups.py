# SPDX-License-Identifier: MIT
"""Firmware fix-ups: the edits that boot firmware makes in every device tree, and that kexec has to make itself.

A tree from a package holds placeholders. U-Boot (boot/image-fdt.c:image_setup_libfdt) and the Raspberry Pi's firmware
replace them before they start a kernel; here the running machine's values replace them. docs/devicetree.md lists what
is copied, what is only checked, and what is left out.
"""

from __future__ import annotations

import bisect
import re
import struct
from collections.abc import Iterator, Sequence

from bootmenu.errors import BootmenuError
from bootmenu.formats.dtb import DeviceTree, Node
from bootmenu.formats.dtb_facts import facts, psci_node
from bootmenu.kexec.write_dtb import RESERVE, Edit, apply
from bootmenu.model.devicetree import MemoryRange, ReservedMemory, TreeFacts, merged, subtracted
from bootmenu.model.machine import MachineFacts

_EARLIER = "belongs to an earlier boot"
_RUNNING = "copied from the running machine"


def fixups(
    own: DeviceTree, machine: MachineFacts, running: DeviceTree | None = None, *, carry_over: bool = True
) -> Iterator[Edit]:
    """Yield the fix-ups that make the tree match this machine. Raise BootmenuError if that is not possible.

    own: the entry's tree, overlays applied. running: the first stage's whole tree, or None if only its facts are
    known. carry_over: whether to add anything from the running machine; if not, only the
    properties of an earlier boot are removed.
    """
    own_facts = facts(own)
    for name in own_facts.stale_chosen:
        yield Edit(path="/chosen", property=name, why=_EARLIER)
    if not carry_over:
        return
    # arch/arm64/kernel/acpi.c:dt_is_stub: a tree with any node besides /chosen makes the kernel ignore ACPI,
    # and a machine that only ACPI describes would not boot
    if any(node.name != "chosen" for node in own.root.children):
        before = tuple(_memory(own_facts, machine))
        if running is not None:
            before += tuple(_raspberry_pi(own, running))
        if before:  # reservations depend on the new memory
            yield from before
            own = apply(own, before)
            own_facts = facts(own)
        yield from _cpus(own_facts, machine)
        yield from _psci(own_facts, machine, running)
        yield from _reservations(own, own_facts, machine, running)
        if running is not None:
            yield from _optee(own, running)
            yield from _clocks(own, running)
            yield from _addresses(own, running)
    if running is not None:
        yield from _firmware_tables(own, running)
        serial = running.root.get("serial-number")
        if serial and own.root.get("serial-number") != serial:
            yield Edit(path="/", property="serial-number", value=serial, why=_RUNNING)


# ---- memory and reservations --------------------------------------------------------------------------------


def _memory(own: TreeFacts, machine: MachineFacts) -> Iterator[Edit]:
    """Yield the edits of the memory node: U-Boot's fdt_fixup_memory_banks and the Pi's firmware always replace it."""
    areas, entry_memory = machine.memory, merged(own.memory)
    running = merged(machine.tree.memory if machine.tree else ())
    if not areas or (entry_memory and entry_memory in (areas, running)):
        return
    pieces = list(_pieces(areas, own.address_cells, own.size_cells))
    if entry_memory == merged(pieces):  # all memory that fits is described already
        return
    why = f"{_RUNNING}, in place of {', '.join(map(str, entry_memory[:_SHOWN]))}" if entry_memory else _RUNNING
    why += ", ..." if len(entry_memory) > _SHOWN else ""
    path = f"/memory@{pieces[0].base:x}"
    yield Edit(path=path, property="device_type", value=b"memory\0", why=_RUNNING)
    reg = b"".join(_cells(area, own.address_cells, own.size_cells) for area in pieces)
    yield Edit(path=path, property="reg", value=reg, why=why)


_SHOWN = 4
_4G = 1 << 32
_MAX_PIECES = 1024


def _pieces(areas: Sequence[MemoryRange], address_cells: int, size_cells: int) -> Iterator[MemoryRange]:
    """Yield the memory of this machine that the tree's cells can describe. Raise BootmenuError if nothing fits."""
    count = 0
    for area in areas:
        begin, end = area.base, area.end if address_cells == 2 else min(area.end, _4G)
        while begin < end and count < _MAX_PIECES:
            # the Pi 4's tree has sizes of one cell, and its firmware also splits 8 GB
            size = min(end - begin, _4G // 2) if size_cells == 1 else end - begin
            yield MemoryRange(base=begin, size=size)
            begin += size
            count += 1
    if not count:
        raise _too_wide()


def _too_wide() -> BootmenuError:
    return BootmenuError(
        "this machine's memory does not fit into the device tree, whose addresses have 32 bits",
        "Use this board's own device tree.",
    )


def _cells(area: MemoryRange, address_cells: int, size_cells: int) -> bytes:
    widths = {1: "I", 2: "Q"}
    try:
        return struct.pack(f">{widths[address_cells]}{widths[size_cells]}", area.base, area.size)
    except (struct.error, KeyError):
        raise _too_wide() from None


def _reservations(
    own: DeviceTree, own_facts: TreeFacts, machine: MachineFacts, running: DeviceTree | None
) -> Iterator[Edit]:
    """Yield the missing reservations: no-map regions hold firmware, and CPUs may wait in a spin table."""
    running_tree = machine.tree
    if running_tree is None:
        return
    used = merged(own_facts.memory) or machine.memory
    mappable = subtracted(used, (item.area for item in own_facts.reserved_memory if item.no_map))
    reserved = [*(item.area for item in own_facts.reserved_memory), *own_facts.memory_reservations]
    unreserved = subtracted(used, reserved)
    tables = [
        cpu.release_address for cpu in running_tree.cpus if cpu.enable_method == "spin-table" and cpu.release_address
    ]
    mapped, unmapped = [], []
    for item in running_tree.reserved_memory:
        if item.no_map and _overlaps(item.area, mappable):
            unmapped.append(item)
        elif any(item.area.base <= address < item.area.end for address in tables):
            mapped.append(item.area)
    if unmapped:
        yield from _reserved_nodes(own, own_facts, unmapped)
    for area in (*running_tree.memory_reservations, *mapped):
        # the running system's own initramfs is no longer needed
        if _overlaps(area, unreserved) and not (running and _holds_initramfs(running, area)):
            yield Edit(path=RESERVE, value=struct.pack(">QQ", area.base, area.size), why=_RUNNING)


def _overlaps(area: MemoryRange, ranges: Sequence[MemoryRange]) -> bool:
    """Return whether the area overlaps one of the ranges, which are sorted and do not overlap each other."""
    at = bisect.bisect_right(ranges, area.base, key=lambda found: found.end)
    return at < len(ranges) and ranges[at].base < area.end


def _reserved_nodes(own: DeviceTree, own_facts: TreeFacts, items: Sequence[ReservedMemory]) -> Iterator[Edit]:
    parent = own.node("/reserved-memory") or Node("reserved-memory")
    # drivers/of/fdt.c:__reserved_mem_check_root: without the cells of the root the whole node is ignored
    cells = []
    for name, wanted in (("#address-cells", own_facts.address_cells), ("#size-cells", own_facts.size_cells)):
        given = parent.u32(name)
        if given is None:
            yield Edit(path="/reserved-memory", property=name, value=struct.pack(">I", wanted), why=_RUNNING)
        cells.append(wanted if given is None else given)
    if parent.get("ranges") is None:
        yield Edit(path="/reserved-memory", property="ranges", value=b"", why=_RUNNING)
    areas: dict[str, list[MemoryRange]] = {}
    for item in items:
        # Devicetree Specification 0.4, 2.2.1; the running tree's facts may come from a file
        name = re.sub(r"[^A-Za-z0-9,._+-]", "", item.name.partition("@")[0])[:31] or "memory"
        areas.setdefault(f"{name}@{item.area.base:x}", []).append(item.area)
    known = {node.name: node for node in reversed(parent.children)}
    reserved_by_name: dict[str, list[MemoryRange]] = {}  # what the file reserves under the same name stays reserved
    for item in own_facts.reserved_memory:
        reserved_by_name.setdefault(item.name, []).append(item.area)
    for name, ours in areas.items():
        path, node = f"/reserved-memory/{name}", known.get(name)
        pieces = (*merged(ours), *subtracted(reserved_by_name.get(name, ()), ours))
        reg = b"".join(_cells(area, cells[0], cells[1]) for area in pieces)
        yield Edit(path=path, property="reg", value=reg, why=_RUNNING)
        yield Edit(path=path, property="no-map", value=b"", why=_RUNNING)
        if node and not node.available():  # firmware enables it
            yield Edit(path=path, property="status", why="the running machine has it")


def _holds_initramfs(running: DeviceTree, area: MemoryRange) -> bool:
    chosen = running.node("/chosen")
    start = chosen.u64("linux,initrd-start") if chosen else None
    return start is not None and area.base <= start < area.end


# ---- CPUs and secure firmware ---------------------------------------------------------------------------------


def _cpus(own: TreeFacts, machine: MachineFacts) -> Iterator[Edit]:
    """Yield the edits of how to start each CPU, matched by hardware id.

    U-Boot's fdt_psci sets the method of every CPU to psci; its spin_table_update_dt writes the release addresses of
    CPUs with the method spin-table.
    """
    running_tree = machine.tree
    if running_tree is None:
        return
    known = {cpu.hardware_id: cpu for cpu in running_tree.cpus if cpu.hardware_id is not None}
    for cpu in own.cpus:
        # once each: the kernel uses the first of several (DT-CPU-SET), and a hostile tree may have 100,000 of them
        running = known.pop(cpu.hardware_id, None) if cpu.hardware_id is not None else None
        if running is None or "/" in cpu.name:
            continue
        path, method = f"/cpus/{cpu.name}", running.enable_method
        if method == "psci" and running_tree.psci_compatible and cpu.enable_method != method:
            yield Edit(path=path, property="enable-method", value=b"psci\0", why=_RUNNING)
        elif method == "spin-table" and running.release_address and cpu.enable_method in (None, method):
            if cpu.enable_method is None:
                yield Edit(path=path, property="enable-method", value=b"spin-table\0", why=_RUNNING)
            if cpu.release_address != running.release_address:
                address = struct.pack(">Q", running.release_address)
                yield Edit(path=path, property="cpu-release-addr", value=address, why=_RUNNING)


def _psci(own: TreeFacts, machine: MachineFacts, running: DeviceTree | None) -> Iterator[Edit]:
    """Yield a PSCI node if the tree has none; a check compares an existing one (DT-PSCI-METHOD)."""
    running_tree = machine.tree
    if (
        own.psci_compatible is not None
        or running_tree is None
        or not running_tree.psci_compatible
        or not running_tree.psci_method
    ):
        return
    if node := psci_node(running.root) if running else None:
        for name, value in node.properties:
            if name not in ("phandle", "linux,phandle"):  # the number may belong to another node in this tree
                yield Edit(path="/psci", property=name, value=value, why=_RUNNING)
    elif any(name in ("arm,psci-0.2", "arm,psci-1.0") for name in running_tree.psci_compatible):
        names = b"".join(name.encode("utf-8", "replace") + b"\0" for name in running_tree.psci_compatible)
        yield Edit(path="/psci", property="compatible", value=names, why=_RUNNING)
        yield Edit(
            path="/psci",
            property="method",
            value=running_tree.psci_method.encode("utf-8", "replace") + b"\0",
            why=_RUNNING,
        )


_OPTEE = "/firmware/optee"


def _optee(own: DeviceTree, running: DeviceTree) -> Iterator[Edit]:
    """Yield the OP-TEE node, as U-Boot's lib/optee/optee.c:optee_copy_fdt_nodes copies it: only if the tree has none,
    and only these two properties. The reservations cover its memory."""
    node = running.node(_OPTEE)
    values = [(name, node.get(name)) for name in ("compatible", "method")] if node else []
    if values and own.node(_OPTEE) is None and all(value is not None for _, value in values):
        yield from (Edit(path=_OPTEE, property=name, value=value, why=_RUNNING) for name, value in values)


def _firmware_tables(own: DeviceTree, running: DeviceTree) -> Iterator[Edit]:
    """Yield the missing UEFI properties of /chosen (Documentation/arch/arm/uefi.rst), `linux,uefi-*`."""
    running_node, entry_node = running.node("/chosen"), own.node("/chosen")
    for name, value in running_node.properties if running_node else ():
        if name.startswith("linux,uefi-") and (entry_node is None or entry_node.get(name) is None):
            yield Edit(path="/chosen", property=name, value=value, why=_RUNNING)


# ---- specific to this one machine -----------------------------------------------------------------------------


def _clocks(own: DeviceTree, running: DeviceTree) -> Iterator[Edit]:
    """Yield the clock rates that the file leaves to firmware: 0, or missing. U-Boot always replaces Layerscape's
    /sysclk (arch/arm/cpu/armv8/fsl-layerscape/fdt.c)."""
    for path, node in running.root.walk():
        if "fixed-clock" not in node.strings("compatible"):
            continue
        rate, entry_node = node.u32("clock-frequency"), own.node(path)
        if not rate or entry_node is None or "fixed-clock" not in entry_node.strings("compatible"):
            continue
        given = entry_node.u32("clock-frequency")
        if given != rate and (not given or path == "/sysclk"):
            yield Edit(path=path, property="clock-frequency", value=struct.pack(">I", rate), why=_RUNNING)


def _addresses(own: DeviceTree, running: DeviceTree) -> Iterator[Edit]:
    """Yield the addresses of network and Bluetooth devices, for the node with the same alias or else the same path.

    U-Boot's fdt_fixup_ethernet replaces mac-address if the file has one, as Linux reads it first
    (net/core/of_net.c), and always writes local-mac-address.
    """
    aliases = _aliases(running)
    for path, node in running.root.walk():
        address = next((value for name in _MAC if (value := node.get(name)) and any(value)), None)
        bluetooth = node.get(_BLUETOOTH)
        if not address and not (bluetooth and any(bluetooth)):
            continue
        target = next((where for name in aliases.get(path, ()) if (where := _aliased(own, name))), path)
        entry_node = own.node(target)
        if entry_node is None:
            continue
        for name, value in ((_MAC[0], address), (_MAC[1], address), (_BLUETOOTH, bluetooth)):
            if value and any(value) and entry_node.get(name) not in (value, None if name == _MAC[0] else value):
                yield Edit(path=target, property=name, value=value, why=_RUNNING)


_MAC = ("mac-address", "local-mac-address")
_BLUETOOTH = "local-bd-address"


def _aliases(tree: DeviceTree) -> dict[str, list[str]]:
    """Return the aliases of each path."""
    found: dict[str, list[str]] = {}
    node = tree.node("/aliases")
    for name, _ in node.properties if node else ():
        if path := _aliased(tree, name):
            found.setdefault(path, []).append(name)
    return found


def _aliased(tree: DeviceTree, name: str) -> str | None:
    """Return the path of an alias, or None if there is no such alias or node."""
    aliases = tree.node("/aliases")
    path = aliases.string(name) if aliases else None
    return path if path and path.startswith("/") and tree.node(path) else None


_PI = (
    ("/", ("model",)),
    # the range of DMA depends on the silicon's revision
    ("emmc2bus", ("dma-ranges",)),
    ("pcie0", ("dma-ranges",)),
    # where the firmware left its own configuration
    ("blconfig", ("reg", "status")),
    ("ethernet0/mdio@e14/ethernet-phy@1", ("reg",)),
    ("/clocks/clk-uart", ("clock-frequency",)),
)
"""Nodes (a path, which may begin with an alias) and the properties to copy: those that U-Boot copies from the tree of
the Pi's firmware (board/raspberrypi/rpi/rpi.c:update_fdt_from_fw)."""


def _raspberry_pi(own: DeviceTree, running: DeviceTree) -> Iterator[Edit]:
    """Yield what the Raspberry Pi's firmware adds, if both trees are for the same board."""
    board = running.root.string("compatible") or ""
    if not board.startswith("raspberrypi,") or own.root.string("compatible") != board:
        return
    for path, names in _PI:
        source, target = _resolved(running, path), _resolved(own, path)
        if source is None or target is None or _layout(running, source) != _layout(own, target):
            continue
        pair = running.node(source), own.node(target)
        for name in names:
            value, given = (node.get(name) if node else None for node in pair)
            if value is not None and value != given:
                yield Edit(path=target, property=name, value=value, why=_RUNNING)
    # its programs read there which Pi this is
    running_node, entry_node = running.node("/system"), own.node("/system")
    for name, value in running_node.properties if running_node else ():
        if name.startswith("linux,") and (entry_node is None or entry_node.get(name) != value):
            yield Edit(path="/system", property=name, value=value, why=_RUNNING)


def _resolved(tree: DeviceTree, path: str) -> str | None:
    """Return the path with its alias replaced, or None if there is no such node."""
    alias, slash, rest = path.partition("/")
    if alias:
        path = f"{_aliased(tree, alias) or ''}{slash}{rest}"
    return path if path.startswith("/") and tree.node(path) else None


def _layout(tree: DeviceTree, path: str) -> list[int | None]:
    """Return the numbers of address and size cells of a node and of its parent."""
    nodes = (tree.node(path), tree.node(path.rpartition("/")[0] or "/"))
    return [node.u32(name) if node else None for node in nodes for name in ("#address-cells", "#size-cells")]
