# SPDX-License-Identifier: MIT
"""Whether the CPUs can be given back."""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.compat.facts import EntryFacts
from bootmenu.model.kernel import Architecture
from bootmenu.model.value import replace
from tests.builders import machines
from tests.builders.entries import entry
from tests.compat.examples.base import FAIL, PASS, TREE, UNKNOWN, WARN, Example, Silent, cpus, each_cpu, nodes, virt

SILENT: Silent = {
    "CPU-STUCK": ("only arm64 counts CPUs that it cannot get back", {Architecture.X86_64, Architecture.RISCV64}),
    "CPU-OFFLINE": ("x86 stops its CPUs with an interrupt, and takes none offline", {Architecture.X86_64}),
    "EL-PKVM": ("only arm64 has it", {Architecture.X86_64, Architecture.RISCV64}),
    "EL-MODE": ("only arm64 has exception levels", {Architecture.X86_64, Architecture.RISCV64}),
}


def line(text: str, **changes: object) -> EntryFacts:
    return entry(command_line=text, **changes)


def processors() -> Iterator[Example]:
    code = "CPU-STUCK"
    spin = machines.spin_table()
    yield Example(code=code, name="psci", severity=PASS)
    yield Example(code=code, name="one possible", severity=PASS, machine=machines.nr_cpus_1())
    yield Example(code=code, name="spin-table", severity=FAIL, machine=spin, says="nr_cpus=1")
    yield Example(
        # nosmp and maxcpus=1 leave `possible` at 4
        code=code,
        name="maxcpus",
        severity=FAIL,
        machine=replace(spin, command_line="maxcpus=1"),
        says="maxcpus",
    )
    yield Example(
        code=code,
        name="cpu without method",
        severity=FAIL,
        machine=virt(
            tree=replace(TREE, cpus=nodes({}, {"enable_method": None})),
            cpus=each_cpu(offline_control=False),
        ),
        says="no enable-method",
    )
    yield Example(
        code=code,
        name="stuck by the kernel's own word",
        severity=FAIL,
        machine=virt(log=("kexec: Can't kexec: CPUs are stuck in the kernel.",)),
    )
    for line in ("CPU1: is stuck in kernel", "CPU1: failed in unknown state : 0x0"):
        yield Example(code=code, name=line, severity=FAIL, machine=virt(log=(line,)), says="refuses to load")
    yield Example(
        # the kernel had it killed by firmware: lost, and not stuck
        code=code,
        name="died",
        severity=PASS,
        machine=virt(log=("CPU1: failed to come online", "CPU1: died during early boot")),
    )
    yield Example(code=code, name="no log", severity=UNKNOWN, machine=virt(log=None), says="/dev/kmsg")
    yield Example(code=code, name="spin-table without log", severity=FAIL, machine=replace(spin, log=None))
    yield Example(
        # a kernel without CPU hotplug cannot stop them, however they were started
        code=code,
        name="psci by the tree only",
        severity=UNKNOWN,
        machine=virt(cpus=each_cpu(offline_control=None)),
        says="/sys",
    )
    yield Example(
        code=code, name="psci without hotplug", severity=FAIL, machine=virt(cpus=each_cpu(offline_control=False))
    )
    yield Example(code=code, name="none possible", severity=UNKNOWN, machine=virt(possible_cpus=()))
    yield Example(code=code, name="possible unknown", severity=UNKNOWN, machine=virt(possible_cpus=None))
    yield Example(
        code=code,
        name="no tree no sysfs",
        severity=UNKNOWN,
        machine=virt(tree=None, cpus=each_cpu(offline_control=None)),
        says="/sys",
    )
    yield Example(code=code, name="acpi", severity=PASS, machine=machines.acpi())
    yield Example(code=code, name="another architecture", severity=None, machine=machines.unprivileged_x86())

    code = "CPU-OFFLINE"
    yield Example(code=code, name="all may stop", severity=PASS)
    riscv = virt(architecture=Architecture.RISCV64, machine="riscv64")
    yield Example(code=code, name="all may stop on riscv64", severity=PASS, machine=riscv)
    held = replace(riscv, cpus=cpus({}, {"offline_control": False}))
    yield Example(code=code, name="one stays on riscv64", severity=FAIL, machine=held, says="reboot=s1")
    blind = replace(riscv, cpus=())
    yield Example(code=code, name="unread on riscv64", severity=UNKNOWN, machine=blind)
    spinning = virt(cpus=each_cpu(offline_control=False))
    yield Example(code=code, name="CPU-STUCK says it", severity=None, machine=spinning)
    yield Example(
        code=code,
        name="trusted os",
        severity=FAIL,
        machine=virt(cpus=cpus({}, {}, {"offline_control": False})),
        says="reboot=s2",
    )
    fixed = cpus({}, {}, {"offline_control": False})
    yield Example(
        # the hint was followed
        code=code,
        name="the fixed one makes the jump",
        severity=PASS,
        machine=virt(cpus=fixed, command_line="quiet reboot=warm,s2"),
    )
    yield Example(
        code=code,
        name="another one makes the jump",
        severity=FAIL,
        machine=virt(cpus=fixed, command_line="reboot=smp1"),
        says="CPU 2",
    )
    yield Example(
        code=code,
        name="cpu 0 is not the one",
        severity=FAIL,
        machine=virt(cpus=cpus({"offline_control": False}), command_line="reboot=s2"),
        says="CPU 0",
    )
    yield Example(
        # kernel/reboot.c refuses a number that is not possible, and takes 0
        code=code,
        name="no such cpu",
        severity=FAIL,
        machine=virt(cpus=fixed, command_line="reboot=s9"),
    )
    yield Example(
        code=code, name="command line unread", severity=UNKNOWN, machine=virt(cpus=fixed, command_line=None)
    )
    yield Example(
        code=code,
        name="two fixed",
        severity=FAIL,
        machine=virt(cpus=cpus({}, {"offline_control": False}, {"offline_control": False})),
        says="nr_cpus=1",
    )
    yield Example(
        code=code,
        name="fixed but offline already",
        severity=PASS,
        machine=virt(cpus=cpus({}, {}, {"offline_control": False, "online": False})),
    )
    yield Example(
        code=code, name="one unread", severity=UNKNOWN, machine=virt(cpus=cpus({}, {"offline_control": None}))
    )
    yield Example(code=code, name="one cpu", severity=None, machine=machines.nr_cpus_1())
    yield Example(code=code, name="after stuck", severity=None, machine=spin)


def levels() -> Iterator[Example]:
    code = "EL-PKVM"
    asked = "console=ttyAMA0 kvm-arm.mode=protected"
    yield Example(code=code, name="not active", severity=PASS)
    yield Example(code=code, name="active", severity=FAIL, machine=virt(protected_kvm=True), says="keeps EL2")
    unread = virt(protected_kvm=None, command_line=asked)
    yield Example(code=code, name="asked for", severity=UNKNOWN, machine=unread, says="asked for")
    yield Example(code=code, name="not asked for", severity=PASS, machine=virt(protected_kvm=None))
    nothing = virt(protected_kvm=None, command_line=None)
    yield Example(code=code, name="nothing known", severity=UNKNOWN, machine=nothing, says="as root")
    yield Example(code=code, name="x86", severity=None, machine=machines.unprivileged_x86())
    code = "EL-MODE"
    yield Example(code=code, name="EL1", severity=PASS, says="EL1")
    yield Example(code=code, name="EL2", severity=PASS, machine=virt(exception_level="EL2"), says="EL2")
    mixed = virt(exception_level="inconsistent")
    yield Example(code=code, name="inconsistent", severity=WARN, machine=mixed, says="firmware")
    yield Example(code=code, name="unread", severity=UNKNOWN, machine=virt(exception_level=None), says="log")
