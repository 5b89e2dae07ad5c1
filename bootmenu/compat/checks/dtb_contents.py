# SPDX-License-Identifier: MIT
"""Is the entry's own device tree a sound one, for this board, and true of its CPUs and memory?

Nothing here applies to an entry without a tree of its own: then the running machine's is handed on. R is the
running system, E the entry. CPUs are matched by hardware id, never by their place in the tree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from bootmenu.compat.checker import Says, entry_check, failed, passed, unknown, warned
from bootmenu.compat.facts import EntryFacts, FileState
from bootmenu.formats.dtb import MPIDR_MASK
from bootmenu.model.devicetree import CpuNode, merged, subtracted
from bootmenu.model.machine import MachineFacts

_KNOWN_METHODS = ("psci", "spin-table", "acpi-parking-protocol")
_NO_RUNNING_TREE = "No device tree that describes this machine could be read, so the two could not be compared."
_NO_RUNNING_TREE_HINT = "Run as root; a machine that is described by ACPI has none."


@entry_check("DT-FOLDER", order=290)
def folder(machine: MachineFacts, entry: EntryFacts) -> Iterator[Says]:
    """This board's own tree, out of the folder that the entry names.

    Where there is none the running machine's own tree is handed on, as U-Boot does (boot/pxe_utils.c). A tree that
    shares only a later `compatible` is for another board of the family, and is never taken by itself.
    """
    found = entry.tree_folder
    if found is None:
        return
    board = machine.tree.compatible if machine.tree else ()
    evidence: dict[str, object] = {
        "folder": found.name,
        "board": list(board) if board else None,
        "trees": found.trees,
        "picked": found.picked,
    }
    for key, value in (
        ("reason", found.reason or found.detail),
        ("candidates", list(found.candidates)),
        ("related", list(found.related)),
        ("unreadable", found.unreadable),
        ("first_trouble", found.first_trouble),
        ("search", found.cut),
    ):
        if value:
            evidence[key] = value
    own = "so this machine's own is handed on"
    name_one = "Name one in the entry (fdt, devicetree) to have it taken."
    name = found.name
    if found.state is FileState.WAITING:
        message = f"{name}, from which the device tree is to be taken, is on a partition that is not there, {own}."
        yield unknown(message, "Plug in or unlock the disk it is on.", **evidence)
    elif found.state is not FileState.PRESENT:
        why = found.detail or str(found.state)
        yield warned(f"{name}: no device tree can be taken from there ({why}), {own}.", name_one, **evidence)
    elif not board and machine.acpi:
        yield passed(f"This machine is described by ACPI: no device tree of {name} is taken.", **evidence)
    elif not board:
        message = f"{_NO_RUNNING_TREE[:-1]}: which one of {name} is meant is not known."
        yield unknown(message, name_one, **evidence)
    elif found.picked is not None and not found.cut:
        yield passed(f"{found.picked} was picked from {found.trees:,} device trees: {found.reason}.", **evidence)
    elif found.picked is not None:
        message = f"{found.picked} was picked, but not every device tree of {name} was seen: {found.cut}."
        yield warned(message, name_one, **evidence)
    elif found.candidates:
        message = f"Several device trees of {name} are for this board ({board[0]}), {own}."
        yield warned(message, name_one, **evidence)
    elif found.related:
        message = f"The device trees of {name} are at best for relatives of this board ({board[0]}), {own}."
        yield warned(message, name_one, **evidence)
    else:
        # as good as an entry that says nothing of a tree
        yield passed(f"None of the {found.trees:,} device trees of {name} is for this board, {own}.", **evidence)


@entry_check("DTB-HEADER", order=300)
def header(machine: MachineFacts, entry: EntryFacts) -> Iterator[Says]:  # noqa: ARG001
    """Magic, version, length and block offsets: what kexec-tools leaves unchecked."""
    own = entry.tree_facts
    file = entry.file("device tree")
    if entry.wants_own_tree and own is None and (file is None or file.state is FileState.PRESENT):
        yield unknown(f"{entry.tree_name} could not be read.", "Run bootmenu as root; look at the disk.")
    if own is None:
        return
    evidence: dict[str, object] = {"file_size": own.size, "total_size": own.total_size}
    if own.header_problem is not None:
        yield failed(
            f"{entry.tree_name} is no usable device tree: {own.header_problem}.",
            "Copy the file again; a device tree (.dtb) is made from source by dtc.",
            **evidence,
            problem=own.header_problem,
        )
    elif own.total_size is None:
        yield unknown(f"The header of {entry.tree_name} was not read.", "Check the whole file.", **evidence)
    else:
        yield passed("The header is sound.", **evidence)


@entry_check("DTB-STRUCT", order=310, requires=("DTB-HEADER",))
def structure(machine: MachineFacts, entry: EntryFacts) -> Iterator[Says]:  # noqa: ARG001
    """The whole tree can be walked to its end."""
    own = entry.tree_facts
    if own is None:
        return
    if own.structure_problem is None and own.tree is None:
        yield unknown(f"{entry.tree_name} was not read to its end.", "Check the whole file.", size=own.size)
    elif own.structure_problem is not None:
        yield failed(
            f"{entry.tree_name} is damaged: {own.structure_problem}.",
            "Copy the file again, or take it from the kernel package.",
            problem=own.structure_problem,
        )
    else:
        yield passed("The tree is sound to its end.", size=own.size)


@entry_check("DT-COMPAT", order=320, requires=("DTB-STRUCT",))
def for_this_board(machine: MachineFacts, entry: EntryFacts) -> Iterator[Says]:
    """The root's compatible: the most specific name first."""
    tree = entry.tree
    if tree is None:
        return
    evidence: dict[str, object] = {
        "entry": list(tree.compatible),
        "running": list(machine.tree.compatible) if machine.tree else None,
    }
    if machine.tree is None:
        yield unknown(_NO_RUNNING_TREE, _NO_RUNNING_TREE_HINT, **evidence)
        return
    theirs, ours = tree.compatible, machine.tree.compatible
    common = next((name for name in theirs if name in ours), None)
    if not theirs or not ours:
        whose = entry.tree_name if not theirs else "The running device tree"
        yield unknown(
            f"{whose} does not say which board it is for (no compatible).",
            "Use this board's own device tree.",
            **evidence,
        )
    elif theirs[0] == ours[0]:
        yield passed(f"For this board: {ours[0]}.", **evidence)
    elif common is not None:
        yield warned(
            f"{entry.tree_name} is for {theirs[0]}, this machine is {ours[0]}; they share only {common}.",
            "Use the tree of exactly this board if there is one.",
            **evidence,
        )
    else:
        yield failed(
            f"{entry.tree_name} is for another board ({theirs[0]}); this machine is {ours[0]}.",
            "Leave the device tree out, so that the running one is handed on, or name the one for this board.",
            **evidence,
        )


def _ids(nodes: tuple[CpuNode, ...]) -> list[int]:
    return [node.hardware_id for node in nodes if node.hardware_id is not None]


def _hex(ids: object) -> str:
    assert isinstance(ids, (list, set, tuple))
    return ", ".join(f"{number:#x}" for number in sorted(ids))


def boot_cpu_of(machine: MachineFacts) -> int | None:
    """Hardware id of the CPU that makes the jump."""
    known = next((cpu.hardware_id for cpu in machine.cpus if cpu.number == machine.jump_cpu), None)
    if known is None and machine.tree and len(machine.tree.cpus) == 1:
        return machine.tree.cpus[0].hardware_id
    return known


@entry_check("DT-CPU-SET", order=330, requires=("DTB-STRUCT",))
def cpu_set(machine: MachineFacts, entry: EntryFacts) -> Iterator[Says]:
    """The CPUs of both trees by their hardware id (reg, MPIDR affinity)."""
    tree = entry.tree
    if tree is None:
        return
    theirs = _ids(tree.cpus)
    ours = _ids(machine.tree.cpus) if machine.tree else None
    boot_cpu = boot_cpu_of(machine)
    evidence: dict[str, object] = {
        "entry": [f"{number:#x}" for number in theirs],
        "running": None if ours is None else [f"{number:#x}" for number in ours],
        "boot_cpu": None if boot_cpu is None else f"{boot_cpu:#x}",
    }
    hint = "Use this board's own device tree; the running one is handed on when the entry names none."
    bad = [node.name for node in tree.cpus if node.hardware_id is None or node.hardware_id & ~MPIDR_MASK]
    twice = [number for number, times in Counter(theirs).items() if times > 1]
    if twice:
        yield failed(f"{entry.tree_name} names CPU {_hex(twice)} more than once.", hint, **evidence)
    elif bad:
        yield failed(f"{entry.tree_name} has CPUs without a usable reg: {', '.join(bad)}.", hint, **evidence)
    elif not ours or (boot_cpu is None and len(ours) > 1 and not set(ours) <= set(theirs)):
        yield unknown(
            "Which CPU makes the jump is not known." if ours else _NO_RUNNING_TREE,
            _NO_RUNNING_TREE_HINT,
            **evidence,
        )
    elif boot_cpu is not None and boot_cpu not in theirs:
        yield failed(
            f"{entry.tree_name} does not describe CPU {boot_cpu:#x}, the one that makes the jump.",
            hint,
            **evidence,
        )
    else:
        yield from _compare_sets(machine, entry, set(ours), set(theirs), evidence, hint)


def _compare_sets(
    machine: MachineFacts,
    entry: EntryFacts,
    ours: set[int],
    theirs: set[int],
    evidence: dict[str, object],
    hint: str,
) -> Iterator[Says]:
    missing, extra = ours - theirs, theirs - ours
    spinning = {node.hardware_id for node in _running(machine) if node.enable_method == "spin-table"}
    if missing & spinning:
        yield failed(
            f"{entry.tree_name} leaves out CPU {_hex(missing & spinning)}, which spins in memory that the second "
            "kernel would believe to be free.",
            hint,
            **evidence,
        )
    elif missing:
        yield warned(
            f"{entry.tree_name} describes {len(theirs)} of {len(ours)} CPUs: {_hex(missing)} will stay off.",
            hint,
            **evidence,
        )
    if extra:
        yield warned(
            f"{entry.tree_name} describes CPU {_hex(extra)}, which this machine does not have: "
            "the second kernel will wait for it in vain.",
            hint,
            **evidence,
        )
    if not missing and not extra:
        yield passed(f"Both trees have the same {len(ours)} CPU{'s' if len(ours) != 1 else ''}.", **evidence)


def _running(machine: MachineFacts) -> tuple[CpuNode, ...]:
    return machine.tree.cpus if machine.tree else ()


@entry_check("DT-CPU-ENABLE-METHOD", order=340, requires=("DTB-STRUCT", "DT-CPU-SET"))
def enable_methods(machine: MachineFacts, entry: EntryFacts) -> Iterator[Says]:
    """How each CPU is started, per hardware id, as the 2014 review's later patches compared it."""
    tree = entry.tree
    if tree is None or not tree.cpus:
        return
    if machine.tree is None:
        yield unknown(_NO_RUNNING_TREE, _NO_RUNNING_TREE_HINT)
        return
    boot_cpu = boot_cpu_of(machine)
    ours = {node.hardware_id: node.enable_method for node in machine.tree.cpus}
    theirs = {node.hardware_id: node.enable_method for node in tree.cpus if node.hardware_id in ours}
    rows = {
        f"{number:#x}": {"running": ours[number], "entry": method}
        for number, method in theirs.items()
        if number is not None
    }
    secondaries = {number: method for number, method in theirs.items() if number != boot_cpu}
    differing = {n: m for n, m in secondaries.items() if m is not None and m in _KNOWN_METHODS and m != ours[n]}
    without = {n for n, m in secondaries.items() if m is None and ours[n] is not None}
    strange = {n: m for n, m in secondaries.items() if m is not None and m not in _KNOWN_METHODS}
    if differing:
        number, method = next(iter(sorted(differing.items(), key=lambda item: item[0] or 0)))
        yield warned(
            f"{entry.tree_name} starts {_count(len(differing))} by {method}, this machine by "
            f"{ours[number] or 'no method'}: {'they' if len(differing) > 1 else 'it'} will stay off, and the next "
            "kexec from that system would fail with stuck CPUs.",
            "Use this board's own device tree, or put nr_cpus=1 on the entry's command line to keep later kexecs "
            "possible.",
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


@entry_check("DT-PSCI-METHOD", order=350, requires=("DTB-STRUCT",))
def psci_method(machine: MachineFacts, entry: EntryFacts) -> Iterator[Says]:
    """The conduit of PSCI calls: the wrong one is an undefined instruction at the first call."""
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
        yield unknown(_NO_RUNNING_TREE, _NO_RUNNING_TREE_HINT, **evidence)
    elif machine.tree.psci_compatible is None:
        # drivers/firmware/psci/psci.c:psci_0_2_init calls PSCI_VERSION at boot, whatever the CPUs use
        yield failed(
            f"{entry.tree_name} calls firmware by PSCI, which this machine does not have: "
            "the first call would stop the second kernel.",
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
        # Entered at EL2 and running at EL1, the second kernel calls its own hypervisor stub, which knows no PSCI
        # and says so (arch/arm64/kernel/hyp-stub.S): seen to boot on one CPU.
        yield warned(
            f"{entry.tree_name} calls PSCI by hvc, this machine's firmware answers to smc: only the boot CPU "
            "will run, and power off and reboot are lost.",
            "Set the method of /psci to smc, or use this board's own device tree.",
            **evidence,
        )
    elif tree.psci_method == "hvc" and machine.exception_level == "EL2" and machine.host_extensions is None:
        yield unknown(
            f"{entry.tree_name} calls PSCI by hvc, this machine's firmware answers to smc; whether the second kernel "
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


@entry_check("DT-MEMORY", order=360, requires=("DTB-STRUCT",))
def memory(machine: MachineFacts, entry: EntryFacts) -> Iterator[Says]:
    """/memory against the RAM that is there. Firmware normally fills it in; kexec does not."""
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
    carried = entry.handed is not None and any(path.startswith("/memory@") for path in entry.handed.carried)
    if carried and missing:
        yield warned(
            f"{entry.tree_name} cannot describe {_mib(sum(area.size for area in missing))} of this machine's memory, "
            "which will not be used: its addresses have 32 bits.",
            "Use this board's own device tree.",
            **evidence,
        )
    elif carried and file:
        yield passed("The tree's memory is replaced by this machine's, as firmware does it.", **evidence)
    elif carried:
        yield passed("The tree describes no memory; this machine's is carried over into it.", **evidence)
    elif machine.efi and "linux,uefi-mmap-start" in tree.uefi_properties:
        # drivers/firmware/efi/efi-init.c:reserve_regions drops what the tree says
        yield passed("Linux takes EFI's memory map, whatever the tree says of memory.", **evidence)
    elif not theirs:
        yield failed(
            f"{entry.tree_name} describes no memory, and firmware that would fill it in does not run.",
            "Let this machine's /memory be carried over into it."
            if ours
            else "This machine's own memory map could not be read: run bootmenu as root.",
            **evidence,
        )
    elif not ours:
        yield unknown("This machine's memory map could not be read.", "Run bootmenu as root.", **evidence)
    elif beyond:
        yield failed(
            f"{entry.tree_name} claims memory that this machine does not have: {', '.join(map(str, beyond))}.",
            "Let this machine's /memory be carried over into it.",
            **evidence,
        )
    elif missing:
        size = sum(area.size for area in missing)
        yield warned(
            f"{entry.tree_name} describes {_mib(sum(area.size for area in theirs))} of this machine's "
            f"{_mib(sum(area.size for area in ours))}: {_mib(size)} will not be used.",
            "Let this machine's /memory be carried over into it.",
            **evidence,
        )
    else:
        yield passed("Describes exactly this machine's memory.", **evidence)


def _mib(size: int) -> str:
    return f"{size / 1024**2:,.0f} MiB"
