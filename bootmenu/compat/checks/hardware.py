# SPDX-License-Identifier: MIT
"""Check how this machine is described (device tree or ACPI), and report the devices that kexec does not reset."""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.compat.checker import CheckResult, entry_check, machine_check, passed, unknown, warned
from bootmenu.compat.facts import EntryFacts
from bootmenu.model.kernel import Architecture
from bootmenu.model.machine import MachineFacts

_DESCRIBED_BY_TREE = (Architecture.ARM64, Architecture.RISCV64)
"""Architectures whose machines are described by a device tree, or else by ACPI."""
NO_RUNNING_TREE = "No device tree that describes this machine could be read, so the two could not be compared."
NO_RUNNING_TREE_HINT = "Run as root; a machine that is described by ACPI has none."
USE_OWN_TREE = "Use this board's own device tree; the running one is passed on when the entry names none."


@machine_check("DT-R-SOURCE", after="EL-MODE")
def running_tree(machine: MachineFacts) -> Iterator[CheckResult]:
    """Check that the running device tree can be read, to compare an entry's tree with it.

    The checks of an entry's own device tree compare it with the one that firmware gave to the running kernel.

    unknown: the running tree could not be read. → Run bootmenu as root, with /sys mounted.
    evidence: source: the file that was read, /sys/firmware/fdt or /proc/device-tree; problem: why it could not be
        read
    """
    if machine.architecture not in _DESCRIBED_BY_TREE or machine.acpi:
        return
    evidence: dict[str, object] = {"source": machine.tree_source, "problem": machine.tree_problem}
    if machine.tree is not None:
        yield passed(f"This machine's device tree is readable: {machine.tree_source}.", **evidence)
    else:
        yield unknown(
            f"This machine's device tree could not be read: {machine.tree_problem or 'there is none'}.",
            "Run bootmenu as root, with /sys mounted.",
            **evidence,
        )


@machine_check("DEV-DMA", after="MEM-IOMEM")
def troublesome_devices(machine: MachineFacts) -> Iterator[CheckResult]:
    """Report devices that kexec does not reset as a power cycle would, and whose drivers depend on it.

    kexec skips the firmware's reset. A few drivers expect devices as they are after power-on.

    pass: such a driver is in use; this is for information only. A screen may stay dark, or a network card may not
        answer, until the power is cut once.
    evidence: drivers: those in use that are known for it
    """
    if machine.drivers:
        yield passed(
            f"kexec resets no devices; those of {', '.join(machine.drivers)} may need a cold start in the second "
            "system (a dark screen, no network).",
            drivers=list(machine.drivers),
        )


@entry_check("DT-ACPI-HOST", after="DT-KASLR-SEED")
def acpi_host(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:
    """Check that an entry's own device tree does not hide the ACPI tables of a machine that is described by them.

    An arm64 kernel that is given a device tree with devices in it ignores ACPI. On a machine described by ACPI, the
    tree of another machine would then describe this one.

    warn: the entry has a device tree of its own, on a machine that was described by ACPI. → Leave the device tree
        out of the entry.
    unknown: how this machine is described could not be read. → Run bootmenu as root, with /sys mounted.
    evidence: acpi: whether ACPI describes this machine; cpus_in_tree: how many CPUs the running tree has; own_tree
    """
    if machine.architecture not in _DESCRIBED_BY_TREE:
        return
    evidence: dict[str, object] = {
        "acpi": machine.acpi,
        "cpus_in_tree": None if machine.tree is None else len(machine.tree.cpus),
        "own_tree": entry.wants_own_tree,
    }
    if machine.tree and machine.tree.cpus:
        yield passed("This machine is described by a device tree.", **evidence)
    elif machine.acpi and entry.wants_own_tree:
        yield warned(
            "This machine was described by ACPI, not by a device tree: the entry's own tree cannot be compared.",
            "Leave the device tree out of the entry, so that the ACPI tables are passed on.",
            **evidence,
        )
    elif machine.acpi:
        yield passed("This machine is described by ACPI, and its tables are passed on.", **evidence)
    elif machine.acpi is None:
        yield unknown(
            "No device tree that describes this machine's CPUs could be read, and whether ACPI does is not known.",
            "Run bootmenu as root, with /sys mounted: /sys/firmware/acpi says it.",
            **evidence,
        )
    elif machine.tree is not None:
        yield unknown(
            "This machine's device tree describes no CPUs, and ACPI does not describe this machine.",
            "Is this the tree that the first stage was started with?",
            **evidence,
        )


@entry_check("TPM", after="INITRD-MODULES")
def tpm(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:  # noqa: ARG001
    """Report that kexec measures nothing into the TPM's registers.

    What boots by firmware is measured into the TPM, and a disk can be unlocked by these values. kexec measures
    nothing.

    pass: this machine has a TPM; this is for information only. Its values are those of the first stage.
    evidence: tpm: whether there is one
    """
    if machine.has_tpm:
        yield passed("This machine has a TPM; what is loaded here is not measured into it.", tpm=True)
