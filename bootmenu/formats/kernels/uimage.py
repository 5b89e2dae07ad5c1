# SPDX-License-Identifier: MIT
"""U-Boot's legacy uImage (include/image.h): a header of 64 bytes with a CRC of itself and a CRC of the data."""

from __future__ import annotations

import zlib

from bootmenu.errors import FormatError
from bootmenu.formats.compression import CEILING
from bootmenu.formats.identify import kernel_in
from bootmenu.formats.kernels import FORMATS, PARTS, BrokenContainer
from bootmenu.formats.reader import ByteSource, Reader, Window
from bootmenu.model.kernel import Architecture, Compression, Embedded, KernelImage, Role
from bootmenu.model.value import Value, replace

NAME = "uimage"
MAGIC = b"\x27\x05\x19\x56"
_HEADER = 64
# IH_TYPE_KERNEL and IH_TYPE_KERNEL_NOLOAD, _RAMDISK, _MULTI, _SCRIPT
_KERNELS, _RAMDISK, _MULTI, _SCRIPT = (2, 14), 3, 4, 6
_MAX_PARTS = 16
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
_CHUNK = 256 * 1024


@FORMATS.register(NAME, after="fit")
def probe(head: bytes, source: ByteSource) -> KernelImage | None:
    """Identify the kernel in a uImage and check the CRC of the data, which reads the whole file."""
    header = _Header.read(head, source)
    if header is None:
        return None
    architecture = header.architecture
    if header.kind not in (*_KERNELS, _MULTI):
        raise _broken("it holds no kernel, by its type", architecture)
    compression = _COMPRESSIONS.get(header.packed)
    if compression is None:
        raise _broken(f"its compression (number {header.packed}) is not supported", architecture)
    kernel, *others = header.parts()
    try:
        image = kernel_in(source, replace(kernel, compression=compression), NAME)
    except FormatError as error:
        raise _broken(f"its kernel cannot be read: {error.message}", architecture) from None
    image = replace(image, embedded=tuple(others), parts=tuple(part.name for part in others))
    if header.data_crc_wrong(source):
        return replace(image, checksummed=False, checksum_problem="the CRC of the uImage's data is wrong")
    return replace(image, checksummed=True)


@PARTS.register(NAME, after="fit")
def parts(head: bytes, source: ByteSource) -> tuple[Embedded, ...] | None:
    """Return the parts of a uImage: one, or several for a multi-file image."""
    header = _Header.read(head, source)
    return header.parts() if header else None


def ramdisk(source: ByteSource, *, checked: bool) -> Embedded | None:
    """Return the initramfs in a `uInitrd`, or None if the file is no uImage.

    checked: verify the CRC, which reads the whole file. Raise FormatError if it is damaged or holds something else.
    """
    header = _Header.read(source.read(0, _HEADER), source)
    if header is None:
        return None
    if header.kind != _RAMDISK:
        raise FormatError("it is a uImage, but not of an initramfs")
    if checked and header.data_crc_wrong(source):
        raise FormatError("the CRC of the uImage's data is wrong", hint="Copy the file again.")
    return header.parts()[0]


def script(source: ByteSource) -> bytes:
    """Return the text of a script for U-Boot's `source` command. Raise FormatError if it would be rejected."""
    header = _Header.read(source.read(0, _HEADER), source)
    if header is None:
        raise FormatError("it is not a uImage, and U-Boot runs no other scripts")
    if header.kind != _SCRIPT:
        raise FormatError("it is a uImage, but not of a script")
    if header.data_crc_wrong(source):
        raise FormatError("the CRC of the uImage's data is wrong")
    # boot/image-board.c:image_locate_script: "scripts are just multi-image files with one component, so seek past the
    # zero-terminated sequence of image lengths to get to the actual image data"
    data = Window(source, _HEADER, header.size).read(0, header.size)
    size, end = int.from_bytes(data[:4], "big"), 0
    while len(word := data[end : end + 4]) == 4 and any(word):
        end += 4
    text = data[end + 4 :]
    if not size or len(text) < size:
        raise FormatError("its script is empty or incomplete")
    return text[:size]


class _Header(Value):
    source: ByteSource
    size: int
    """Bytes of data after the header."""
    data_crc: int
    architecture: Architecture | None
    kind: int
    packed: int

    @classmethod
    def read(cls, head: bytes, source: ByteSource) -> _Header | None:
        """Return the header, or None if the file is no uImage. Raise BrokenContainer."""
        if head[:4] != MAGIC:
            return None
        if len(head) < _HEADER:
            raise _broken("its header is incomplete")
        reader = Reader(head, "the uImage header")  # all numbers are big-endian
        size, architecture = reader.u32be(12), _ARCHITECTURES.get(head[29])
        if zlib.crc32(head[:4] + bytes(4) + head[8:_HEADER]) != reader.u32be(4):
            raise _broken("the checksum of its header does not match", architecture)
        if size > CEILING or _HEADER + size > source.size:
            problem = f"its {size:,} bytes of data extend beyond the file of {source.size:,} bytes"
            raise _broken(problem, architecture)
        return cls(source, size, reader.u32be(24), architecture, head[30], head[31])

    def data_crc_wrong(self, source: ByteSource) -> bool:
        return _crc(Window(source, _HEADER, self.size)) != self.data_crc

    def parts(self) -> tuple[Embedded, ...]:
        """Return the parts, at least one. Raise BrokenContainer."""
        if self.kind != _MULTI:
            role = Role.INITRAMFS if self.kind == _RAMDISK else Role.KERNEL
            return (Embedded(role=role, name="image-1", offset=_HEADER, size=self.size),)
        # include/image.h: "a list of image sizes (each image size is an uint32_t in network byte order), terminated
        # by an uint32_t zero. Immediately after the terminating 0 follow the images, one by one, all aligned on
        # uint32_t boundaries (except for the last one)"
        table = Window(self.source, _HEADER, self.size).read(0, 4 * (_MAX_PARTS + 1))
        sizes = [int.from_bytes(table[at : at + 4], "big") for at in range(0, len(table) - 3, 4)]
        if 0 not in sizes or not sizes[0]:
            raise _broken("its table of parts is damaged", self.architecture)
        sizes = sizes[: sizes.index(0)]
        offset, found = _HEADER + 4 * (len(sizes) + 1), []
        # boot/bootm.c and boot/image-fdt.c: the first is the kernel, the second the initramfs, the third the tree
        roles = (Role.KERNEL, Role.INITRAMFS, Role.DEVICE_TREE)
        for number, size in enumerate(sizes, 1):
            if offset + size > _HEADER + self.size:
                raise _broken(f"its part {number} is outside the file", self.architecture)
            if number <= len(roles):
                found.append(Embedded(role=roles[number - 1], name=f"image-{number}", offset=offset, size=size))
            offset += size + -size % 4
        return tuple(found)


def _crc(data: ByteSource) -> int:
    value = 0
    for offset in range(0, data.size, _CHUNK):
        value = zlib.crc32(data.read(offset, _CHUNK), value)
    return value


def _broken(problem: str, architecture: Architecture | None = None) -> BrokenContainer:
    return BrokenContainer(NAME, "a U-Boot legacy image (uImage)", problem, architecture)
