# SPDX-License-Identifier: MIT
"""What firmware left behind and the entry's own device tree has to know: PSCI, reservations, EFI, interrupts."""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.compat.checker import Says, entry_check, failed, passed, unknown, warned
from bootmenu.compat.facts import EntryFacts
from bootmenu.model.devicetree import InterruptController, MemoryRange, TreeFacts, merged, subtracted
from bootmenu.model.kernel import Architecture
from bootmenu.model.machine import MachineFacts

_NO_RUNNING_TREE = "No device tree that describes this machine could be read, so the two could not be compared."
_NO_RUNNING_TREE_HINT = "Run as root; a machine that is described by ACPI has none."
_OWN = "Use this board's own device tree; the running one is handed on when the entry names none."


def used_memory(machine: MachineFacts, tree: TreeFacts) -> tuple[MemoryRange, ...]:
    """What the second kernel will take for memory: its tree's word, or what is carried over into it."""
    return merged(tree.memory) or machine.memory


@entry_check("DT-PSCI-NODE", order=345, requires=("DTB-STRUCT",))
def psci_node(machine: MachineFacts, entry: EntryFacts) -> Iterator[Says]:
    """CPUs with the method psci need the node that says how to call it; power off and reboot need it, too."""
    tree = entry.tree
    if tree is None:
        return
    users = [cpu.name for cpu in tree.cpus if cpu.enable_method == "psci"]
    running = machine.tree is not None and machine.tree.psci_compatible is not None
    evidence: dict[str, object] = {"cpus": users, "node": tree.psci_compatible is not None, "running": running}
    if tree.psci_compatible is not None:
        yield passed("The tree says how to call PSCI.", **evidence)
    elif machine.tree is None and not users:
        yield unknown(_NO_RUNNING_TREE, _NO_RUNNING_TREE_HINT, **evidence)
    elif users or running:
        yield warned(
            f"{entry.tree_name} has no /psci: only the boot CPU will run, and power off and reboot are lost.",
            _OWN,
            **evidence,
        )


@entry_check("DT-PSCI-COMPAT", order=346, requires=("DTB-STRUCT", "DT-PSCI-NODE"))
def psci_functions(machine: MachineFacts, entry: EntryFacts) -> Iterator[Says]:  # noqa: ARG001
    """PSCI 0.1 has no fixed function numbers: the tree has to name them."""
    tree = entry.tree
    if tree is None or tree.psci_compatible is None:
        return
    evidence: dict[str, object] = {
        "compatible": list(tree.psci_compatible),
        "functions": list(tree.psci_functions),
    }
    # Documentation/devicetree/bindings/arm/psci.yaml: cpu_on and cpu_off are required with "arm,psci" alone
    if not set(tree.psci_compatible) & {"arm,psci", "arm,psci-0.2", "arm,psci-1.0"}:
        yield warned(
            f"{entry.tree_name} has a /psci of a kind that Linux does not know "
            f"({', '.join(tree.psci_compatible) or 'no compatible'}): only the boot CPU will run.",
            _OWN,
            **evidence,
        )
    elif any(name in ("arm,psci-0.2", "arm,psci-1.0") for name in tree.psci_compatible):
        yield passed("PSCI 0.2 or newer: its functions have fixed numbers.", **evidence)
    elif {"cpu_on", "cpu_off"} <= set(tree.psci_functions):
        yield passed("PSCI 0.1, and the tree names its functions.", **evidence)
    else:
        yield warned(
            f"{entry.tree_name} has PSCI 0.1 only and does not name cpu_on and cpu_off: only the boot CPU will run.",
            _OWN,
            **evidence,
        )


@entry_check("DT-RESERVED", order=370, requires=("DTB-STRUCT",))
def reservations(machine: MachineFacts, entry: EntryFacts) -> Iterator[Says]:
    """Memory that firmware keeps for itself (OP-TEE, TF-A, spin code) has to stay reserved."""
    tree = entry.tree
    if tree is None:
        return
    if machine.tree is None or not machine.tree.cpus:  # with ACPI the reservations are in EFI's memory map
        yield unknown(_NO_RUNNING_TREE, _NO_RUNNING_TREE_HINT)
        return
    theirs = [*(item.area for item in tree.reserved_memory), *tree.memory_reservations]
    unmapped = [item.area for item in tree.reserved_memory if item.no_map]
    # what the tree does not call memory needs no reservation
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
        "carried_over": [path for path in entry.handed.carried if "reserve" in path] if entry.handed else [],
    }
    if hard:
        names = ", ".join(item.name for item in hard)
        yield failed(
            f"{entry.tree_name} does not reserve memory that firmware lives in ({names}): "
            "the second kernel would run into it.",
            _OWN,
            **evidence,
        )
    elif soft:
        yield warned(
            f"{entry.tree_name} does not reserve {', '.join(map(str, soft))}, as this machine's own tree does.",
            _OWN,
            **evidence,
        )
    else:
        yield passed("Everything that firmware reserved stays reserved.", **evidence)


@entry_check("DT-UEFI", order=371, requires=("DTB-STRUCT",))
def uefi(machine: MachineFacts, entry: EntryFacts) -> Iterator[Says]:
    """On a machine started by EFI the tree carries the way to EFI's tables and memory map."""
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
            _OWN,
            missing=missing,
        )
    else:
        yield passed("The tree says where EFI's tables are.", missing=[])


_FAMILIES = (
    # drivers/irqchip/irq-gic.c and irq-gic-v3.c: IRQCHIP_DECLARE; any name of a family is driven alike
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


@entry_check("DT-GIC", order=372, requires=("DTB-STRUCT", "DT-COMPAT"))
def interrupt_controller(machine: MachineFacts, entry: EntryFacts) -> Iterator[Says]:
    """The root interrupt controller is the same, at the same place: without interrupts nothing runs."""
    tree = entry.tree
    if tree is None or machine.tree is None:
        return
    ours, theirs = machine.tree.interrupt_controller, tree.interrupt_controller
    evidence: dict[str, object] = {
        "running": None if ours is None else {"compatible": list(ours.compatible), "base": ours.base},
        "entry": None if theirs is None else {"compatible": list(theirs.compatible), "base": theirs.base},
    }
    if ours is None:
        yield unknown("The running device tree names no interrupt controller to compare with.", _OWN, **evidence)
    elif theirs is None:
        yield failed(f"{entry.tree_name} names no interrupt controller.", _OWN, **evidence)
    elif not _same_kind(ours, theirs):
        yield failed(
            f"{entry.tree_name} has the interrupt controller {_kind(theirs)}, this machine {_kind(ours)}.",
            _OWN,
            **evidence,
        )
    elif ours.base is None or theirs.base is None:
        yield unknown(
            f"At which address the interrupt controller lies cannot be told for {entry.tree_name}.", _OWN, **evidence
        )
    elif ours.base != theirs.base:
        yield failed(
            f"{entry.tree_name} has the interrupt controller at {theirs.base:#x}, this machine at {ours.base:#x}.",
            _OWN,
            **evidence,
        )
    else:
        yield passed("The interrupt controller is the same.", **evidence)


def _kind(controller: InterruptController) -> str:
    return controller.compatible[0] if controller.compatible else controller.name


@entry_check("GIC-LPI", order=380)
def lpi_tables(machine: MachineFacts, entry: EntryFacts) -> Iterator[Says]:
    """GICv3's LPI tables stay live through kexec, and /proc/iomem does not list them."""
    # drivers/irqchip/irq-gic-v3-its.c: once enabled, LPIs cannot be switched off again, and the hardware goes on
    # reading and writing the tables. With EFI they are reserved through its memory map; else nobody knows of them.
    controller = machine.tree.interrupt_controller if machine.tree else None
    tables = machine.lpi_tables
    if machine.architecture is not Architecture.ARM64:
        return
    # the log's word is enough; without it a machine is asked that has such a controller, or may have one
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
            "The interrupt controller (GICv3) keeps writing to tables that nobody reserved: the second kernel would "
            "be put on top of them and crash.",
            "Start the first stage with irqchip.gicv3_nolpi=1 on its command line.",
            **evidence,
        )
