# SPDX-License-Identifier: MIT
"""Journals that wait to be replayed, told from a few bytes of a partition."""

from __future__ import annotations

import contextlib
import itertools
import struct
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.errors import FormatError
from bootmenu.formats.journal import unreplayed
from bootmenu.formats.reader import Buffer
from tests.properties import examples

_BLOCK = 512


def ext4(incompat: int, magic: int = 0xEF53) -> bytes:
    """A superblock, as Documentation/filesystems/ext4/super.rst has it."""
    data = bytearray(4096)
    struct.pack_into("<H", data, 1024 + 0x38, magic)
    struct.pack_into("<I", data, 1024 + 0x60, incompat)
    return bytes(data)


def btrfs(log_root: int, magic: bytes = b"_BHRfS_M") -> bytes:
    """A superblock, as include/uapi/linux/btrfs_tree.h has it."""
    data = bytearray(0x11000)
    data[0x10040:0x10048] = magic
    struct.pack_into("<Q", data, 0x10060, log_root)
    return bytes(data)


@dataclass
class XfsLog:
    """An XFS of two groups whose log, in the second one, has so many basic blocks."""

    size: int = 64
    blocks: list[bytes] = field(default_factory=list)

    def record(self, cycle: int, *, unmount: bool, length: int = 1, record_size: int = 32768) -> None:
        """One with so many basic blocks of content; what is full begins again."""
        headers = -(-record_size // 32768)
        operations = 1 if unmount else 3
        head = struct.pack(">6I", 0xFEEDBABE, cycle, 2, length * _BLOCK, 0, 0) + bytes(16)
        head += struct.pack(">I", operations) + bytes(276) + struct.pack(">I", record_size)
        content = bytes(4) + bytes(4) + bytes([0xAA, 0x20 if unmount else 0])
        self.blocks.append(head.ljust(_BLOCK, b"\0"))
        for block in [b""] * (headers - 1) + [content] + [b""] * (length - 1):
            self.blocks.append(struct.pack(">I", cycle) + block[4:].ljust(_BLOCK - 4, b"\0"))

    def disk(self, start: int = 0x41, *, magic: bytes = b"XFSB") -> bytes:
        """With what was written in place of what had been there a round before."""
        full = [bytes(_BLOCK)] * self.size
        for number, block in enumerate(self.blocks):
            full[number % self.size] = block
        head = bytearray(_BLOCK)
        head[:4] = magic
        struct.pack_into(">I", head, 4, 1024)
        struct.pack_into(">Q", head, 48, start)
        # fs/xfs/libxfs/xfs_format.h: sb_agblocks, sb_agcount, sb_rbmblocks, sb_logblocks; sb_agblklog
        struct.pack_into(">4I", head, 84, 40, 2, 0, self.size // 2)
        head[124] = 6
        log_at = (40 + 1) * 1024 if start else 1024
        return bytes(head).ljust(log_at, b"\0") + b"".join(full)


def asked(filesystem: str, data: bytes) -> bool | None:
    return unreplayed(filesystem, Buffer(data))


def test_ext4_says_so_in_a_flag() -> None:
    for filesystem in ("ext3", "ext4"):
        assert asked(filesystem, ext4(0x246)) is True
        assert asked(filesystem, ext4(0x242)) is False
        assert asked(filesystem, ext4(0x4, magic=0)) is None


def test_btrfs_says_so_with_the_root_of_a_log_tree() -> None:
    assert asked("btrfs", btrfs(0)) is False
    assert asked("btrfs", btrfs(1 << 40)) is True
    assert asked("btrfs", btrfs(1, magic=b"_BHRfS_N")) is None


@pytest.mark.parametrize("length", [1, 2, 7])
def test_xfs_says_so_in_its_last_record(length: int) -> None:
    """Wherever in the log it lies, also where it begins at its end and goes on at its beginning."""
    for before, unmount in itertools.product(range(0, 200, 3), (True, False)):
        log = XfsLog()
        while len(log.blocks) < before:
            log.record(len(log.blocks) // log.size + 1, unmount=len(log.blocks) % 2 == 0)
        cycle = len(log.blocks) // log.size + 1
        left = log.size - len(log.blocks) % log.size
        if left < length + 1:  # a record that is cut has two rounds; the kernel writes it so
            log.blocks += [struct.pack(">I", cycle).ljust(_BLOCK, b"\0")] * left
            cycle += 1
        log.record(cycle, unmount=unmount, length=length)
        assert asked("xfs", log.disk()) is not unmount, before


def test_xfs_with_long_records_has_several_heads() -> None:
    for unmount in (True, False):
        log = XfsLog()
        log.record(1, unmount=unmount, record_size=256 * 1024)
        assert len(log.blocks) == 9
        assert asked("xfs", log.disk()) is not unmount


def test_what_is_not_known_is_not_said() -> None:
    log = XfsLog()
    log.record(1, unmount=False)
    assert asked("xfs", log.disk(start=0)) is None, "its log is another device"
    assert asked("xfs", log.disk(magic=b"XFSC")) is None
    assert asked("vfat", log.disk()) is None
    assert asked("f2fs", log.disk()) is None
    assert asked("xfs", XfsLog().disk()) is True, "a log without a record was never unmounted"


@pytest.mark.parametrize("data", [ext4(4), btrfs(1), XfsLog().disk()])
def test_what_ends_early_is_an_error_or_not_known(data: bytes) -> None:
    for length in [*range(0, min(len(data), 2048), 7), len(data) // 2, len(data) - 1]:
        for filesystem in ("ext4", "btrfs", "xfs"):
            with contextlib.suppress(FormatError):
                assert asked(filesystem, data[:length]) in (True, False, None)


@dataclass
class Counting:
    """Counts what is read of a disk that is as large as anything says."""

    data: bytes
    read_bytes: int = 0
    reads: int = 0
    size: int = 1 << 63

    def read(self, offset: int, length: int) -> bytes:
        self.reads += 1
        self.read_bytes += length
        return self.data[offset : offset + length].ljust(length, b"\0")


@examples(500)
@given(st.binary(min_size=124, max_size=124), st.integers(0, 255))
def test_any_superblock_is_answered_with_few_reads(rest: bytes, logarithm: int) -> None:
    source = Counting(b"XFSB" + rest[:120] + bytes([logarithm]) + rest[120:])
    with contextlib.suppress(FormatError):
        assert unreplayed("xfs", source) in (True, False, None)
    assert source.reads <= 70
    assert source.read_bytes <= 3 << 20
