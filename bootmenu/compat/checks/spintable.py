# SPDX-License-Identifier: MIT
"""CPUs that wait in a spin table: where they look for their address, and that nobody else uses that memory."""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.compat.checker import Says, entry_check, failed, passed, unknown
from bootmenu.compat.checks.dtb_contents import boot_cpu_of
from bootmenu.compat.checks.firmware import used_memory
from bootmenu.compat.facts import EntryFacts
from bootmenu.model.devicetree import MemoryRange, subtracted
from bootmenu.model.machine import MachineFacts

_OWN = "Use this board's own device tree; the running one is handed on when the entry names none."


def _waiting(machine: MachineFacts) -> dict[int, int | None]:
    """Hardware id → release address of the CPUs that really wait in this machine's spin table."""
    cpus = machine.tree.cpus if machine.tree else ()
    return {
        cpu.hardware_id: cpu.release_address
        for cpu in cpus
        if cpu.enable_method == "spin-table" and cpu.hardware_id is not None
    }


@entry_check("DT-CPU-RELEASE", order=341, requires=("DTB-STRUCT", "DT-CPU-SET"))
def release_address(machine: MachineFacts, entry: EntryFacts) -> Iterator[Says]:
    """A spin-table CPU looks at one address, a big-endian u64 in the tree, and at no other."""
    tree = entry.tree
    if tree is None:
        return
    waiting = _waiting(machine)
    boot_cpu = boot_cpu_of(machine)
    rows = {
        cpu.hardware_id: cpu.release_address
        for cpu in tree.cpus
        if cpu.enable_method == "spin-table" and cpu.hardware_id in waiting
        # arch/arm64/kernel/smp.c:smp_init_cpus prepares the secondaries only
        if cpu.hardware_id is not None and cpu.hardware_id != boot_cpu
    }
    wrong = [number for number, address in rows.items() if not address or address != waiting[number]]
    evidence = {
        f"{number:#x}": {"entry": _hex(address), "running": _hex(waiting[number])} for number, address in rows.items()
    }
    if any(waiting[number] is None for number in rows):
        yield unknown(
            "The running device tree does not say where this machine's waiting CPUs look for their address.",
            "Record this machine's facts again, as root.",
            cpus=evidence,
        )
    elif wrong:
        number = wrong[0]
        others = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        yield failed(
            f"{entry.tree_name} gives CPU {number:#x}{others} the release address {_hex(rows[number]) or 'none'}; "
            f"it looks at {_hex(waiting[number])}, and at no other.",
            _OWN,
            cpus=evidence,
        )
    elif rows:
        yield passed("Every CPU's release address is the one it looks at.", cpus=evidence)


@entry_check("DT-CPU-SPIN-RESERVED", order=342, requires=("DTB-STRUCT", "DT-CPU-SET"))
def reserved(machine: MachineFacts, entry: EntryFacts) -> Iterator[Says]:
    """The spin code and its addresses lie in reserved memory, or the second kernel overwrites them."""
    tree = entry.tree
    if tree is None:
        return
    waiting, boot_cpu = _waiting(machine), boot_cpu_of(machine)
    areas = [*tree.memory_reservations, *(item.area for item in tree.reserved_memory)]
    memory = used_memory(machine, tree)
    addresses = {
        cpu.release_address
        for cpu in tree.cpus
        if cpu.enable_method == "spin-table" and cpu.release_address and cpu.hardware_id in waiting
        if cpu.hardware_id != boot_cpu
    }
    if addresses and not memory:
        yield unknown(
            "Whether the memory that CPUs wait in is reserved cannot be told: nobody says where memory is.",
            "Run bootmenu as root.",
            release_addresses=[_hex(address) for address in sorted(addresses)],
        )
        return
    # an address outside of what the tree calls memory is nobody's to overwrite
    open_ones = sorted(
        address
        for address in addresses
        if any(piece.base <= address < piece.end for piece in memory)
        and subtracted([MemoryRange(base=address, size=8)], areas)
    )
    evidence: dict[str, object] = {
        "release_addresses": [_hex(address) for address in sorted(addresses)],
        "reserved": [str(area) for area in areas],
    }
    if open_ones:
        yield failed(
            f"{entry.tree_name} does not reserve the memory that CPUs wait in "
            f"({', '.join(f'{address:#x}' for address in open_ones)}): it would be overwritten under them.",
            _OWN,
            **evidence,
        )
    elif addresses:
        yield passed("The memory that CPUs wait in is reserved.", **evidence)


def _hex(address: int | None) -> str | None:
    return None if address is None else f"{address:#x}"
