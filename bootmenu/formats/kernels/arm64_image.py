# SPDX-License-Identifier: MIT
"""The raw arm64 Image: a 64-byte header (Documentation/arch/arm64/booting.rst), mostly also a PE/COFF one."""

from __future__ import annotations

from bootmenu.formats.kernels import FORMATS
from bootmenu.formats.pe import PortableExecutable
from bootmenu.formats.reader import ByteSource, Reader
from bootmenu.model.kernel import Architecture, ByteOrder, KernelImage

_MAGIC = b"ARM\x64"
_PAGE_SIZES = {1: 4096, 2: 16384, 3: 65536}


@FORMATS.register("arm64-image")
def probe(head: bytes, source: ByteSource) -> KernelImage | None:
    """Read the header of an arm64 Image, which has its magic at 0x38."""
    if head[0x38:0x3C] != _MAGIC or len(head) < 64:
        return None
    reader = Reader(head, "the Image header")
    flags = reader.u64le(0x18)
    image_size = reader.u64le(0x10)
    executable = PortableExecutable.from_head(head)
    return KernelImage(
        format="arm64-image",
        architecture=Architecture.ARM64,
        # "Bit 0: Kernel endianness. 1 if BE, 0 if LE."
        byte_order=ByteOrder.BIG if flags & 1 else ByteOrder.LITTLE,
        # "Bit 1-2: Kernel Page size. 0 - Unspecified. 1 - 4K, 2 - 16K, 3 - 64K"
        page_size=_PAGE_SIZES.get(flags >> 1 & 3),
        # "Where image_size is zero, text_offset can be assumed to be 0x80000."
        text_offset=reader.u64le(0x08) if image_size else 0x80000,
        image_size=image_size,
        # "Bit 3: Kernel physical placement. 1 - 2MB aligned base may be anywhere in physical memory"
        anywhere=bool(flags >> 3 & 1),
        file_size=source.size,
        content_size=source.size,
        declared_end=executable.end if executable else None,
        signed=executable.certificates[1] > 0 if executable else None,
    )
