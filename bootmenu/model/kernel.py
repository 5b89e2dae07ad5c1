# SPDX-License-Identifier: MIT
"""What a kernel image says about itself."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from bootmenu.model.value import Value, field


class Architecture(StrEnum):
    """Processor architectures, by the name this project and Debian use."""

    ARM64 = "arm64"
    ARM = "arm"
    X86_64 = "x86_64"
    X86 = "x86"
    RISCV64 = "riscv64"
    LOONGARCH64 = "loongarch64"
    PPC64 = "ppc64"
    S390X = "s390x"
    MIPS = "mips"

    @classmethod
    def from_uname(cls, machine: str) -> Architecture | None:
        """From `uname -m`; None when it is none that this project knows."""
        names = {
            "aarch64": cls.ARM64,
            "aarch64_be": cls.ARM64,
            "arm64": cls.ARM64,
            "x86_64": cls.X86_64,
            "amd64": cls.X86_64,
            "riscv64": cls.RISCV64,
            "loongarch64": cls.LOONGARCH64,
            "s390x": cls.S390X,
        }
        if machine in names:
            return names[machine]
        for prefix, architecture in (("arm", cls.ARM), ("ppc64", cls.PPC64), ("mips", cls.MIPS)):
            if machine.startswith(prefix):
                return architecture
        return cls.X86 if machine in ("i386", "i486", "i586", "i686") else None


class Compression(StrEnum):
    """How a file is packed."""

    NONE = "none"
    GZIP = "gzip"
    XZ = "xz"
    ZSTD = "zstd"
    LZ4 = "lz4"
    LZMA = "lzma"
    BZIP2 = "bzip2"


class ByteOrder(StrEnum):
    """Order of bytes in memory."""

    LITTLE = "little"
    BIG = "big"


class Role(StrEnum):
    """What a part of a container is for."""

    KERNEL = "kernel"
    INITRAMFS = "initramfs"
    DEVICE_TREE = "device tree"
    OVERLAY = "overlay"
    COMMAND_LINE = "command line"


class Embedded(Value, kw_only=True):
    """A part of a container (UKI, FIT) that boots along with its kernel."""

    role: Role
    name: str
    """As the container calls it, and unique in it: `.initrd`, `fdt-1`."""
    offset: int
    """Bytes of the file before it."""
    size: int
    """Bytes."""
    compression: Compression = Compression.NONE
    """What it has to be unpacked from."""
    text: str | None = None
    """Of a command line."""
    board: tuple[str, ...] | None = None
    """`compatible` of the boards that it is for; None = it does not say."""


class KernelImage(Value, kw_only=True):
    """A recognised kernel file. Sizes are bytes; None = the header does not say."""

    format: str
    """Name of the format that recognised the kernel itself, such as `arm64-image`."""
    containers: tuple[str, ...] = ()
    """Names of the formats around it, outermost first: `uki`, `fit`, `uimage`, `zboot`; () = the file is the
    kernel, packed or not."""
    payload_offset: int = 0
    """Bytes of the file before what `compression` packs."""
    payload_size: int | None = None
    """Bytes of the file that hold it; None = to the file's end."""
    architecture: Architecture
    compression: Compression = Compression.NONE
    byte_order: ByteOrder = ByteOrder.LITTLE
    page_size: int | None = None
    """Bytes of one page as the kernel was built: 4096, 16384 or 65536."""
    text_offset: int | None = None
    """Bytes from a 2 MiB boundary at which the image wants to lie."""
    image_size: int | None = None
    """Bytes of memory it takes, BSS included; 0 = built before 3.17, None = not said."""
    anywhere: bool | None = None
    """False: wants to lie as low in RAM as possible (flags bit 3 clear)."""
    file_size: int
    """Bytes of the file as it lies on the disk."""
    content_size: int | None = None
    """Bytes after unpacking; equal to file_size when nothing is packed. For gzip, what the trailer says
    until the content has been read."""
    declared_end: int | None = None
    """Bytes that the image's own section table says it must have; None without such a table."""
    content_read: bool = True
    """False when content_size is only what a trailer claims."""
    checksummed: bool = False
    """The content was read to its end and a checksum over all of it was right."""
    damage: str | None = None
    """Why the content could not be read to its end; None = it could, or it was not tried."""
    checksum_problem: str | None = None
    """Which checksum of the content was wrong; None = none, or none was looked at."""
    parts: tuple[str, ...] = ()
    """What else the container holds, by its names there: `.initrd`, `fdt-1`."""
    embedded: tuple[Embedded, ...] = ()
    """What boots along with it, in loading order; where the container offers several device trees, all of them."""
    board: tuple[str, ...] | None = None
    """`compatible` of the device trees or configurations that the container offers; None = it says none."""
    signed: bool | None = None
    """The kernel itself, as it is loaded, carries a PE certificate table; None = it has no place for one. A signature
    of a file around it (UKI, zboot, FIT) is left behind with that."""
    fields: Mapping[str, int] = field(default_factory=dict)
    """Header fields that only this format has, by their names in its documentation."""
    version: str | None = None
    """From the banner `Linux version ...`, when it was found cheaply; of what is no Linux, what it calls itself."""

    @property
    def other_program(self) -> str | None:
        """What a program calls itself that speaks Linux's boot protocol and is none, such as Memtest86+; None = it is
        Linux, as far as is known."""
        return self.version if self.version and not self.version[0].isdigit() else None
