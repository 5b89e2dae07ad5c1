# SPDX-License-Identifier: MIT
"""The x86 bzImage (Documentation/arch/x86/boot.rst): a setup header at 0x1f1, mostly also a PE/COFF one."""

from __future__ import annotations

from bootmenu.formats.kernels import FORMATS
from bootmenu.formats.pe import PortableExecutable
from bootmenu.formats.reader import ByteSource, Reader
from bootmenu.model.kernel import Architecture, KernelImage

_XLF_KERNEL_64 = 1


@FORMATS.register("bzimage", after="riscv-image")
def probe(head: bytes, source: ByteSource) -> KernelImage | None:
    """Read the setup header of a bzImage, which has `HdrS` at 0x202 and the boot flag before it."""
    if head[0x202:0x206] != b"HdrS" or head[0x1FE:0x200] != b"\x55\xaa":
        return None
    reader = Reader(head, "the bzImage header")
    protocol = reader.u16le(0x206)
    fields = {
        # "setup_sects: the size of the setup code in 512-byte sectors. If this field is 0, the real value is 4"
        "setup_sects": reader.u8(0x1F1) or 4,
        "version": protocol,
        "loadflags": reader.u8(0x211),
        "xloadflags": reader.u16le(0x236) if protocol >= 0x20C else 0,
        "cmdline_size": reader.u32le(0x238) if protocol >= 0x206 else 255,
        "kernel_alignment": reader.u32le(0x230) if protocol >= 0x205 else 0,
        "init_size": reader.u32le(0x260) if protocol >= 0x20A else 0,
    }
    executable = PortableExecutable.from_head(head)
    # "syssize: the size of the protected-mode code in units of 16-byte paragraphs"
    plain_end = (fields["setup_sects"] + 1) * 512 + reader.u32le(0x1F4) * 16
    if 0 < plain_end - source.size < 16:
        plain_end = source.size  # the last paragraph may be incomplete, as in memtest86+
    at = reader.u16le(0x20E)
    banner = head[at + 0x200 :].partition(b"\0")[0].split(b" ")[0][:64] if at else b""
    return KernelImage(
        format="bzimage",
        architecture=Architecture.X86_64 if fields["xloadflags"] & _XLF_KERNEL_64 else Architecture.X86,
        image_size=fields["init_size"] or None,
        file_size=source.size,
        content_size=source.size,
        declared_end=max(plain_end, (executable.end or 0) if executable else 0),
        signed=executable.certificates[1] > 0 if executable else None,
        fields=fields,
        version=banner.decode("ascii", "replace") or None,
    )
