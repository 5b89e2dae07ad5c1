# SPDX-License-Identifier: MIT
"""Bounds-checked reading of bytes, and the one way in which a format may ask a file for more of them."""

from __future__ import annotations

import struct
from typing import Protocol

from bootmenu.errors import FormatError
from bootmenu.model.value import Value


class ByteSource(Protocol):
    """Something with bytes at offsets: an open file, a buffer, the unpacked form of either."""

    @property
    def size(self) -> int:
        """Bytes in all."""

    def read(self, offset: int, length: int) -> bytes:
        """At most `length` bytes from `offset`; fewer only at the end. Raises OSError when the medium fails."""


class Buffer(Value):
    """A ByteSource over bytes in memory."""

    data: bytes

    @property
    def size(self) -> int:
        """Bytes in all."""
        return len(self.data)

    def read(self, offset: int, length: int) -> bytes:
        """A slice; empty beyond the end."""
        return self.data[max(offset, 0) : max(offset, 0) + max(length, 0)]


class Window(Value):
    """A part of another ByteSource: `size` bytes from `offset`."""

    source: ByteSource
    offset: int
    size: int

    def read(self, offset: int, length: int) -> bytes:
        """Never beyond the window."""
        length = max(0, min(length, self.size - offset))
        return self.source.read(self.offset + offset, length) if offset >= 0 else b""


class Reader(Value):
    """Numbers and slices at offsets of a buffer. Every access is checked; errors carry the offset."""

    data: bytes
    what: str
    """Name of the examined thing, for messages."""

    def slice(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes, or FormatError."""
        if offset < 0 or length < 0 or offset + length > len(self.data):
            raise FormatError(f"{self.what} ends early: {length} bytes wanted, {len(self.data)} in all", offset)
        return self.data[offset : offset + length]

    def _number(self, layout: str, offset: int, length: int) -> int:
        value: int = struct.unpack(layout, self.slice(offset, length))[0]
        return value

    def u8(self, offset: int) -> int:
        """One byte."""
        return self._number("B", offset, 1)

    def u16le(self, offset: int) -> int:
        """Little-endian 16 bits."""
        return self._number("<H", offset, 2)

    def u32le(self, offset: int) -> int:
        """Little-endian 32 bits."""
        return self._number("<I", offset, 4)

    def u64le(self, offset: int) -> int:
        """Little-endian 64 bits."""
        return self._number("<Q", offset, 8)

    def u32be(self, offset: int) -> int:
        """Big-endian 32 bits."""
        return self._number(">I", offset, 4)

    def u64be(self, offset: int) -> int:
        """Big-endian 64 bits."""
        return self._number(">Q", offset, 8)
