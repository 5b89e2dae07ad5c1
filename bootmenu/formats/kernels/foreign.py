# SPDX-License-Identifier: MIT
"""Recognise files that cannot be booted from here, to report what they are and for which architecture."""

from __future__ import annotations

import re

from bootmenu.formats.elf import MAGIC
from bootmenu.formats.kernels import FORMATS, UnsupportedKernel
from bootmenu.formats.kernels.elf_kernel import architecture_of
from bootmenu.formats.pe import MACHINES, PortableExecutable
from bootmenu.formats.reader import ByteSource
from bootmenu.model.kernel import Architecture, KernelImage
from bootmenu.model.regex import regex

_UIMAGE_ARCHITECTURES = {
    2: Architecture.ARM,
    3: Architecture.X86,
    5: Architecture.MIPS,
    22: Architecture.ARM64,
    24: Architecture.X86_64,
    26: Architecture.RISCV64,
}
_STREAMS = (
    (b"070701", "a cpio archive, perhaps an initramfs"),
    (b"hsqs", "a squashfs file system"),
    (b"#!", "a script"),
)


@FORMATS.register("foreign", last=True)
def probe(head: bytes, source: ByteSource) -> KernelImage | None:
    """Raise UnsupportedKernel if the kind of file is known; return None if not."""
    if head[0x24:0x28] == b"\x18\x28\x6f\x01":
        raise UnsupportedKernel("a 32-bit ARM zImage", Architecture.ARM)
    if head[:4] == MAGIC:
        raise UnsupportedKernel("an ELF file, perhaps an uncompressed vmlinux", architecture_of(head))
    if head[:4] == b"\x27\x05\x19\x56" and len(head) >= 64:
        raise UnsupportedKernel("a U-Boot legacy image (uImage)", _UIMAGE_ARCHITECTURES.get(head[29]))
    if head[:4] == b"\xd0\x0d\xfe\xed":
        raise UnsupportedKernel("a device tree or a FIT image")
    executable = PortableExecutable.from_head(head)
    if executable is not None:
        architecture = MACHINES.get(executable.machine)
        if head[4:8] == b"zimg":
            raise UnsupportedKernel("an EFI zboot kernel", architecture)
        if any(section.name == ".linux" for section in executable.sections):
            raise UnsupportedKernel("a unified kernel image (UKI)", architecture)
        # arch/loongarch/kernel/head.S: LINUX_PE_MAGIC
        if architecture is Architecture.LOONGARCH64 and head[0x38:0x3C] == b"\xcd\x23\x82\x81":
            raise UnsupportedKernel("a LoongArch kernel", architecture)
        name = _name(executable, source)
        raise UnsupportedKernel(
            f"an EFI program ({name}), not a kernel" if name else "an EFI program, not a kernel", architecture
        )
    for magic, name in _STREAMS:
        if head.startswith(magic):
            raise UnsupportedKernel(name)
    if head and not head.strip(b"\0"):
        raise UnsupportedKernel("nothing but zero bytes: a copy that was never completed")
    return None


def _name(executable: PortableExecutable, source: ByteSource) -> str:
    """Return the name that an EFI program gives itself, or an empty text."""
    for section in executable.sections:
        # systemd: "#### LoaderInfo: systemd-boot 252.39 ####"
        text = (
            source.read(section.offset, min(section.content_size, 1024))
            if section.name in (".sdmagic", ".sbat")
            else b""
        )
        words = _LOADER.search(text) or _COMPONENT.search(text)
        if words:
            return words[1].decode("ascii")
    return "grub" if any(section.name == "mods" for section in executable.sections) else ""


_LOADER = regex(rb"LoaderInfo: ([!-~]{1,40}(?: [!-~]{1,40})?) #")
_COMPONENT = regex(rb"^(?!sbat,)([!-+\--~]{1,40}),\d", re.MULTILINE)
"""https://github.com/rhboot/shim/blob/main/SBAT.md: component_name,component_generation,..."""
