# SPDX-License-Identifier: MIT
"""gzip streams: whole, cut, damaged, joined, and bombs."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.errors import FormatError
from bootmenu.formats.compression import unpack, unpack_head
from bootmenu.formats.reader import Buffer
from bootmenu.model.kernel import Compression
from tests.properties import examples

PROPERTY = examples(60)


def unpacked(data: bytes, ceiling: int = 1 << 22) -> bytes:
    return b"".join(piece for piece, _ in unpack(Buffer(data), Compression.GZIP, ceiling))


@dataclass
class Counting:
    """A source that counts what is read from it."""

    data: bytes
    bytes_read: int = 0
    reads: int = 0

    @property
    def size(self) -> int:
        return len(self.data)

    def read(self, offset: int, length: int) -> bytes:
        self.reads += 1
        piece = self.data[offset : offset + length]
        self.bytes_read += len(piece)
        return piece


@PROPERTY
@given(st.lists(st.binary(max_size=3000), min_size=1, max_size=4), st.binary(max_size=8))
def test_members_follow_each_other_and_what_is_behind_them_is_ignored(parts: list[bytes], tail: bytes) -> None:
    packed = b"".join(gzip.compress(part) for part in parts)
    if not tail.startswith(b"\x1f\x8b"):
        assert unpacked(packed + tail) == b"".join(parts)


@PROPERTY
@given(st.binary(max_size=300))
def test_any_bytes_give_bytes_or_a_typed_error(data: bytes) -> None:
    for candidate in (data, b"\x1f\x8b" + data, b"\x1f\x8b\x08\0\0\0\0\0\0\x03" + data):
        try:
            unpacked(candidate)
        except FormatError:
            continue


def test_every_cut_is_an_error() -> None:
    whole = gzip.compress(bytes(range(256)) * 8)
    for length in range(1, len(whole)):
        with pytest.raises(FormatError):
            unpacked(whole[:length])
    assert unpacked(b"") == b""


@pytest.mark.parametrize("from_the_end", [1, 5], ids=["length", "checksum"])
def test_the_trailer_is_checked(from_the_end: int) -> None:
    packed = bytearray(gzip.compress(b"kernel" * 100))
    packed[-from_the_end] ^= 1
    with pytest.raises(FormatError, match="damaged"):
        unpacked(bytes(packed))


def test_a_bomb_is_an_error_in_bounded_memory() -> None:
    packer = zlib.compressobj(9, wbits=31)
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(64)) + packer.flush()
    assert len(packed) < 1 << 18
    tracemalloc.start()
    try:
        with pytest.raises(FormatError, match="more than 4 MiB"):
            for _ in unpack(Buffer(packed), Compression.GZIP, 4 << 20):
                pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 << 20


def test_the_head_of_a_bomb_costs_no_more_than_the_head() -> None:
    source = Counting(gzip.compress(bytes(1 << 24), 1))
    assert unpack_head(source, Compression.GZIP, 4096) == bytes(4096)
    assert source.bytes_read < 1 << 16


def test_empty_members_without_end_are_an_error_in_bounded_time() -> None:
    source = Counting(gzip.compress(b"") * 70_000)
    with pytest.raises(FormatError, match="members"):
        for _ in unpack(source, Compression.GZIP):
            pass
    assert source.bytes_read < 1 << 29


def test_consumed_bytes_rise_to_the_size_of_the_file() -> None:
    packed = gzip.compress(zlib.compress(bytes(range(256)) * 999, 0) * 9, 1)
    consumed = [offset for _, offset in unpack(Buffer(packed), Compression.GZIP)]
    assert consumed == sorted(consumed)
    assert consumed[-1] == len(packed)
