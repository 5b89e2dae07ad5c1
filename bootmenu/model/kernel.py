# SPDX-License-Identifier: MIT
"""What was found out about a kernel image."""

from __future__ import annotations

from collections.abc import Mapping

from bootmenu.model.closed_set import StrEnum
from bootmenu.model.value import Value, field


class Architecture(StrEnum):
    """Processor architectures, by their names in Debian."""

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
        """Return the architecture for a `uname -m`, or None for an unknown one."""
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


LOADABLE = (Architecture.ARM64, Architecture.RISCV64, Architecture.X86_64)
"""The architectures on which bootmenu can load a kernel, in the order in which they are named to people."""


class Compression(StrEnum):
    """How a file is compressed."""

    NONE = "none"
    GZIP = "gzip"
    XZ = "xz"
    ZSTD = "zstd"
    LZ4 = "lz4"
    LZMA = "lzma"
    BZIP2 = "bzip2"


class ByteOrder(StrEnum):
    """The order of bytes in memory."""

    LITTLE = "little"
    BIG = "big"


class Role(StrEnum):
    """The purpose of a part of a container."""

    KERNEL = "kernel"
    INITRAMFS = "initramfs"
    DEVICE_TREE = "device tree"
    OVERLAY = "overlay"
    COMMAND_LINE = "command line"
    COMPANION = "companion"
    """Something that the next system finds in its initramfs, such as the signature of expected measurements."""


class Embedded(Value, kw_only=True):
    """A part of a container (UKI, FIT) that is used together with its kernel."""

    role: Role
    name: str
    """Name in the container, which is unique: `.initrd`, `fdt-1`."""
    offset: int
    """Offset in the file, in bytes."""
    size: int
    """Bytes."""
    compression: Compression = Compression.NONE
    """How it is compressed."""
    text: str | None = None
    """The text of a kernel command line."""
    board: tuple[str, ...] | None = None
    """`compatible` of the boards that it is for; None: it does not say."""


class Signature(Value, kw_only=True):
    """The signature of a kernel, and what is wrong with it whoever is trusted."""

    signer: str
    """Name of the signer, as its certificate has it."""
    keys: tuple[str, ...]
    """Identifiers, in hexadecimal, of the keys that it names as vouching for it: that of the signer's certificate,
    those of the certificates above it, and that of the authority above these."""
    proven: tuple[str, ...] = ()
    """Those of the keys that have been seen to vouch for it: names can be forged."""
    certificates: tuple[str, ...] = ()
    """SHA-256 of what is signed of these certificates, in hexadecimal, by which lists of revoked ones name them."""
    problem: str = ""
    """Why every kernel rejects it; empty: nothing was found."""
    unchecked: str = ""
    """Why it could not be checked whether it fits the file; empty: it was checked."""


class KernelImage(Value, kw_only=True):
    """A recognised kernel file. Sizes are in bytes; None: the header does not say."""

    format: str
    """Name of the kernel's own format, such as `arm64-image`."""
    containers: tuple[str, ...] = ()
    """Names of the formats around it, outermost first: `uki`, `fit`, `uimage`, `android`, `chromeos`, `zboot`; empty:
    the file is the kernel, compressed or not."""
    payload_offset: int = 0
    """Offset in the file of what is compressed."""
    payload_size: int | None = None
    """Size of that in the file; None: to the end of the file."""
    architecture: Architecture
    compression: Compression = Compression.NONE
    byte_order: ByteOrder = ByteOrder.LITTLE
    page_size: int | None = None
    """Page size that the kernel was built for: 4096, 16384 or 65536."""
    text_offset: int | None = None
    """Offset from a 2 MiB boundary at which the image has to be placed."""
    image_size: int | None = None
    """Memory that it occupies, with BSS; 0: built before 3.17."""
    anywhere: bool | None = None
    """False: it has to be placed as low in RAM as possible (flags bit 3 clear)."""
    file_size: int
    """Size of the file on the disk."""
    content_size: int | None = None
    """Size after decompression; file_size if it is not compressed. For gzip it is the trailer's value until the
    content has been read."""
    declared_end: int | None = None
    """Size that the image needs according to its section table; None without such a table."""
    content_read: bool = True
    """False: content_size is only what a trailer claims."""
    checksummed: bool = False
    """Whether the content was read to its end and a checksum over all of it was right."""
    damage: str | None = None
    """Why the content could not be read to its end; None: it could, or was not read."""
    checksum_problem: str | None = None
    """Which checksum of the content was wrong; None: no checksum, or it was not checked."""
    parts: tuple[str, ...] = ()
    """Names of the other parts of the container: `.initrd`, `fdt-1`."""
    embedded: tuple[Embedded, ...] = ()
    """Parts that are used together with the kernel, in loading order; of device trees, every one in the container."""
    board: tuple[str, ...] | None = None
    """`compatible` of the device trees or configurations in the container; None: it has none."""
    signed: bool | None = None
    """Whether the kernel itself, as it is loaded, has a PE certificate table; None: its format cannot have one. The
    signature of a container (UKI, zboot, FIT) is not loaded."""
    fields: Mapping[str, int] = field(default_factory=dict)
    """Header fields that only this format has, by their names in its documentation."""
    version: str | None = None
    """Version in the banner `Linux version ...`, if that was cheap to find; for other programs, their name."""

    @property
    def other_program(self) -> str | None:
        """Return the name of a program that uses Linux's boot protocol without being Linux, such as Memtest86+; None
        if it is Linux, as far as is known."""
        return self.version if self.version and not self.version[0].isdigit() else None
