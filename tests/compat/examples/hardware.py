# SPDX-License-Identifier: MIT
"""How the machine is described, and its devices."""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.model.kernel import Architecture
from bootmenu.model.value import replace
from tests.builders import machines
from tests.compat.examples.base import FAIL, PASS, UNKNOWN, WARN, Example, Silent, Unreachable, own, running, virt

UNREACHABLE: Unreachable = {
    ("DT-R-SOURCE", FAIL): "without that tree comparisons are unknown, and nothing else is lost",
    ("TPM", FAIL): "information",
    ("TPM", UNKNOWN): "information, and nothing depends on it",
    ("DEV-DMA", FAIL): "information",
    ("DEV-DMA", UNKNOWN): "information, and nothing depends on it",
}
SILENT: Silent = {
    "DT-R-SOURCE": ("a PC is described by ACPI", {Architecture.X86_64}),
    "DT-ACPI-HOST": ("a PC is described by ACPI", {Architecture.X86_64}),
}
INFORMATION = {"DEV-DMA": "nothing depends on it", "TPM": "nothing depends on it"}


def descriptions() -> Iterator[Example]:
    code = "DT-R-SOURCE"
    yield Example(code=code, name="read", severity=PASS, says="/sys/firmware/fdt")
    yield Example(
        code=code,
        name="forbidden",
        severity=UNKNOWN,
        machine=virt(tree=None, tree_problem="not permitted: only root may read it"),
        says="only root",
    )
    yield Example(code=code, name="none", severity=UNKNOWN, machine=virt(tree=None, tree_problem=None))
    yield Example(code=code, name="acpi", severity=None, machine=machines.acpi())
    code = "DT-ACPI-HOST"
    yield Example(code=code, name="device tree", severity=PASS)
    yield Example(code=code, name="acpi", severity=PASS, machine=machines.acpi(), says="ACPI")
    yield Example(code=code, name="acpi without tree", severity=PASS, machine=virt(tree=None, acpi=True))
    yield Example(code=code, name="acpi and an own tree", severity=WARN, machine=machines.acpi(), entry=own())
    empty = running(cpus=())
    unread = replace(empty, acpi=None)
    yield Example(code=code, name="tree without CPUs", severity=UNKNOWN, machine=unread)
    yield Example(code=code, name="x86", severity=None, machine=machines.unprivileged_x86())


def devices() -> Iterator[Example]:
    code = "DEV-DMA"
    yield Example(code=code, name="screen", severity=PASS, machine=virt(drivers=("nouveau",)), says="nouveau")
    yield Example(code=code, name="none", severity=None)


def tpms() -> Iterator[Example]:
    code = "TPM"
    yield Example(code=code, name="there", severity=PASS, machine=virt(has_tpm=True), says="not measured")
    yield Example(code=code, name="none", severity=None, machine=virt(has_tpm=False))
