# SPDX-License-Identifier: MIT
"""Make a unified kernel image (UKI): systemd's stub with a kernel and all that it starts with as further sections.

UAPI.5, "Unified Kernel Images": "UKIs are regular UEFI PE executables" with the sections .linux, .osrel, .cmdline,
.initrd and .uname, among others. PE Format, "Section Table": 40 bytes a section, right after the optional header.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

from bootmenu.errors import BootmenuError, FormatError
from bootmenu.formats.pe import PortableExecutable
from bootmenu.formats.reader import HEAD_SIZE
from bootmenu.image.rootfs import Root

_INITIALIZED_READABLE = 0x40000040
"""IMAGE_SCN_CNT_INITIALIZED_DATA and IMAGE_SCN_MEM_READ."""
_ROW = 40
"""Bytes of a section's row in the table."""
PACKAGE = "systemd-boot-efi"
"""Debian's package with the stub."""
_STUBS = "/usr/lib/systemd/boot/efi/linux{}.efi.stub"
_NAMES = {
    0xAA64: "aa64",
    0x01C0: "arm",
    0x01C2: "arm",
    0x8664: "x64",
    0x014C: "ia32",
    0x5064: "riscv64",
    0x6264: "loongarch64",
}
"""What UEFI calls architectures in names of files, by the machine number of a PE file."""
_RELEASE = b'ID=bootmenu\nNAME="bootmenu"\nPRETTY_NAME="bootmenu"\n'


def stub_for(root: Root, kernel: bytes, *, release: str) -> bytes:
    """Return the stub for a kernel. release: as uname prints it. Raise BootmenuError if the tree has none for the
    kernel, or firmware cannot start that."""
    executable = PortableExecutable.from_head(kernel[:HEAD_SIZE])
    name = None if executable is None else _NAMES.get(executable.machine)
    if name is None:
        raise BootmenuError(
            f"kernel {release} is not an EFI program, so it cannot be part of a unified kernel image",
            "Leave --uki out, or take a kernel that is built with CONFIG_EFI_STUB=y.",
        )
    stub = _STUBS.format(name)
    if root.resolve(stub) is None:
        raise BootmenuError(
            f"{root.folder} has no {stub}, the program at the beginning of a unified kernel image",
            f"Install {PACKAGE} there.",
        )
    return root.read(stub)


def of_first_stage(stub: bytes, kernel: bytes, *, release: str, initrd: bytes, cmdline: str) -> bytes:
    """Return the image of a first stage. stub: see `stub_for`. cmdline: empty for what firmware says. Raise
    BootmenuError if the stub has no room for it."""
    sections = {".osrel": _RELEASE, ".uname": release.encode()}
    sections |= {".cmdline": cmdline.encode()} if cmdline else {}
    # the kernel comes last, since it may be unpacked in place
    return unified_kernel(stub, sections | {".initrd": initrd, ".linux": kernel})


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
        rows = [struct.unpack_from("<IIII", stub, table + _ROW * row + 8) for row in range(count)]
    except struct.error as error:
        raise FormatError(f"the stub of systemd-boot is not a PE file: {error}") from None
    if signature != b"PE\0\0" or not alignment or not file_alignment:
        raise FormatError("the stub of systemd-boot is not a PE file")
    end = table + _ROW * (count + len(sections))
    if end > min(headers_size, len(stub)):
        raise FormatError(f"the stub of systemd-boot has no room for {len(sections)} more sections")
    # what follows the last section is symbols, which firmware has no use for; with a gap between sections, programs
    # that sign the image compute another digest than firmware does
    image = bytearray(stub[: max([headers_size, *(place + size for _, _, size, place in rows)])])
    image += bytes(-len(image) % file_alignment)
    struct.pack_into("<II", image, header + 12, 0, 0)
    address = max((place + size for size, place, _, _ in rows), default=headers_size)
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
