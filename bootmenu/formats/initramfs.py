# SPDX-License-Identifier: MIT
"""The initramfs: cpio archives, plain or packed, one after the other.

Documentation/driver-api/early-userspace/buffer-format.rst: any number of archives, each at a multiple of four
bytes, zeros between them; an uncompressed one (early microcode, for instance) may stand before a packed one.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from bootmenu.errors import FormatError
from bootmenu.formats.reader import ByteSource

_HEADER = 110
_MAX_NAMES = 200_000
_CHUNK = 256 * 1024
DEEP_CEILING = 192 * 1024 * 1024
"""Unpacked bytes that are looked through for modules; an initramfs that has them has them before that."""

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
_MODULES = re.compile(r"^\.?/?(?:usr/)?lib/modules/([^/]+)(?:/|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Initramfs:
    """What was seen of one."""

    compression: str | None
    """Of its first packed part; None = none was met."""
    module_releases: tuple[str, ...] | None
    """Kernel releases with a folder below lib/modules; None = nobody looked, or nothing can unpack it here."""


def inspect(source: ByteSource, *, deep: bool) -> Initramfs:
    """Read the headers of the plain archives in front, and, when deep, the packed ones, too.

    Raises FormatError when it does not begin like an initramfs, OSError when the medium fails.
    """
    offset, releases, names = 0, set[str](), 0
    while True:
        offset = _skip_zeros(source, offset)
        magic = source.read(offset, 8)
        if not magic:
            if offset == 0 or names == 0:
                raise FormatError("it is empty, or holds nothing but zeros")
            return Initramfs(compression=None, module_releases=tuple(sorted(releases)))
        compression = next((name for start, name in _MAGICS if magic.startswith(start)), None)
        if compression is not None:
            if deep:
                found = _packed_releases(source, offset, compression)
                releases = releases | found if found is not None else releases
                return Initramfs(
                    compression=compression,
                    module_releases=None if found is None else tuple(sorted(releases)),
                )
            return Initramfs(compression=compression, module_releases=None)
        if magic[:6] not in (b"070701", b"070702"):
            if names:
                raise FormatError("something that is no archive follows the first one", offset)
            raise FormatError("it begins neither like a cpio archive nor like a packed one", offset)
        archive = _Cursor(source, offset)
        for name in _names(archive.read, archive.skip):
            names += 1
            match = _MODULES.match(name)
            if match:
                releases.add(match[1])
            if names > _MAX_NAMES:
                raise FormatError(f"it has more than {_MAX_NAMES} files")
        offset = archive.offset


def _skip_zeros(source: ByteSource, offset: int) -> int:
    while True:
        block = source.read(offset, 4096)
        stripped = block.lstrip(b"\0")
        if stripped or not block:
            return offset + len(block) - len(stripped)
        offset += len(block)


@dataclass(slots=True)
class _Cursor:
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
    """The file names of one newc archive, to its trailer. Raises FormatError."""
    while True:
        header = read(_HEADER)
        if len(header) < _HEADER or header[:6] not in (b"070701", b"070702"):
            raise FormatError("the archive ends early, or is damaged")
        try:
            size, name_size = int(header[54:62], 16), int(header[94:102], 16)
        except ValueError:
            raise FormatError("a header of the archive is damaged") from None
        if not 0 < name_size <= 4096:
            raise FormatError("a file name in the archive is longer than any can be")
        name = read(name_size).rstrip(b"\0").decode("utf-8", "replace")
        whole = skip(-(_HEADER + name_size) % 4)
        if name == "TRAILER!!!":
            return
        if not whole or not skip(size + (-size % 4)):
            raise FormatError("the archive ends early")
        yield name


def _packed_releases(source: ByteSource, offset: int, compression: str) -> set[str] | None:
    releases: set[str] = set()
    consumed = 0
    try:
        stream = _open(_View(source, offset), compression)
        if stream is None:
            return None

        def read(length: int) -> bytes:
            nonlocal consumed
            consumed += length
            return stream.read(length)

        def skip(length: int) -> bool:
            while length > 0:
                step = min(length, _CHUNK)
                if len(read(step)) < step:
                    return False
                length -= step
            return True

        for name in _names(read, skip):
            match = _MODULES.match(name)
            if match:
                releases.add(match[1])
            # folders stand before what they hold: behind lib there is nothing of interest any more
            elif (releases and not name.lstrip("./").startswith(("lib", "usr"))) or consumed > DEEP_CEILING:
                break
    except (FormatError, lzma.LZMAError, zlib.error, OSError, EOFError, ValueError) as error:
        raise FormatError(f"it cannot be unpacked: {getattr(error, 'message', None) or error}") from None
    return releases


def _open(view: _View, compression: str) -> BinaryIO | None:
    """A stream whose `read(n)` never makes more than n bytes at once; None = nothing here can unpack that."""
    raw = io.BufferedReader(view, _CHUNK)
    match compression:
        case "gzip":
            return cast(BinaryIO, gzip.GzipFile(fileobj=raw))
        case "xz" | "lzma":
            return cast(BinaryIO, lzma.LZMAFile(raw))
        case "bzip2":
            return cast(BinaryIO, bz2.BZ2File(raw))
        case "zstd":
            try:
                import zstandard
            except ImportError:
                return None
            unpacker = zstandard.ZstdDecompressor(max_window_size=128 * 1024**2)
            try:
                return cast(
                    BinaryIO, _Zstd(unpacker.stream_reader(raw, read_across_frames=True), zstandard.ZstdError)
                )
            except zstandard.ZstdError as error:
                raise FormatError(str(error)) from None
        case _:
            return None


class _Zstd(io.RawIOBase):
    """zstandard's reader with this module's error."""

    def __init__(self, reader: Any, error: type[Exception]) -> None:
        self._reader, self._error = reader, error

    def read(self, size: int = -1) -> bytes:
        pieces = []
        try:
            while size > 0 and (piece := self._reader.read(size)):
                pieces.append(piece)
                size -= len(piece)
        except self._error as error:
            raise FormatError(str(error)) from None
        return b"".join(pieces)


class _View(io.RawIOBase):
    """A ByteSource from an offset on, as the standard library's unpackers want it."""

    def __init__(self, source: ByteSource, offset: int) -> None:
        self._source, self._offset = source, offset

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._source.read(self._offset, len(buffer))
        buffer[: len(data)] = data
        self._offset += len(data)
        return len(data)
