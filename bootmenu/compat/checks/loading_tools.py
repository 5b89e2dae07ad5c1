# SPDX-License-Identifier: MIT
"""Check that the kernel's system calls or kexec-tools, whichever is used here, can load the entry as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bootmenu.compat.checker import CheckResult, entry_check, failed, passed, unknown, warned
from bootmenu.compat.checks.lockdown import FILE_LOAD
from bootmenu.compat.facts import EntryFacts
from bootmenu.model.kernel import Architecture, Compression
from bootmenu.model.machine import MachineFacts


@entry_check("TOOL-DTB-IGNORED", after="TPM")
def tree_is_honoured(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:
    """Check that an entry's own device tree can be passed on: kexec_file_load silently uses the running tree.

    An entry that needs its own device tree would start with the wrong one, and nobody would be told.

    fail: the running kernel has only kexec_file_load. → Leave the device tree out of the entry, or use a first-stage
        kernel with CONFIG_KEXEC=y.
    unknown: whether the running kernel has kexec_load is not known. → Put its configuration at /boot/config-RELEASE.
    evidence: kexec_load, kexec_file_load: whether the running kernel has the call
    """
    if not entry.wants_own_tree:
        return
    evidence: dict[str, object] = {
        "kexec_load": machine.kexec.kexec_load,
        "kexec_file_load": machine.kexec.kexec_file_load,
    }
    if machine.kexec.kexec_load:
        yield passed("The entry's own device tree is passed on, by kexec_load.", **evidence)
    elif machine.kexec.kexec_load is None:
        yield unknown(
            "Whether the running kernel has kexec_load, which alone takes an entry's own device tree, is not known.",
            f"Put its configuration at /boot/config-{machine.kernel_release or 'RELEASE'}.",
            **evidence,
        )
    elif machine.kexec.kexec_file_load is not False:
        yield failed(
            "The running kernel has no kexec_load, and kexec_file_load never takes a device tree of the entry's own.",
            "Leave the device tree out of the entry, or use a first-stage kernel with CONFIG_KEXEC=y.",
            **evidence,
        )


@entry_check("TOOL-CALL")
def call_of_method(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:
    """Check that the running kernel has the call that the entry's way of loading makes.

    There are two calls, kexec_load and kexec_file_load, and a kernel may be built with one of them only. kexec-tools
    makes the first here.

    fail: the running kernel does not have the call. → Load it another way: leave out --method.
    unknown: whether it has the call is not known. → Put its configuration at /boot/config-RELEASE.
    evidence: method; kexec_load, kexec_file_load: whether the running kernel has the call
    """
    kexec = machine.kexec
    calls = {"kexec_load": "kexec_load", "kexec_tools": "kexec_load", FILE_LOAD: FILE_LOAD}
    call = calls.get(entry.method or "")
    if call is None or (kexec.kexec_load is False and kexec.kexec_file_load is False):
        return  # SYS-SYSCALL reports that there is no call at all
    there = kexec.kexec_file_load if call == FILE_LOAD else kexec.kexec_load
    evidence: dict[str, object] = {
        "method": entry.method,
        "kexec_load": kexec.kexec_load,
        "kexec_file_load": kexec.kexec_file_load,
    }
    if there:
        yield passed(f"The running kernel has the call {call}.", **evidence)
    elif there is None:
        yield unknown(
            f"Whether the running kernel has the call {call} is not known.",
            f"Put its configuration at /boot/config-{machine.kernel_release or 'RELEASE'}.",
            **evidence,
        )
    else:
        yield failed(
            f"The running kernel does not have the call {call}, which this way of loading makes.",
            "Load it another way: leave out --method.",
            **evidence,
        )


_RISCV_TOOLS = (2, 0, 32)


def tools_problem(machine: MachineFacts) -> str | None:
    """Return why kexec-tools cannot load here, or None if it can or its version is not understood."""
    version = machine.kexec.tools_version
    if version is None:
        return "kexec-tools is not installed"
    # it is given unpacked kernels only: it reads zboot itself since 2.0.28, a UKI since 2.0.30, zstd since 2.0.31;
    # kexec/arch/riscv came after 2.0.31
    known = _version(version)
    if machine.architecture is Architecture.RISCV64 and known and known < _RISCV_TOOLS:
        return f"kexec-tools {version} knows no riscv64, which came with 2.0.32"
    return None


def _version(text: str) -> tuple[int, ...] | None:
    return tuple(map(int, text.split("."))) if re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6}){1,5}", text) else None


@entry_check("TOOL-VERSION", requires=("IMG-FORMAT",))
def tool(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:
    """Check that kexec-tools supports this machine's architecture, if nothing else can load the entry.

    bootmenu loads arm64 and riscv64 kernels itself, and others with kexec_file_load where the running kernel has it.
    kexec-tools is used for the rest.

    warn: kexec-tools is missing or too old, and only bootmenu's own way is left. → Install kexec-tools as an
        alternative.
    fail: kexec-tools is missing or too old, and nothing else can load this entry. → Install kexec-tools, or a newer
        one; or use a first-stage kernel built with CONFIG_KEXEC=y.
    unknown: its version, or which calls the running kernel has, is not known. → Look at what kexec --version says.
    evidence: tools_version, containers, compression, method
    """
    image = entry.kernel.image if entry.kernel else None
    version, problem = machine.kexec.tools_version, tools_problem(machine)
    if image is None or machine.architecture is None:
        return
    evidence: dict[str, object] = {
        "tools_version": version,
        "containers": list(image.containers),
        "compression": str(image.compression),
        "method": entry.method,
    }
    other = other_way(machine, entry)
    if machine.kexec.kexec_load is False and machine.kexec.kexec_file_load is False:
        hint = "Use a first-stage kernel built with CONFIG_KEXEC=y: without it, kexec-tools cannot load one either."
    elif version is not None:
        hint = "Use a newer kexec-tools."
    else:
        alone = other is False or entry.method == "kexec_tools"
        hint = "Install kexec-tools." if alone else "Install kexec-tools as an alternative."
    if problem is None and machine.architecture is Architecture.RISCV64 and not _version(version or ""):
        if other and entry.method != "kexec_tools":
            yield passed("kexec-tools is not needed, and need not know this machine.", **evidence)
        else:
            yield unknown(
                f"Whether this kexec-tools ({version}) knows riscv64, which came with 2.0.32, is not known.",
                "Look at what kexec --version says.",
                **evidence,
            )
    elif problem is None:
        packed = image.containers or image.compression is not Compression.NONE
        yield passed(
            f"kexec-tools {version} is handed a raw kernel"
            + (", unpacked here: it need not know the file's format." if packed else "."),
            **evidence,
        )
    elif entry.method == "kexec_tools" or other is False:
        yield failed(f"{problem}, and nothing else can load this entry here.", hint, **evidence)
    elif other is None:
        yield unknown(
            f"{problem}, and whether the running kernel has another call that can load this entry is not known.",
            hint,
            **evidence,
        )
    elif machine.architecture is Architecture.ARM64:
        yield warned(
            f"{problem}: only bootmenu's own way of loading is left, where it has one for this machine.",
            hint,
            **evidence,
        )
    elif machine.architecture is Architecture.RISCV64 and machine.kexec.kexec_load:
        yield passed(f"bootmenu loads this kernel itself: {problem}.", **evidence)
    else:
        yield passed(f"kexec_file_load is there, and is enough: {problem}.", **evidence)


def other_way(machine: MachineFacts, entry: EntryFacts) -> bool | None:
    """Return whether anything other than kexec-tools can load the entry, or None if not known."""
    if machine.architecture is Architecture.ARM64:
        return True  # by the call kexec_load, with a layout of our own
    riscv = machine.architecture is Architecture.RISCV64
    if riscv and machine.kexec.kexec_load is not False:
        return machine.kexec.kexec_load
    if entry.wants_own_tree or (riscv and machine.kexec.file_image is False):
        return False
    return machine.kexec.kexec_file_load
