# SPDX-License-Identifier: MIT
"""Read bytes with bounds checks; ByteSource is the interface through which formats read files."""

from __future__ import annotations

import struct

from bootmenu.errors import FormatError
from bootmenu.model.value import Value
from bootmenu.typed import Protocol

HEAD_SIZE = 64 * 1024
"""Bytes from the start of the file that every kernel format is given: headers, section tables and boot stubs fit."""


class ByteSource(Protocol):
    """Bytes that can be read at any offset: an open file, a buffer, or the unpacked form of either."""

    @property
    def size(self) -> int:
        """Return the size in bytes."""

    def read(self, offset: int, length: int) -> bytes:
        """Return `length` bytes from `offset`, fewer only at the end. Raise OSError if the medium fails."""


class Buffer(Value):
    """A ByteSource over bytes in memory."""

    data: bytes

    @property
    def size(self) -> int:
        """Return the size in bytes."""
        return len(self.data)

    def read(self, offset: int, length: int) -> bytes:
        """Return a slice, which is empty beyond the end."""
        return self.data[max(offset, 0) : max(offset, 0) + max(length, 0)]


class Window(Value):
    """A part of another ByteSource: `size` bytes from `offset`."""

    source: ByteSource
    offset: int
    size: int

    def read(self, offset: int, length: int) -> bytes:
        """Return a slice; never read beyond the window."""
        length = max(0, min(length, self.size - offset))
        return self.source.read(self.offset + offset, length) if offset >= 0 else b""


class Reader(Value):
    """Numbers and slices at offsets of a buffer; every access is bounds-checked, and errors have the offset."""

    data: bytes
    what: str
    """What the data is, for messages."""

    def slice(self, offset: int, length: int) -> bytes:
        """Return exactly `length` bytes, or raise FormatError."""
        if offset < 0 or length < 0 or offset + length > len(self.data):
            raise FormatError(f"{self.what} ends early: {length} bytes needed, {len(self.data)} in all", offset)
        return self.data[offset : offset + length]

    def _number(self, layout: str, offset: int, length: int) -> int:
        value: int = struct.unpack(layout, self.slice(offset, length))[0]
        return value

    def u8(self, offset: int) -> int:
        """Return the byte at that offset."""
        return self._number("B", offset, 1)

    def u16le(self, offset: int) -> int:
        """Return the little-endian 16-bit number at that offset."""
        return self._number("<H", offset, 2)

    def u32le(self, offset: int) -> int:
        """Return the little-endian 32-bit number at that offset."""
        return self._number("<I", offset, 4)

    def u64le(self, offset: int) -> int:
        """Return the little-endian 64-bit number at that offset."""
        return self._number("<Q", offset, 8)

    def u32be(self, offset: int) -> int:
        """Return the big-endian 32-bit number at that offset."""
        return self._number(">I", offset, 4)
