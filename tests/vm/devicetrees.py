# SPDX-License-Identifier: MIT
"""Device trees for machines: QEMU's own one, and edits of it as text."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tests.vm.harness import Hardware, run_tool


def own_tree(hardware: Hardware, folder: Path) -> str:
    """The source text of the tree that QEMU makes for this hardware, the same on every run."""
    dump = folder / "own.dtb"
    same = ",dtb-randomness=off" if hardware.architecture == "arm64" else ""
    dumping = replace(hardware, machine=f"{hardware.machine}{same},dumpdtb={dump}", dtb=None)
    run_tool([dumping.program, *dumping.argv(), "-display", "none", "-nic", "none"])
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


def same(text: str) -> str:
    """As QEMU makes it."""
    return text


def without_enable_method(text: str) -> str:
    """No cpu says how it is started."""
    return _replaced(r"\s*enable-method = [^;]*;", "", text)


def without_psci(text: str) -> str:
    """No /psci, though the cpus want it."""
    return _replaced(r"\n\tpsci \{.*?\n\t\};", "", text)


def with_conduit(method: str) -> Callable[[str], str]:
    """Firmware is called by `hvc` or `smc`."""

    def edit(text: str) -> str:
        return _replaced(r'(\n\tpsci \{.*?method = )"[a-z]+"', rf'\1"{method}"', text)

    return edit


def without_memory(text: str) -> str:
    """As a board's tree comes from a package: firmware has not filled in the memory."""
    return _replaced(r"\n\tmemory@[0-9a-f]+ \{.*?\n\t\};", "", text)


def with_twice_the_memory(text: str) -> str:
    """As a tree from a package may say it: for the largest model of the board."""
    return _replaced(r"(\n\tmemory@[0-9a-f]+ \{.*?reg = )<[^>]*>", r"\1<0x00 0x40000000 0x00 0x80000000>", text)


def as_from_a_package(text: str) -> str:
    """Nothing that firmware fills in: no memory, no way to call it."""
    return without_psci(without_memory(text))


MARK = """/dts-v1/; /plugin/;
/ { fragment@0 { target-path = "/"; __overlay__ { bootmenu-test { marker = "from the overlay"; }; }; }; };
"""
"""An overlay that needs no symbols of its base."""

MARK_BY_LABEL = """/dts-v1/; /plugin/;
&the_label { bootmenu-mark = "by its label"; };
"""


def with_label(text: str) -> str:
    """With symbols, and a label for an overlay to refer to."""
    labelled = _replaced(r"\n\tchosen \{", "\n\tthe_label: bootmenu-target { phandle = <0x77>; };\n\tchosen {", text)
    return labelled + '\n/ { __symbols__ { the_label = "/bootmenu-target"; }; };\n'


def with_half_of_the_cpus(text: str) -> str:
    """CPUs 2 and 3 of four are left out."""
    text = _replaced(r"\n\t\tcpu@[23] \{.*?\n\t\t\};", "", text)
    return _replaced(r"\n\t*core[23] \{.*?\};", "", text)  # the cpu-map refers to them


def _replaced(pattern: str, by: str, text: str) -> str:
    edited = re.sub(pattern, by, text, flags=re.DOTALL)
    assert edited != text, f"QEMU's tree has nothing like {pattern}"
    return edited


def with_a_cpu_twice(text: str) -> str:
    """CPU 1 is described under two names."""
    return _replaced(r"(\n\t\tcpu@)1( \{.*?)phandle = [^;]*;(.*?\n\t\t\};)", r"\g<0>\g<1>5\2\3", text)
