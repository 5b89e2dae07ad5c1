# SPDX-License-Identifier: MIT
"""Detect file systems with pending changes in their journal, which a strictly read-only mount does not replay.

This takes a few reads of a fixed size; the journal's content is not read.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from bootmenu.formats.reader import ByteSource, Reader

_BLOCK = 512
"""Bytes of a basic block of an XFS log (fs/xfs/libxfs/xfs_fs.h: BBSIZE)."""
_LONGEST_RECORD = 2048
"""Basic blocks of an XFS log in which to search for the last record: 1 MiB; a record has 256 KiB at most
(fs/xfs/libxfs/xfs_log_format.h: XLOG_MAX_RECORD_BSIZE)."""
_RECORD = 0xFEEDBABE
"""fs/xfs/libxfs/xfs_log_format.h: XLOG_HEADER_MAGIC_NUM"""
_UNMOUNT = 0x20
"""fs/xfs/libxfs/xfs_log_format.h: XLOG_UNMOUNT_TRANS"""


def unreplayed(filesystem: str, source: ByteSource) -> bool | None:
    """Return whether the journal of a file system has to be replayed, or None if unknown or not supported.

    filesystem: its type as in lsblk. source: its block device. Raise FormatError if it ends early; raise OSError."""
    probe = _PROBES.get(filesystem)
    return None if probe is None else probe(source)


def _ext4(source: ByteSource) -> bool | None:
    # Documentation/filesystems/ext4/super.rst: the superblock begins at 1024; s_magic at 0x38 is 0xEF53,
    # s_feature_incompat at 0x60 has 0x4 for "filesystem needs recovery"
    head = _read(source, 1024, 0x64)
    if head[0x38:0x3A] != b"\x53\xef":
        return None
    return bool(int.from_bytes(head[0x60:0x64], "little") & 0x4)


def _btrfs(source: ByteSource) -> bool | None:
    # fs/btrfs/accessors.h, include/uapi/linux/btrfs_tree.h: struct btrfs_super_block at 64 KiB; magic at 0x40,
    # log_root at 0x60, which is not 0 if a log tree has to be replayed (fs/btrfs/disk-io.c: open_ctree)
    head = _read(source, 0x10000, 0x68)
    if head[0x40:0x48] != b"_BHRfS_M":
        return None
    return head[0x60:0x68] != bytes(8)


def _xfs(source: ByteSource) -> bool | None:
    # fs/xfs/libxfs/xfs_format.h: struct xfs_dsb, big-endian
    head = _read(source, 0, 128)
    if head[:4] != b"XFSB":
        return None
    block_size, log_start = struct.unpack_from(">I", head, 4)[0], struct.unpack_from(">Q", head, 48)[0]
    group_blocks, _, _, log_blocks = struct.unpack_from(">4I", head, 84)
    if not log_start:
        return None  # its log is on another device
    group, block = log_start >> head[124], log_start & ((1 << head[124]) - 1)
    start = (group * group_blocks + block) * block_size
    size = log_blocks * block_size // _BLOCK
    if size < 2:
        return None
    end = _xfs_head(source, start, size)
    return not _xfs_unmounted(source, start, size, end)


def _xfs_head(source: ByteSource, start: int, size: int) -> int:
    """Return the basic block of the log that would be written next. Each block begins with the number of the cycle in
    which it was written (fs/xfs/xfs_log_recover.c: xlog_find_head)."""

    def cycle_of(block: int) -> int:
        word, cycle = struct.unpack(">2I", _read(source, start + block * _BLOCK, 8))
        return int(cycle if word == _RECORD else word)

    last = cycle_of(size - 1)
    if cycle_of(0) == last:
        return size
    low, high = 0, size - 1  # the first block of the previous cycle is in (low, high]
    while high - low > 1:
        middle = (low + high) // 2
        if cycle_of(middle) == last:
            high = middle
        else:
            low = middle
    return high


def _xfs_unmounted(source: ByteSource, start: int, size: int, end: int) -> bool:
    """Return whether the last record before this block is an unmount record (xlog_check_unmount_rec)."""
    first = max(0, end - _LONGEST_RECORD)
    blocks = _read(source, start + first * _BLOCK, (end - first) * _BLOCK)
    if end < _LONGEST_RECORD and end < size:  # the record may begin at the end of the previous cycle
        more = min(_LONGEST_RECORD - end, size - end)
        blocks = _read(source, start + (size - more) * _BLOCK, more * _BLOCK) + blocks
    for at in range(len(blocks) - _BLOCK, -1, -_BLOCK):
        # struct xlog_rec_header: h_magicno at 0, h_version at 8, h_num_logops at 40, h_size at 320
        if int.from_bytes(blocks[at : at + 4], "big") != _RECORD:
            continue
        version, operations = (
            struct.unpack_from(">I", blocks, at + 8)[0],
            struct.unpack_from(">I", blocks, at + 40)[0],
        )
        record_size = struct.unpack_from(">I", blocks, at + 320)[0]
        headers = max(1, -(-record_size // 32768)) if version & 2 else 1
        # struct xlog_op_header: oh_flags at 9
        flags = at + headers * _BLOCK + 9
        return operations == 1 and flags < len(blocks) and bool(blocks[flags] & _UNMOUNT)
    return False


def _read(source: ByteSource, offset: int, length: int) -> bytes:
    data = source.read(offset, length) if offset + length <= source.size else b""
    return Reader(data, "the file system").slice(0, length)


_PROBES: dict[str, Callable[[ByteSource], bool | None]] = {
    "ext3": _ext4,
    "ext4": _ext4,
    "btrfs": _btrfs,
    "xfs": _xfs,
}

JOURNALED = frozenset(_PROBES)
"""The types of file systems that `unreplayed` supports."""
