# SPDX-License-Identifier: MIT
"""A kernel packed with gzip, such as arm64's Image.gz: a format around another one."""

from __future__ import annotations

import dataclasses

from bootmenu.errors import FormatError
from bootmenu.formats.compression import GZIP_MAGIC, gunzip, gunzip_head
from bootmenu.formats.kernels import FORMATS, HEAD_SIZE, UnsupportedKernel
from bootmenu.formats.reader import ByteSource
from bootmenu.model.kernel import Compression, KernelImage


@dataclasses.dataclass(frozen=True, slots=True)
class _Unpacked:
    """The start of the unpacked content with the size of all of it."""

    head: bytes
    size: int

    def read(self, offset: int, length: int) -> bytes:
        return self.head[offset : offset + length]


@FORMATS.register("gzip", order=80)
def probe(head: bytes, source: ByteSource) -> KernelImage | None:
    """Unpacks the first 64 KiB. The whole stream is read only when its trailer contradicts the kernel's
    own section table, or when the kernel has none: then its checksum is the only proof that all is there."""
    if head[:2] != GZIP_MAGIC:
        return None
    inner_head = gunzip_head(source, HEAD_SIZE)
    # RFC 1952: the last four bytes are the unpacked size modulo 2^32, little-endian
    size = int.from_bytes(source.read(source.size - 4, 4), "little")
    inner = _inner(_Unpacked(inner_head, size))
    if inner is None:
        raise UnsupportedKernel("gzip of something that is no kernel")
    packed = dataclasses.replace(inner, compression=Compression.GZIP, file_size=source.size)
    if inner.declared_end == size:
        return dataclasses.replace(packed, content_size=size, content_read=False)
    size = 0
    try:
        for piece, _ in gunzip(source):
            size += len(piece)
    except FormatError as error:
        return dataclasses.replace(packed, content_size=size, damage=error.message)
    return dataclasses.replace(packed, content_size=size, checksummed=True)


def _inner(unpacked: _Unpacked) -> KernelImage | None:
    for name, other in FORMATS.items():
        if name != "gzip":
            image = other(unpacked.head, unpacked)
            if image is not None:
                return image
    return None
