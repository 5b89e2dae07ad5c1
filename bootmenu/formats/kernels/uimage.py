# SPDX-License-Identifier: MIT
"""The legacy uImage of U-Boot (include/image.h): a header of 64 bytes with a CRC of itself and one of the data."""

from __future__ import annotations

import dataclasses
import zlib

from bootmenu.errors import FormatError
from bootmenu.formats.compression import CEILING
from bootmenu.formats.kernels import FORMATS, BrokenContainer, identify_packed, identify_part
from bootmenu.formats.reader import ByteSource, Reader, Window
from bootmenu.model.kernel import Architecture, Compression, KernelImage

NAME = "uimage"
MAGIC = b"\x27\x05\x19\x56"
_HEADER = 64
_KERNELS = (2, 14)  # IH_TYPE_KERNEL, IH_TYPE_KERNEL_NOLOAD
_COMPRESSIONS = {
    0: Compression.NONE,
    1: Compression.GZIP,
    2: Compression.BZIP2,
    3: Compression.LZMA,
    5: Compression.LZ4,
    6: Compression.ZSTD,
}
_ARCHITECTURES = {
    2: Architecture.ARM,
    3: Architecture.X86,
    5: Architecture.MIPS,
    22: Architecture.ARM64,
    24: Architecture.X86_64,
    26: Architecture.RISCV64,
}
_CHUNK = 1024 * 1024


@FORMATS.register(NAME, order=33)
def probe(head: bytes, source: ByteSource) -> KernelImage | None:
    """All numbers are big-endian. The data's CRC is checked, which reads all of it."""
    if head[:4] != MAGIC:
        return None
    if len(head) < _HEADER:
        raise _broken("its header is cut off")
    reader = Reader(head, "the uImage header")
    size, data_crc = reader.u32be(12), reader.u32be(24)
    architecture, kind, packed = _ARCHITECTURES.get(head[29]), head[30], head[31]
    header = head[:4] + bytes(4) + head[8:_HEADER]
    if zlib.crc32(header) != reader.u32be(4):
        raise _broken("the checksum of its header is wrong", architecture)
    if kind not in _KERNELS:
        raise _broken("it holds no single kernel (its type is another one)", architecture)
    if size > CEILING or _HEADER + size > source.size:
        raise _broken(f"its {size:,} bytes of data do not end within the file of {source.size:,} bytes", architecture)
    compression = _COMPRESSIONS.get(packed)
    if compression is None:
        raise _broken(f"its compression (number {packed}) is none that can be unpacked here", architecture)
    data = Window(source, _HEADER, size)
    try:
        if compression is Compression.NONE:
            image = identify_part(source, _HEADER, size, NAME)
        else:
            image = dataclasses.replace(
                identify_packed(data, compression, None),
                containers=(NAME,),
                payload_offset=_HEADER,
                payload_size=size,
                file_size=source.size,
            )
    except FormatError as error:
        raise _broken(f"the kernel in it cannot be had: {error.message}", architecture) from None
    if _crc(data) != data_crc:
        return dataclasses.replace(image, checksummed=False, checksum_problem="the CRC of the uImage's data is wrong")
    return dataclasses.replace(image, checksummed=True)


def _crc(data: ByteSource) -> int:
    value = 0
    for offset in range(0, data.size, _CHUNK):
        value = zlib.crc32(data.read(offset, _CHUNK), value)
    return value


def _broken(problem: str, architecture: Architecture | None = None) -> BrokenContainer:
    return BrokenContainer(NAME, "a U-Boot legacy image (uImage)", problem, architecture)
