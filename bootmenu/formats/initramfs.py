# SPDX-License-Identifier: MIT
"""The initramfs: cpio archives, plain or packed, one after the other.

Documentation/driver-api/early-userspace/buffer-format.rst: any number of archives, each at a multiple of four
bytes, zeros between them; an uncompressed one (early microcode, for instance) may stand before a packed one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from bootmenu.errors import FormatError
from bootmenu.formats.compression import MissingModule, unpack
from bootmenu.formats.reader import ByteSource, Window
from bootmenu.model.kernel import Compression
from bootmenu.model.value import Record, Value

_HEADER = 110
_BLOCK = 256 * 1024
_ZEROS = bytes(_BLOCK)
_MAX_NAMES, _NAMES = 200_000, 10_000
"""Files and archives: more are an error; so many are looked through when nobody asked for more."""
_MOST_ZEROS = 64 * 1024 * 1024
"""Between two archives. What follows more than that is not looked at; the kernel does, however long it takes."""
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


class Initramfs(Value, kw_only=True):
    """What was seen of one."""

    compression: str | None
    """Of its first packed part; None = none was met."""
    module_releases: tuple[str, ...] | None
    """Kernel releases with a folder below lib/modules; None = nobody looked far enough, or nothing can unpack it
    here."""


def inspect(source: ByteSource, *, deep: bool) -> Initramfs:
    """Read the headers of the plain archives in front, and, when deep, the packed ones, too.

    When not deep, 10,000 headers and 1 MiB of zeros at most are read, and nothing of what files hold.
    Raises FormatError when it does not begin like an initramfs, OSError when the medium fails.
    """
    offset, releases, names, archives = 0, set[str](), 0, 0
    while True:
        beyond = _skip_zeros(source, offset, _MOST_ZEROS if deep else _MOST_ZEROS // 64)
        if names + archives > _MAX_NAMES:
            raise FormatError(f"it has more than {_MAX_NAMES} files")
        if names and (beyond is None or (not deep and names + archives > _NAMES)):
            # an initramfs that has modules has them before that
            return Initramfs(compression=None, module_releases=tuple(sorted(releases)) if releases or deep else None)
        if beyond is None:
            raise FormatError("it begins with nothing but zeros")
        offset = beyond
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
        archives += 1
        for name in _names(archive.read, archive.skip):
            names += 1
            if names > (_MAX_NAMES if deep else _NAMES):
                break
            match = _MODULES.match(name)
            if match:
                releases.add(match[1])
        offset = archive.offset


def _skip_zeros(source: ByteSource, offset: int, most: int) -> int | None:
    """Where the next byte is that is none, or the end; None = there are more than that."""
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
    if compression not in set(Compression):
        return None
    stream = _Stream(unpack(Window(source, offset, source.size - offset), Compression(compression)))
    releases: set[str] = set()
    try:
        for name in _names(stream.read, stream.skip):
            match = _MODULES.match(name)
            if match:
                releases.add(match[1])
            # folders stand before what they hold: behind lib there is nothing of interest any more
            elif (releases and not name.lstrip("./").startswith(("lib", "usr"))) or stream.consumed > DEEP_CEILING:
                break
    except MissingModule:
        return None
    except FormatError as error:
        raise FormatError(f"it cannot be unpacked: {error.message}") from None
    return releases


class _Stream:
    """Unpacked pieces as bytes to be read one after the other."""

    def __init__(self, pieces: Iterator[tuple[bytes, int]]) -> None:
        self._pieces = pieces
        self._piece, self._at = b"", 0
        self.consumed = 0
        """Unpacked bytes so far."""

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
        """Fewer bytes only at the end."""
        return b"".join(self._take(length))

    def skip(self, length: int) -> bool:
        """False when the end came first."""
        return sum(map(len, self._take(length))) == length
