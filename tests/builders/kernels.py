# SPDX-License-Identifier: MIT
"""Kernels of other kinds than the arm64 Image, as far as their headers go."""

from __future__ import annotations

import struct
from collections.abc import Sequence


def portable_executable(
    sections: Sequence[tuple[str, int, int]],
    *,
    machine: int = 0xAA64,
    certificates: tuple[int, int] = (0, 0),
) -> bytes:
    """Headers of a PE32+ file of 1 KiB; sections as (name, offset, size) of their raw data."""
    data = bytearray(1024)
    struct.pack_into("<2s", data, 0, b"MZ")
    struct.pack_into("<I", data, 0x3C, 0x40)
    struct.pack_into("<4sHHIIIHH", data, 0x40, b"PE\0\0", machine, len(sections), 0, 0, 0, 0xA0, 0x206)
    struct.pack_into("<H", data, 0x58, 0x20B)
    struct.pack_into("<I", data, 0x58 + 108, 6)
    struct.pack_into("<II", data, 0x58 + 112 + 32, *certificates)
    for row, (name, offset, size) in enumerate(sections):
        struct.pack_into("<8sIIII", data, 0x58 + 0xA0 + 40 * row, name.encode(), size, 0, size, offset)
    return bytes(data)


def elf(
    machine: int,
    *segments: tuple[int, int, bytes],
    big_endian: bool = False,
    kind: int = 2,
    bits: int = 64,
    interpreter: bool = False,
    dynamic: bool = False,
    tail: bytes = b"",
) -> bytes:
    """An ELF file. segments: (offset in the file, address, data) of each PT_LOAD. kind: ET_EXEC is 2."""
    order = ">" if big_endian else "<"
    ident = b"\x7fELF" + bytes([bits // 32, 2 if big_endian else 1, 1]) + bytes(9)
    extra = [number for number, wanted in ((3, interpreter), (2, dynamic)) if wanted]
    rows = [(1, at, address, len(data)) for at, address, data in segments] + [(number, 0, 0, 0) for number in extra]
    word, header = ("Q", 64) if bits == 64 else ("I", 52)
    head = ident + struct.pack(
        f"{order}HHI{word * 3}I6H",
        kind,
        machine,
        1,
        0,
        header,
        0,
        0,
        header,
        56 if bits == 64 else 32,
        len(rows),
        64,
        0,
        0,
    )
    for number, at, address, size in rows:
        if bits == 64:
            head += struct.pack(f"{order}II6Q", number, 5, at, address, address, size, size, 65536)
        else:
            head += struct.pack(f"{order}8I", number, at, address, address, size, size, 5, 65536)
    data = bytearray(max([len(head), *(at + len(content) for at, _, content in segments)]))
    data[: len(head)] = head
    for at, _, content in segments:
        data[at : at + len(content)] = content
    return bytes(data) + tail


def bzimage(protocol: int, xloadflags: int) -> bytes:
    """The set-up header of an x86 bzImage (Documentation/arch/x86/boot.rst)."""
    data = bytearray(1024)
    data[0x1FE:0x200] = b"\x55\xaa"
    struct.pack_into("<4sH", data, 0x202, b"HdrS", protocol)
    struct.pack_into("<H", data, 0x236, xloadflags)
    return bytes(data)


def _placed(*pieces: tuple[int, bytes], size: int = 1024) -> bytes:
    data = bytearray(size)
    for at, piece in pieces:
        data[at : at + len(piece)] = piece
    return bytes(data)


FOREIGN = {
    "bzImage": bzimage(0x20F, 1),
    "elf": elf(183),
    "risc-v": _placed((0x30, b"RISCV\0\0\0"), (0x38, b"RSC\x05")),
    "zImage": _placed((0x24, b"\x18\x28\x6f\x01")),
    "uImage": _placed((0, b"\x27\x05\x19\x56"), (29, b"\x16")),
    "fit": _placed((0, b"\xd0\x0d\xfe\xed")),
    "zboot": _placed((0, portable_executable([(".text", 512, 100)])), (4, b"zimg")),
    "uki": portable_executable([(".linux", 512, 100)]),
    "efi": portable_executable([(".text", 512, 100)], machine=0x8664),
    "loongarch": _placed(
        (0, portable_executable([(".text", 512, 100)], machine=0x6264)), (0x38, b"\xcd\x23\x82\x81")
    ),
}
"""One of each, by the name people use."""
