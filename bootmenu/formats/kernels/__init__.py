# SPDX-License-Identifier: MIT
"""One file per kernel format. A format is recognised by its content, never by its name."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from bootmenu.errors import FormatError
from bootmenu.formats.compression import ChecksumError, has_checksum, unpack, unpack_head
from bootmenu.formats.reader import ByteSource, Window
from bootmenu.model.kernel import Architecture, Compression, Embedded, KernelImage, Role
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
        self.args = (problem,)


class KernelFormat(Protocol):
    """Returns None when the bytes are of another format; raises FormatError when they are of this one
    and broken, UnsupportedKernel when they are known and of no use here."""

    def __call__(self, head: bytes, source: ByteSource) -> KernelImage | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which kernel is meant, of a container that holds several."""

    board: tuple[str, ...] = ()
    """The machine's root `compatible`, most specific first; () = it is not known."""
    part: str = ""
    """As FileRef.part of an entry's kernel has it: a profile of a UKI (`@1`), a configuration of a FIT image; empty
    = the container's own choice."""


_ANY = Wanted()


@dataclass(frozen=True, slots=True)
class Container:
    """A format of files that may hold several kernels; register its probe as `@Container`."""

    probe: Callable[[bytes, ByteSource, Wanted], KernelImage | None]


FORMATS: Registry[KernelFormat | Container] = Registry(__name__)

PARTS: Registry[Callable[[bytes, ByteSource], tuple[Embedded, ...] | None]] = Registry(__name__)
"""Per format of containers: every part of a file, whatever configuration of it uses it; None = another format."""


SMALL = 4 * 1024 * 1024
"""Bytes of a device tree or a text in a container that are read."""


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
        inner = inner or (probe(head, _Unpacked(head, size)) if probe and not isinstance(probe, Container) else None)
    if inner is None:
        foreign = FORMATS.get("foreign")
        if foreign is not None and not isinstance(foreign, Container):
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


def identify(source: ByteSource, wanted: Wanted = _ANY) -> KernelImage:
    """What kernel this is. Reads the first 64 KiB and what the format's own tables point at.

    Raises UnsupportedKernel, FormatError, OSError when the medium fails.
    """
    head = source.read(0, HEAD_SIZE)
    for probe in FORMATS.values():
        image = probe.probe(head, source, wanted) if isinstance(probe, Container) else probe(head, source)
        if image is not None:
            if wanted.part and not isinstance(probe, Container):
                raise FormatError(f"it holds one kernel only, and {wanted.part} is wanted of it")
            return image
    raise UnsupportedKernel("an empty file" if not head else "data of no known kind")


def part_named(source: ByteSource, name: str) -> Embedded:
    """The part of that name of a container, to be read as `content_of` reads it. Raises FormatError, OSError."""
    head = source.read(0, HEAD_SIZE)
    for parts in PARTS.values():
        found = parts(head, source)
        if found is not None:
            part = next((part for part in found if part.name == name), None)
            if part is None:
                raise FormatError(f"it has no part {name}")
            return part
    raise FormatError(f"it is no file of parts, and {name} is wanted of it")


def content_of(source: ByteSource, part: Embedded) -> bytes:
    """All of a small part, unpacked; at most `SMALL` bytes. Raises FormatError, OSError."""
    content = b"".join(piece for piece, _ in unpack(Window(source, part.offset, part.size), part.compression, SMALL))
    if len(content) < part.size and part.compression is Compression.NONE:
        raise FormatError(f"the part {part.name} ends early")
    return content


def tree_for(image: KernelImage, board: tuple[str, ...]) -> Embedded | None:
    """The device tree that a container would boot this board with; None = it has none for it.

    One that names its boards and this one wins over one that is for any board, and the most specific name of this
    board over the others (U-Boot, boot/image-fit.c:fit_conf_find_compat). systemd's stub looks at the most specific
    name only (src/boot/devicetree.c:devicetree_match).
    """
    trees = [part for part in image.embedded if part.role is Role.DEVICE_TREE]
    for name in board[:1] if "uki" in image.containers else board:
        for part in trees:
            if part.board and name in part.board:
                return part
    return next((part for part in trees if part.board is None), None)
