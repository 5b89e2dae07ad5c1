# SPDX-License-Identifier: MIT
"""What a kernel's file is."""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.compat.facts import EntryFacts, FileState, KernelFacts
from bootmenu.model.kernel import Architecture, Compression
from bootmenu.model.value import replace
from tests.builders import containers, machines
from tests.builders.containers import uimage
from tests.builders.entries import (
    entry,
    image,
    kernel,
    kernel_file,
    kernel_of,
    tree_file,
    whole_image,
    with_files,
    with_tree,
)
from tests.builders.kernels import elf
from tests.builders.packed import lz4_legacy
from tests.compat.examples.base import FAIL, PASS, TREE, UNKNOWN, WARN, Example, Unreachable, bytes_of, virt

UNREACHABLE: Unreachable = {
    ("IMG-ZBOOT", UNKNOWN): "what was recognised as one was looked at",
    ("IMG-UKI", UNKNOWN): "what was recognised as one was looked at",
}


def line(text: str, **changes: object) -> EntryFacts:
    return entry(command_line=text, **changes)


def empty_files() -> Iterator[Example]:
    code = "IMG-EMPTY"
    yield Example(code=code, name="not empty", severity=PASS)
    yield Example(code=code, name="empty", severity=FAIL, entry=with_files(kernel_file(size=0)), says="full")
    yield Example(code=code, name="size unread", severity=UNKNOWN, entry=with_files(kernel_file(size=None)))
    gone = with_files(kernel_file(state=FileState.MISSING))
    yield Example(code=code, name="missing", severity=None, entry=gone)


def formats() -> Iterator[Example]:
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
        ("text", b"hello", "an unknown format"),
        ("empty", b"", "empty"),
        ("xz", b"\xfd7zXZ\0" + bytes(64), "xz"),
        ("lz4", b"\x02\x21\x4c\x18" + bytes(64), "lz4"),
        ("module", elf(183, kind=1, tail=b"\0.modinfo\0"), "a kernel module"),
        ("cut vmlinux", elf(183, (0x1000, 1 << 63, bytes(999)))[:-1], "(ELF vmlinux), and it is truncated"),
        ("broken uImage", uimage(header_crc=1), "uImage), and the checksum of its header does not match"),
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
    power, vmlinux = virt(architecture=Architecture.PPC64, machine="ppc64le"), bytes_of(elf(21))
    yield Example(code=code, name="on ppc64", severity=FAIL, machine=power, entry=vmlinux, says="SYS-ARCH")

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


def wrapped() -> Iterator[Example]:
    code = "IMG-ZBOOT"
    good = containers.zboot(whole_image())
    yield Example(code=code, name="whole", severity=PASS, entry=bytes_of(good), says="unpacked")
    outside = bytes_of(containers.zboot(whole_image(), size=1 << 30))
    yield Example(code=code, name="outside", severity=FAIL, entry=outside, says="outside the file")
    cut = bytes_of(good[:-100])
    yield Example(code=code, name="cut", severity=FAIL, entry=cut, says="outside the file")
    strange = bytes_of(containers.zboot(whole_image(), name=b"middle-out"))
    yield Example(code=code, name="compression", severity=FAIL, entry=strange, says="middle-out")
    hollow = bytes_of(containers.zboot(b"hello"))
    yield Example(code=code, name="no kernel in it", severity=FAIL, entry=hollow, says="no kernel")
    yield Example(code=code, name="plain", severity=None)

    code = "IMG-UKI"
    linux = (".linux", whole_image())
    yield Example(code=code, name="kernel only", severity=PASS, entry=bytes_of(containers.uki(linux)))
    full = containers.uki(linux, (".initrd", b"070701"), (".cmdline", b"quiet"), (".dtb", b"x"))
    alone = replace(bytes_of(full), command_line="")
    for part in ("its initramfs", "its command line", "its device tree"):
        yield Example(code=code, name=f"left behind {part}", severity=WARN, entry=alone, says=part)
    own_parts = with_tree(
        TREE, files=(kernel_file(), kernel_file(role="initramfs"), tree_file()), kernel=kernel_of(full)
    )
    yield Example(code=code, name="the entry has its own", severity=PASS, entry=own_parts)
    elsewhere = containers.uki(linux, (".dtbauto", containers.board_dtb("acme,rocket")))
    yield Example(code=code, name="a tree for another board", severity=PASS, entry=bytes_of(elsewhere))
    yield Example(
        code=code,
        name="no linux",
        severity=FAIL,
        entry=bytes_of(containers.uki((".cmdline", b"quiet"), (".osrel", b"ID=x"))),
        says="no section .linux",
    )
    yield Example(code=code, name="cut", severity=FAIL, entry=bytes_of(full[:9000]), says="outside the file")
    inner = containers.uki((".linux", containers.zboot(whole_image())))
    yield Example(code=code, name="zboot in it", severity=PASS, entry=bytes_of(inner))
    yield Example(code="IMG-ZBOOT", name="in a UKI", severity=PASS, entry=bytes_of(inner))

    code = "IMG-FIT"
    ours = TREE.compatible[0]
    yield Example(code=code, name="for this board", severity=PASS, entry=bytes_of(containers.fit(board=(ours,))))
    other = bytes_of(containers.fit(board=("acme,rocket",)))
    yield Example(code=code, name="for another", severity=WARN, entry=other, says="acme,rocket")
    spoilt_hash = bytes_of(containers.fit(board=(ours,), spoil=True))
    yield Example(code=code, name="hash", severity=FAIL, entry=spoilt_hash, says="sha256")
    yield Example(code=code, name="does not say", severity=UNKNOWN, entry=bytes_of(containers.fit(board=())))
    fit = bytes_of(containers.fit(board=(ours,)))
    yield Example(code=code, name="board unknown", severity=UNKNOWN, entry=fit, machine=virt(tree=None))
    lost = bytes_of(containers.fit(board=(ours,), kernel="kernel-9"))
    yield Example(code=code, name="no kernel", severity=FAIL, entry=lost, says="no configuration")
