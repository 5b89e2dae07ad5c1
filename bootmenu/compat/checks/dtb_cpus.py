# SPDX-License-Identifier: MIT
"""Check that the entry's own device tree describes the CPUs, and how to start them, as this machine has them.

CPUs are matched by hardware id, never by their position in the tree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from bootmenu.compat.checker import CheckResult, entry_check, failed, passed, unknown, warned
from bootmenu.compat.checks.firmware import used_memory
from bootmenu.compat.checks.hardware import NO_RUNNING_TREE, NO_RUNNING_TREE_HINT, USE_OWN_TREE
from bootmenu.compat.facts import EntryFacts
from bootmenu.formats.dtb_facts import MPIDR_MASK
from bootmenu.model.devicetree import CpuNode, MemoryRange, subtracted
from bootmenu.model.kernel import Architecture
from bootmenu.model.machine import MachineFacts

_KNOWN_METHODS = ("psci", "spin-table", "acpi-parking-protocol")


def _ids(nodes: tuple[CpuNode, ...]) -> list[int]:
    return [node.hardware_id for node in nodes if node.hardware_id is not None]


def _used(nodes: tuple[CpuNode, ...]) -> dict[int, CpuNode]:
    """Return the nodes by hardware id. Of several with one id the kernel uses the first (drivers/of/cpu.c:
    of_get_cpu_node)."""
    return {node.hardware_id: node for node in reversed(nodes) if node.hardware_id is not None}


def _hexes(ids: object) -> str:
    assert isinstance(ids, (list, set, tuple))
    return ", ".join(f"{number:#x}" for number in sorted(ids))


def _hex(address: int | None) -> str | None:
    return None if address is None else f"{address:#x}"


def boot_cpu_of(machine: MachineFacts) -> int | None:
    """Return the hardware id of the CPU that executes the jump."""
    known = next((cpu.hardware_id for cpu in machine.cpus if cpu.number == machine.jump_cpu), None)
    if known is None and machine.tree and len(machine.tree.cpus) == 1:
        return machine.tree.cpus[0].hardware_id
    return known


@entry_check("DT-CPU-SET", after="DT-COMPAT", requires=("DTB-STRUCT",))
def cpu_set(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:
    """Check that the tree has the same CPUs as this machine, by hardware id (reg, MPIDR affinity).

    CPUs that the tree does not describe are not used. Without the one that makes the jump, the kernel cannot start.

    warn: some CPUs will stay off, or the tree describes more than there are, one twice, or one without a usable reg.
        → Use this board's own device tree.
    fail: the CPU that makes the jump is missing, or it is described twice on riscv64. → Use this board's own device
        tree.
    unknown: no tree of this machine could be read. → Run bootmenu as root.
    evidence: entry and running: the hardware ids in the two trees; boot_cpu: the one that makes the jump
    """
    tree = entry.tree
    if tree is None:
        return
    bad = [node.name for node in tree.cpus if node.hardware_id is None or node.hardware_id & ~MPIDR_MASK]
    theirs = _ids(tree.cpus)
    ours = _ids(machine.tree.cpus) if machine.tree else None
    boot_cpu = boot_cpu_of(machine)
    evidence: dict[str, object] = {
        "entry": [f"{number:#x}" for number in theirs],
        "running": None if ours is None else [f"{number:#x}" for number in ours],
        "boot_cpu": None if boot_cpu is None else f"{boot_cpu:#x}",
    }
    hint = "Use this board's own device tree; the running one is passed on when the entry names none."
    twice = [number for number, times in Counter(theirs).items() if times > 1]
    # arch/riscv/kernel/smpboot.c:of_parse_and_init_cpus: "BUG_ON(found_boot_cpu)"; arm64's passes over what is there
    # already ("duplicate cpu reg properties in the DT"), and over what has no usable reg
    riscv = machine.architecture is Architecture.RISCV64
    if riscv and boot_cpu in twice:
        yield failed(f"{entry.tree_name} names CPU {_hexes(twice)} more than once.", hint, **evidence)
        return
    if twice:
        yield warned(
            f"{entry.tree_name} names CPU {_hexes(twice)} more than once: the kernel uses what it says first.",
            hint,
            **evidence,
        )
    if bad:
        yield warned(
            f"{entry.tree_name} has CPUs without a usable reg, which the kernel passes over: {', '.join(bad)}.",
            hint,
            **evidence,
        )
    if not ours or (boot_cpu is None and len(ours) > 1 and (not set(ours) <= set(theirs) or (riscv and twice))):
        yield unknown(
            "Which CPU makes the jump is not known." if ours else NO_RUNNING_TREE,
            NO_RUNNING_TREE_HINT,
            **evidence,
        )
    elif boot_cpu is not None and boot_cpu not in theirs:
        yield failed(
            f"{entry.tree_name} does not describe CPU {boot_cpu:#x}, the one that makes the jump.",
            hint,
            **evidence,
        )
    else:
        usable = {number for number in theirs if not number & ~MPIDR_MASK}
        yield from _compare_sets(machine, entry, set(ours), usable, evidence, hint)


def _compare_sets(
    machine: MachineFacts,
    entry: EntryFacts,
    ours: set[int],
    theirs: set[int],
    evidence: dict[str, object],
    hint: str,
) -> Iterator[CheckResult]:
    missing, extra = ours - theirs, theirs - ours
    spinning = {node.hardware_id for node in _running(machine) if node.enable_method == "spin-table"}
    if missing & spinning:
        yield failed(
            f"{entry.tree_name} leaves out CPU {_hexes(missing & spinning)}, which spins in memory that the second "
            "kernel would believe to be free.",
            hint,
            **evidence,
        )
    elif missing:
        yield warned(
            f"{entry.tree_name} describes {len(theirs)} of {len(ours)} CPUs: {_hexes(missing)} will stay off.",
            hint,
            **evidence,
        )
    if extra:
        yield warned(
            f"{entry.tree_name} describes CPU {_hexes(extra)}, which this machine does not have: "
            "the next kernel will wait for it in vain.",
            hint,
            **evidence,
        )
    if not missing and not extra:
        yield passed(f"Both trees have the same {len(ours)} CPU{'s' if len(ours) != 1 else ''}.", **evidence)


def _running(machine: MachineFacts) -> tuple[CpuNode, ...]:
    return machine.tree.cpus if machine.tree else ()


@entry_check("DT-CPU-ENABLE-METHOD", requires=("DTB-STRUCT", "DT-CPU-SET"))
def enable_methods(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:
    """Check that the tree starts each CPU by the same enable-method as this machine, matched by hardware id.

    The enable-method says how a CPU is started: by a call to the firmware (psci), or by an address that it polls
    (spin-table).

    warn: CPUs are to be started in another way than they can be, and stay off. → Use this board's own device tree.
        With nr_cpus=1 on the entry's kernel command line, that system can still use kexec later.
    evidence: cpus: hardware id, and the method in each tree
    """
    tree = entry.tree
    if tree is None or not tree.cpus:
        return
    if machine.tree is None:
        yield unknown(NO_RUNNING_TREE, NO_RUNNING_TREE_HINT)
        return
    boot_cpu = boot_cpu_of(machine)
    ours = {node.hardware_id: node.enable_method for node in machine.tree.cpus}
    theirs = {number: node.enable_method for number, node in _used(tree.cpus).items() if number in ours}
    rows = {f"{number:#x}": {"running": ours[number], "entry": method} for number, method in theirs.items()}
    secondaries = {number: method for number, method in theirs.items() if number != boot_cpu}
    differing = {n: m for n, m in secondaries.items() if m is not None and m in _KNOWN_METHODS and m != ours[n]}
    without = {n for n, m in secondaries.items() if m is None and ours[n] is not None}
    strange = {n: m for n, m in secondaries.items() if m is not None and m not in _KNOWN_METHODS}
    if differing:
        number, method = min(differing.items())
        yield warned(
            f"{entry.tree_name} starts {_count(len(differing))} by {method}, this machine by "
            f"{ours[number] or 'no method'}: {'they' if len(differing) > 1 else 'it'} will stay off, and the next "
            "kexec from that system would fail with stuck CPUs.",
            "Use this board's own device tree, or put nr_cpus=1 on the entry's kernel command line to keep "
            "later kexecs possible.",
            cpus=rows,
        )
    if without:
        yield warned(
            f"{entry.tree_name} gives no enable-method for {_count(len(without))}: only the boot CPU will run.",
            "Use this board's own device tree.",
            cpus=rows,
        )
    if strange:
        names = ", ".join(sorted({str(method) for method in strange.values()}))
        yield warned(
            f"{entry.tree_name} starts {_count(len(strange))} by {names}, which arm64 Linux does not know: "
            f"{'they' if len(strange) > 1 else 'it'} will stay off.",
            "Use this board's own device tree.",
            cpus=rows,
        )
    if not (differing or without or strange):
        yield passed("Every CPU is started the same way in both trees.", cpus=rows)


def _count(number: int) -> str:
    return f"{number} CPU{'s' if number != 1 else ''}"


def _waiting(machine: MachineFacts) -> dict[int, int | None]:
    """Return the CPUs that wait in this machine's spin table: hardware id → release address."""
    cpus = machine.tree.cpus if machine.tree else ()
    return {
        cpu.hardware_id: cpu.release_address
        for cpu in cpus
        if cpu.enable_method == "spin-table" and cpu.hardware_id is not None
    }


@entry_check("DT-CPU-RELEASE", requires=("DTB-STRUCT", "DT-CPU-SET"))
def release_address(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:
    """Check the address that each spin-table CPU polls (cpu-release-addr, a big-endian u64 in the tree).

    A waiting CPU polls one address and no other, until the kernel writes there where to begin.

    fail: the tree names another address, or none. → Use this board's own device tree.
    unknown: the running tree does not say which addresses are polled. → Record this machine's facts again, as root.
    evidence: cpus: hardware id, and the address in each tree
    """
    tree = entry.tree
    if tree is None:
        return
    waiting = _waiting(machine)
    boot_cpu = boot_cpu_of(machine)
    rows = {
        number: cpu.release_address
        for number, cpu in _used(tree.cpus).items()
        # arch/arm64/kernel/smp.c:smp_init_cpus prepares the secondaries only
        if cpu.enable_method == "spin-table" and number in waiting and number != boot_cpu
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
            USE_OWN_TREE,
            cpus=evidence,
        )
    elif rows:
        yield passed("Every CPU polls the release address in the tree.", cpus=evidence)


@entry_check("DT-CPU-SPIN-RESERVED", requires=("DTB-STRUCT", "DT-CPU-SET"))
def reserved(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:
    """Check that the spin code and its addresses are in reserved memory, or the next kernel overwrites them.

    CPUs that wait in a spin table run code that firmware left in memory. What is not reserved, the next kernel uses
    for something else.

    fail: that memory is not reserved. → Use this board's own device tree.
    unknown: there is no memory map. → Run bootmenu as root.
    evidence: release_addresses; reserved: the areas that the tree reserves
    """
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
            "Whether the memory that CPUs wait in is reserved is not known: there is no memory map.",
            "Run bootmenu as root.",
            release_addresses=[_hex(address) for address in sorted(addresses)],
        )
        return
    # the next kernel does not write outside of what the tree calls memory
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
            USE_OWN_TREE,
            **evidence,
        )
    elif addresses:
        yield passed("The memory that CPUs wait in is reserved.", **evidence)


@entry_check("DT-PSCI-NODE", requires=("DTB-STRUCT",))
def psci_node(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:
    """Check that the tree has a PSCI node, which CPUs with the method psci need, and also power-off and reboot.

    The node /psci says how to call the firmware.

    warn: it is missing. Only the boot CPU will run, and power off and reboot are lost. → Use this board's own device
        tree.
    unknown: no tree of this machine could be read. → Run bootmenu as root.
    evidence: cpus: those with the method psci; node and running: whether each tree has it
    """
    tree = entry.tree
    if tree is None:
        return
    users = [cpu.name for cpu in tree.cpus if cpu.enable_method == "psci"]
    running = machine.tree is not None and machine.tree.psci_compatible is not None
    evidence: dict[str, object] = {"cpus": users, "node": tree.psci_compatible is not None, "running": running}
    if tree.psci_compatible is not None:
        yield passed("The tree says how to call PSCI.", **evidence)
    elif machine.tree is None and not users:
        yield unknown(NO_RUNNING_TREE, NO_RUNNING_TREE_HINT, **evidence)
    elif users or running:
        yield warned(
            f"{entry.tree_name} has no /psci: only the boot CPU will run, and power off and reboot are lost.",
            USE_OWN_TREE,
            **evidence,
        )


@entry_check("DT-PSCI-COMPAT", requires=("DTB-STRUCT", "DT-PSCI-NODE"))
def psci_functions(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:  # noqa: ARG001
    """Check that the tree names the function numbers of PSCI 0.1, which has no fixed ones.

    Since PSCI 0.2 the function numbers are fixed. Version 0.1 has to name them in the tree.

    warn: they are missing, or Linux does not know this kind of /psci. Only the boot CPU will run. → Use this board's
        own device tree.
    evidence: compatible of the node; functions: the numbers that it names
    """
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
            USE_OWN_TREE,
            **evidence,
        )
    elif any(name in ("arm,psci-0.2", "arm,psci-1.0") for name in tree.psci_compatible):
        yield passed("PSCI 0.2 or newer: its functions have fixed numbers.", **evidence)
    elif {"cpu_on", "cpu_off"} <= set(tree.psci_functions):
        yield passed("PSCI 0.1, and the tree names its functions.", **evidence)
    else:
        yield warned(
            f"{entry.tree_name} has PSCI 0.1 only and does not name cpu_on and cpu_off: only the boot CPU will run.",
            USE_OWN_TREE,
            **evidence,
        )


@entry_check("DT-PSCI-METHOD", requires=("DTB-STRUCT",))
def psci_method(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:
    """Check the conduit of PSCI calls: with the wrong one the first call is an undefined instruction.

    The firmware is called by one of two instructions, hvc and smc. The tree says which, and this machine's firmware
    answers to one.

    warn: the tree names no method that can be used, or the wrong one where that costs only the other CPUs. Power off
        and reboot are lost. → Set the method of /psci as the hint says, or use this board's own device tree.
    fail: the first call would stop the next kernel. → Set the method of /psci as the hint says, or use this board's
        own device tree.
    unknown: this machine's method, or what a wrong one does here, is not known. → Run bootmenu as root; use this
        board's own device tree.
    evidence: entry and running: the two methods; entry_compatible; running_has_psci; exception_level;
        host_extensions: whether the running kernel uses VHE
    """
    tree = entry.tree
    if tree is None or tree.psci_compatible is None:
        return
    ours = machine.tree.psci_method if machine.tree else None
    evidence: dict[str, object] = {
        "entry": tree.psci_method,
        "running": ours,
        "entry_compatible": list(tree.psci_compatible),
        "running_has_psci": None if machine.tree is None else machine.tree.psci_compatible is not None,
        "exception_level": machine.exception_level,
        "host_extensions": machine.host_extensions,
    }
    if machine.tree is None or not machine.tree.cpus:  # by ACPI, PSCI is in the FADT
        yield unknown(NO_RUNNING_TREE, NO_RUNNING_TREE_HINT, **evidence)
    elif machine.tree.psci_compatible is None:
        # drivers/firmware/psci/psci.c:psci_0_2_init calls PSCI_VERSION at boot, even if the CPUs do not use PSCI
        yield failed(
            f"{entry.tree_name} calls firmware by PSCI, which this machine does not have: "
            "the first call would stop the next kernel.",
            "Use this board's own device tree.",
            **evidence,
        )
    elif tree.psci_method == ours and ours in ("hvc", "smc"):
        yield passed(f"PSCI is called by {ours} in both trees.", **evidence)
    elif tree.psci_method not in ("hvc", "smc"):
        yield warned(
            f"{entry.tree_name} names no usable PSCI method ({tree.psci_method or 'none'}): only the boot CPU will "
            "run, and power off and reboot are lost.",
            f"Set the method of /psci to {ours}." if ours else "Use this board's own device tree.",
            **evidence,
        )
    elif ours not in ("hvc", "smc"):
        yield unknown(
            f"The running device tree names no PSCI method, {entry.tree_name} names {tree.psci_method}.",
            "Use this board's own device tree.",
            **evidence,
        )
    elif tree.psci_method == "hvc" and machine.exception_level == "EL2" and machine.host_extensions is False:
        # Entered at EL2 and running at EL1, the next kernel calls its own hypervisor stub, which knows no PSCI
        # (arch/arm64/kernel/hyp-stub.S): such a kernel was seen to boot on one CPU.
        yield warned(
            f"{entry.tree_name} calls PSCI by hvc, this machine's firmware answers to smc: only the boot CPU "
            "will run, and power off and reboot are lost.",
            "Set the method of /psci to smc, or use this board's own device tree.",
            **evidence,
        )
    elif tree.psci_method == "hvc" and machine.exception_level == "EL2" and machine.host_extensions is None:
        yield unknown(
            f"{entry.tree_name} calls PSCI by hvc, this machine's firmware answers to smc; whether the next kernel "
            "survives that is not known.",
            "Set the method of /psci to smc, or use this board's own device tree.",
            **evidence,
        )
    else:
        yield failed(
            f"{entry.tree_name} calls PSCI by {tree.psci_method}, this machine's firmware answers to {ours}: "
            "the first call would be an undefined instruction.",
            f"Set the method of /psci to {ours}, or use this board's own device tree.",
            **evidence,
        )
