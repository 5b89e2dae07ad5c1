# SPDX-License-Identifier: MIT
"""Kernels of other architectures than arm64, and the traps of tools and devices."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bootmenu.compat.checker import Says, entry_check, failed, machine_check, passed, unknown, warned
from bootmenu.compat.checks.kexec_support import loads_by_file
from bootmenu.compat.facts import EntryFacts
from bootmenu.model.entry import CommandLine
from bootmenu.model.kernel import Architecture, Compression
from bootmenu.model.machine import MachineFacts

_PROTOCOL = 0x020C
_LOADED_HIGH = 1
_XLF_KERNEL_64 = 1
_XLF_ABOVE_4G = 1 << 1
_XLF_5LEVEL = 1 << 5
_MODERN = "Use a 64-bit kernel of 3.8 or newer."


@entry_check("X86-BZIMAGE", order=250, requires=("IMG-FORMAT",))
def bzimage(machine: MachineFacts, entry: EntryFacts) -> Iterator[Says]:
    """kexec_file_load takes a bzImage of protocol 2.12 that may lie anywhere and enters in 64 bits, else ENOEXEC."""
    # arch/x86/kernel/kexec-bzimage64.c:bzImage64_probe, in its order; kexec-tools asks for the same of a 64-bit entry
    # (kexec/arch/x86_64/kexec-bzImage64.c:bzImage64_probe) and takes the others by their 32-bit one
    image = entry.kernel.image if entry.kernel else None
    if image is None or image.format != "bzimage":
        return
    fields = image.fields
    version, loadflags, xloadflags = (fields.get(name) for name in ("version", "loadflags", "xloadflags"))
    five = machine.five_level_paging
    file = entry.file("kernel")
    what = file.name if file else image.format
    options = CommandLine(machine.command_line or "")
    switched = {word for value in options.all("efi") for word in value.split(",")}
    runtime = options.get("noefi") is None and "noruntime" not in switched
    evidence: dict[str, object] = {
        **{name: f"{value:#x}" for name, value in fields.items()},
        "five_level_paging": five,
        "efi": machine.efi,
        "efi_bits": machine.efi_bits,
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
    elif not xloadflags & _XLF_ABOVE_4G and loads_by_file(machine, entry) is not False:
        yield failed(
            f"{what} cannot be loaded above 4 GB (XLF_CAN_BE_LOADED_ABOVE_4G is not set), and kexec_file_load takes "
            "nothing of that kind.",
            "Start it from the firmware's boot menu"
            + (", or load it by kexec-tools: --method kexec_tools." if machine.kexec.kexec_load else "."),
            **evidence,
        )
    elif not xloadflags & _XLF_ABOVE_4G:
        yield unknown(
            f"{what} cannot be loaded above 4 GB: kexec-tools uses its 32-bit entry, and whether it comes up that "
            "way is not known.",
            "Start it from the firmware's boot menu.",
            **evidence,
        )
    elif machine.efi_bits == 32 and runtime and loads_by_file(machine, entry) is not False:
        yield failed(
            "This machine's EFI firmware is of 32 bits, with which kexec_file_load takes no kernel.",
            "Start the first stage with efi=noruntime on its command line.",
            **evidence,
        )
    elif machine.efi and machine.efi_bits is None and runtime:
        yield unknown(
            "Whether this machine's EFI firmware is of 32 or 64 bits is not known; with 32 the kernel is refused.",
            "Is /sys mounted? /sys/firmware/efi/fw_platform_size says it.",
            **evidence,
        )
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
    file_image = machine.kexec.file_image
    evidence: dict[str, object] = {
        "image_size": image.image_size,
        "own_tree": entry.wants_own_tree,
        "running_tree": machine.tree is not None,
        "file_image": file_image,
    }
    if not image.image_size:
        yield failed("This Image does not say how much memory it takes.", "Use a kernel of 5.3 or newer.", **evidence)
    elif file_image is False and loads_by_file(machine, entry):
        # arch/riscv/kernel/kexec_image.c is of 6.16; kexec_elf.c says ENOEXEC
        yield failed(
            "The running kernel's kexec_file_load takes no RISC-V Image, only an ELF vmlinux.",
            "Use a first-stage kernel of 6.16 or newer, or kexec-tools of 2.0.32 or newer.",
            **evidence,
        )
    elif file_image is None and loads_by_file(machine, entry):
        yield unknown(
            "Whether the running kernel's kexec_file_load takes a RISC-V Image (since 6.16) is not known.",
            "Is /proc/kallsyms readable? Or load it by kexec-tools: --method kexec_tools.",
            **evidence,
        )
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


_RISCV_TOOLS = (2, 0, 32)


def tools_problem(machine: MachineFacts) -> str | None:
    """Return why kexec-tools cannot load here, in words; None = it can, or its version is not understood."""
    version = machine.kexec.tools_version
    if version is None:
        return "kexec-tools is not installed"
    # what it is handed is always unpacked before: by itself it reads a zboot since 2.0.28, a UKI since 2.0.30, zstd
    # since 2.0.31; kexec/arch/riscv came after 2.0.31
    known = _version(version)
    if machine.architecture is Architecture.RISCV64 and known and known < _RISCV_TOOLS:
        return f"kexec-tools {version} knows no riscv64, which came with 2.0.32"
    return None


def _version(text: str) -> tuple[int, ...] | None:
    return tuple(map(int, text.split("."))) if re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6}){1,5}", text) else None


@entry_check("TOOL-VERSION", order=605, requires=("IMG-FORMAT",))
def tool(machine: MachineFacts, entry: EntryFacts) -> Iterator[Says]:
    """kexec-tools loads where nothing else does, and has to know this machine's architecture."""
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
    hint = "Install kexec-tools, so that there is a second way." if version is None else "Use a newer kexec-tools."
    if problem is None and machine.architecture is Architecture.RISCV64 and not _version(version or ""):
        if other and entry.method != "kexec_tools":
            yield passed("kexec_file_load is there; kexec-tools need not know this machine.", **evidence)
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
    else:
        yield passed(f"kexec_file_load is there, and is enough: {problem}.", **evidence)


def other_way(machine: MachineFacts, entry: EntryFacts) -> bool | None:
    """Return whether something else than kexec-tools can load the entry; None = not known."""
    if machine.architecture is Architecture.ARM64:
        return True  # by the call kexec_load, with a layout of our own
    if entry.wants_own_tree or (machine.architecture is Architecture.RISCV64 and machine.kexec.file_image is False):
        return False
    return machine.kexec.kexec_file_load


@machine_check("DEV-DMA", order=90)
def troublesome_devices(machine: MachineFacts) -> Iterator[Says]:
    """Information: devices that kexec does not reset as a power cycle would, and whose drivers do not like that."""
    if machine.drivers:
        yield passed(
            f"kexec resets no devices; those of {', '.join(machine.drivers)} may need a cold start in the second "
            "system (a dark screen, no network).",
            drivers=list(machine.drivers),
        )
