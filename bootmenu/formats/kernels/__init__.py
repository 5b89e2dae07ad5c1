# SPDX-License-Identifier: MIT
"""Identify kernel images: one module per format. A format is recognised by its content, never by its name."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar

from bootmenu.errors import FormatError
from bootmenu.formats.compression import CEILING, ChecksumError, has_checksum, unpack, unpack_head
from bootmenu.formats.dtb_head import quick_head, read_head
from bootmenu.formats.reader import Buffer, ByteSource, Window
from bootmenu.i18n import English
from bootmenu.model.kernel import Architecture, Compression, Embedded, KernelImage, Role
from bootmenu.model.value import Record, Value, field, replace
from bootmenu.registry import Registry

HEAD_SIZE = 64 * 1024
"""Bytes from the start of the file that every format is given: headers, section tables and boot stubs fit."""


class UnsupportedKernel(FormatError):  # noqa: N818 - the field's own words
    """Raised for a file that cannot be booted.

    looks_like: a description of what it seems to be. architecture: the one its header names, if any.
    """

    def __init__(self, looks_like: str, architecture: Architecture | None = None) -> None:
        super().__init__(f"this looks like {looks_like}")
        self.looks_like = looks_like
        self.architecture = architecture


class BrokenContainer(UnsupportedKernel):
    """Raised for a known container whose kernel cannot be read.

    container: the format's name. message: why.
    """

    def __init__(
        self, container: str, looks_like: str, problem: str, architecture: Architecture | None = None
    ) -> None:
        super().__init__(looks_like, architecture)
        self.container = container
        self.message = English(problem)
        self.args = (problem,)


class KernelFormat(Protocol):
    """A function that recognises one format.

    Return None if the file has another format. Raise FormatError if it has this format but is damaged, and
    UnsupportedKernel if it is recognised but cannot be booted."""

    def __call__(self, head: bytes, source: ByteSource) -> KernelImage | None: ...


class Wanted(Value, kw_only=True):
    """Which kernel to take from a container that holds several."""

    board: tuple[str, ...] = ()
    """The machine's root `compatible`, most specific first; () if unknown."""
    part: str = ""
    """FileRef.part of an entry's kernel: a profile of a UKI (`@1`) or a configuration of a FIT image; empty for the
    container's default."""
    cache: PartCache = field(default_factory=lambda: PartCache(), compare=False)
    """Pass the same one for every part of a file."""


class Container(Value):
    """A file format that may hold several kernels; register its probe as `@Container`."""

    probe: Callable[[bytes, ByteSource, Wanted], KernelImage | None]


FORMATS: Registry[KernelFormat | Container] = Registry(__name__)

PARTS: Registry[Callable[[bytes, ByteSource], tuple[Embedded, ...] | None]] = Registry(__name__)
"""For each container format, a function that returns all parts of a file, or None if it has another format."""


SMALL = 4 * 1024 * 1024
"""Largest device tree or text that is read from a container, in bytes."""


class FilePart(Value):
    """A byte range of a file that holds a kernel or another container."""

    source: ByteSource
    offset: int
    size: int

    def read(self, offset: int, length: int) -> bytes:
        """Return at most `length` bytes; never read beyond the part."""
        return Window(self.source, self.offset, self.size).read(offset, length)


_DEPTH = 2
"""Deepest nesting of containers: a UKI may hold a zboot kernel."""


def identify_part(source: ByteSource, offset: int, size: int, container: str) -> KernelImage:
    """Identify the kernel in `size` bytes at `offset`; offsets and sizes returned are those of the whole file.

    Raise UnsupportedKernel, FormatError, OSError.
    """
    depth, outer = 1, source
    while isinstance(outer, FilePart):
        depth, outer = depth + 1, outer.source
    if depth > _DEPTH:
        raise UnsupportedKernel("a file within a file within a file")
    inner = identify(FilePart(source, offset, size))
    return replace(
        inner,
        containers=(container, *inner.containers),
        payload_offset=offset + inner.payload_offset,
        payload_size=size if inner.payload_size is None else inner.payload_size,
        file_size=source.size,
    )


_MOST_TREES = 8 * 1024 * 1024
"""Bytes of device trees per file that may be read whole because their root is not near their start."""
_MOST_TEXT = 1024 * 1024
"""Bytes of all texts in one file: 256 profiles with a command line each need a tenth of it."""
T = TypeVar("T")


class PartCache(Record, eq=False):
    """Results for the parts of one file, so that each part is unpacked and hashed once for all entries.

    The total work is limited in proportion to the file's size, because parts may overlap: a file of 200 kB can have
    thousands.
    """

    _parsed: dict[type, object] = field(default_factory=dict)
    _kernels: dict[object, KernelImage | FormatError] = field(default_factory=dict)
    _boards: dict[object, tuple[str, ...]] = field(default_factory=dict)
    _digests: dict[object, bytes] = field(default_factory=dict)
    _hashed: int = 0
    _unpacked: int = 0
    _whole: int = 0
    _text: int = 0

    def parsed(self, kind: type[T], parse: Callable[[], T]) -> T:
        """Return the container's tables, parsed once."""
        known = self._parsed.get(kind)
        if not isinstance(known, kind):
            self._parsed[kind] = known = parse()
        return known

    def kernel(self, source: ByteSource, part: Embedded, container: str) -> KernelImage:
        """Return the result of `kernel_in`, computed once per part; raise what it raises."""
        key = (part.offset, part.size, part.compression)
        known = self._kernels.get(key)
        if known is None:
            self._spend_unpacked(source, HEAD_SIZE)
            try:
                known = kernel_in(source, part, container)
            except FormatError as error:
                known = error
            else:
                if known.content_read and known.compression is not Compression.NONE:
                    self._unpacked += known.content_size or 0
                if len(known.containers) > 1:  # the inner container may have hashed its whole content, twice
                    self._spend_hashed(source, 2 * part.size)
            self._kernels[key] = known
        if isinstance(known, FormatError):
            raise known.with_traceback(None)
        return known

    def digest(self, source: ByteSource, part: Embedded, algorithm: str) -> bytes:
        """Return the hash of a part's bytes, still packed. algorithm: `crc32`, or a name of hashlib.

        Raise FormatError if parts overlap so much that more than twice the file would be hashed; raise OSError.
        """
        key = (algorithm, part.offset, part.size)
        if key not in self._digests:
            self._spend_hashed(source, part.size)
            self._digests[key] = _digest(algorithm, Window(source, part.offset, part.size))
        return self._digests[key]

    def board(self, source: ByteSource, part: Embedded) -> tuple[str, ...]:
        """Return `compatible` of a device tree, or () if the tree is damaged or too large. Raise OSError."""
        key = (part.offset, part.size, part.compression)
        if key not in self._boards:
            try:
                self._boards[key] = self._board(source, part)
            except FormatError:
                self._boards[key] = ()
        return self._boards[key]

    def spend_text(self, size: int) -> None:
        """Count text that is about to be read. Raise FormatError if all texts together are too large."""
        self._text += size
        if self._text > _MOST_TEXT:
            raise FormatError(f"its texts are larger than {_MOST_TEXT:,} bytes in total")

    def _board(self, source: ByteSource, part: Embedded) -> tuple[str, ...]:
        tree: ByteSource = Window(source, part.offset, part.size)
        if part.compression is not Compression.NONE:
            self._spend_unpacked(source, SMALL)
            tree = Buffer(content_of(source, part))
            self._unpacked -= SMALL - tree.size
        head = quick_head(tree)
        if head is None:
            self._whole += tree.size
            if self._whole > _MOST_TREES:
                raise FormatError("too many of its device trees would have to be read whole")
        return read_head(tree).compatible

    def _spend_unpacked(self, source: ByteSource, size: int) -> None:
        # compression shrinks kernels to a third or a tenth
        self._unpacked += size
        if self._unpacked > max(CEILING, 10 * source.size):
            raise FormatError("its parts unpack to far more than kernels do")

    def _spend_hashed(self, source: ByteSource, size: int) -> None:
        self._hashed += size
        if self._hashed > 2 * source.size:
            raise FormatError("its parts overlap: more than twice its size would have to be hashed")


_HASHED = 256 * 1024
"""Bytes per chunk: small enough for the processor's cache, and for other threads to run in between."""


def _digest(algorithm: str, content: ByteSource) -> bytes:
    crc = 0
    # the hash detects damaged copies; it is no protection from attackers, who would replace it as well
    digest = hashlib.new("sha256" if algorithm == "crc32" else algorithm, usedforsecurity=False)
    for at in range(0, content.size, _HASHED):
        piece = content.read(at, _HASHED)
        if algorithm == "crc32":
            crc = zlib.crc32(piece, crc)
        else:
            digest.update(piece)
    return crc.to_bytes(4, "big") if algorithm == "crc32" else digest.digest()


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


RAW = ("arm64-image", "riscv-image", "bzimage")
"""Formats of bare kernels; all others are containers or compressed."""


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


def parts_of(source: ByteSource) -> dict[str, Embedded] | None:
    """Return all parts of a container by name (the first, if several share one), or None if it is no container.

    Raise FormatError, OSError.
    """
    head = source.read(0, HEAD_SIZE)
    for parts in PARTS.values():
        found = parts(head, source)
        if found is not None:
            return {part.name: part for part in reversed(found)}
    return None


def part_among(parts: Mapping[str, Embedded] | None, name: str) -> Embedded:
    """Return a part by name from the result of `parts_of`, to be read with `content_of`. Raise FormatError."""
    if parts is None:
        raise FormatError(f"it is not a container: there is no part {name}")
    if name not in parts:
        raise FormatError(f"it has no part {name}")
    return parts[name]


def part_named(source: ByteSource, name: str) -> Embedded:
    """Return the part of a container with that name. Raise FormatError, OSError."""
    return part_among(parts_of(source), name)


def content_of(source: ByteSource, part: Embedded) -> bytes:
    """Return the whole unpacked content of a part. Raise FormatError if it exceeds `SMALL` bytes; raise OSError."""
    content = b"".join(piece for piece, _ in unpack(Window(source, part.offset, part.size), part.compression, SMALL))
    if len(content) < part.size and part.compression is Compression.NONE:
        raise FormatError(f"the part {part.name} ends early")
    return content


def tree_for(image: KernelImage, board: tuple[str, ...]) -> Embedded | None:
    """Return the device tree that a container would boot this board with, or None if it has none for this board.

    A tree that names this board is preferred over one for any board, and a match with the board's most specific name
    over the others (U-Boot, boot/image-fit.c:fit_conf_find_compat). systemd's stub compares the most specific name
    only (src/boot/devicetree.c:devicetree_match).
    """
    trees = [part for part in image.embedded if part.role is Role.DEVICE_TREE]
    for name in board[:1] if "uki" in image.containers else board:
        for part in trees:
            if part.board and name in part.board:
                return part
    return next((part for part in trees if part.board is None), None)
