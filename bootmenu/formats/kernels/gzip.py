# SPDX-License-Identifier: MIT
"""A kernel compressed with gzip, such as arm64's Image.gz."""

from __future__ import annotations

from bootmenu.formats.compression import GZIP_MAGIC
from bootmenu.formats.identify import identify_packed
from bootmenu.formats.kernels import FORMATS
from bootmenu.formats.reader import ByteSource
from bootmenu.model.kernel import Compression, KernelImage


@FORMATS.register("gzip", after="elf")
def probe(head: bytes, source: ByteSource) -> KernelImage | None:
    """Identify the kernel in a gzip file from its first 64 KiB.

    The whole stream is read only if its trailer contradicts the kernel's section table, or if the kernel has none:
    then only the checksum proves that the file is complete."""
    if head[:2] != GZIP_MAGIC:
        return None
    # RFC 1952: the last four bytes are the unpacked size modulo 2^32, little-endian
    size = int.from_bytes(source.read(source.size - 4, 4), "little")
    return identify_packed(source, Compression.GZIP, size)
