# SPDX-License-Identifier: MIT
"""Identify the kernel in a file, through every container and compression around it."""

from __future__ import annotations

from bootmenu.errors import FormatError
from bootmenu.formats.compression import ChecksumError, has_checksum, unpack, unpack_head
from bootmenu.formats.kernels import FORMATS, Container, UnsupportedKernel, Wanted
from bootmenu.formats.reader import HEAD_SIZE, ByteSource, Window
from bootmenu.model.kernel import Compression, Embedded, KernelImage
from bootmenu.model.value import Value, replace

RAW = ("arm64-image", "riscv-image", "bzimage")
"""Formats of bare kernels; all others are containers or compressed."""

_DEPTH = 2
"""Deepest nesting of containers: a UKI may hold a zboot kernel."""


def identify(source: ByteSource, wanted: Wanted | None = None) -> KernelImage:
    """Identify a kernel from the file's first 64 KiB and from what its tables refer to.

    Raise UnsupportedKernel, FormatError, or OSError if the medium fails.
    """
    wanted = wanted or Wanted()
    head = source.read(0, HEAD_SIZE)
    for probe in FORMATS.values():
        image = probe.probe(head, source, wanted) if isinstance(probe, Container) else probe(head, source)
        if image is not None:
            if wanted.part and not isinstance(probe, Container):
                raise FormatError(f"it holds a single kernel: there is no part {wanted.part}")
            return image
    raise UnsupportedKernel("an empty file" if not head else "an unknown format")


class FilePart(Value):
    """A byte range of a file that holds a kernel or another container."""

    source: ByteSource
    offset: int
    size: int

    def read(self, offset: int, length: int) -> bytes:
        """Return at most `length` bytes; never read beyond the part."""
        return Window(self.source, self.offset, self.size).read(offset, length)


def identify_part(
    source: ByteSource, offset: int, size: int, container: str, wanted: Wanted | None = None
) -> KernelImage:
    """Identify the kernel in `size` bytes at `offset`; offsets and sizes returned are those of the whole file.

    Raise UnsupportedKernel, FormatError, OSError.
    """
    depth, outer = 1, source
    while isinstance(outer, FilePart):
        depth, outer = depth + 1, outer.source
    if depth > _DEPTH:
        raise UnsupportedKernel("a file within a file within a file")
    inner = identify(FilePart(source, offset, size), wanted)
    return replace(
        inner,
        containers=(container, *inner.containers),
        payload_offset=offset + inner.payload_offset,
        payload_size=size if inner.payload_size is None else inner.payload_size,
        file_size=source.size,
    )


def kernel_in(source: ByteSource, part: Embedded, container: str) -> KernelImage:
    """Identify the kernel in a part of a file, packed or not; offsets are those of the whole file.

    Raise UnsupportedKernel, FormatError, OSError.
    """
    if part.compression is Compression.NONE:
        return identify_part(source, part.offset, part.size, container)
    return replace(
        identify_packed(Window(source, part.offset, part.size), part.compression, None),
        containers=(container,),
        payload_offset=part.offset,
        payload_size=part.size,
        file_size=source.size,
    )


class _Unpacked(Value):
    """The start of the unpacked content, and the size of all of it."""

    head: bytes
    size: int

    def read(self, offset: int, length: int) -> bytes:
        return self.head[offset : offset + length] if offset >= 0 else b""


def identify_packed(source: ByteSource, compression: Compression, claimed_size: int | None) -> KernelImage:
    """Identify a compressed kernel from its first 64 KiB.

    claimed_size: unpacked size in bytes according to a trailer, or None. The whole stream is unpacked only if that
    differs from the size in the kernel's section table, or if one of them is missing. Raise UnsupportedKernel,
    FormatError, OSError.
    """
    head = unpack_head(source, compression, HEAD_SIZE)
    size = len(head) if claimed_size is None else claimed_size
    inner = None
    for name in RAW:
        probe = FORMATS.get(name)
        inner = inner or (probe(head, _Unpacked(head, size)) if probe and not isinstance(probe, Container) else None)
    if inner is None:
        foreign = FORMATS.get("foreign")
        if foreign is not None and not isinstance(foreign, Container):
            foreign(head, _Unpacked(head, size))
        raise UnsupportedKernel(f"a {compression} file without a kernel")
    packed = replace(inner, compression=compression, file_size=source.size)
    if inner.declared_end is not None and inner.declared_end == claimed_size:
        return replace(packed, content_size=size, content_read=False)
    size = 0
    try:
        for piece, _ in unpack(source, compression):
            size += len(piece)
    except ChecksumError as error:
        return replace(packed, content_size=size, checksum_problem=error.message)
    except FormatError as error:
        return replace(packed, content_size=size, damage=error.message)
    whole = has_checksum(compression, source.read(0, 16))
    return replace(packed, content_size=size, checksummed=whole)
