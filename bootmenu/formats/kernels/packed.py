# SPDX-License-Identifier: MIT
"""A kernel compressed with xz, zstd, lz4, bzip2 or lzma. No trailer gives its size, so the whole file is read."""

from __future__ import annotations

from bootmenu.formats.compression import MAGICS
from bootmenu.formats.identify import identify_packed
from bootmenu.formats.kernels import FORMATS
from bootmenu.formats.reader import ByteSource
from bootmenu.model.kernel import KernelImage


@FORMATS.register("packed", after="gzip")
def probe(head: bytes, source: ByteSource) -> KernelImage | None:
    """Identify the kernel in a compressed file, which is recognised by the stream's magic."""
    compression = next((kind for magic, kind in MAGICS if head.startswith(magic)), None)
    if compression is None:
        return None
    return identify_packed(source, compression, None)
