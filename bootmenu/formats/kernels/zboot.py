# SPDX-License-Identifier: MIT
"""The EFI zboot kernel (drivers/firmware/efi/libstub/zboot-header.S): an EFI program that unpacks a kernel."""

from __future__ import annotations

from bootmenu.errors import FormatError
from bootmenu.formats.identify import identify_packed
from bootmenu.formats.kernels import FORMATS, BrokenContainer, UnsupportedKernel
from bootmenu.formats.pe import MACHINES, PortableExecutable
from bootmenu.formats.reader import ByteSource, Reader, Window
from bootmenu.model.kernel import LOADABLE, Architecture, Compression, KernelImage
from bootmenu.model.value import replace

NAME = "zboot"
_COMPRESSIONS = {
    # drivers/firmware/efi/libstub/Makefile.zboot uses the names of kbuild's compression commands
    "gzip": Compression.GZIP,
    "xz": Compression.XZ,
    "xzkern": Compression.XZ,
    "lzma": Compression.LZMA,
    "lz4": Compression.LZ4,
    "zstd": Compression.ZSTD,
    "zstd22": Compression.ZSTD,
}


@FORMATS.register(NAME, after="bzimage")
def probe(head: bytes, source: ByteSource) -> KernelImage | None:
    """Identify the kernel in a zboot file.

    Its header has MZ at 0, `zimg` at 4, the payload's offset at 0x08 and size at 0x0c, the compression at 0x18."""
    if head[:2] != b"MZ" or head[4:8] != b"zimg":
        return None
    if len(head) < 0x40:
        raise _broken("its header is incomplete")
    reader = Reader(head, "the zboot header")
    offset, size = reader.u32le(0x08), reader.u32le(0x0C)
    name = reader.slice(0x18, 32).partition(b"\0")[0].decode("ascii", "replace")
    architecture = _architecture(head)
    if size == 0 or offset + size > source.size:
        raise _broken(
            f"its payload of {size:,} bytes at {offset:#x} is outside the file of {source.size:,} bytes",
            architecture,
        )
    compression = _COMPRESSIONS.get(name)
    if compression is None:
        raise _broken(f"its compression {name!r} is not supported", architecture)
    payload = Window(source, offset, size)
    # gzip's trailer has the unpacked size; for the others zboot appends it after the payload
    at = offset + size - (4 if compression is Compression.GZIP else 0)
    claim = source.read(at, 4)
    try:
        image = identify_packed(payload, compression, int.from_bytes(claim, "little") if len(claim) == 4 else None)
    except UnsupportedKernel as error:
        if error.architecture is None or error.architecture in LOADABLE:
            raise _broken(f"its kernel cannot be read: {error.message}", architecture) from None
        raise UnsupportedKernel(f"{error.looks_like} in an EFI zboot file", error.architecture) from None
    except FormatError as error:
        raise _broken(f"its kernel cannot be read: {error.message}", architecture) from None
    return replace(image, containers=(NAME,), payload_offset=offset, payload_size=size, file_size=source.size)


def _architecture(head: bytes) -> Architecture | None:
    executable = PortableExecutable.from_head(head)
    return MACHINES.get(executable.machine) if executable else None


def _broken(problem: str, architecture: Architecture | None = None) -> BrokenContainer:
    return BrokenContainer(NAME, "an EFI zboot kernel", problem, architecture)
