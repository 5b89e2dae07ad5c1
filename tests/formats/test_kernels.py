# SPDX-License-Identifier: MIT
"""Recognising kernel files: what they say, what they are instead, and that nothing they contain does harm."""

from __future__ import annotations

import contextlib
import gzip
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.errors import FormatError
from bootmenu.formats.identify import identify
from bootmenu.formats.kernels import UnsupportedKernel
from bootmenu.formats.pe import PortableExecutable, Section
from bootmenu.formats.reader import HEAD_SIZE, Buffer, Reader
from bootmenu.model.kernel import Architecture, ByteOrder, Compression
from tests.builders.containers import uki, zboot
from tests.builders.entries import whole_image
from tests.builders.kernels import FOREIGN, elf, portable_executable
from tests.properties import examples

PROPERTY = examples(100)


# ---- any bytes --------------------------------------------------------------------------------------------

_starts = [b"", b"MZ", b"\x7fELF", b"\x1f\x8b\x08\0\0\0\0\0\0\x03", whole_image(), *FOREIGN.values()]


@PROPERTY
@given(st.sampled_from(_starts), st.binary(max_size=600), st.integers(0, 700))
def test_any_bytes_give_a_kernel_or_a_typed_error(start: bytes, data: bytes, at: int) -> None:
    for candidate in (start + data, start[:at] + data + start[at + len(data) :], start[:at]):
        with contextlib.suppress(FormatError):
            identify(Buffer(candidate))


@pytest.mark.parametrize("name", FOREIGN)
def test_a_file_cut_anywhere_gives_a_kernel_or_a_typed_error(name: str) -> None:
    data = FOREIGN[name]
    for length in range(min(len(data), 0x300)):
        with contextlib.suppress(FormatError):
            identify(Buffer(data[:length]))


def test_an_image_cut_anywhere_gives_a_kernel_or_a_typed_error() -> None:
    data = whole_image(8192)
    for length in range(0x200):
        with contextlib.suppress(FormatError):
            assert identify(Buffer(data[:length])).file_size == length


# ---- arm64 ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page_size", [None, 4096, 16384, 65536])
@pytest.mark.parametrize("big_endian", [False, True])
def test_the_image_header_is_read_as_booting_rst_says(page_size: int | None, big_endian: bool) -> None:
    data = whole_image(20480, page_size=page_size, big_endian=big_endian, image_size=65536, text_offset=0x1000)
    image = identify(Buffer(data))
    assert image.format == "arm64-image"
    assert image.architecture is Architecture.ARM64
    assert image.page_size == page_size
    assert image.byte_order is (ByteOrder.BIG if big_endian else ByteOrder.LITTLE)
    assert (image.image_size, image.text_offset, image.anywhere) == (65536, 0x1000, True)
    assert (image.file_size, image.content_size, image.declared_end) == (20480, 20480, 20480)


def test_before_3_17_image_size_is_zero_and_the_text_offset_is_the_old_one() -> None:
    image = identify(Buffer(whole_image(image_size=0, text_offset=0x123)))
    assert (image.image_size, image.text_offset) == (0, 0x80000)


def test_without_a_section_table_no_end_is_declared() -> None:
    assert identify(Buffer(whole_image(sections=False))).declared_end is None


# ---- PE ---------------------------------------------------------------------------------------------------


def test_the_end_of_a_pe_file_counts_the_certificates() -> None:
    found = PortableExecutable.from_head(portable_executable([(".text", 512, 100)], certificates=(700, 50)))
    assert found is not None
    assert found.end == 750
    assert found.sections == (Section(name=".text", offset=512, size=100, virtual_size=100),)
    assert found.certificates == (700, 50)


def test_a_certificate_table_without_length_is_none() -> None:
    found = PortableExecutable.from_head(portable_executable([(".text", 512, 100)], certificates=(9999, 0)))
    assert found is not None
    assert found.end == 612


def test_sections_without_raw_data_declare_no_end() -> None:
    found = PortableExecutable.from_head(portable_executable([(".bss", 99999, 0)]))
    assert found is not None
    assert found.end is None


def test_too_many_sections_are_refused_before_they_are_read() -> None:
    data = bytearray(portable_executable([(".text", 512, 100)]))
    struct.pack_into("<H", data, 0x46, 65535)
    with pytest.raises(FormatError, match="65535 sections"):
        PortableExecutable.from_head(bytes(data))


@PROPERTY
@given(st.integers(0, 0x300), st.binary(min_size=1, max_size=8))
def test_a_damaged_pe_header_gives_a_value_or_a_typed_error(at: int, damage: bytes) -> None:
    data = portable_executable([(".text", 512, 100), (".data", 612, 4)], certificates=(700, 50))
    with contextlib.suppress(FormatError):
        PortableExecutable.from_head(data[:at] + damage + data[at + len(damage) :])


# ---- gzip -------------------------------------------------------------------------------------------------


def test_a_packed_image_is_read_whole_only_when_its_trailer_contradicts_it() -> None:
    data = whole_image(100_000)
    packed = gzip.compress(data)
    image = identify(Buffer(packed))
    assert image.compression is Compression.GZIP
    assert (image.file_size, image.content_size, image.declared_end) == (len(packed), 100_000, 100_000)
    assert not image.content_read
    behind = identify(Buffer(packed + b"garbage"))
    assert (behind.content_size, behind.content_read, behind.checksummed) == (100_000, True, True)


@pytest.mark.parametrize("kept", [0.5, 0.99])
def test_a_cut_packed_image_is_damaged(kept: float) -> None:
    packed = gzip.compress(whole_image(sections=False)[:4096] + bytes(range(256)) * 1000)
    image = identify(Buffer(packed[: int(len(packed) * kept)]))
    assert image.damage is not None
    assert not image.checksummed


def test_a_packed_image_without_sections_is_proved_by_its_checksum() -> None:
    image = identify(Buffer(gzip.compress(whole_image(sections=False))))
    assert (image.declared_end, image.checksummed) == (None, True)


def test_an_image_that_was_cut_before_it_was_packed_says_so() -> None:
    image = identify(Buffer(gzip.compress(whole_image(100_000)[:70_000])))
    assert (image.content_size, image.declared_end, image.damage) == (70_000, 100_000, None)


@pytest.mark.parametrize("inner", [b"", b"hello", gzip.compress(b"hello")])
def test_gzip_of_something_else_is_no_kernel(inner: bytes) -> None:
    with pytest.raises(UnsupportedKernel):
        identify(Buffer(gzip.compress(inner)))


# ---- foreign ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "looks_like", "architecture"),
    [
        (elf(183), "ELF", Architecture.ARM64),
        (elf(62), "ELF", Architecture.X86_64),
        (elf(21, big_endian=True), "ELF", Architecture.PPC64),
        (elf(9999), "ELF", None),
        (FOREIGN["zImage"], "zImage", Architecture.ARM),
        (FOREIGN["uImage"], "uImage", Architecture.ARM64),
        (FOREIGN["fit"], "FIT", None),
        (FOREIGN["zboot"], "zboot", Architecture.ARM64),
        (FOREIGN["uki"], "UKI", Architecture.ARM64),
        (FOREIGN["efi"], "an EFI program, not a kernel", Architecture.X86_64),
        (FOREIGN["loongarch"], "a LoongArch kernel", Architecture.LOONGARCH64),
        (zboot(FOREIGN["loongarch"]), "a LoongArch kernel in an EFI zboot file", Architecture.LOONGARCH64),
        (
            uki((".sdmagic", b"#### LoaderInfo: systemd-boot 252.39 ####")),
            "(systemd-boot 252.39)",
            Architecture.ARM64,
        ),
        (uki((".sbat", b"sbat,1,SBAT\ngrub,3,FSF,grub,2.06\n")), "an EFI program (grub)", Architecture.ARM64),
        (uki((".sbat", b"sbat,1,SBAT\n\xff,,,")), "an EFI program, not a kernel", Architecture.ARM64),
        (uki(("mods", b"x")), "an EFI program (grub)", Architecture.ARM64),
        (gzip.compress(elf(183)), "ELF", Architecture.ARM64),
        (b"070701" + bytes(99), "cpio", None),
        (b"#!/bin/sh\n", "script", None),
        (bytes(100), "nothing but zero bytes", None),
        (b"hello", "an unknown format", None),
        (b"", "empty", None),
    ],
)
def test_what_cannot_be_started_is_called_by_its_name(
    data: bytes, looks_like: str, architecture: Architecture | None
) -> None:
    with pytest.raises(UnsupportedKernel) as caught:
        identify(Buffer(data))
    assert looks_like in caught.value.looks_like
    assert caught.value.architecture is architecture


def test_the_head_of_a_file_holds_what_every_format_looks_at() -> None:
    assert HEAD_SIZE >= 4096


# ---- reader -----------------------------------------------------------------------------------------------


@PROPERTY
@given(st.binary(max_size=20), st.integers(-30, 30), st.integers(-30, 30))
def test_a_slice_is_whole_or_an_error(data: bytes, offset: int, length: int) -> None:
    reader = Reader(data, "it")
    if offset >= 0 and length >= 0 and offset + length <= len(data):
        assert len(reader.slice(offset, length)) == length
    else:
        with pytest.raises(FormatError) as caught:
            reader.slice(offset, length)
        assert caught.value.offset == offset


def test_numbers_have_their_order() -> None:
    reader = Reader(bytes(range(1, 9)), "it")
    assert (reader.u8(0), reader.u16le(0), reader.u32le(0), reader.u32be(0)) == (1, 0x0201, 0x04030201, 0x01020304)
    assert reader.u64le(0) == 0x0807060504030201


def test_a_buffer_never_reads_from_its_end() -> None:
    assert Buffer(b"abc").read(-4, 4) == b"abc"
    assert Buffer(b"abc").read(2, 99) == b"c"
    assert Buffer(b"abc").read(9, 1) == b""
    assert Buffer(b"abc").read(0, -1) == b""
