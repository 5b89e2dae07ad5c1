# SPDX-License-Identifier: MIT
"""Inspect an initramfs: cpio archives, plain or packed, one after the other.

Documentation/driver-api/early-userspace/buffer-format.rst: any number of archives, each at a multiple of four
bytes, zeros between them; an uncompressed one (early microcode, for instance) may precede a packed one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bootmenu.errors import FormatError
from bootmenu.formats.compression import MissingModule, unpack
from bootmenu.formats.cpio_header import CPIO_HEADER, CPIO_MAGICS, CPIO_TRAILER, CpioHeader
from bootmenu.formats.reader import ByteSource, Window
from bootmenu.model.kernel import Compression
from bootmenu.model.regex import regex
from bootmenu.model.value import Record, Value

FIRST_STAGE = "bootmenu-first-stage"
"""A file in a plain archive before the others, by which the initramfs of a first stage is known without unpacking."""

_BLOCK = 256 * 1024
_ZEROS = bytes(_BLOCK)
MAX_NAMES, _NAMES = 200_000, 10_000
"""Limits on files and archives: more than the first are an error; a search that is not deep stops at the second."""
_MOST_ZEROS = 64 * 1024 * 1024
"""Bytes of zeros between two archives that are skipped. The kernel has no such limit."""
DEEP_CEILING = 192 * 1024 * 1024
"""Unpacked bytes that are searched for modules; an initramfs with modules has them earlier."""

_MAGICS = (
    # lib/decompress.c: compressed_formats
    (b"\x1f\x8b", "gzip"),
    (b"\x1f\x9e", "gzip"),
    (b"BZh", "bzip2"),
    (b"\x5d\x00", "lzma"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x89LZO", "lzo"),
    (b"\x02\x21\x4c\x18", "lz4"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
)
_MODULES = regex(r"^\.?/?(?:usr/)?lib/modules/([^/]+)(?:/|$)")


class Initramfs(Value, kw_only=True):
    """What `inspect` found."""

    compression: str | None
    """The compression of its first packed archive, or None if none was found."""
    module_releases: tuple[str, ...] | None
    """Kernel releases with a directory in lib/modules; None if unknown: the search was not deep, or the compression
    is not supported."""
    first_stage: bool = False
    """Whether it is marked as that of a first stage: what it starts is the boot menu."""


def inspect(source: ByteSource, *, deep: bool) -> Initramfs:
    """Read the headers of the leading plain archives and, if deep, those of the packed ones.

    If not deep, read at most 10,000 headers and 1 MiB of zeros. Raise FormatError if it does not begin like an
    initramfs, or OSError if the medium fails.
    """
    offset, releases, names, archives, first_stage = 0, set[str](), 0, 0, False
    while True:
        beyond = _skip_zeros(source, offset, _MOST_ZEROS if deep else _MOST_ZEROS // 64)
        if names + archives > MAX_NAMES:
            raise FormatError(f"it has more than {MAX_NAMES} files")
        if names and (beyond is None or (not deep and names + archives > _NAMES)):
            # an initramfs with modules has them earlier
            found = tuple(sorted(releases)) if releases or deep else None
            return Initramfs(compression=None, module_releases=found, first_stage=first_stage)
        if beyond is None:
            raise FormatError("it begins with too many zero bytes")
        offset = beyond
        magic = source.read(offset, 8)
        if not magic:
            if offset == 0 or names == 0:
                raise FormatError("it is empty, or contains only zero bytes")
            return Initramfs(compression=None, module_releases=tuple(sorted(releases)), first_stage=first_stage)
        compression = next((name for start, name in _MAGICS if magic.startswith(start)), None)
        if compression is not None:
            packed = _packed_releases(source, offset, compression) if deep else None
            found = None if packed is None else tuple(sorted(releases | packed))
            return Initramfs(compression=compression, module_releases=found, first_stage=first_stage)
        if magic[:6] not in CPIO_MAGICS:
            if names:
                raise FormatError("the first archive is followed by data that is not an archive", offset)
            raise FormatError("it begins neither with a cpio archive nor with a packed one", offset)
        archive = _Cursor(source, offset)
        archives += 1
        for name in _names(archive.read, archive.skip):
            names += 1
            if names > (MAX_NAMES if deep else _NAMES):
                break
            first_stage = first_stage or name == FIRST_STAGE
            match = _MODULES.match(name)
            if match:
                releases.add(match[1])
        offset = archive.offset


def _skip_zeros(source: ByteSource, offset: int, most: int) -> int | None:
    """Return the offset of the next byte that is not zero, or of the end; None if more than `most` zeros follow."""
    end, length = offset + most, 512
    while offset <= end:
        block = source.read(offset, length)
        if not block or block != _ZEROS[: len(block)]:
            return offset + len(block) - len(block.lstrip(b"\0"))
        offset += len(block)
        length = min(2 * length, _BLOCK)
    return None


class _Cursor(Record):
    source: ByteSource
    offset: int

    def read(self, length: int) -> bytes:
        data = self.source.read(self.offset, length)
        self.offset += len(data)
        return data

    def skip(self, length: int) -> bool:
        self.offset += length
        return self.offset <= self.source.size


def _names(read: Callable[[int], bytes], skip: Callable[[int], bool]) -> Iterator[str]:
    """Yield the file names of one newc archive up to its trailer. Raise FormatError."""
    while True:
        header = CpioHeader.from_bytes(read(CPIO_HEADER))
        name = read(header.name_size).rstrip(b"\0").decode("utf-8", "replace")
        whole = skip(-(CPIO_HEADER + header.name_size) % 4)
        if name == CPIO_TRAILER:
            return
        if not whole or not skip(header.size + (-header.size % 4)):
            raise FormatError("the archive ends early")
        yield name


def _packed_releases(source: ByteSource, offset: int, compression: str) -> set[str] | None:
    if compression not in set(Compression):
        return None
    stream = _Stream(unpack(Window(source, offset, source.size - offset), Compression(compression)))
    releases: set[str] = set()
    try:
        for name in _names(stream.read, stream.skip):
            match = _MODULES.match(name)
            if match:
                releases.add(match[1])
            # directories precede their content: nothing after lib is of interest
            elif (releases and not name.lstrip("./").startswith(("lib", "usr"))) or stream.consumed > DEEP_CEILING:
                break
    except MissingModule:
        return None
    except FormatError as error:
        raise FormatError(f"it cannot be unpacked: {error.message}") from None
    return releases


class _Stream:
    """A sequential reader over unpacked pieces."""

    def __init__(self, pieces: Iterator[tuple[bytes, int]]) -> None:
        self._pieces = pieces
        self._piece, self._at = b"", 0
        self.consumed = 0
        """Unpacked bytes read or skipped so far."""

    def _take(self, length: int) -> Iterator[bytes]:
        while length > 0:
            if self._at == len(self._piece):
                self._piece, self._at = next(self._pieces, (b"", 0))[0], 0
                if not self._piece:
                    return
            taken = self._piece[self._at : self._at + length]
            self._at += len(taken)
            self.consumed += len(taken)
            length -= len(taken)
            yield taken

    def read(self, length: int) -> bytes:
        """Return `length` bytes, fewer only at the end."""
        return b"".join(self._take(length))

    def skip(self, length: int) -> bool:
        """Skip `length` bytes; return False if the stream ends before."""
        return sum(map(len, self._take(length))) == length
