# SPDX-License-Identifier: MIT
"""Make a unified kernel image (UKI): systemd's stub with a kernel and all that it starts with as further sections.

UAPI.5, "Unified Kernel Images": "UKIs are regular UEFI PE executables" with the sections .linux, .osrel, .cmdline,
.initrd and .uname, among others. PE Format, "Section Table": 40 bytes a section, right after the optional header.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

from bootmenu.errors import FormatError

_INITIALIZED_READABLE = 0x40000040
"""IMAGE_SCN_CNT_INITIALIZED_DATA and IMAGE_SCN_MEM_READ."""
_ROW = 40
"""Bytes of a section's row in the table."""


def unified_kernel(stub: bytes, sections: Mapping[str, bytes]) -> bytes:
    """Return the image. stub: linux*.efi.stub of systemd-boot-efi. sections: content by name, such as `.linux`.

    Raise FormatError if the stub is not a PE file, or has no room for so many sections.
    """
    try:
        (header,) = struct.unpack_from("<I", stub, 0x3C)
        signature, count, optional_size = struct.unpack_from("<4s2xH12xH", stub, header)
        optional = header + 24
        alignment, file_alignment = struct.unpack_from("<II", stub, optional + 32)
        (headers_size,) = struct.unpack_from("<I", stub, optional + 60)
        table = optional + optional_size
        rows = [struct.unpack_from("<II", stub, table + _ROW * row + 8) for row in range(count)]
    except struct.error as error:
        raise FormatError(f"the stub of systemd-boot is not a PE file: {error}") from None
    if signature != b"PE\0\0" or not alignment or not file_alignment:
        raise FormatError("the stub of systemd-boot is not a PE file")
    end = table + _ROW * (count + len(sections))
    if end > headers_size:
        raise FormatError(f"the stub of systemd-boot has no room for {len(sections)} more sections")
    image = bytearray(stub) + bytes(-len(stub) % file_alignment)
    address = max((place + size for size, place in rows), default=headers_size)
    for number, (name, content) in enumerate(sections.items(), start=count):
        address += -address % alignment
        padded = content + bytes(-len(content) % file_alignment)
        values = (name.encode(), len(content), address, len(padded), len(image), 0, 0, 0, 0, _INITIALIZED_READABLE)
        struct.pack_into("<8sIIIIIIHHI", image, table + _ROW * number, *values)
        image += padded
        address += len(content)
    struct.pack_into("<H", image, header + 6, count + len(sections))
    struct.pack_into("<I", image, optional + 56, address + -address % alignment)
    return bytes(image)
