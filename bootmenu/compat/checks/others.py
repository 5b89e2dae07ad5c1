# SPDX-License-Identifier: MIT
"""Kernels of other architectures than arm64, and the traps of tools and devices."""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.compat.checker import Says, entry_check, failed, machine_check, passed, unknown, warned
from bootmenu.compat.facts import EntryFacts
from bootmenu.model.kernel import Architecture, Compression
from bootmenu.model.machine import MachineFacts

_PROTOCOL = 0x020C
_LOADED_HIGH = 1
_XLF_KERNEL_64 = 1
_XLF_5LEVEL = 1 << 5
_MODERN = "Use a 64-bit kernel of 3.8 or newer."


@entry_check("X86-BZIMAGE", order=250, requires=("IMG-FORMAT",))
def bzimage(machine: MachineFacts, entry: EntryFacts) -> Iterator[Says]:
    """kexec_file_load takes a bzImage of protocol 2.12 that is loaded high and enters in 64 bits."""
    # arch/x86/kernel/kexec-bzimage64.c:bzImage64_probe
    image = entry.kernel.image if entry.kernel else None
    if image is None or image.format != "bzimage":
        return
    fields = image.fields
    version, loadflags, xloadflags = (fields.get(name) for name in ("version", "loadflags", "xloadflags"))
    five = machine.five_level_paging
    evidence: dict[str, object] = {
        **{name: f"{value:#x}" for name, value in fields.items()},
        "five_level_paging": five,
    }
    if version is None or loadflags is None or xloadflags is None:
        yield unknown("The header of this bzImage was not read.", "Check the whole file.", **evidence)
    elif version < _PROTOCOL:
        shown = f"{version >> 8}.{version & 0xFF:02}"
        yield failed(f"This bzImage speaks boot protocol {shown}; 2.12 is needed.", _MODERN, **evidence)
    elif not loadflags & _LOADED_HIGH:
        yield failed("This is a zImage that wants to be loaded low, which kexec cannot do.", _MODERN, **evidence)
    elif not xloadflags & _XLF_KERNEL_64:
        yield failed("This bzImage has no 64-bit entry.", _MODERN, **evidence)
    elif not xloadflags & _XLF_5LEVEL and five:
        yield failed(
            "This machine uses five-level page tables, which this kernel cannot take over.",
            "Start the first stage with no5lvl on its command line, or use a newer kernel.",
            **evidence,
        )
    elif not xloadflags & _XLF_5LEVEL and five is None:
        yield unknown(
            "Whether this machine uses five-level page tables is not known; this kernel could not take them over.",
            "Look for la57 in /proc/cpuinfo.",
            **evidence,
        )
    else:
        yield passed("The bzImage can be entered in 64 bits.", **evidence)


@entry_check("RISCV-IMAGE", order=251, requires=("IMG-FORMAT",))
def riscv_image(machine: MachineFacts, entry: EntryFacts) -> Iterator[Says]:
    """A RISC-V Image says its size, and its kernel cannot start without a device tree."""
    image = entry.kernel.image if entry.kernel else None
    if image is None or image.format != "riscv-image":
        return
    evidence: dict[str, object] = {
        "image_size": image.image_size,
        "own_tree": entry.wants_own_tree,
        "running_tree": machine.tree is not None,
    }
    if not image.image_size:
        yield failed("This Image does not say how much memory it takes.", "Use a kernel of 5.3 or newer.", **evidence)
    elif not entry.wants_own_tree and machine.tree is None and machine.tree_problem:
        yield unknown(
            f"Whether there is a device tree to hand on is not known: {machine.tree_problem}.",
            "Run bootmenu as root, or name a device tree in the entry.",
            **evidence,
        )
    elif not entry.wants_own_tree and machine.tree is None:
        yield warned(
            "There is no device tree to hand on, and a RISC-V kernel needs one.",
            "Name a device tree in the entry.",
            **evidence,
        )
    else:
        yield passed("The Image says its size, and there is a device tree for it.", **evidence)


@entry_check("TOOL-DTB-IGNORED", order=600)
def tree_is_honoured(machine: MachineFacts, entry: EntryFacts) -> Iterator[Says]:
    """An entry's own device tree needs kexec_load: the other call hands on the running tree without a word."""
    if not entry.wants_own_tree:
        return
    evidence: dict[str, object] = {
        "kexec_load": machine.kexec.kexec_load,
        "kexec_file_load": machine.kexec.kexec_file_load,
    }
    if machine.kexec.kexec_load:
        yield passed("The entry's own device tree is handed on, by kexec_load.", **evidence)
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


@entry_check("TOOL-VERSION", order=605, requires=("IMG-FORMAT",))
def tool(machine: MachineFacts, entry: EntryFacts) -> Iterator[Says]:
    """Old versions of kexec-tools do not know every kernel format: what they get is always unpacked before."""
    # `kexec -c` reads a zboot since 2.0.28, a UKI since 2.0.30, zstd since 2.0.31
    image = entry.kernel.image if entry.kernel else None
    version = machine.kexec.tools_version
    if image is None or machine.architecture is not Architecture.ARM64:
        return
    evidence: dict[str, object] = {
        "tools_version": version,
        "containers": list(image.containers),
        "compression": str(image.compression),
    }
    if version is None:
        yield warned(
            "kexec-tools is not installed: only bootmenu's own way of loading is left, where it has one for this "
            "machine.",
            "Install kexec-tools, so that there is a second way.",
            **evidence,
        )
    else:
        packed = image.containers or image.compression is not Compression.NONE
        yield passed(
            f"kexec-tools {version} is handed a raw Image"
            + (", unpacked here: it need not know the file's format." if packed else "."),
            **evidence,
        )


@machine_check("DEV-DMA", order=90)
def troublesome_devices(machine: MachineFacts) -> Iterator[Says]:
    """Information: devices that kexec does not reset as a power cycle would, and whose drivers do not like that."""
    if machine.drivers:
        yield passed(
            f"kexec resets no devices; those of {', '.join(machine.drivers)} may need a cold start in the second "
            "system (a dark screen, no network).",
            drivers=list(machine.drivers),
        )
