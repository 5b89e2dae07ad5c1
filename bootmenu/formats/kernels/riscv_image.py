# SPDX-License-Identifier: MIT
"""The raw RISC-V Image: a 64-byte header like arm64's (Documentation/arch/riscv/boot-image-header.rst)."""

from __future__ import annotations

from bootmenu.formats.kernels import FORMATS
from bootmenu.formats.pe import PortableExecutable
from bootmenu.formats.reader import ByteSource, Reader
from bootmenu.model.kernel import Architecture, ByteOrder, KernelImage


@FORMATS.register("riscv-image", after="arm64-image")
def probe(head: bytes, source: ByteSource) -> KernelImage | None:
    """Read the header of a RISC-V Image, which has "RSC\\x05" at 0x38; the older magic at 0x30 is deprecated."""
    if head[0x38:0x3C] != b"RSC\x05" or len(head) < 64:
        return None
    reader = Reader(head, "the Image header")
    executable = PortableExecutable.from_head(head)
    return KernelImage(
        format="riscv-image",
        architecture=Architecture.RISCV64,
        byte_order=ByteOrder.BIG if reader.u64le(0x18) & 1 else ByteOrder.LITTLE,
        text_offset=reader.u64le(0x08),
        image_size=reader.u64le(0x10),
        file_size=source.size,
        content_size=source.size,
        declared_end=executable.end if executable else None,
        signed=executable.certificates[1] > 0 if executable else None,
        fields={"version": reader.u32le(0x20)},
    )
