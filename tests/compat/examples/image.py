# SPDX-License-Identifier: MIT
"""The kernel image."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from bootmenu.compat.facts import EntryFacts, FileState, InitramfsFacts, KernelFacts
from bootmenu.model.finding import Severity
from bootmenu.model.kernel import Architecture, ByteOrder, Compression
from tests.builders import machines
from tests.builders.containers import uimage
from tests.builders.entries import entry, image, kernel, kernel_file, whole_image, with_files
from tests.builders.kernels import elf
from tests.builders.packed import lz4_legacy
from tests.compat.examples.base import (
    FAIL,
    PASS,
    TREE,
    UNKNOWN,
    WARN,
    Example,
    bytes_of,
    cpus,
    each_cpu,
    kexec,
    own,
    virt,
)


def kernels() -> Iterator[Example]:
    code = "IMG-FORMAT"
    yield Example(code=code, name="Image", severity=PASS)
    yield Example(code=code, name="gzip", severity=PASS, entry=entry(kernel=kernel(compression=Compression.GZIP)))
    for name, data in (
        ("lz4", lz4_legacy(whole_image())),
        ("vmlinux", elf(183, (0x1000, 1 << 63, whole_image()))),
        ("uImage", uimage()),
    ):
        yield Example(code=code, name=f"{name} that can be loaded", severity=PASS, entry=bytes_of(data))
    for name, data, says in (
        ("elf", b"\x7fELF\x02\x01\x01" + bytes(11) + b"\xb7\0" + bytes(64), "ELF"),
        ("uImage", b"\x27\x05\x19\x56" + bytes(25) + b"\x16" + bytes(64), "uImage"),
        ("fit", b"\xd0\x0d\xfe\xed" + bytes(64), "FIT"),
        ("zeros", bytes(8192), "zero bytes"),
        ("text", b"hello", "no known kind"),
        ("empty", b"", "empty"),
        ("xz", b"\xfd7zXZ\0" + bytes(64), "xz"),
        ("lz4", b"\x02\x21\x4c\x18" + bytes(64), "lz4"),
        ("module", elf(183, kind=1, tail=b"\0.modinfo\0"), "a kernel module"),
        ("cut vmlinux", elf(183, (0x1000, 1 << 63, bytes(999)))[:-1], "(ELF vmlinux), and it is cut off"),
        ("broken uImage", uimage(header_crc=1), "uImage), and the checksum of its header is wrong"),
    ):
        yield Example(code=code, name=name, severity=FAIL, entry=bytes_of(data), says=says)
    yield Example(code=code, name="unread", severity=UNKNOWN, entry=entry(kernel=None))
    yield Example(code=code, name="unread and of no file", severity=UNKNOWN, entry=EntryFacts())
    yield Example(
        code=code,
        name="of no file",
        severity=FAIL,
        entry=EntryFacts(kernel=KernelFacts(problem="junk", looks_like="a cat")),
        says="a cat",
    )
    yield Example(
        code=code,
        name="file is missing",
        severity=None,
        entry=entry(kernel=None, files=(kernel_file(state=FileState.MISSING),)),
    )

    code = "IMG-ARCH"
    for name, data in (
        ("x86", bytes(0x1FE) + b"\x55\xaa" + bytes(2) + b"HdrS\x0f\x02" + bytes(0x100)),
        ("riscv64", bytes(0x38) + b"RSC\x05" + bytes(64)),
    ):
        yield Example(code=code, name=f"{name} on arm64", severity=FAIL, entry=bytes_of(data), says=name)
    yield Example(code=code, name="arm64", severity=PASS)
    yield Example(
        code=code,
        name="on x86",
        severity=FAIL,
        machine=machines.unprivileged_x86(),
        says="x86_64",
    )
    x86 = KernelFacts(problem="a bzImage", looks_like="an x86 bzImage", architecture=Architecture.X86_64)
    yield Example(code=code, name="foreign but no format", severity=FAIL, entry=entry(kernel=x86), says="built for")
    yield Example(
        code=code, name="unknown machine", severity=UNKNOWN, machine=virt(architecture=None, machine="sparc")
    )
    yield Example(
        code=code,
        name="only the image says",
        severity=FAIL,
        entry=entry(kernel=KernelFacts(image=image(architecture=Architecture.X86_64))),
    )
    yield Example(code=code, name="says nothing", severity=None, entry=entry(kernel=KernelFacts(problem="junk")))

    code = "IMG-TRUNC"
    yield Example(code=code, name="whole", severity=PASS)
    yield Example(
        code=code,
        name="checksummed gzip",
        severity=PASS,
        entry=entry(kernel=kernel(declared_end=None, checksummed=True, compression=Compression.GZIP)),
    )
    yield Example(
        code=code,
        name="cut off",
        severity=FAIL,
        entry=bytes_of(whole_image()[:-1]),
        says="cut off",
    )
    yield Example(
        code=code,
        name="does not unpack",
        severity=FAIL,
        entry=entry(kernel=kernel(damage="the gzip stream ends early", compression=Compression.GZIP)),
        says="ends early",
    )
    yield Example(
        code=code,
        name="no section table",
        severity=UNKNOWN,
        entry=bytes_of(whole_image(sections=False)),
        says="checksum",
    )
    yield Example(
        code=code, name="unpacked size unknown", severity=UNKNOWN, entry=entry(kernel=kernel(content_size=None))
    )
    yield Example(code=code, name="no kernel", severity=None, entry=bytes_of(b"hello"))

    code = "IMG-PAGE"
    large = entry(kernel=kernel(page_size=16384))
    yield Example(code=code, name="same as running", severity=PASS)
    yield Example(
        code=code,
        name="same, on a part nobody listed",
        severity=PASS,
        machine=virt(cpus=each_cpu(midr=machines.UNLISTED_PART)),
    )
    for part, severity in (
        (machines.CORTEX_A53, FAIL),
        (machines.CORTEX_A57, FAIL),
        (machines.CORTEX_A72, FAIL),
        (machines.A64FX, FAIL),
        (machines.CORTEX_A35, PASS),
        (machines.CORTEX_A76, PASS),
        (machines.NEOVERSE_N1, PASS),
        (machines.UNLISTED_PART, UNKNOWN),
        (None, UNKNOWN),
    ):
        name = f"16K on {part or 0:#x}"
        yield Example(code=code, name=name, severity=severity, entry=large, machine=virt(cpus=each_cpu(midr=part)))
    yield Example(code=code, name="64K", severity=PASS, entry=entry(kernel=kernel(page_size=65536)), machine=virt())
    yield Example(code=code, name="no cpus known", severity=UNKNOWN, entry=large, machine=virt(cpus=()))
    yield Example(
        code=code,
        name="only the little ones cannot",
        severity=WARN,
        entry=large,
        machine=virt(cpus=cpus(*[{"midr": machines.CORTEX_A76}] * 2, *[{"midr": machines.CORTEX_A53}] * 2)),
        says="CPU 2, 3",
    )
    yield Example(
        code=code,
        name="the jumping one cannot",
        severity=FAIL,
        entry=large,
        machine=virt(
            cpus=cpus(*[{"midr": machines.CORTEX_A76}] * 3, {"midr": machines.CORTEX_A53}), command_line="reboot=s3"
        ),
        says="Cortex-A53",
    )
    yield Example(
        code=code,
        name="one of them unread",
        severity=UNKNOWN,
        entry=large,
        machine=virt(cpus=cpus(*[{"midr": machines.CORTEX_A76}] * 3, {"midr": None})),
    )
    yield Example(code=code, name="image does not say", severity=UNKNOWN, entry=entry(kernel=kernel(page_size=None)))
    yield Example(code=code, name="wrong architecture", severity=None, machine=machines.unprivileged_x86())


def headers() -> Iterator[Example]:
    code = "IMG-EMPTY"
    yield Example(code=code, name="not empty", severity=PASS)
    yield Example(code=code, name="empty", severity=FAIL, entry=with_files(kernel_file(size=0)), says="full")
    yield Example(code=code, name="size unread", severity=UNKNOWN, entry=with_files(kernel_file(size=None)))
    gone = with_files(kernel_file(state=FileState.MISSING))
    yield Example(code=code, name="missing", severity=None, entry=gone)
    code = "IMG-SIZE0"
    old = entry(kernel=kernel(image_size=0))
    yield Example(code=code, name="says it", severity=PASS, says="MB")
    yield Example(code=code, name="does not say", severity=WARN, entry=old, says="16 MiB")
    file_only = kexec(kexec_load=False, kexec_file_load=True)
    yield Example(code=code, name="file load", severity=FAIL, entry=old, machine=file_only, says="refuses")
    by_file, natively = (dataclasses.replace(old, method=method) for method in ("kexec_file_load", "kexec_load"))
    yield Example(code=code, name="file load asked for", severity=FAIL, entry=by_file, says="--method kexec_load")
    yield Example(code=code, name="another call asked for", severity=WARN, entry=natively, machine=file_only)
    code = "IMG-BUFSZ"
    yield Example(code=code, name="fits", severity=PASS)
    longer = kernel(image_size=8192)
    yield Example(code=code, name="longer", severity=FAIL, entry=entry(kernel=longer), says="8,192")
    for method, severity, says in (
        ("kexec_load", WARN, "all of it is loaded"),
        ("kexec_file_load", FAIL, "refuses"),
        ("kexec_tools", FAIL, "only 8,192 would be loaded"),
    ):
        long = entry(kernel=longer, method=method)
        yield Example(code=code, name=f"longer, by {method}", severity=severity, entry=long, says=says)
    appended = kernel(content_size=99999, declared_end=8192, image_size=16384)
    yield Example(code=code, name="something appended", severity=PASS, entry=entry(kernel=appended))
    by_file = entry(kernel=appended, method="kexec_file_load")
    yield Example(code=code, name="appended, by kexec_file_load", severity=FAIL, entry=by_file, says="99,999")
    for name, size, severity in (("its init_size", 16384 - 2560, PASS), ("less", 8192, FAIL), ("none", None, FAIL)):
        fields = {"setup_sects": 4}
        packed = kernel(format="bzimage", architecture=Architecture.X86_64, fields=fields, image_size=size)
        made = entry(kernel=packed, method="kexec_file_load")
        yield Example(code=code, name=f"bzImage with {name}", severity=severity, entry=made)
    packed = kernel(content_size=None, declared_end=None)
    yield Example(code=code, name="size unknown", severity=UNKNOWN, entry=entry(kernel=packed))
    code = "IMG-TEXTOFF"
    yield Example(code=code, name="zero", severity=PASS)
    yield Example(code=code, name="half a MiB", severity=PASS, entry=entry(kernel=kernel(text_offset=0x80000)))
    yield Example(code=code, name="no page", severity=FAIL, entry=entry(kernel=kernel(text_offset=0x80800)))
    yield Example(code=code, name="2 MiB", severity=FAIL, entry=entry(kernel=kernel(text_offset=0x200000)))
    yield Example(
        code=code,
        name="no 64K page",
        severity=FAIL,
        entry=entry(kernel=kernel(text_offset=0x1000)),
        machine=virt(page_size=65536),
    )
    yield Example(
        code=code,
        name="page size unread",
        severity=UNKNOWN,
        entry=entry(kernel=kernel(text_offset=0x1000)),
        machine=virt(page_size=None),
    )
    code = "IMG-ENDIAN"
    big = virt(byte_order=ByteOrder.BIG)
    theirs = entry(kernel=kernel(byte_order=ByteOrder.BIG))
    yield Example(code=code, name="little to little", severity=PASS)
    yield Example(code=code, name="little to big", severity=WARN, entry=theirs, says="6.17")
    yield Example(code=code, name="big to little", severity=WARN, machine=big, says="little-endian")
    yield Example(code=code, name="big to big", severity=PASS, machine=big, entry=theirs)
    yield Example(code=code, name="x86", severity=None, machine=machines.unprivileged_x86())
    riscv = virt(architecture=Architecture.RISCV64, machine="riscv64")
    foreign = kernel(format="riscv-image", architecture=Architecture.RISCV64, byte_order=ByteOrder.BIG)
    yield Example(
        code=code, name="riscv64", severity=FAIL, machine=riscv, entry=entry(kernel=foreign), says="is refused"
    )
    code = "IMG-PLACEMENT"
    yield Example(code=code, name="anywhere", severity=PASS)
    yield Example(code=code, name="low", severity=WARN, entry=entry(kernel=kernel(anywhere=False)), says="low")
    yield Example(code=code, name="does not say", severity=None, entry=entry(kernel=kernel(anywhere=None)))


def contents() -> Iterator[Example]:
    code = "IMG-CHECKSUM"
    yield Example(code=code, name="right", severity=PASS, entry=entry(kernel=kernel(checksummed=True)))
    wrong = kernel(checksum_problem="the CRC of the uImage's data is wrong", containers=("uimage",))
    yield Example(code=code, name="wrong", severity=FAIL, entry=entry(kernel=wrong), says="CRC")
    told = dataclasses.replace(wrong.image or image(), containers=("fit",))
    yield Example(code=code, name="fit says it", severity=None, entry=entry(kernel=KernelFacts(image=told)))
    yield Example(code=code, name="not read", severity=None)
    code = "IMG-VERSION"
    named = (kernel_file(path="/boot/vmlinuz-6.1.0", resolved="/boot/vmlinuz-6.1.0"),)
    yield Example(code=code, name="same", severity=PASS, entry=entry(files=named, banner="6.1.0"), says="6.1.0")
    yield Example(code=code, name="no name", severity=PASS, entry=entry(banner="6.1.0"))
    program = entry(files=named, kernel=kernel(version="Memtest86+"))
    yield Example(code=code, name="no Linux", severity=PASS, entry=program, says="no Linux")
    yield Example(code=code, name="other", severity=WARN, entry=entry(files=named, banner="6.2.0"), says="not 6.1.0")
    other = entry(version="6.1.0", banner="6.2.0")
    yield Example(code=code, name="configured otherwise", severity=WARN, entry=other, says="configuration")
    rolling = entry(version="rolling", banner="6.2.0")
    yield Example(code=code, name="configured by name", severity=PASS, entry=rolling)
    header = entry(files=named, kernel=kernel(version="6.2.0"))
    yield Example(code=code, name="from the header", severity=WARN, entry=header, says="6.2.0")
    yield Example(code=code, name="not looked for", severity=None, entry=entry(files=named))
    code = "IMG-CONFIG"
    good = {"NR_CPUS": "256", "BLK_DEV_INITRD": "y", "RD_ZSTD": "y", "EXT4_FS": "m"}
    packed = (kernel_file(), kernel_file(role="initramfs"))
    zstd = (InitramfsFacts(size=9, compression="zstd"),)

    def built(severity: Severity, name: str, says: str = "", **changes: object) -> Example:
        config = {**good, **{key: str(value) for key, value in changes.items()}}
        line = "root=/dev/sda2 rootfstype=ext4"
        facts = entry(files=packed, initramfs=zstd, configuration=config, command_line=line)
        return Example(code=code, name=name, severity=severity, entry=facts, says=says)

    yield built(PASS, "all there")
    yield built(WARN, "one CPU", "1 of 4", NR_CPUS=1)
    yield built(WARN, "no initramfs", "BLK_DEV_INITRD", BLK_DEV_INITRD="")
    yield built(WARN, "no zstd", "RD_ZSTD", RD_ZSTD="n")
    yield built(WARN, "no root file system", "EXT4_FS", EXT4_FS="n")
    alone = entry(configuration=good, command_line="root=/dev/sda2 rootfstype=ext4")
    yield Example(code=code, name="a module and no initramfs", severity=WARN, entry=alone, says="EXT4_FS")
    tree = dataclasses.replace(own(cpus=TREE.cpus[:1]), configuration={"NR_CPUS": "1"})
    yield Example(code=code, name="as many as the tree has", severity=PASS, entry=tree)
    yield Example(
        code=code,
        name="CPUs unread",
        severity=UNKNOWN,
        entry=entry(configuration=good),
        machine=virt(possible_cpus=None),
    )
    yield Example(code=code, name="no configuration", severity=None)
