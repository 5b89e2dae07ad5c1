# SPDX-License-Identifier: MIT
"""Unified kernels that are put together here, read back by the format's own reader."""

from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.errors import FormatError
from bootmenu.formats.pe import PortableExecutable
from bootmenu.image.unified_kernel import unified_kernel

ALIGNMENT, FILE_ALIGNMENT = 4096, 512


def stub(sections: int = 2, room: int = 4) -> bytes:
    """A PE file with code in some sections, and room for some more rows in its table."""
    table = 0x58 + 0xA0
    size = -(-(table + 40 * (sections + room)) // FILE_ALIGNMENT) * FILE_ALIGNMENT
    head = bytearray(size)
    head[:2] = b"MZ"
    struct.pack_into("<I", head, 0x3C, 0x40)
    struct.pack_into("<4sHHIIIHH", head, 0x40, b"PE\0\0", 0xAA64, sections, 0, 0, 0, 0xA0, 0x206)
    struct.pack_into("<H", head, 0x58, 0x20B)
    struct.pack_into("<II", head, 0x58 + 32, ALIGNMENT, FILE_ALIGNMENT)
    struct.pack_into("<II", head, 0x58 + 56, ALIGNMENT * (sections + 1), table + 40 * (sections + room))
    struct.pack_into("<I", head, 0x58 + 108, 6)
    for row in range(sections):
        values = (b".code%d" % row, 100, ALIGNMENT * (row + 1), 512, size + 512 * row, 0, 0, 0, 0, 0x60000020)
        struct.pack_into("<8sIIIIIIHHI", head, table + 40 * row, *values)
    return bytes(head) + bytes(512 * sections)


def test_sections_are_where_the_table_says() -> None:
    wanted = {".osrel": b"ID=debian\n", ".cmdline": b"root=x", ".linux": b"K" * 5000}
    image = unified_kernel(stub(), wanted)
    read = PortableExecutable.from_head(image)
    assert read is not None
    found = {section.name: image[section.offset : section.offset + section.content_size] for section in read.sections}
    assert {name: found[name] for name in wanted} == wanted
    assert list(found) == [".code0", ".code1", *wanted]
    rows = [struct.unpack_from("<II", image, 0x58 + 0xA0 + 40 * row + 8) for row in range(5)]
    assert all(address % ALIGNMENT == 0 for _, address in rows)
    ends = [address + size for size, address in rows]
    assert all(end <= following for end, (_, following) in zip(ends, rows[1:], strict=False))
    assert struct.unpack_from("<I", image, 0x58 + 56)[0] >= ends[-1]


def test_nothing_is_between_the_sections_for_a_signature_to_miss() -> None:
    plain = stub()
    with_symbols = bytearray(plain + b"symbols" * 99)
    struct.pack_into("<II", with_symbols, 0x40 + 12, len(plain), 99)
    assert unified_kernel(bytes(with_symbols), {".linux": b"K"}) == unified_kernel(plain, {".linux": b"K"})


def test_a_stub_without_room_is_refused() -> None:
    with pytest.raises(FormatError, match="no room for 2 more sections"):
        unified_kernel(stub(room=1), {".osrel": b"", ".linux": b""})


@given(st.binary(max_size=600) | st.integers(0, 700).map(lambda size: stub()[:size]))
def test_any_stub_gives_an_image_or_an_error(data: bytes) -> None:
    with contextlib.suppress(FormatError):
        assert len(unified_kernel(data, {".linux": b"K"})) > len(data)
