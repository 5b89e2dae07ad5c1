# SPDX-License-Identifier: MIT
"""Check that the entry's own device tree has what firmware set up: memory, reservations, EFI tables, interrupts."""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.compat.checker import CheckResult, entry_check, failed, passed, unknown, warned
from bootmenu.compat.checks.hardware import NO_RUNNING_TREE, NO_RUNNING_TREE_HINT, USE_OWN_TREE
from bootmenu.compat.facts import EntryFacts
from bootmenu.model.devicetree import InterruptController, MemoryRange, TreeFacts, merged, subtracted
from bootmenu.model.kernel import Architecture
from bootmenu.model.machine import MachineFacts

_FILL_IN_MEMORY = "Let bootmenu fill in this machine's memory (carry-over = true)."


def used_memory(machine: MachineFacts, tree: TreeFacts) -> tuple[MemoryRange, ...]:
    """Return the memory that the next kernel will use: that of its tree, or else this machine's."""
    return merged(tree.memory) or machine.memory


@entry_check("DT-MEMORY", after="DT-PSCI-METHOD", requires=("DTB-STRUCT",))
def memory(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:
    """Compare /memory with the installed RAM. Firmware normally fills it in; kexec does not.

    The trees in packages have a placeholder for the memory, or none. bootmenu fills it in, unless carry-over is
    switched off.

    warn: part of the memory will not be used. → Set carry-over = true, or use this board's own device tree.
    fail: the tree describes no memory, or memory that does not exist. → Set carry-over = true. If the memory map
        could not be read, run bootmenu as root.
    unknown: this machine's memory map could not be read. → Run bootmenu as root.
    evidence: entry: the areas that are passed on; file: those in the file; running: this machine's
    """
    tree = entry.tree
    if tree is None:
        return
    theirs, ours = merged(tree.memory), machine.memory
    file = merged(entry.own_tree.tree.memory) if entry.own_tree and entry.own_tree.tree else ()
    evidence: dict[str, object] = {
        "entry": [str(area) for area in theirs],
        "running": [str(area) for area in ours],
        "file": [str(area) for area in file],
    }
    missing, beyond = subtracted(ours, theirs), subtracted(theirs, ours)
    filled_in = entry.fixed_up is not None and any(path.startswith("/memory@") for path in entry.fixed_up.fixups)
    if filled_in and missing:
        yield warned(
            f"{entry.tree_name} cannot describe {_mib(sum(area.size for area in missing))} of this machine's memory, "
            "which will not be used: its addresses have 32 bits.",
            "Use this board's own device tree.",
            **evidence,
        )
    elif filled_in and file:
        yield passed("The tree's memory is replaced by this machine's, as firmware does it.", **evidence)
    elif filled_in:
        yield passed("The tree describes no memory; this machine's is filled in, as firmware does it.", **evidence)
    elif machine.efi and "linux,uefi-mmap-start" in tree.uefi_properties:
        # drivers/firmware/efi/efi-init.c:reserve_regions ignores the tree's memory
        yield passed("Linux takes EFI's memory map, whatever the tree says of memory.", **evidence)
    elif not theirs:
        yield failed(
            f"{entry.tree_name} describes no memory, and firmware that would fill it in does not run.",
            _FILL_IN_MEMORY if ours else "This machine's own memory map could not be read: run bootmenu as root.",
            **evidence,
        )
    elif not ours:
        yield unknown("This machine's memory map could not be read.", "Run bootmenu as root.", **evidence)
    elif beyond:
        yield failed(
            f"{entry.tree_name} claims memory that this machine does not have: {', '.join(map(str, beyond))}.",
            _FILL_IN_MEMORY,
            **evidence,
        )
    elif missing:
        size = sum(area.size for area in missing)
        yield warned(
            f"{entry.tree_name} describes {_mib(sum(area.size for area in theirs))} of this machine's "
            f"{_mib(sum(area.size for area in ours))}: {_mib(size)} will not be used.",
            _FILL_IN_MEMORY,
            **evidence,
        )
    else:
        yield passed("Describes exactly this machine's memory.", **evidence)


def _mib(size: int) -> str:
    return f"{size / 1024**2:,.0f} MiB"


@entry_check("DT-RESERVED", requires=("DTB-STRUCT",))
def reservations(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:
    """Check that memory which firmware uses (OP-TEE, TF-A, spin code) stays reserved.

    Firmware that stays in memory is described as reserved. A kernel that does not know of it writes over it, or is
    stopped by the hardware.

    warn: other memory that the running tree reserves is not reserved. → Use this board's own device tree.
    fail: memory that firmware lives in is not reserved. → Use this board's own device tree.
    unknown: no tree of this machine could be read. → Run bootmenu as root.
    evidence: missing, and missing_no_map for what may not even be mapped; carried_over: what bootmenu adds
    """
    tree = entry.tree
    if tree is None:
        return
    if machine.tree is None or not machine.tree.cpus:  # with ACPI the reservations are in EFI's memory map
        yield unknown(NO_RUNNING_TREE, NO_RUNNING_TREE_HINT)
        return
    theirs = [*(item.area for item in tree.reserved_memory), *tree.memory_reservations]
    unmapped = [item.area for item in tree.reserved_memory if item.no_map]
    # memory that the tree does not describe needs no reservation
    used = used_memory(machine, tree)

    def lost(area: MemoryRange, kept: list[MemoryRange]) -> bool:
        return any(area.base < piece.end and piece.base < area.end for piece in subtracted(used, kept))

    ours = machine.tree.reserved_memory
    hard = [item for item in ours if item.no_map and lost(item.area, theirs)]
    soft = [item.area for item in ours if item not in hard and lost(item.area, unmapped if item.no_map else theirs)]
    soft += [area for area in machine.tree.memory_reservations if lost(area, theirs)]
    evidence: dict[str, object] = {
        "missing_no_map": [f"{item.name} {item.area}" for item in hard],
        "missing": [str(area) for area in soft],
        "carried_over": [path for path in entry.fixed_up.fixups if "reserve" in path] if entry.fixed_up else [],
    }
    if hard:
        names = ", ".join(item.name for item in hard)
        yield failed(
            f"{entry.tree_name} does not reserve memory that firmware lives in ({names}): "
            "the next kernel would run into it.",
            USE_OWN_TREE,
            **evidence,
        )
    elif soft:
        yield warned(
            f"{entry.tree_name} does not reserve {', '.join(map(str, soft))}, as this machine's own tree does.",
            USE_OWN_TREE,
            **evidence,
        )
    else:
        yield passed("Everything that firmware reserved stays reserved.", **evidence)


@entry_check("DT-UEFI", requires=("DTB-STRUCT",))
def uefi(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:
    """Check that the tree says where EFI's tables and memory map are, if EFI started this machine.

    EFI's tables hold its variables, its clock and a memory map. The next kernel finds them by the properties
    linux,uefi-* in /chosen.

    warn: the tree does not have these, and EFI's services are lost. → Use this board's own device tree.
    unknown: whether EFI started this machine could not be read. → Run bootmenu as root, with /sys mounted.
    evidence: efi: whether EFI started this machine; missing: the properties that are
    """
    tree = entry.tree
    if tree is None or machine.efi is False:
        return
    if machine.tree is None or machine.efi is None:
        yield unknown(
            "Whether this machine was started by EFI, and where its tables are, could not be read.",
            "Run bootmenu as root, with /sys mounted.",
            efi=machine.efi,
        )
        return
    missing = sorted(set(machine.tree.uefi_properties) - set(tree.uefi_properties))
    if missing:
        yield warned(
            f"{entry.tree_name} does not say where EFI's tables are: EFI variables, its clock and its memory "
            "reservations are lost.",
            USE_OWN_TREE,
            missing=missing,
        )
    else:
        yield passed("The tree says where EFI's tables are.", missing=[])


_FAMILIES = (
    # drivers/irqchip/irq-gic.c and irq-gic-v3.c: IRQCHIP_DECLARE; one driver handles all names of a family
    frozenset({
        "arm,gic-400", "arm,cortex-a15-gic", "arm,cortex-a9-gic", "arm,cortex-a7-gic", "arm,cortex-a5-gic",
        "arm,eb11mp-gic", "arm,tc11mp-gic", "arm,arm1176jzf-devchip-gic", "arm,arm11mp-gic", "arm,pl390",
        "qcom,msm-8660-qgic", "qcom,msm-qgic2",
    }),
    frozenset({"arm,gic-v3"}),
)  # fmt: skip


def _same_kind(ours: InterruptController, theirs: InterruptController) -> bool:
    pair = set(ours.compatible), set(theirs.compatible)
    return bool(pair[0] & pair[1]) or any(pair[0] & family and pair[1] & family for family in _FAMILIES)


@entry_check("DT-GIC", requires=("DTB-STRUCT", "DT-COMPAT"))
def interrupt_controller(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:
    """Check that the root interrupt controller is the same, at the same address: nothing runs without interrupts.

    A kernel that does not find its interrupt controller hangs early.

    fail: the tree names another controller, or another address. → Use this board's own device tree.
    unknown: the two addresses cannot be compared. → Use this board's own device tree.
    evidence: entry and running: compatible and address of the controller
    """
    tree = entry.tree
    if tree is None or machine.tree is None:
        return
    ours, theirs = machine.tree.interrupt_controller, tree.interrupt_controller
    # each CPU's node of a riscv64 machine has its own root (riscv,cpu-intc), and / need not name another
    if theirs is None and machine.architecture is Architecture.RISCV64:
        return
    evidence: dict[str, object] = {
        "running": None if ours is None else {"compatible": list(ours.compatible), "base": ours.base},
        "entry": None if theirs is None else {"compatible": list(theirs.compatible), "base": theirs.base},
    }
    if ours is None:
        yield unknown(
            "The running device tree names no interrupt controller to compare with.", USE_OWN_TREE, **evidence
        )
    elif theirs is None:
        yield failed(f"{entry.tree_name} names no interrupt controller.", USE_OWN_TREE, **evidence)
    elif not _same_kind(ours, theirs):
        yield failed(
            f"{entry.tree_name} has the interrupt controller {_kind(theirs)}, this machine {_kind(ours)}.",
            USE_OWN_TREE,
            **evidence,
        )
    elif ours.base is None or theirs.base is None:
        yield unknown(
            f"The address of the interrupt controller in {entry.tree_name} cannot be compared with this machine's.",
            USE_OWN_TREE,
            **evidence,
        )
    elif ours.base != theirs.base:
        yield failed(
            f"{entry.tree_name} has the interrupt controller at {theirs.base:#x}, this machine at {ours.base:#x}.",
            USE_OWN_TREE,
            **evidence,
        )
    else:
        yield passed("The interrupt controller is the same.", **evidence)


def _kind(controller: InterruptController) -> str:
    return controller.compatible[0] if controller.compatible else controller.name


@entry_check("GIC-LPI")
def lpi_tables(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:
    """Check that nothing overwrites GICv3's LPI tables, which stay in use through kexec.

    The interrupt controller GICv3 with an ITS goes on writing to its tables after the jump, and /proc/iomem does not
    list them. bootmenu keeps the next kernel off them and reserves them; kexec-tools does not.

    fail: the next kernel would be placed over the tables and crash. → Let bootmenu load it itself (--method
        kexec_load), or start the first stage with irqchip.gicv3_nolpi=1 on its kernel command line.
    unknown: the kernel log, or whether EFI's memory map reserves the tables, could not be read. → Run bootmenu as
        root, with /sys mounted.
    evidence: lpi_tables: addresses from the kernel log; avoided: whether bootmenu keeps off them; efi: whether EFI
        started this machine
    """
    # drivers/irqchip/irq-gic-v3-its.c: once enabled, LPIs cannot be switched off again, and the hardware keeps
    # reading and writing the tables. EFI's memory map reserves them; /proc/iomem does not list them, so without EFI
    # the next kernel does not know of them.
    controller = machine.tree.interrupt_controller if machine.tree else None
    tables = machine.lpi_tables
    if machine.architecture is not Architecture.ARM64:
        return
    # the kernel log is enough; without it, only a machine that has or may have such a controller is checked
    if not tables and controller is not None and "arm,gic-v3" not in controller.compatible:
        return
    evidence: dict[str, object] = {
        "lpi_tables": None if tables is None else [str(area) for area in tables],
        "efi": machine.efi,
        "avoided": entry.avoids_lpi_tables,
    }
    if tables is None and not machine.efi:
        yield unknown(
            "Whether this machine's interrupt controller keeps tables in memory (GICv3 LPIs) could not be read.",
            "Run bootmenu as root, so that it can read the kernel log.",
            **evidence,
        )
    elif tables is not None and not tables:
        yield passed("The interrupt controller keeps no tables in memory.", **evidence)
    elif machine.efi is None and not entry.avoids_lpi_tables:
        yield unknown(
            "Whether EFI's memory map keeps the interrupt controller's tables (GICv3 LPIs) reserved is not known.",
            "Is /sys mounted? /sys/firmware/efi says it.",
            **evidence,
        )
    elif machine.efi:
        yield passed("EFI's memory map keeps the interrupt controller's tables reserved.", **evidence)
    elif entry.avoids_lpi_tables:
        yield passed("The interrupt controller's tables are left alone, and stay reserved.", **evidence)
    else:
        yield failed(
            "The interrupt controller (GICv3) keeps writing to tables in memory that is not reserved: the second "
            "kernel would be placed over them and crash.",
            "Start the first stage with irqchip.gicv3_nolpi=1 on its kernel command line.",
            **evidence,
        )
