# SPDX-License-Identifier: MIT
"""Files that are known and cannot be started from here: said by name, with their architecture."""

from __future__ import annotations

from bootmenu.formats.kernels import FORMATS, UnsupportedKernel
from bootmenu.formats.pe import MACHINES, PortableExecutable
from bootmenu.formats.reader import ByteSource
from bootmenu.model.kernel import Architecture, KernelImage

_ELF_MACHINES = {
    3: Architecture.X86,
    8: Architecture.MIPS,
    21: Architecture.PPC64,
    22: Architecture.S390X,
    40: Architecture.ARM,
    62: Architecture.X86_64,
    183: Architecture.ARM64,
    243: Architecture.RISCV64,
    258: Architecture.LOONGARCH64,
}
_UIMAGE_ARCHITECTURES = {
    2: Architecture.ARM,
    3: Architecture.X86,
    5: Architecture.MIPS,
    22: Architecture.ARM64,
    24: Architecture.X86_64,
    26: Architecture.RISCV64,
}
_STREAMS = (
    (b"070701", "a cpio archive, perhaps an initramfs"),
    (b"hsqs", "a squashfs file system"),
    (b"#!", "a script"),
)


@FORMATS.register("foreign", order=90)
def probe(head: bytes, source: ByteSource) -> KernelImage | None:  # noqa: ARG001 - the head says it all
    """Raises UnsupportedKernel when it knows the file; None when it does not."""
    if head[0x24:0x28] == b"\x18\x28\x6f\x01":
        raise UnsupportedKernel("a 32-bit ARM zImage", Architecture.ARM)
    if head[:4] == b"\x7fELF" and len(head) >= 20:
        order = "big" if head[5] == 2 else "little"
        machine = int.from_bytes(head[18:20], "big" if order == "big" else "little")
        raise UnsupportedKernel("an ELF file, perhaps an uncompressed vmlinux", _ELF_MACHINES.get(machine))
    if head[:4] == b"\x27\x05\x19\x56" and len(head) >= 64:
        raise UnsupportedKernel("a U-Boot legacy image (uImage)", _UIMAGE_ARCHITECTURES.get(head[29]))
    if head[:4] == b"\xd0\x0d\xfe\xed":
        raise UnsupportedKernel("a device tree or a FIT image")
    executable = PortableExecutable.from_head(head)
    if executable is not None:
        architecture = MACHINES.get(executable.machine)
        if head[4:8] == b"zimg":
            raise UnsupportedKernel("an EFI zboot kernel", architecture)
        if any(section.name == ".linux" for section in executable.sections):
            raise UnsupportedKernel("a unified kernel image (UKI)", architecture)
        raise UnsupportedKernel("an EFI program", architecture)
    for magic, name in _STREAMS:
        if head.startswith(magic):
            raise UnsupportedKernel(name)
    if head and not head.strip(b"\0"):
        raise UnsupportedKernel("nothing but zero bytes: a copy that was never written out")
    return None
