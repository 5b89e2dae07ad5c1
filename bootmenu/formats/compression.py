# SPDX-License-Identifier: MIT
"""Compressed streams with a ceiling: a bomb is an error, not a dead machine."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

from bootmenu.errors import FormatError
from bootmenu.formats.reader import ByteSource
from bootmenu.model.kernel import Compression

CEILING = 256 * 1024 * 1024
"""Bytes. No kernel or initramfs that fits the machines we start is larger once unpacked."""

_FIRST_CHUNK, _CHUNK = 4096, 256 * 1024
_MAX_MEMBERS = 65536  # of 20 bytes and without content, they would keep us busy for hours
_MEMORY = 192 * 1024 * 1024  # bytes that an unpacker may take for itself: dictionaries of 128 MiB are the largest
GZIP_MAGIC = b"\x1f\x8b"

MAGICS = (
    # lib/decompress.c:compressed_formats; lzma has no magic, only the properties that everybody uses
    (GZIP_MAGIC, Compression.GZIP),
    (b"\xfd7zXZ\0", Compression.XZ),
    (b"\x28\xb5\x2f\xfd", Compression.ZSTD),
    (b"\x02\x21\x4c\x18", Compression.LZ4),
    (b"\x04\x22\x4d\x18", Compression.LZ4),
    (b"BZh", Compression.BZIP2),
    (b"\x5d\0\0", Compression.LZMA),
)
UNPACKABLE = frozenset(set(Compression) - {Compression.LZ4})
"""What `unpack` can do."""


class ChecksumError(FormatError):
    """The stream's own checksum says that its content is another one."""


def gunzip(source: ByteSource, ceiling: int = CEILING) -> Iterator[tuple[bytes, int]]:
    """(unpacked piece, packed bytes consumed so far), to the end of the last member.

    Checks every member's CRC and length (RFC 1952). Bytes behind the last member that begin no new one are
    ignored, as gzip does. Raises FormatError when the stream is broken, ends early or passes the ceiling.
    """
    offset, produced, members = 0, 0, 0
    while offset < source.size:
        if source.read(offset, 2) != GZIP_MAGIC:
            if members:
                return
            raise FormatError("this is no gzip stream", offset)
        members += 1
        if members > _MAX_MEMBERS:
            raise FormatError(f"has more than {_MAX_MEMBERS:,} gzip members", offset)
        length = _FIRST_CHUNK
        unpacker = zlib.decompressobj(wbits=31)
        while not unpacker.eof:
            chunk = source.read(offset, length)
            length = min(2 * length, _CHUNK)
            if not chunk:
                raise FormatError("the gzip stream ends early", offset, hint="The file was cut off: copy it again.")
            offset += len(chunk)
            pending = chunk
            while pending and not unpacker.eof:
                try:
                    piece = unpacker.decompress(pending, _CHUNK)
                except zlib.error as error:
                    kind = ChecksumError if "incorrect" in str(error) and "check" in str(error) else FormatError
                    raise kind(f"the gzip stream is damaged: {error}", offset) from None
                pending = unpacker.unconsumed_tail
                produced += len(piece)
                if produced > ceiling:
                    raise FormatError(f"unpacks to more than {ceiling // 1024**2} MiB")
                if piece:
                    yield piece, offset
        offset -= len(unpacker.unused_data)


def unpack(source: ByteSource, compression: Compression, ceiling: int = CEILING) -> Iterator[tuple[bytes, int]]:
    """(unpacked piece, packed bytes consumed so far), to the end of the last member; bytes behind it are ignored.

    Memory stays bounded whatever the stream claims; a stream that ends early is an error. Raises FormatError.
    """
    match compression:
        case Compression.NONE:
            pieces = _plain(source)
        case Compression.GZIP:
            yield from gunzip(source, ceiling)
            return
        case Compression.XZ:
            pieces = _members(source, b"\xfd7zXZ\0", _xz, "xz")
        case Compression.LZMA:
            pieces = _members(source, b"", _lzma, "lzma")
        case Compression.BZIP2:
            pieces = _members(source, b"BZh", bz2.BZ2Decompressor, "bzip2")
        case Compression.ZSTD:
            pieces = _unzstd(source)
        case Compression.LZ4:
            raise FormatError("packed with lz4, which nothing here can unpack", hint="Pack it with gzip or zstd.")
    produced = 0
    for piece, consumed in pieces:
        produced += len(piece)
        if produced > ceiling:
            raise FormatError(f"unpacks to more than {ceiling // 1024**2} MiB")
        yield piece, consumed


def _plain(source: ByteSource) -> Iterator[tuple[bytes, int]]:
    offset = 0
    while piece := source.read(offset, _CHUNK):
        offset += len(piece)
        yield piece, offset


class _Unpacker(Protocol):
    """What LZMADecompressor and BZ2Decompressor have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = ...) -> bytes: ...


def _xz() -> _Unpacker:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY)


def _lzma() -> _Unpacker:
    return lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=_MEMORY)


def _members(
    source: ByteSource, magic: bytes, make: Callable[[], _Unpacker], name: str
) -> Iterator[tuple[bytes, int]]:
    """magic: what a further member begins with; empty = there is none."""
    offset = 0
    for _ in range(_MAX_MEMBERS):
        unpacker = make()
        length = _FIRST_CHUNK
        while not unpacker.eof:
            chunk = b""
            if unpacker.needs_input:
                chunk = source.read(offset, length)
                length = min(2 * length, _CHUNK)
                if not chunk:
                    raise FormatError(
                        f"the {name} stream ends early", offset, hint="The file was cut off: copy it again."
                    )
                offset += len(chunk)
            try:
                piece = unpacker.decompress(chunk, _CHUNK)
            except (lzma.LZMAError, OSError, ValueError, EOFError) as error:
                raise FormatError(f"the {name} stream is damaged: {error}", offset) from None
            if piece:
                yield piece, offset
        offset -= len(unpacker.unused_data)
        if not magic or source.read(offset, len(magic)) != magic:
            return
    raise FormatError(f"has more than {_MAX_MEMBERS:,} {name} members", offset)


_ZSTD_CHUNK = 512
"""Bytes of input at a time. RFC 8878: a block of 4 bytes may stand for 128 KiB, so that this makes 16 MiB at most."""


def _unzstd(source: ByteSource) -> Iterator[tuple[bytes, int]]:
    try:
        import zstandard
    except ImportError:
        raise FormatError("packed with zstd, and the module zstandard is not installed") from None
    context = zstandard.ZstdDecompressor(max_window_size=128 * 1024**2)
    magic = b"\x28\xb5\x2f\xfd"
    offset, block_at, block = 0, 0, b""
    for _ in range(_MAX_MEMBERS):
        unpacker = context.decompressobj()
        while not unpacker.eof:
            if not block_at <= offset < block_at + len(block):
                block_at, block = offset, source.read(offset, _CHUNK)
            chunk = block[offset - block_at : offset - block_at + _ZSTD_CHUNK]
            if not chunk:
                raise FormatError("the zstd stream ends early", offset, hint="The file was cut off: copy it again.")
            offset += len(chunk)
            try:
                piece = unpacker.decompress(chunk)
            except zstandard.ZstdError as error:
                raise FormatError(f"the zstd stream is damaged: {error}", offset) from None
            except MemoryError:
                raise FormatError("the zstd stream wants more memory than there is", offset) from None
            if piece:
                yield piece, offset
        offset -= len(unpacker.unused_data)
        if source.read(offset, 4) != magic:
            return
    raise FormatError(f"has more than {_MAX_MEMBERS:,} zstd frames", offset)


def gunzip_head(source: ByteSource, length: int) -> bytes:
    """At most `length` unpacked bytes from the start, whatever the rest is like. Raises FormatError."""
    return unpack_head(source, Compression.GZIP, length)


def unpack_head(source: ByteSource, compression: Compression, length: int) -> bytes:
    """At most `length` unpacked bytes from the start, whatever the rest is like. Raises FormatError."""
    head = bytearray()
    for piece, _ in unpack(source, compression):
        head += piece
        if len(head) >= length:
            break
    return bytes(head[:length])


def has_checksum(compression: Compression, head: bytes) -> bool:
    """Whether a stream that begins like this and was unpacked to its end has thereby proved to be whole."""
    match compression:
        case Compression.GZIP | Compression.BZIP2:
            return True
        case Compression.XZ:
            return head[7:8] not in (b"", b"\0")  # stream flags: 0 = no check
        case Compression.ZSTD:
            return bool(head[4:5] and head[4] & 4)  # RFC 8878, 3.1.1.1.1: Content_Checksum_flag
        case _:
            return False
