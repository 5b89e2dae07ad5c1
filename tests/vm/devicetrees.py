# SPDX-License-Identifier: MIT
"""Device trees for machines: QEMU's own one, and edits of it as text."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from tests.vm.harness import Hardware, run_tool


def own_tree(hardware: Hardware, folder: Path) -> str:
    """The source text of the tree that QEMU makes for this hardware, the same on every run."""
    dump = folder / "own.dtb"
    dumping = replace(hardware, machine=f"{hardware.machine},dtb-randomness=off,dumpdtb={dump}", dtb=None)
    run_tool(["qemu-system-aarch64", *dumping.argv(), "-display", "none"])
    return run_tool(["dtc", "-q", "-I", "dtb", "-O", "dts", dump]).decode()


def compile_tree(text: str, target: Path) -> Path:
    """Compile source text into a .dtb file."""
    run_tool(["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", target, "-"], data=text.encode())
    return target


def with_spin_table(text: str) -> str:
    """Every cpu claims to wait in a spin table. On QEMU's virt nobody does, so secondary CPUs never come."""
    edited = re.sub(
        r'enable-method = "psci";',
        'enable-method = "spin-table";\n\t\t\tcpu-release-addr = <0x00 0x47fff000>;',
        text,
    )
    assert edited != text, "QEMU's tree has no cpu with an enable-method: more than one cpu is needed"
    return edited


def with_marker(text: str, marker: str) -> str:
    """A node /bootmenu-test with the property ``marker``: proof of which tree a kernel was given."""
    body, brace, rest = text.rpartition("};")
    assert brace, "dtc printed no root node"
    return f'{body}\n\tbootmenu-test {{\n\t\tmarker = "{marker}";\n\t}};\n{brace}{rest}'
