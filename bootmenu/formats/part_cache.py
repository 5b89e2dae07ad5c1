# SPDX-License-Identifier: MIT
"""Read the parts of one container file, each once, and no more of them than the file's size warrants."""

from __future__ import annotations

import zlib
from collections.abc import Callable

from bootmenu.errors import FormatError
from bootmenu.formats.compression import CEILING, unpack
from bootmenu.formats.dtb_head import quick_head, read_head
from bootmenu.formats.reader import HEAD_SIZE, Buffer, ByteSource, Window
from bootmenu.model.kernel import Compression, Embedded, KernelImage
from bootmenu.model.value import Record, field
from bootmenu.typed import TypeVar

SMALL = 4 * 1024 * 1024
"""Largest device tree or text that is read from a container, in bytes."""


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

    def kernel(self, source: ByteSource, part: Embedded, identify: Callable[[], KernelImage]) -> KernelImage:
        """Return the result of `identify` for a part, computed once; raise what it raises."""
        key = (part.offset, part.size, part.compression)
        known = self._kernels.get(key)
        if known is None:
            self._spend_unpacked(source, HEAD_SIZE)
            try:
                known = identify()
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
            self._digests[key] = digest_of(algorithm, Window(source, part.offset, part.size))
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


def content_of(source: ByteSource, part: Embedded) -> bytes:
    """Return the whole unpacked content of a part. Raise FormatError if it exceeds `SMALL` bytes; raise OSError."""
    content = b"".join(piece for piece, _ in unpack(Window(source, part.offset, part.size), part.compression, SMALL))
    if len(content) < part.size and part.compression is Compression.NONE:
        raise FormatError(f"the part {part.name} ends early")
    return content


_HASHED = 256 * 1024
"""Bytes per chunk: small enough for the processor's cache, and for other threads to run in between."""


def digest_of(algorithm: str, content: ByteSource) -> bytes:
    """Return the hash of a content. algorithm: `crc32`, or a name of hashlib. Raise OSError."""
    crc = 0
    # the hash detects damaged copies; it is no protection from attackers, who would replace it as well
    import hashlib  # few configurations demand a hash, and it takes long to import

    digest = hashlib.new("sha256" if algorithm == "crc32" else algorithm, usedforsecurity=False)
    for at in range(0, content.size, _HASHED):
        piece = content.read(at, _HASHED)
        if algorithm == "crc32":
            crc = zlib.crc32(piece, crc)
        else:
            digest.update(piece)
    return crc.to_bytes(4, "big") if algorithm == "crc32" else digest.digest()
