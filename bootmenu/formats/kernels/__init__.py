# SPDX-License-Identifier: MIT
"""One file per kernel format. A format is recognised by its content, never by its name."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Protocol

from bootmenu.errors import FormatError
from bootmenu.formats.compression import ChecksumError, has_checksum, unpack, unpack_head
from bootmenu.formats.reader import ByteSource, Window
from bootmenu.model.kernel import Architecture, Compression, KernelImage
from bootmenu.registry import Registry

HEAD_SIZE = 64 * 1024
"""Bytes that every format gets to look at first: headers, section tables and boot stubs fit."""


class UnsupportedKernel(FormatError):  # noqa: N818 - the field's own words
    """The file was looked at and is nothing that can be started.

    looks_like: what it seems to be, for people. architecture: what it says it is for, when it says so.
    """

    def __init__(self, looks_like: str, architecture: Architecture | None = None) -> None:
        super().__init__(f"this looks like {looks_like}")
        self.looks_like = looks_like
        self.architecture = architecture


class BrokenContainer(UnsupportedKernel):
    """A known file around a kernel, from which the kernel cannot be had.

    container: the format's name. message: why.
    """

    def __init__(
        self, container: str, looks_like: str, problem: str, architecture: Architecture | None = None
    ) -> None:
        super().__init__(looks_like, architecture)
        self.container = container
        self.message = problem


class KernelFormat(Protocol):
    """Returns None when the bytes are of another format; raises FormatError when they are of this one
    and broken, UnsupportedKernel when they are known and of no use here."""

    def __call__(self, head: bytes, source: ByteSource) -> KernelImage | None: ...


FORMATS: Registry[KernelFormat] = Registry(__name__)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a file that holds a kernel, or a file around one."""

    source: ByteSource
    offset: int
    size: int

    def read(self, offset: int, length: int) -> bytes:
        """Never beyond the part."""
        return Window(self.source, self.offset, self.size).read(offset, length)


_DEPTH = 2
"""Files around files that are looked into: a UKI may hold a zboot kernel."""


def identify_part(source: ByteSource, offset: int, size: int, container: str) -> KernelImage:
    """The kernel in `size` bytes of a file from `offset` on, told as one of the whole file.

    Raises UnsupportedKernel, FormatError, OSError.
    """
    depth, outer = 1, source
    while isinstance(outer, Part):
        depth, outer = depth + 1, outer.source
    if depth > _DEPTH:
        raise UnsupportedKernel("a file within a file within a file")
    inner = identify(Part(source, offset, size))
    return dataclasses.replace(
        inner,
        containers=(container, *inner.containers),
        payload_offset=offset + inner.payload_offset,
        payload_size=size if inner.payload_size is None else inner.payload_size,
        file_size=source.size,
    )


@dataclass(frozen=True, slots=True)
class _Unpacked:
    """The start of the unpacked content with the size of all of it."""

    head: bytes
    size: int

    def read(self, offset: int, length: int) -> bytes:
        return self.head[offset : offset + length] if offset >= 0 else b""


def identify_packed(source: ByteSource, compression: Compression, claimed_size: int | None) -> KernelImage:
    """The kernel that `source` packs: its first 64 KiB say which.

    claimed_size: bytes that a trailer says it unpacks to. The whole is read only when that contradicts the kernel's
    own section table, or when there is nothing to compare. Raises UnsupportedKernel, FormatError, OSError.
    """
    head = unpack_head(source, compression, HEAD_SIZE)
    size = len(head) if claimed_size is None else claimed_size
    inner = None
    for name in RAW:
        probe = FORMATS.get(name)
        inner = inner or (probe(head, _Unpacked(head, size)) if probe else None)
    if inner is None:
        foreign = FORMATS.get("foreign")
        if foreign is not None:
            foreign(head, _Unpacked(head, size))
        raise UnsupportedKernel(f"{compression} of something that is no kernel")
    packed = dataclasses.replace(inner, compression=compression, file_size=source.size)
    if inner.declared_end is not None and inner.declared_end == claimed_size:
        return dataclasses.replace(packed, content_size=size, content_read=False)
    size = 0
    try:
        for piece, _ in unpack(source, compression):
            size += len(piece)
    except ChecksumError as error:
        return dataclasses.replace(packed, content_size=size, checksum_problem=error.message)
    except FormatError as error:
        return dataclasses.replace(packed, content_size=size, damage=error.message)
    whole = has_checksum(compression, source.read(0, 16))
    return dataclasses.replace(packed, content_size=size, checksummed=whole)


RAW = ("arm64-image", "riscv-image", "bzimage")
"""Formats of kernels themselves; the others are files around one."""


def identify(source: ByteSource) -> KernelImage:
    """What kernel this is. Reads the first 64 KiB and what the format's own tables point at.

    Raises UnsupportedKernel, FormatError, OSError when the medium fails.
    """
    head = source.read(0, HEAD_SIZE)
    for probe in FORMATS.values():
        image = probe(head, source)
        if image is not None:
            return image
    raise UnsupportedKernel("an empty file" if not head else "data of no known kind")
