# SPDX-License-Identifier: MIT
"""Remove what an ELF file holds only for kernels with larger pages, and for debuggers.

On arm64, linkers put the writable part of a file where a kernel with pages of 64 KiB could map it: before it are up
to 64 KiB of zeros. In a root file system in memory they take that room, in each of many small libraries.
"""

from __future__ import annotations

import itertools
import struct

from bootmenu.formats.elf import MAGIC

_PAGE = 4096
_LOAD = 1  # PT_LOAD
_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
"""Elf64_Ehdr (System V ABI, gABI chapter 4, ELF header)."""
_SEGMENT = struct.Struct("<IIQQQQQQ")
"""Elf64_Phdr: type, flags, offset, vaddr, paddr, filesz, memsz, align."""
_LITTLE_64 = b"\2\1"


def without_gaps(data: bytes) -> bytes:
    """Return a program or library for kernels with pages of 4 KiB, or the same bytes if nothing would be gained.

    gABI, chapter 5: "loadable process segments must have congruent values for p_vaddr and p_offset, modulo the page
    size". Each segment is moved to the next offset for which that holds. The section headers are left out: nothing
    that runs a file reads them.
    """
    if data[:4] != MAGIC or data[4:6] != _LITTLE_64 or len(data) < _HEADER.size:
        return data
    header = list(_HEADER.unpack_from(data))
    table, size, count = header[5], header[9], header[10]
    if size != _SEGMENT.size or not count or table + size * count > len(data):
        return data
    segments = [list(_SEGMENT.unpack_from(data, table + size * index)) for index in range(count)]
    loaded = [segment for segment in segments if segment[0] == _LOAD]
    in_order = all(first[2] + first[5] <= second[2] for first, second in itertools.pairwise(loaded))
    if not loaded or not in_order or loaded[0][2] or loaded[0][5] < table + size * count:
        return data
    if loaded[-1][2] + loaded[-1][5] > len(data):
        return data
    packed, moved = bytearray(), []
    for segment in loaded:
        offset, length = segment[2], segment[5]
        packed += bytes((segment[3] - len(packed)) % _PAGE)
        moved.append((offset, length, len(packed) - offset))
        packed += data[offset : offset + length]
    for segment in segments:
        for offset, length, shift in moved:
            if segment[5] and offset <= segment[2] and segment[2] + segment[5] <= offset + length:
                segment[2] += shift
                break
        else:
            if segment[5]:  # a note that is not loaded
                return data
        if segment[0] == _LOAD:
            segment[7] = _PAGE
    header[6], header[11], header[12], header[13] = 0, 0, 0, 0
    _HEADER.pack_into(packed, 0, *header)
    for index, segment in enumerate(segments):
        _SEGMENT.pack_into(packed, table + size * index, *segment)
    return bytes(packed) if len(packed) < len(data) else data
