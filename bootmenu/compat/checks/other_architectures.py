# SPDX-License-Identifier: MIT
"""Check that a kernel for x86 or RISC-V can be started on this machine."""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.compat.checker import CheckResult, entry_check, failed, passed, unknown, warned
from bootmenu.compat.checks.lockdown import loads_by_file
from bootmenu.compat.facts import EntryFacts
from bootmenu.model.entry import CommandLine
from bootmenu.model.machine import MachineFacts

_PROTOCOL = 0x020C
_LOADED_HIGH = 1
_XLF_KERNEL_64 = 1
_XLF_ABOVE_4G = 1 << 1
_XLF_5LEVEL = 1 << 5
_MODERN = "Use a 64-bit kernel of 3.8 or newer."


@entry_check("X86-BZIMAGE", after="SYS-SIG", requires=("IMG-FORMAT",))
def bzimage(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:
    """Check that a bzImage is relocatable and has a 64-bit entry (protocol 2.12), as kexec_file_load requires.

    A PC's kernel file says how it may be entered. kexec_file_load uses the 64-bit entry, above 4 GB if it has to,
    and kernels that are old or of 32 bits lack it.

    fail: the kernel cannot be entered that way, or not with this machine's firmware or page tables. → Use a 64-bit
        kernel of 3.8 or newer, start the first stage as the hint says, or start the kernel from the firmware's boot
        menu.
    unknown: the header was not read, or a property of this machine that matters is not known. → Check the whole
        file; mount /sys and /proc.
    evidence: version, loadflags and xloadflags, from the bzImage's header; five_level_paging, efi, efi_bits
    """
    # the tests of arch/x86/kernel/kexec-bzimage64.c:bzImage64_probe, in its order; kexec-tools makes the same ones
    # (kexec/arch/x86_64/kexec-bzImage64.c:bzImage64_probe), and enters other kernels at their 32-bit entry
    image = entry.kernel.image if entry.kernel else None
    if image is None or image.format != "bzimage":
        return
    fields = image.fields
    version, loadflags, xloadflags = (fields.get(name) for name in ("version", "loadflags", "xloadflags"))
    five = machine.five_level_paging
    file = entry.file("kernel")
    what = file.name if file else image.format
    by_file = loads_by_file(machine, entry)
    runtime = _calls_efi(machine)
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
        yield failed(f"This bzImage uses boot protocol {shown}; 2.12 is needed.", _MODERN, **evidence)
    elif not loadflags & _LOADED_HIGH:
        yield failed("This is a zImage, which has to be loaded low; kexec cannot do that.", _MODERN, **evidence)
    elif not xloadflags & _XLF_KERNEL_64:
        yield failed("This bzImage has no 64-bit entry.", _MODERN, **evidence)
    elif not xloadflags & _XLF_ABOVE_4G and by_file:
        yield failed(
            f"{what} cannot be loaded above 4 GB (XLF_CAN_BE_LOADED_ABOVE_4G is not set), as kexec_file_load "
            "requires.",
            "Start it from the firmware's boot menu"
            + (", or load it by kexec-tools: --method kexec_tools." if machine.kexec.kexec_load else "."),
            **evidence,
        )
    elif not xloadflags & _XLF_ABOVE_4G:
        yield unknown(
            f"{what} cannot be loaded above 4 GB: kexec_file_load refuses it, kexec-tools uses its 32-bit entry, and "
            "whether it comes up that way is not known.",
            "Start it from the firmware's boot menu.",
            **evidence,
        )
    elif machine.efi_bits == 32 and runtime and by_file is None:
        yield unknown(
            "This machine has 32-bit EFI firmware, with which kexec_file_load refuses every kernel; which call would "
            "load this one is not known.",
            "Load it by kexec-tools: --method kexec_tools.",
            **evidence,
        )
    elif machine.efi_bits == 32 and runtime and by_file:
        yield failed(
            "This machine has 32-bit EFI firmware, with which kexec_file_load refuses every kernel.",
            "Start the first stage with efi=noruntime on its kernel command line.",
            **evidence,
        )
    elif machine.efi and machine.efi_bits is None and runtime:
        yield unknown(
            "Whether this machine's EFI firmware is of 32 or 64 bits is not known; with 32 the kernel is refused.",
            "Is /sys mounted? /sys/firmware/efi/fw_platform_size shows it.",
            **evidence,
        )
    elif not xloadflags & _XLF_5LEVEL and five:
        yield failed(
            "This machine uses five-level page tables, which this kernel cannot take over.",
            "Start the first stage with no5lvl on its kernel command line, or use a newer kernel.",
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


def _calls_efi(machine: MachineFacts) -> bool:
    """Return whether the running kernel calls EFI's runtime services, unless it was built not to."""
    options = CommandLine(machine.command_line or "")
    return options.get("noefi") is None and "noruntime" not in ",".join(options.all("efi")).split(",")


@entry_check("X86-EFI", requires=("IMG-FORMAT", "IMG-ARCH"))
def efi_services(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:
    """Check that the next kernel is told of EFI: only a first stage that calls EFI's services hands them on.

    A PC's kernel learns from the one before it where EFI's services are. With them it sets boot entries and the
    firmware's variables, and installs firmware updates.

    warn: the first stage does not call them, so that the next kernel runs as if there was no EFI. → Start the first
        stage without noefi and efi=noruntime on its kernel command line.
    unknown: whether EFI started this machine, or the first stage's kernel command line, could not be read. → Mount
        /sys and /proc.
    evidence: efi: whether EFI started this machine; running: the first stage's kernel command line
    """
    # arch/x86/kernel/kexec-bzimage64.c:setup_efi_state: "if (!efi_enabled(EFI_RUNTIME_SERVICES)) return 0";
    # kexec-tools reads the same from /sys/firmware/efi/runtime-map
    image = entry.kernel.image if entry.kernel else None
    if image is None or image.format != "bzimage" or machine.efi is False:
        return
    evidence: dict[str, object] = {"efi": machine.efi, "running": machine.command_line}
    if machine.efi is None or machine.command_line is None:
        yield unknown(
            "Whether the next kernel will be told of EFI's services could not be found out.",
            "Are /sys and /proc mounted?",
            **evidence,
        )
    elif _calls_efi(machine):
        yield passed("The next kernel is told where EFI's services are.", **evidence)
    else:
        yield warned(
            "The first stage does not call EFI's services, so the next kernel runs as if there was no EFI: it sets "
            "no boot entries and installs no firmware.",
            "Start the first stage without noefi and efi=noruntime on its kernel command line.",
            **evidence,
        )


@entry_check("RISCV-IMAGE", requires=("IMG-FORMAT",))
def riscv_image(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:
    """Check that a RISC-V Image says its size, and that there is a device tree for its kernel.

    A RISC-V kernel has to be told about its machine by a device tree, and its loader how much memory it takes.

    warn: there is no device tree to pass on. → Name one in the entry.
    fail: the Image does not say its size, or the running kernel loads no Image. → Use a kernel of 5.3 or newer. For
        the running kernel: one with CONFIG_KEXEC=y, or of 6.16 or newer.
    unknown: the running kernel's abilities or its device tree could not be read, or no method of loading was chosen.
        → Run bootmenu as root, or use --method kexec_load.
    evidence: image_size, in bytes; own_tree, running_tree: whether there is one; file_image: whether kexec_file_load
        takes an Image
    """
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
        # arch/riscv/kernel/kexec_image.c exists since 6.16; before, kexec_elf.c returns ENOEXEC
        yield failed(
            "The running kernel's kexec_file_load takes no RISC-V Image, only an ELF vmlinux.",
            "Use a first-stage kernel with CONFIG_KEXEC=y, or of 6.16 or newer.",
            **evidence,
        )
    elif file_image is None and loads_by_file(machine, entry) and machine.kexec.kexec_file_load is not False:
        yield unknown(
            "Whether the running kernel's kexec_file_load takes a RISC-V Image (since 6.16) is not known.",
            "Is /proc/kallsyms readable? Or load it by another call: --method kexec_load.",
            **evidence,
        )
    elif not entry.wants_own_tree and machine.tree is None and machine.tree_problem:
        yield unknown(
            f"Whether there is a device tree to pass on is not known: {machine.tree_problem}.",
            "Run bootmenu as root, or name a device tree in the entry.",
            **evidence,
        )
    elif not entry.wants_own_tree and machine.tree is None:
        yield warned(
            "There is no device tree to pass on, and a RISC-V kernel needs one.",
            "Name a device tree in the entry.",
            **evidence,
        )
    elif entry.method is None and not file_image:
        yield unknown(
            "Which call would load this Image is not known, nor whether kexec_file_load takes one (since 6.16).",
            "Load it by the call kexec_load: --method kexec_load.",
            **evidence,
        )
    else:
        yield passed("The Image says its size, and there is a device tree for it.", **evidence)
