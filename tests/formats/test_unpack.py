# SPDX-License-Identifier: MIT
"""Unpacking any compression: what was packed comes out, and nothing that a stream claims does harm."""

from __future__ import annotations

import bz2
import collections
import contextlib
import gzip
import lzma
import time
import tracemalloc
from collections.abc import Callable

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from bootmenu.errors import FormatError
from bootmenu.formats.compression import ChecksumError, has_checksum, unpack, unpack_head
from bootmenu.formats.reader import Buffer, Window
from bootmenu.model.kernel import Compression

PACK: dict[Compression, Callable[[bytes], bytes]] = {
    Compression.NONE: lambda data: data,
    Compression.GZIP: lambda data: gzip.compress(data, mtime=0),
    Compression.XZ: lambda data: lzma.compress(data, lzma.FORMAT_XZ),
    Compression.LZMA: lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
    Compression.BZIP2: bz2.compress,
    Compression.ZSTD: lambda data: zstandard.ZstdCompressor(write_checksum=True).compress(data),
}
PACKED = [compression for compression in PACK if compression is not Compression.NONE]
MEMBERS = [compression for compression in PACKED if compression is not Compression.LZMA]


def unpacked(data: bytes, compression: Compression, ceiling: int = 1 << 28) -> bytes:
    return b"".join(piece for piece, _ in unpack(Buffer(data), compression, ceiling))


@pytest.mark.parametrize("compression", PACK)
@given(data=st.binary(max_size=3000), repeat=st.integers(1, 300))
@settings(max_examples=30, deadline=None)
def test_what_was_packed_comes_out(compression: Compression, data: bytes, repeat: int) -> None:
    content = data * repeat
    packed = PACK[compression](content)
    assert unpacked(packed, compression) == content
    assert unpack_head(Buffer(packed), compression, 100) == content[:100]


@pytest.mark.parametrize("compression", PACKED)
def test_a_stream_cut_anywhere_is_an_error(compression: Compression) -> None:
    packed = PACK[compression](bytes(range(256)) * 40)
    for length in range(1, len(packed)):
        with pytest.raises(FormatError):
            unpacked(packed[:length], compression)


@pytest.mark.parametrize("compression", MEMBERS)
def test_members_are_joined_and_what_follows_the_last_is_ignored(compression: Compression) -> None:
    packed = PACK[compression](b"one") + PACK[compression](b"two") + b"\0\0\0\x08 a size word, a signature"
    assert unpacked(packed, compression) == b"onetwo"


@pytest.mark.parametrize("compression", PACKED)
@given(data=st.binary(max_size=400), at=st.integers(0, 300))
@settings(max_examples=60, deadline=None)
def test_any_bytes_come_out_or_are_a_typed_error(compression: Compression, data: bytes, at: int) -> None:
    whole = PACK[compression](b"content " * 50)
    for candidate in (data, whole[:at] + data, whole[:at] + data + whole[at + len(data) :]):
        with contextlib.suppress(FormatError):
            unpacked(candidate, compression, 1 << 22)


@pytest.mark.parametrize("compression", PACKED)
def test_a_bomb_ends_at_the_ceiling_in_little_memory(compression: Compression) -> None:
    bomb = PACK[compression](bytes(64 << 20))
    assert _drained(bomb, compression, 32 << 20) < 48 << 20


def _drained(bomb: bytes, compression: Compression, ceiling: int) -> int:
    """Reads it to the ceiling, which must stop it; returns the most bytes of memory that Python held."""
    tracemalloc.start()
    try:
        with pytest.raises(FormatError, match=f"more than {ceiling >> 20} MiB"):
            collections.deque(unpack(Buffer(bomb), compression, ceiling), maxlen=0)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_zstd_block_of_four_bytes_for_128_kib_does_not_fill_the_memory() -> None:
    # RFC 8878: magic, frame header (single segment off, window 2^17), then RLE blocks
    block = (0b010 | (1 << 17) << 3).to_bytes(3, "little") + b"x"
    bomb = b"\x28\xb5\x2f\xfd" + b"\0" + bytes([7 << 3]) + block * 100_000
    began = time.monotonic()
    assert _drained(bomb, Compression.ZSTD, 64 << 20) < 80 << 20
    assert time.monotonic() - began < 20


def test_a_stream_that_wants_a_huge_dictionary_is_refused() -> None:
    packed = bytearray(lzma.compress(b"x", lzma.FORMAT_ALONE))
    packed[1:5] = (1 << 30).to_bytes(4, "little")  # .lzma header: properties, dictionary size
    with pytest.raises(FormatError, match="damaged"):
        unpacked(bytes(packed), Compression.LZMA)


def test_members_without_content_do_not_take_for_ever() -> None:
    with pytest.raises(FormatError, match="members"):
        unpacked(bz2.compress(b"") * 70_000, Compression.BZIP2)


def test_a_wrong_checksum_is_told_from_other_damage() -> None:
    packed = bytearray(gzip.compress(b"content" * 100, mtime=0))
    packed[-5] ^= 1
    with pytest.raises(ChecksumError):
        unpacked(bytes(packed), Compression.GZIP)
    packed[12] ^= 0xFF
    with pytest.raises(FormatError) as error:
        unpacked(bytes(packed[:-20]), Compression.GZIP)
    assert not isinstance(error.value, ChecksumError)


def test_lz4_is_refused_by_name() -> None:
    with pytest.raises(FormatError, match="lz4"):
        unpacked(b"\x02\x21\x4c\x18", Compression.LZ4)


def test_a_window_is_never_left() -> None:
    packed = gzip.compress(b"inner", mtime=0)
    window = Window(Buffer(b"before" + packed + gzip.compress(b"outer")), 6, len(packed))
    assert b"".join(piece for piece, _ in unpack(window, Compression.GZIP)) == b"inner"


@pytest.mark.parametrize(
    ("compression", "head", "proves"),
    [
        (Compression.GZIP, b"", True),
        (Compression.XZ, lzma.compress(b"", check=lzma.CHECK_CRC32), True),
        (Compression.XZ, lzma.compress(b"", check=lzma.CHECK_NONE), False),
        (Compression.ZSTD, zstandard.ZstdCompressor(write_checksum=True).compress(b"x"), True),
        (Compression.ZSTD, zstandard.ZstdCompressor(write_checksum=False).compress(b"x"), False),
        (Compression.LZMA, b"", False),
        (Compression.NONE, b"", False),
    ],
)
def test_what_a_stream_proves(compression: Compression, head: bytes, proves: bool) -> None:
    assert has_checksum(compression, head) is proves
