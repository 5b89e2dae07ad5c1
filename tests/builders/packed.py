# SPDX-License-Identifier: MIT
"""Streams that the standard library cannot pack."""

from __future__ import annotations

import lz4.block
import lz4.frame

_BLOCK = 8 * 1024 * 1024


def lz4_legacy(data: bytes) -> bytes:
    """As `lz4 -l` writes it, and the kernel's build."""
    packed = bytearray(b"\x02\x21\x4c\x18")
    for at in range(0, max(len(data), 1), _BLOCK):
        block = lz4.block.compress(data[at : at + _BLOCK], store_size=False)
        packed += len(block).to_bytes(4, "little") + block
    return bytes(packed)


def lz4_frame(data: bytes) -> bytes:
    """As `lz4` writes it."""
    return bytes(lz4.frame.compress(data, content_checksum=True))
