# SPDX-License-Identifier: MIT
"""ELF files: arm64's vmlinux is taken apart, the others are called by their names."""

from __future__ import annotations

import contextlib
import struct
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.errors import FormatError
from bootmenu.formats.elf import BoundedStream, elf_file, elf_header
from bootmenu.formats.identify import identify
from bootmenu.formats.kernels import BrokenContainer, UnsupportedKernel
from bootmenu.formats.reader import Buffer
from bootmenu.model.kernel import Architecture, ByteOrder
from tests.builders.entries import whole_image
from tests.builders.kernels import elf
from tests.properties import examples

KERNEL = 0xFFFF800080000000
IMAGE = whole_image()
TEXT, DATA = IMAGE[:0x1000], IMAGE[0x1000:]
VMLINUX = elf(183, (0x2000, KERNEL, TEXT), (0x3000, KERNEL + 0x1000, DATA), tail=b"symbols and sections")


def test_an_arm64_vmlinux_holds_its_image() -> None:
    image = identify(Buffer(VMLINUX))
    assert (image.format, image.containers, image.architecture) == ("arm64-image", ("elf",), Architecture.ARM64)
    assert image.payload_size is not None
    assert VMLINUX[image.payload_offset :][: image.payload_size] == IMAGE
    assert (image.content_size, image.declared_end, image.file_size) == (len(IMAGE), len(IMAGE), len(VMLINUX))


def test_the_kernel_may_be_big_endian_in_the_headers_that_say_so() -> None:
    image = whole_image(big_endian=True)
    found = identify(Buffer(elf(183, (0x1000, KERNEL, image), big_endian=True, kind=3, dynamic=True)))
    assert (found.byte_order, found.content_size) == (ByteOrder.BIG, len(image))


def test_segments_in_another_order_are_laid_out_as_in_memory() -> None:
    swapped = elf(183, (0x3000, KERNEL + 0x1000, DATA), (0x2000, KERNEL, TEXT))
    image = identify(Buffer(swapped))
    assert image.payload_size is not None
    assert swapped[image.payload_offset :][: image.payload_size] == IMAGE


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (VMLINUX[: 0x3000 + len(DATA) - 1], "truncated"),
        (elf(183, (0x2000, KERNEL, TEXT), (0x3000, KERNEL + 0x9000, DATA)), "layout in memory differs"),
    ],
)
def test_a_vmlinux_that_cannot_be_taken_apart_says_why(data: bytes, says: str) -> None:
    with pytest.raises(BrokenContainer, match=says) as error:
        identify(Buffer(data))
    assert (error.value.container, error.value.architecture) == ("elf", Architecture.ARM64)


@pytest.mark.parametrize(
    ("data", "looks_like", "architecture"),
    [
        (elf(62, (0x1000, 0xFFFFFFFF81000000, b"x")), "vmlinux", Architecture.X86_64),
        (elf(243, (0x1000, 0xFFFFFFFF80000000, b"x")), "vmlinux", Architecture.RISCV64),
        (elf(21, (0x1000, 0xC000000000000000, b"x"), big_endian=True), "vmlinux", Architecture.PPC64),
        (elf(40, (0x1000, 0xC0008000, b"x"), bits=32), "vmlinux", Architecture.ARM),
        (elf(8, (0x1000, 0x80100000, b"x"), bits=32, big_endian=True), "vmlinux", Architecture.MIPS),
        (elf(183, (0x1000, KERNEL, b"no Image")), "vmlinux", Architecture.ARM64),
        (elf(183, kind=1, tail=b"\0.text\0.modinfo\0"), "a kernel module", Architecture.ARM64),
        (elf(62, kind=1, tail=b"~Module signature appended~\n"), "a kernel module", Architecture.X86_64),
        (elf(183, kind=1), "an object file", Architecture.ARM64),
        (elf(183, kind=4), "a memory dump", Architecture.ARM64),
        (elf(183, (0x1000, 0x400000, b"x"), interpreter=True), "a program (ELF)", Architecture.ARM64),
        (elf(183, (0x1000, 0, b"x"), kind=3, dynamic=True), "a program or library", Architecture.ARM64),
        (elf(183, (0x1000, 0x400000, b"x")), "an ELF file", Architecture.ARM64),
        (b"\x7fELF\x07\x01" + bytes(60), "a damaged ELF file", None),
        (elf(183)[:40], "a damaged ELF file", Architecture.ARM64),
        (VMLINUX[:70], "a damaged ELF file", Architecture.ARM64),
    ],
)
def test_other_elf_files_are_called_by_their_names(
    data: bytes, looks_like: str, architecture: Architecture | None
) -> None:
    with pytest.raises(UnsupportedKernel) as error:
        identify(Buffer(data))
    assert looks_like in error.value.looks_like
    assert error.value.architecture is architecture


def test_very_many_segments_are_not_followed() -> None:
    data = bytearray(VMLINUX)
    struct.pack_into("<H", data, 56, 0xFFFF)
    with pytest.raises(UnsupportedKernel, match="damaged"):
        identify(Buffer(bytes(data)))


@given(st.binary(min_size=1, max_size=16), st.integers(0, 0x100), st.integers(0, len(VMLINUX)))
@examples(300)
def test_any_damage_gives_a_kernel_within_the_file_or_a_typed_error(noise: bytes, at: int, length: int) -> None:
    for data in (VMLINUX[:at] + noise + VMLINUX[at + len(noise) :], VMLINUX[:length], b"\x7fELF" + noise):
        with contextlib.suppress(FormatError):
            image = identify(Buffer(data))
            assert image.payload_offset + (image.payload_size or 0) <= len(data)


class Counting:
    """A source that counts what is read of it."""

    def __init__(self, data: bytes) -> None:
        self.source, self.size, self.read_bytes = Buffer(data), len(data), 0

    def read(self, offset: int, length: int) -> bytes:
        data = self.source.read(offset, length)
        self.read_bytes += len(data)
        return data


def test_of_a_large_kernel_only_the_headers_are_read() -> None:
    counting = Counting(VMLINUX + bytes(64 << 20))
    identify(counting)
    assert counting.read_bytes < 1 << 20


def sections(count: int, name: int, strings: bytes) -> bytes:
    """An ELF file with so many sections, whose names all begin at that offset of the strings."""
    header = bytearray(elf(183)[:64])
    struct.pack_into("<Q", header, 40, 64)  # e_shoff
    struct.pack_into("<HHH", header, 58, 64, count, 0)  # e_shentsize, e_shnum, e_shstrndx
    at = 64 + 64 * count
    row = struct.pack("<IIQQQQIIQQ", name, 3, 0, 0, at, len(strings), 0, 0, 1, 0)
    return bytes(header) + row * count + strings


def test_sections_that_repeat_one_long_name_are_given_up() -> None:
    with elf_file(Buffer(sections(3, 1, b"\0.text\0")), "it") as elf_of_three:
        assert [section.name for section in elf_of_three.iter_sections()] == [".text"] * 3
    hostile = sections(60_000, 0, b"a" * (1 << 20))
    with pytest.raises(FormatError, match="refer to more data than it has"), elf_file(Buffer(hostile), "it") as found:
        found.get_section_by_name(".modinfo")


def test_what_goes_wrong_with_an_elf_file_is_a_format_error_and_a_broken_medium_is_not() -> None:
    with pytest.raises(FormatError, match="it is not a valid ELF file: no such"), elf_file(Buffer(VMLINUX), "it"):
        raise ValueError("no such thing")
    with pytest.raises(FormatError, match="negative"):
        BoundedStream(Buffer(b""), 0).seek(-1)
    with pytest.raises(OSError, match="broken"), elf_file(Buffer(VMLINUX), "it"):
        raise OSError("broken")
    stream = BoundedStream(Buffer(b"abc"), 1000)
    assert (stream.seek(1), stream.read(9), stream.read(9), stream.seek(9), stream.read()) == (1, b"bc", b"", 9, b"")
    for head in (b"", b"MZ" + bytes(62), b"\x7fELF\3\1" + bytes(58)):
        with pytest.raises(FormatError):
            elf_header(head)


def test_pyelftools_is_imported_for_elf_files_alone() -> None:
    script = (
        "import sys; from bootmenu.formats.identify import identify; from bootmenu.formats.reader import Buffer\n"
        "for data in (b'MZ' + bytes(100), b'\\x7fELF' + bytes(100)):\n"
        "    try: identify(Buffer(data))\n"
        "    except Exception: pass\n"
        "    print('elftools' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
