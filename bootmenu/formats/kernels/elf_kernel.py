# SPDX-License-Identifier: MIT
"""Identify the uncompressed vmlinux, an ELF file, and describe other ELF files. Only arm64's vmlinux can be booted.

Its segments in the order of their addresses are the raw Image with its header (arch/arm64/boot/Makefile: objcopy -O
binary). If the layout in the file is the same as in memory, the Image is a part of the file.
"""

from __future__ import annotations

from bootmenu.errors import FormatError
from bootmenu.formats.elf import MAGIC, elf_header, elf_segments
from bootmenu.formats.identify import identify_part
from bootmenu.formats.kernels import FORMATS, BrokenContainer, UnsupportedKernel
from bootmenu.formats.reader import ByteSource
from bootmenu.model.kernel import Architecture, KernelImage
from bootmenu.model.value import replace

NAME = "elf"
_LOOKS_LIKE = "an uncompressed kernel (ELF vmlinux)"
_MACHINES = {
    "EM_386": Architecture.X86,
    "EM_MIPS": Architecture.MIPS,
    "EM_PPC64": Architecture.PPC64,
    "EM_S390": Architecture.S390X,
    "EM_ARM": Architecture.ARM,
    "EM_X86_64": Architecture.X86_64,
    "EM_AARCH64": Architecture.ARM64,
    "EM_RISCV": Architecture.RISCV64,
    "EM_LOONGARCH": Architecture.LOONGARCH64,
}
_MAX_SEGMENTS = 64
_TAIL = 64 * 1024


@FORMATS.register(NAME, after="uimage")
def probe(head: bytes, source: ByteSource) -> KernelImage | None:
    """Identify the kernel in a vmlinux, which has segments in kernel space and the header of an Image."""
    if head[:4] != MAGIC:
        return None
    architecture = architecture_of(head)
    try:
        header, segments = elf_header(head), elf_segments(head, source, _MAX_SEGMENTS)
    except FormatError:
        raise UnsupportedKernel("a damaged ELF file", architecture) from None
    if header["e_type"] == "ET_REL":
        tail = source.read(max(0, source.size - _TAIL), _TAIL)
        module = b"\0.modinfo\0" in tail or tail.endswith(b"~Module signature appended~\n")
        raise UnsupportedKernel("a kernel module" if module else "an object file, before it is linked", architecture)
    if header["e_type"] == "ET_CORE":
        raise UnsupportedKernel("a memory dump (ELF core)", architecture)
    kinds = {segment["p_type"] for segment in segments}
    loaded = [segment for segment in segments if segment["p_type"] == "PT_LOAD" and segment["p_filesz"]]
    loaded.sort(key=lambda segment: int(segment["p_paddr"]))
    top = 1 << (63 if header["e_ident"]["EI_CLASS"] == "ELFCLASS64" else 31)
    in_kernel_space = any(segment["p_vaddr"] & top for segment in loaded)
    if not in_kernel_space or "PT_INTERP" in kinds:
        if "PT_INTERP" in kinds:
            raise UnsupportedKernel("a program (ELF)", architecture)
        raise UnsupportedKernel(
            "a program or library (ELF)" if "PT_DYNAMIC" in kinds else "an ELF file", architecture
        )
    end = max(segment["p_offset"] + segment["p_filesz"] for segment in loaded)
    if end > source.size:
        problem = f"it is truncated: its segments end at {end:,}, the file has {source.size:,} bytes"
        raise BrokenContainer(NAME, _LOOKS_LIKE, problem, architecture)
    begin = loaded[0]["p_offset"]
    if source.read(begin + 0x38, 4) != b"ARM\x64":
        raise UnsupportedKernel(_LOOKS_LIKE, architecture)
    if len({segment["p_offset"] - segment["p_paddr"] for segment in loaded}) > 1:
        problem = "its layout in memory differs from the file: use the Image that was built with it"
        raise BrokenContainer(NAME, _LOOKS_LIKE, problem, architecture)
    try:
        image = identify_part(source, begin, end - begin, NAME)
    except FormatError as error:
        raise BrokenContainer(NAME, _LOOKS_LIKE, error.message, architecture) from None
    # an ELF file has no certificate table, and that of the Image is not checked
    return replace(image, signed=None)


def architecture_of(head: bytes) -> Architecture | None:
    """Return the architecture of an ELF file with this head, or None if unknown."""
    try:
        return _MACHINES.get(elf_header(head)["e_machine"])
    except FormatError:
        return None
