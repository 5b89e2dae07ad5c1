# SPDX-License-Identifier: MIT
"""Rows of the truth table: riscv64."""

from __future__ import annotations

import gzip
from dataclasses import replace
from typing import Any

from tests.builders.containers import zboot
from tests.vm import devicetrees
from tests.vm.harness import Hardware
from tests.vm.kernels import Kernel
from tests.vm.scenarios import Load, Scenario, Second, cut_off

# on a busy host a CPU stands still for longer than the watchdog waits, which then writes into what a test reads
_VIRT = Hardware(
    emulator="qemu-system-riscv64", newer=True, console="ttyS0", machine="virt", cpu="rv64", options="nowatchdog"
)
_FOUR = replace(_VIRT, cpus=4)


def _row(name: str, **changes: Any) -> Scenario:
    """The defaults of the table, on riscv64."""
    plain = Scenario(
        name=f"riscv64, {name}",
        hardware=_VIRT,
        first=Kernel.RISCV,
        kernel=Kernel.RISCV,
        second_cmdline="console=ttyS0 earlycon panic=1",
        slowness=2,
        full=True,
    )
    return replace(plain, **changes)


def _fails(code: str, load: Load = Load.LOADED) -> dict[str, Any]:
    second = Second.SILENT if load is Load.LOADED else Second.NOT_STARTED
    return {"predicted": "fail", "codes": frozenset({code}), "load": load, "second": second}


def _of_another_board(tree: str) -> str:
    """Its memory begins elsewhere, and so does its console."""
    for ours, theirs in (("riscv-virtio", "starfive,jh7110"), ("80000000", "40000000"), ("10000000", "12000000")):
        assert ours in tree
        tree = tree.replace(ours, theirs)
    return tree


SCENARIOS = (
    _row("the same kernel"),
    _row("the same kernel, by kexec-tools", options="--method kexec_tools"),
    _row(
        "the same kernel, by kexec_file_load, which it is built without",
        options="--method kexec_file_load",
        **_fails("TOOL-CALL", Load.REFUSED),
    ),
    _row("the kernel in gzip", edit=gzip.compress),
    _row("the kernel in an EFI zboot", edit=zboot),
    _row("the entry brings this machine's own tree", entry_tree=devicetrees.same),
    _row(
        "the entry's tree has 2 of 4 CPUs",
        hardware=_FOUR,
        entry_tree=devicetrees.with_half_of_the_cpus,
        predicted="warn",
        codes=frozenset({"DT-CPU-SET"}),
        second=Second.FEWER_CPUS,
    ),
    _row(
        "the entry's tree has no /memory: without firmware fix-ups",
        entry_tree=devicetrees.without_memory,
        options="--no-carry-over",
        **_fails("DT-MEMORY"),
    ),
    _row("the entry's tree has no /memory: with firmware fix-ups", entry_tree=devicetrees.without_memory),
    _row(
        "the entry's tree is of another board",
        entry_tree=_of_another_board,
        **_fails("DT-COMPAT"),
    ),
    _row("the kernel is cut off at 60 %", edit=cut_off(0.6), **_fails("IMG-TRUNC")),
    _row(
        "an initramfs over half of the memory",
        hardware=replace(_VIRT, memory=2048),  # where kexec-tools finds room for it, so that the kernel is asked
        before="busybox truncate -s 1000M /vmtest/second.cpio",
        options="--method kexec_tools",
        **_fails("MEM-HALF", Load.REFUSED),
    ),
)
