# SPDX-License-Identifier: MIT
"""Whether a kernel is whole, and can be placed."""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.compat.facts import KernelFacts
from bootmenu.model.kernel import Architecture, ByteOrder, Compression
from bootmenu.model.value import replace
from tests.builders import machines
from tests.builders.entries import entry, image, kernel, whole_image
from tests.compat.examples.base import FAIL, PASS, UNKNOWN, WARN, Example, Silent, Unreachable, bytes_of, kexec, virt

UNREACHABLE: Unreachable = {
    ("IMG-SIZE0", UNKNOWN): "every header has the field",
    ("IMG-ENDIAN", UNKNOWN): "every header has the bit",
    ("IMG-PLACEMENT", UNKNOWN): "every header has the bit",
    ("IMG-CHECKSUM", UNKNOWN): "content that was not read is checked when it is unpacked, before the load",
}
SILENT: Silent = {
    "IMG-SIZE0": ("RISCV-IMAGE says it, and IMG-BUFSZ of a bzImage", {Architecture.X86_64, Architecture.RISCV64}),
    "IMG-TEXTOFF": (
        "a rule of arm64's loaders; on riscv64 it is an alignment",
        {Architecture.X86_64, Architecture.RISCV64},
    ),
    "IMG-ENDIAN": ("x86 has one byte order", {Architecture.X86_64}),
}


def lengths() -> Iterator[Example]:
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


def headers() -> Iterator[Example]:
    code = "IMG-SIZE0"
    old = entry(kernel=kernel(image_size=0))
    yield Example(code=code, name="says it", severity=PASS, says="MB")
    yield Example(code=code, name="does not say", severity=WARN, entry=old, says="16 MiB")
    file_only = kexec(kexec_load=False, kexec_file_load=True)
    yield Example(code=code, name="file load", severity=FAIL, entry=old, machine=file_only, says="refuses")
    by_file, natively = (replace(old, method=method) for method in ("kexec_file_load", "kexec_load"))
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


def checksums() -> Iterator[Example]:
    code = "IMG-CHECKSUM"
    yield Example(code=code, name="right", severity=PASS, entry=entry(kernel=kernel(checksummed=True)))
    wrong = kernel(checksum_problem="the CRC of the uImage's data is wrong", containers=("uimage",))
    yield Example(code=code, name="wrong", severity=FAIL, entry=entry(kernel=wrong), says="CRC")
    told = replace(wrong.image or image(), containers=("fit",))
    yield Example(code=code, name="fit says it", severity=None, entry=entry(kernel=KernelFacts(image=told)))
    yield Example(code=code, name="not read", severity=None)
