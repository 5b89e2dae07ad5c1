# SPDX-License-Identifier: MIT
"""Compressed streams with a ceiling: a bomb is an error, not a dead machine."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from bootmenu.errors import FormatError
from bootmenu.formats.reader import ByteSource

CEILING = 256 * 1024 * 1024
"""Bytes. No kernel or initramfs that fits the machines we start is larger once unpacked."""

_FIRST_CHUNK, _CHUNK = 4096, 256 * 1024
_MAX_MEMBERS = 65536  # of 20 bytes and without content, they would keep us busy for hours
GZIP_MAGIC = b"\x1f\x8b"


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
                    raise FormatError(f"the gzip stream is damaged: {error}", offset) from None
                pending = unpacker.unconsumed_tail
                produced += len(piece)
                if produced > ceiling:
                    raise FormatError(f"unpacks to more than {ceiling // 1024**2} MiB")
                if piece:
                    yield piece, offset
        offset -= len(unpacker.unused_data)


def gunzip_head(source: ByteSource, length: int) -> bytes:
    """At most `length` unpacked bytes from the start, whatever the rest is like. Raises FormatError."""
    head = bytearray()
    for piece, _ in gunzip(source):
        head += piece
        if len(head) >= length:
            break
    return bytes(head[:length])
