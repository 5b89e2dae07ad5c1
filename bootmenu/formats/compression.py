# SPDX-License-Identifier: MIT
"""Unpack compressed streams, with limits on size and ratio so that a decompression bomb gives an error."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator

from bootmenu.errors import FormatError
from bootmenu.formats.reader import ByteSource
from bootmenu.model.kernel import Compression
from bootmenu.model.text import quoted
from bootmenu.typed import Protocol

CEILING = 256 * 1024 * 1024
"""Bytes. No kernel or initramfs of a supported machine is larger once unpacked."""

_RATIO, _RATIO_FROM = 100, 64 * 1024 * 1024
"""Compression shrinks kernels and initramfs to a third or a tenth; small images of zeros may shrink far more."""

_FIRST_CHUNK, _CHUNK = 4096, 256 * 1024
_INPUT = 64 * 1024
"""Bytes read at a time, so that reading from a slow medium can be aborted."""
_MAX_MEMBERS = 65536  # millions of empty members of 20 bytes would take hours
_MEMORY = 192 * 1024 * 1024  # bytes of memory for an unpacker: the largest dictionaries have 128 MiB
GZIP_MAGIC, XZ_MAGIC, ZSTD_MAGIC, BZIP2_MAGIC = b"\x1f\x8b", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"BZh"
LZ4_LEGACY, LZ4_FRAME = b"\x02\x21\x4c\x18", b"\x04\x22\x4d\x18"

MAGICS = (
    # lib/decompress.c:compressed_formats; lzma has no magic, but always the same properties in practice
    (GZIP_MAGIC, Compression.GZIP),
    (XZ_MAGIC, Compression.XZ),
    (ZSTD_MAGIC, Compression.ZSTD),
    (LZ4_LEGACY, Compression.LZ4),
    (LZ4_FRAME, Compression.LZ4),
    (BZIP2_MAGIC, Compression.BZIP2),
    (b"\x5d\0\0", Compression.LZMA),
)


class ChecksumError(FormatError):
    """Raised when the stream's checksum does not match its content."""


class MissingModule(FormatError):  # noqa: N818 - the field's own words
    """Raised when the Python module that unpacks this compression is not installed."""

    def __init__(self, compression: Compression, module: str) -> None:
        super().__init__(
            f"packed with {compression}, and the module {module} is not installed",
            hint=f"Install the Python module {module}, or pack the file with gzip.",
        )


def _gunzip(source: ByteSource) -> Iterator[tuple[bytes, int]]:
    """Yield what `unpack` does; check every member's CRC and length (RFC 1952)."""
    offset, members = 0, 0
    while offset < source.size:
        if source.read(offset, 2) != GZIP_MAGIC:
            if members:
                return
            raise FormatError("this is not a gzip stream", offset)
        members += 1
        if members > _MAX_MEMBERS:
            raise FormatError(f"has more than {_MAX_MEMBERS:,} gzip members", offset)
        length = _FIRST_CHUNK
        unpacker = zlib.decompressobj(wbits=31)
        while not unpacker.eof:
            chunk = source.read(offset, length)
            length = min(2 * length, _INPUT)
            if not chunk:
                raise FormatError("the gzip stream ends early", offset, hint="The file was cut off: copy it again.")
            offset += len(chunk)
            pending = chunk
            while pending and not unpacker.eof:
                try:
                    piece = unpacker.decompress(pending, _CHUNK)
                except zlib.error as error:
                    kind = ChecksumError if "incorrect" in str(error) and "check" in str(error) else FormatError
                    raise kind(f"the gzip stream is damaged: {quoted(str(error))}", offset) from None
                pending = unpacker.unconsumed_tail
                if piece:
                    yield piece, offset
        offset -= len(unpacker.unused_data)


def unpack(source: ByteSource, compression: Compression, ceiling: int = CEILING) -> Iterator[tuple[bytes, int]]:
    """Yield (unpacked piece, packed bytes consumed so far) until the last member ends; ignore bytes after it.

    Memory use is bounded for any input. Raise FormatError if the stream is damaged or incomplete, unpacks to more
    than `ceiling` bytes, or has an implausible compression ratio.
    """
    match compression:
        case Compression.NONE:
            pieces = _plain(source)
        case Compression.GZIP:
            pieces = _gunzip(source)
        case Compression.XZ:
            pieces = _members(source, XZ_MAGIC, _xz, "xz")
        case Compression.LZMA:
            pieces = _members(source, b"", _lzma, "lzma")
        case Compression.BZIP2:
            pieces = _members(source, BZIP2_MAGIC, bz2.BZ2Decompressor, "bzip2")
        case Compression.ZSTD:
            pieces = _unzstd(source)
        case Compression.LZ4:
            pieces = _unlz4(source)
    produced = 0
    for piece, consumed in pieces:
        produced += len(piece)
        if produced > ceiling:
            raise FormatError(f"unpacks to more than {ceiling // 1024**2} MiB", hint=_BOMB)
        if produced > _RATIO_FROM and produced > _RATIO * consumed:
            raise FormatError(f"unpacks to more than {_RATIO} times its size", hint=_BOMB)
        yield piece, consumed


_BOMB = "No kernel or initramfs is compressed like that: the file is damaged, or meant to exhaust memory."


def _plain(source: ByteSource) -> Iterator[tuple[bytes, int]]:
    offset = 0
    while piece := source.read(offset, _CHUNK):
        offset += len(piece)
        yield piece, offset


class _Unpacker(Protocol):
    """The common interface of LZMADecompressor, BZ2Decompressor and LZ4FrameDecompressor."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes | None: ...
    def decompress(self, data: bytes, max_length: int = ...) -> bytes: ...


def _xz() -> _Unpacker:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY)


def _lzma() -> _Unpacker:
    return lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=_MEMORY)


def _members(
    source: ByteSource, magic: bytes, make: Callable[[], _Unpacker], name: str
) -> Iterator[tuple[bytes, int]]:
    """Yield what `unpack` does; magic: the start of each further member, or empty if there can be none."""
    offset = 0
    for _ in range(_MAX_MEMBERS):
        unpacker = make()
        length = _FIRST_CHUNK
        while not unpacker.eof:
            chunk = b""
            if unpacker.needs_input:
                chunk = source.read(offset, length)
                length = min(2 * length, _INPUT)
                if not chunk:
                    raise FormatError(
                        f"the {name} stream ends early", offset, hint="The file was cut off: copy it again."
                    )
                offset += len(chunk)
            try:
                piece = unpacker.decompress(chunk, _CHUNK)
            except (lzma.LZMAError, OSError, ValueError, EOFError, RuntimeError) as error:
                raise FormatError(f"the {name} stream is damaged: {quoted(str(error))}", offset) from None
            if piece:
                yield piece, offset
        offset -= len(unpacker.unused_data or b"")
        if not magic or source.read(offset, len(magic)) != magic:
            return
    raise FormatError(f"has more than {_MAX_MEMBERS:,} {name} members", offset)


_ZSTD_CHUNK = 256
"""Bytes of input at a time. RFC 8878: a block of 4 bytes may unpack to 128 KiB, so this gives 8 MiB at most."""


def _unzstd(source: ByteSource) -> Iterator[tuple[bytes, int]]:
    try:
        import zstandard
    except ImportError:
        raise MissingModule(Compression.ZSTD, "zstandard") from None
    context = zstandard.ZstdDecompressor(max_window_size=128 * 1024**2)
    offset, block_at, block = 0, 0, b""
    for _ in range(_MAX_MEMBERS):
        unpacker = context.decompressobj()
        while not unpacker.eof:
            if not block_at <= offset < block_at + len(block):
                block_at, block = offset, source.read(offset, _INPUT)
            chunk = block[offset - block_at : offset - block_at + _ZSTD_CHUNK]
            if not chunk:
                raise FormatError("the zstd stream ends early", offset, hint="The file was cut off: copy it again.")
            offset += len(chunk)
            try:
                piece = unpacker.decompress(chunk)
            except zstandard.ZstdError as error:
                raise FormatError(f"the zstd stream is damaged: {quoted(str(error))}", offset) from None
            except MemoryError:
                raise FormatError("the zstd stream needs more memory than is free", offset) from None
            if piece:
                yield piece, offset
        offset -= len(unpacker.unused_data)
        if source.read(offset, 4) != ZSTD_MAGIC:
            return
    raise FormatError(f"has more than {_MAX_MEMBERS:,} zstd frames", offset)


_LZ4_BLOCK = 8 * 1024 * 1024
"""doc/lz4_Frame_format.md, Legacy frame: "each block decompresses to 8 MB, except the last one"."""
_LZ4_LARGEST = _LZ4_BLOCK + _LZ4_BLOCK // 255 + 16  # lib/lz4.h: LZ4_COMPRESSBOUND


def _unlz4(source: ByteSource) -> Iterator[tuple[bytes, int]]:
    try:
        import lz4.block
        import lz4.frame
    except ImportError:
        raise MissingModule(Compression.LZ4, "lz4") from None
    if source.read(0, 4) == LZ4_FRAME:
        yield from _members(source, LZ4_FRAME, lz4.frame.LZ4FrameDecompressor, "lz4")
        return
    for offset, size in lz4_blocks(source):
        try:
            piece = lz4.block.decompress(source.read(offset, size), uncompressed_size=_LZ4_BLOCK)
        except (lz4.block.LZ4BlockError, ValueError, OverflowError) as error:
            raise FormatError(f"the lz4 stream is damaged: {quoted(str(error))}", offset) from None
        yield piece, offset + size


def lz4_blocks(source: ByteSource) -> Iterator[tuple[int, int]]:
    """Yield (offset, size) of each packed block of a legacy lz4 stream. Raise FormatError if it is incomplete.

    Such a stream has no end mark. It ends with the file, with the four bytes of unpacked size that the kernel's build
    appends (scripts/Makefile.lib: size_append), or, as in lz4 itself (programs/lz4io.c: LZ4IO_decodeLegacyStream),
    before anything that cannot be a block.
    """
    if source.read(0, 4) != LZ4_LEGACY:
        raise FormatError("this is not an lz4 stream", 0)
    offset, blocks = 4, 0
    for _ in range(_MAX_MEMBERS):
        word = source.read(offset, 4)
        if word == LZ4_LEGACY:  # a further stream
            offset += 4
            continue
        size = int.from_bytes(word, "little")
        if blocks and (len(word) < 4 or offset + 4 == source.size or not 0 < size <= _LZ4_LARGEST):
            return
        if len(word) < 4 or offset + 4 + size > source.size:
            raise FormatError("the lz4 stream ends early", offset, hint="The file was cut off: copy it again.")
        if not 0 < size <= _LZ4_LARGEST:
            raise FormatError(f"the lz4 stream is damaged: a block of {size:,} bytes", offset)
        blocks += 1
        yield offset + 4, size
        offset += 4 + size
    raise FormatError(f"has more than {_MAX_MEMBERS:,} lz4 blocks", offset)


def unpack_head(source: ByteSource, compression: Compression, length: int) -> bytes:
    """Return at most `length` unpacked bytes from the start; ignore the rest. Raise FormatError."""
    head = bytearray()
    for piece, _ in unpack(source, compression):
        head += piece
        if len(head) >= length:
            break
    return bytes(head[:length])


def has_checksum(compression: Compression, head: bytes) -> bool:
    """Return whether a stream with this head has a checksum, so that unpacking it to the end verifies it."""
    match compression:
        case Compression.GZIP | Compression.BZIP2:
            return True
        case Compression.XZ:
            return head[7:8] not in (b"", b"\0")  # stream flags: 0 = no check
        case Compression.LZ4:
            # doc/lz4_Frame_format.md, FLG byte: bit 2, Content Checksum flag
            return head[:4] == LZ4_FRAME and bool(head[4:5] and head[4] & 4)
        case Compression.ZSTD:
            return bool(head[4:5] and head[4] & 4)  # RFC 8878, 3.1.1.1.1: Content_Checksum_flag
        case _:
            return False
