# SPDX-License-Identifier: MIT
"""The uncompressed vmlinux, an ELF file, and what other ELF files are. Only arm64's can be taken apart here.

Its segments, one after the other as they lie in memory, are the raw Image (arch/arm64/boot/Makefile: objcopy -O
binary), header and all. Where they lie in the file in the same way, the Image is a part of the file.
"""

from __future__ import annotations

import io
from typing import NamedTuple

from bootmenu.errors import FormatError
from bootmenu.formats.kernels import FORMATS, BrokenContainer, UnsupportedKernel, identify_part
from bootmenu.formats.reader import ByteSource
from bootmenu.model.kernel import Architecture, KernelImage
from bootmenu.model.value import replace

NAME = "elf"
MAGIC = b"\x7fELF"
_LOOKS_LIKE = "an uncompressed kernel (ELF vmlinux)"
_MACHINES = {
    3: Architecture.X86,
    8: Architecture.MIPS,
    21: Architecture.PPC64,
    22: Architecture.S390X,
    40: Architecture.ARM,
    62: Architecture.X86_64,
    183: Architecture.ARM64,
    243: Architecture.RISCV64,
    258: Architecture.LOONGARCH64,
}
_RELOCATABLE, _CORE = 1, 4  # ET_REL, ET_CORE
_LOAD, _DYNAMIC, _INTERPRETER = 1, 2, 3  # PT_LOAD, PT_DYNAMIC, PT_INTERP
_MAX_SEGMENTS = 64
_TAIL = 64 * 1024


class _Segment(NamedTuple):
    kind: int
    offset: int
    size: int
    virtual: int
    physical: int


@FORMATS.register(NAME, after="uimage")
def probe(head: bytes, source: ByteSource) -> KernelImage | None:
    """Recognised by the magic; a kernel by where its segments want to lie, or by the header of the Image in it."""
    if head[:4] != MAGIC:
        return None
    architecture = architecture_of(head)
    kind, segments = _read(head, source)
    if kind == _RELOCATABLE:
        tail = source.read(max(0, source.size - _TAIL), _TAIL)
        module = b"\0.modinfo\0" in tail or tail.endswith(b"~Module signature appended~\n")
        raise UnsupportedKernel("a kernel module" if module else "an object file, before it is linked", architecture)
    if kind == _CORE:
        raise UnsupportedKernel("a memory dump (ELF core)", architecture)
    kinds = {segment.kind for segment in segments}
    loaded = sorted((row for row in segments if row.kind == _LOAD and row.size), key=lambda row: row.physical)
    top = 1 << (63 if head[4:5] == b"\2" else 31)
    in_kernel_space = any(segment.virtual & top for segment in loaded)
    if not in_kernel_space or _INTERPRETER in kinds:
        if _INTERPRETER in kinds:
            raise UnsupportedKernel("a program (ELF)", architecture)
        raise UnsupportedKernel("a program or library (ELF)" if _DYNAMIC in kinds else "an ELF file", architecture)
    end = max(segment.offset + segment.size for segment in loaded)
    if end > source.size:
        problem = f"it is cut off: its segments end at {end:,}, the file has {source.size:,} bytes"
        raise BrokenContainer(NAME, _LOOKS_LIKE, problem, architecture)
    first = loaded[0]
    if source.read(first.offset + 0x38, 4) != b"ARM\x64":
        raise UnsupportedKernel(_LOOKS_LIKE, architecture)
    if len({segment.offset - segment.physical for segment in loaded}) > 1:
        problem = "its segments lie apart in memory and not in the file: use the Image that was built with it"
        raise BrokenContainer(NAME, _LOOKS_LIKE, problem, architecture)
    try:
        image = identify_part(source, first.offset, end - first.offset, NAME)
    except FormatError as error:
        raise BrokenContainer(NAME, _LOOKS_LIKE, error.message, architecture) from None
    # there is no table of certificates in an ELF file, and the Image's is not looked at
    return replace(image, signed=None)


def architecture_of(head: bytes) -> Architecture | None:
    """Of an ELF file; None when it is none that this project knows."""
    return _MACHINES.get(int.from_bytes(head[18:20], "big" if head[5:6] == b"\2" else "little"))


def _read(head: bytes, source: ByteSource) -> tuple[int, list[_Segment]]:
    """(type, segments). Raises UnsupportedKernel when it is damaged."""
    from elftools.common.exceptions import ELFError
    from elftools.common.utils import struct_parse
    from elftools.elf.structs import ELFStructs

    try:
        if head[4:5] not in (b"\1", b"\2") or head[5:6] not in (b"\1", b"\2"):
            raise ValueError
        structs = ELFStructs(little_endian=head[5] == 1, elfclass=32 * head[4])
        structs.create_basic_structs()
        header = struct_parse(structs.Elf_Ehdr, io.BytesIO(head), 0)
        structs.create_advanced_structs()
        count, step = header["e_phnum"], header["e_phentsize"]
        if count > _MAX_SEGMENTS or (count and step < structs.Elf_Phdr.sizeof()):
            raise ValueError
        table = io.BytesIO(source.read(header["e_phoff"], count * step))
        rows = [struct_parse(structs.Elf_Phdr, table, number * step) for number in range(count)]
    except (ELFError, ValueError, KeyError, TypeError, AttributeError, OverflowError):
        raise UnsupportedKernel("a damaged ELF file", architecture_of(head)) from None
    kind = int.from_bytes(head[16:18], "little" if head[5] == 1 else "big")
    kinds = {"PT_LOAD": _LOAD, "PT_DYNAMIC": _DYNAMIC, "PT_INTERP": _INTERPRETER}
    return kind, [
        _Segment(kinds.get(row["p_type"], 0), row["p_offset"], row["p_filesz"], row["p_vaddr"], row["p_paddr"])
        for row in rows
    ]
