# SPDX-License-Identifier: MIT
"""One file per kernel format. A format is recognised by its content, never by its name."""

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
        self.message = English(problem)
        self.args = (problem,)


class KernelFormat(Protocol):
    """Returns None when the bytes are of another format; raises FormatError when they are of this one
    and broken, UnsupportedKernel when they are known and of no use here."""

    def __call__(self, head: bytes, source: ByteSource) -> KernelImage | None: ...


class Wanted(Value, kw_only=True):
    """Which kernel is meant, of a container that holds several."""

    board: tuple[str, ...] = ()
    """The machine's root `compatible`, most specific first; () = it is not known."""
    part: str = ""
    """As FileRef.part of an entry's kernel has it: a profile of a UKI (`@1`), a configuration of a FIT image; empty
    = the container's own choice."""
    cache: PartCache = field(default_factory=lambda: PartCache(), compare=False)
    """To be handed in again for every other part of the same file."""


class Container(Value):
    """A format of files that may hold several kernels; register its probe as `@Container`."""

    probe: Callable[[bytes, ByteSource, Wanted], KernelImage | None]


FORMATS: Registry[KernelFormat | Container] = Registry(__name__)

PARTS: Registry[Callable[[bytes, ByteSource], tuple[Embedded, ...] | None]] = Registry(__name__)
"""Per format of containers: every part of a file, whatever configuration of it uses it; None = another format."""


SMALL = 4 * 1024 * 1024
"""Bytes of a device tree or a text in a container that are read."""


class FilePart(Value):
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
"""Bytes of device trees in one file whose root is not found in their first bytes, and which are read whole."""
_MOST_TEXT = 1024 * 1024
"""Bytes of all texts in one file: 256 profiles with a command line each have a tenth."""
T = TypeVar("T")


class PartCache(Record, eq=False):
    """What is known of the parts of one file, so that each is unpacked and hashed once, however many entries name it.

    All of it together is bounded by the file's size: parts may overlap, and a file of 200 kB can have thousands.
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
        """Return what the container's own tables say; they are parsed once."""
        known = self._parsed.get(kind)
        if not isinstance(known, kind):
            self._parsed[kind] = known = parse()
        return known

    def kernel(self, source: ByteSource, part: Embedded, container: str) -> KernelImage:
        """Return the kernel in a part, as `kernel_in` does, but only look at each part once. Raise as that does."""
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
                if len(known.containers) > 1:  # which may have hashed all that is in it, twice
                    self._spend_hashed(source, 2 * part.size)
            self._kernels[key] = known
        if isinstance(known, FormatError):
            raise known.with_traceback(None)
        return known

    def digest(self, source: ByteSource, part: Embedded, algorithm: str) -> bytes:
        """Return the hash of a part's bytes as they are in the file. algorithm: `crc32`, or a name of hashlib.

        Raise FormatError where parts overlap so much that more than twice the file would be hashed, and OSError.
        """
        key = (algorithm, part.offset, part.size)
        if key not in self._digests:
            self._spend_hashed(source, part.size)
            self._digests[key] = _digest(algorithm, Window(source, part.offset, part.size))
        return self._digests[key]

    def board(self, source: ByteSource, part: Embedded) -> tuple[str, ...]:
        """Return `compatible` of a device tree; () when it cannot be read or is too large. Raise OSError."""
        key = (part.offset, part.size, part.compression)
        if key not in self._boards:
            try:
                self._boards[key] = self._board(source, part)
            except FormatError:
                self._boards[key] = ()
        return self._boards[key]

    def spend_text(self, size: int) -> None:
        """Take so many bytes of text, which are to be read next, off the limit. Raise FormatError at its end."""
        self._text += size
        if self._text > _MOST_TEXT:
            raise FormatError(f"its texts have more than {_MOST_TEXT:,} bytes together")

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
                raise FormatError("too many device trees have to be read whole")
        return read_head(tree).compatible

    def _spend_unpacked(self, source: ByteSource, size: int) -> None:
        # kernels pack to a third or a tenth
        self._unpacked += size
        if self._unpacked > max(CEILING, 10 * source.size):
            raise FormatError("its parts unpack to far more than kernels do")

    def _spend_hashed(self, source: ByteSource, size: int) -> None:
        self._hashed += size
        if self._hashed > 2 * source.size:
            raise FormatError("its parts overlap: more than twice its size would have to be hashed")


_HASHED = 256 * 1024
"""Bytes at a time: they stay in the processor's cache, and other threads get their turn in between."""


def _digest(algorithm: str, content: ByteSource) -> bytes:
    crc = 0
    # not against an enemy, who would write his own hash: against a damaged copy
    digest = hashlib.new("sha256" if algorithm == "crc32" else algorithm, usedforsecurity=False)
    for at in range(0, content.size, _HASHED):
        piece = content.read(at, _HASHED)
        if algorithm == "crc32":
            crc = zlib.crc32(piece, crc)
        else:
            digest.update(piece)
    return crc.to_bytes(4, "big") if algorithm == "crc32" else digest.digest()


def kernel_in(source: ByteSource, part: Embedded, container: str) -> KernelImage:
    """Return the kernel in a part of a file, packed or not, with its place in the whole file.

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
"""Formats of kernels themselves; the others are files around one."""


def identify(source: ByteSource, wanted: Wanted | None = None) -> KernelImage:
    """What kernel this is. Reads the first 64 KiB and what the format's own tables point at.

    Raises UnsupportedKernel, FormatError, OSError when the medium fails.
    """
    wanted = wanted or Wanted()
    head = source.read(0, HEAD_SIZE)
    for probe in FORMATS.values():
        image = probe.probe(head, source, wanted) if isinstance(probe, Container) else probe(head, source)
        if image is not None:
            if wanted.part and not isinstance(probe, Container):
                raise FormatError(f"it holds one kernel only, and {wanted.part} is wanted of it")
            return image
    raise UnsupportedKernel("an empty file" if not head else "data of no known kind")


def parts_of(source: ByteSource) -> dict[str, Embedded] | None:
    """Every part of a container by its name, of which the first counts; None = it is no container.

    Raises FormatError, OSError.
    """
    head = source.read(0, HEAD_SIZE)
    for parts in PARTS.values():
        found = parts(head, source)
        if found is not None:
            return {part.name: part for part in reversed(found)}
    return None


def part_among(parts: Mapping[str, Embedded] | None, name: str) -> Embedded:
    """One of `parts_of`, to be read as `content_of` reads it. Raises FormatError."""
    if parts is None:
        raise FormatError(f"it is no file of parts, and {name} is wanted of it")
    if name not in parts:
        raise FormatError(f"it has no part {name}")
    return parts[name]


def part_named(source: ByteSource, name: str) -> Embedded:
    """The part of that name of a container. Raises FormatError, OSError."""
    return part_among(parts_of(source), name)


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
