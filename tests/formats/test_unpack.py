# SPDX-License-Identifier: MIT
"""Unpacking any compression: what was packed comes out, and nothing that a stream claims does harm."""

from __future__ import annotations

import bz2
import collections
import contextlib
import gzip
import lzma
import random
import sys
import time
import tracemalloc
from collections.abc import Callable

import lz4.frame
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.errors import FormatError
from bootmenu.formats.compression import (
    LZ4_LEGACY,
    ChecksumError,
    MissingModule,
    has_checksum,
    lz4_blocks,
    unpack,
    unpack_head,
)
from bootmenu.formats.reader import Buffer, Window
from bootmenu.model.kernel import Compression
from tests.builders.packed import lz4_frame, lz4_legacy
from tests.properties import examples

PACK: dict[str, tuple[Compression, Callable[[bytes], bytes]]] = {
    "none": (Compression.NONE, lambda data: data),
    "gzip": (Compression.GZIP, lambda data: gzip.compress(data, mtime=0)),
    "xz": (Compression.XZ, lambda data: lzma.compress(data, lzma.FORMAT_XZ, preset=0)),
    "lzma": (Compression.LZMA, lambda data: lzma.compress(data, lzma.FORMAT_ALONE, preset=0)),
    "bzip2": (Compression.BZIP2, bz2.compress),
    "zstd": (Compression.ZSTD, lambda data: zstandard.ZstdCompressor(write_checksum=True).compress(data)),
    "lz4-legacy": (Compression.LZ4, lz4_legacy),
    "lz4-frame": (Compression.LZ4, lz4_frame),
}
PACKED = [name for name in PACK if name != "none"]
MEMBERS = [name for name in PACKED if name != "lzma"]


def unpacked(data: bytes, compression: Compression, ceiling: int = 1 << 28) -> bytes:
    return b"".join(piece for piece, _ in unpack(Buffer(data), compression, ceiling))


@pytest.mark.parametrize("name", PACK)
@given(data=st.binary(max_size=3000), repeat=st.integers(1, 300))
@examples(30)
def test_what_was_packed_comes_out(name: str, data: bytes, repeat: int) -> None:
    content = data * repeat
    compression, pack = PACK[name]
    packed = pack(content)
    assert unpacked(packed, compression) == content
    assert unpack_head(Buffer(packed), compression, 100) == content[:100]


@pytest.mark.parametrize("name", PACKED)
def test_a_stream_cut_anywhere_is_an_error(name: str) -> None:
    compression, pack = PACK[name]
    packed = pack(bytes(range(256)) * 40)
    for length in range(1, len(packed)):
        with pytest.raises(FormatError):
            unpacked(packed[:length], compression)


@pytest.mark.parametrize("name", MEMBERS)
def test_members_are_joined_and_what_follows_the_last_is_ignored(name: str) -> None:
    compression, pack = PACK[name]
    packed = pack(b"one") + pack(b"two") + b"\0\0\0\x08 a size word, a signature"
    assert unpacked(packed, compression) == b"onetwo"


@pytest.mark.parametrize("name", PACKED)
@given(data=st.binary(max_size=400), at=st.integers(0, 300))
@examples(60)
def test_any_bytes_come_out_or_are_a_typed_error(name: str, data: bytes, at: int) -> None:
    compression, pack = PACK[name]
    whole = pack(b"content " * 50)
    for candidate in (data, whole[:at] + data, whole[:at] + data + whole[at + len(data) :]):
        with contextlib.suppress(FormatError):
            unpacked(candidate, compression, 1 << 22)


@pytest.mark.parametrize("name", PACKED)
def test_a_bomb_ends_at_the_ceiling_in_little_memory(name: str) -> None:
    compression, pack = PACK[name]
    assert _drained(pack(bytes(64 << 20)), compression, 32 << 20, "more than 32 MiB") < 48 << 20


@pytest.mark.parametrize("name", PACKED)
def test_a_bomb_ends_long_before_the_ceiling_by_its_ratio(name: str) -> None:
    compression, pack = PACK[name]
    assert unpacked(pack(bytes(60 << 20)), compression) == bytes(60 << 20), "zeros of a sensible size are no bomb"
    assert _drained(pack(bytes(80 << 20)), compression, 1 << 28, "100 times its size") < 48 << 20


def test_a_large_stream_of_a_usual_ratio_is_no_bomb() -> None:
    content = random.Random(1).randbytes(1 << 20) + bytes(79 << 20)
    assert unpacked(lz4_frame(content), Compression.LZ4) == content


def _drained(bomb: bytes, compression: Compression, ceiling: int, says: str) -> int:
    """Reads it to where something must stop it; returns the most bytes of memory that Python held."""
    tracemalloc.start()
    try:
        with pytest.raises(FormatError, match=says):
            collections.deque(unpack(Buffer(bomb), compression, ceiling), maxlen=0)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_zstd_block_of_four_bytes_for_128_kib_does_not_fill_the_memory() -> None:
    # RFC 8878: magic, frame header (single segment off, window 2^17), then RLE blocks
    block = (0b010 | (1 << 17) << 3).to_bytes(3, "little") + b"x"
    bomb = b"\x28\xb5\x2f\xfd" + b"\0" + bytes([7 << 3]) + block * 100_000
    began = time.monotonic()
    assert _drained(bomb, Compression.ZSTD, 64 << 20, "more than 64 MiB") < 80 << 20
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


def test_a_legacy_lz4_stream_has_blocks_of_8_mib_and_may_end_with_its_size() -> None:
    content = bytes(range(256)) * (70 << 10)
    packed = lz4_legacy(content)
    assert len(list(lz4_blocks(Buffer(packed)))) == 3
    # scripts/Makefile.lib: cmd_lz4_with_size appends the unpacked size
    for tail in (b"", len(content).to_bytes(4, "little"), b"\0\0\0\0padding", b"\xff" * 9, b"x"):
        assert unpacked(packed + tail, Compression.LZ4) == content
    with pytest.raises(FormatError, match="ends early"):
        unpacked(packed + b"\1\0\1\0 a block that is cut off", Compression.LZ4)


@pytest.mark.parametrize(
    "data",
    [
        b"\0\0\0\0",
        b"\xff\xff\xff\xff" + bytes(99),
        b"\4\0\0\0\x10A\5\0",
        b"\5\0\0\0\x00\0\0\0\0",
        LZ4_LEGACY * 70_000,
    ],
)
def test_a_damaged_legacy_lz4_stream_is_an_error(data: bytes) -> None:
    with pytest.raises(FormatError):
        unpacked(LZ4_LEGACY + data, Compression.LZ4)


@pytest.mark.parametrize("flags", [{"block_checksum": True}, {"content_checksum": True}, {"block_linked": False}])
def test_the_checksums_of_an_lz4_frame_are_checked(flags: dict[str, bool]) -> None:
    content = bytes(range(256)) * 999
    packed = bytearray(lz4.frame.compress(content, **flags))
    assert unpacked(bytes(packed), Compression.LZ4) == content
    for at in (5, len(packed) - (12 if "block_checksum" in flags else 5)):
        spoilt = bytearray(packed)
        spoilt[at] ^= 1
        if flags.get("block_linked", True) or at == 5:
            with pytest.raises(FormatError, match="damaged"):
                unpacked(bytes(spoilt), Compression.LZ4)


@pytest.mark.parametrize(("module", "name"), [("zstandard", "zstd"), ("lz4.block", "lz4-legacy")])
def test_a_module_that_is_missing_is_named(module: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    compression, pack = PACK[name]
    packed = pack(b"content")
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingModule, match=f"the module {module.partition('.')[0]} is not installed"):
        unpacked(packed, compression)


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
        (Compression.LZ4, lz4_legacy(b"x"), False),
        (Compression.LZ4, lz4.frame.compress(b"x", content_checksum=True), True),
        (Compression.LZ4, lz4.frame.compress(b"x"), False),
        (Compression.LZMA, b"", False),
        (Compression.NONE, b"", False),
    ],
)
def test_what_a_stream_proves(compression: Compression, head: bytes, proves: bool) -> None:
    assert has_checksum(compression, head) is proves
