# SPDX-License-Identifier: MIT
"""Kernels in zboot, UKI, FIT and uImage files, and packed as a whole: the raw Image comes out, byte for byte."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import lzma
import struct
from collections.abc import Callable

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.compat.facts import KernelFacts, find_banner
from bootmenu.errors import FormatError
from bootmenu.formats.compression import unpack
from bootmenu.formats.identify import identify
from bootmenu.formats.kernels import BrokenContainer, UnsupportedKernel
from bootmenu.formats.reader import Buffer, Window
from bootmenu.model.kernel import Architecture, Compression, KernelImage
from tests.builders.containers import fit, uimage, uki, zboot
from tests.builders.entries import whole_image
from tests.builders.kernels import portable_executable
from tests.builders.packed import lz4_frame, lz4_legacy
from tests.properties import examples

BANNER = b"Linux version 6.1.0-49-arm64 (debian-kernel@"
IMAGE = whole_image()[:8192] + BANNER + whole_image()[8192 + len(BANNER) :]


def xz(data: bytes) -> bytes:
    return lzma.compress(data)


def alone(data: bytes) -> bytes:
    return lzma.compress(data, lzma.FORMAT_ALONE)


def zstd(data: bytes) -> bytes:
    return zstandard.compress(data)


def gz(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


SIZE = len(IMAGE).to_bytes(4, "little")
FILES = {
    "gzip": (gz(IMAGE), (), Compression.GZIP),
    "xz": (xz(IMAGE), (), Compression.XZ),
    "lzma": (alone(IMAGE), (), Compression.LZMA),
    "zstd": (zstd(IMAGE), (), Compression.ZSTD),
    "bzip2": (bz2.compress(IMAGE), (), Compression.BZIP2),
    "lz4-legacy": (lz4_legacy(IMAGE), (), Compression.LZ4),
    "lz4-with-its-size": (lz4_legacy(IMAGE) + SIZE, (), Compression.LZ4),
    "lz4-frame": (lz4_frame(IMAGE), (), Compression.LZ4),
    "zboot-lz4": (zboot(IMAGE, name=b"lz4", payload=lz4_legacy(IMAGE), tail=SIZE), ("zboot",), Compression.LZ4),
    "zboot-gzip": (zboot(IMAGE), ("zboot",), Compression.GZIP),
    "zboot-xz": (zboot(IMAGE, name=b"xzkern", payload=xz(IMAGE), tail=SIZE), ("zboot",), Compression.XZ),
    "zboot-zstd": (zboot(IMAGE, name=b"zstd22", payload=zstd(IMAGE), tail=SIZE), ("zboot",), Compression.ZSTD),
    "zboot-lzma": (zboot(IMAGE, name=b"lzma", payload=alone(IMAGE), tail=SIZE), ("zboot",), Compression.LZMA),
    "uki": (uki((".linux", IMAGE)), ("uki",), Compression.NONE),
    "uki-gzip": (uki((".linux", gz(IMAGE))), ("uki",), Compression.GZIP),
    "uki-zboot": (uki((".linux", zboot(IMAGE))), ("uki", "zboot"), Compression.GZIP),
    "fit": (fit(IMAGE), ("fit",), Compression.NONE),
    "fit-external": (fit(IMAGE, external=True), ("fit",), Compression.NONE),
    "fit-gzip": (fit(gz(IMAGE), compression="gzip"), ("fit",), Compression.GZIP),
    "fit-lzma": (fit(alone(IMAGE), compression="lzma", external=True), ("fit",), Compression.LZMA),
    "fit-lz4": (fit(lz4_frame(IMAGE), compression="lz4"), ("fit",), Compression.LZ4),
    "uimage-lz4": (uimage(lz4_frame(IMAGE), compression=5), ("uimage",), Compression.LZ4),
    "uimage": (uimage(IMAGE), ("uimage",), Compression.NONE),
    "uimage-gzip": (uimage(gz(IMAGE), compression=1), ("uimage",), Compression.GZIP),
    "uimage-zstd": (uimage(zstd(IMAGE), compression=6), ("uimage",), Compression.ZSTD),
    "uimage-with-its-own-gzip": (uimage(gz(IMAGE)), ("uimage",), Compression.GZIP),
}


def taken_out(data: bytes, image: KernelImage) -> bytes:
    """The raw kernel, as the loader takes it out."""
    size = len(data) - image.payload_offset if image.payload_size is None else image.payload_size
    window = Window(Buffer(data), image.payload_offset, size)
    return b"".join(piece for piece, _ in unpack(window, image.compression))


@pytest.mark.parametrize("name", FILES)
def test_the_raw_kernel_comes_out(name: str) -> None:
    data, containers, compression = FILES[name]
    image = identify(Buffer(data))
    assert (image.format, image.containers, image.compression) == ("arm64-image", containers, compression)
    assert (image.architecture, image.page_size, image.file_size) == (Architecture.ARM64, 4096, len(data))
    assert (image.damage, image.checksum_problem) == (None, None)
    raw = taken_out(data, image)
    assert raw[: len(IMAGE)] == IMAGE
    assert not raw[len(IMAGE) :].strip(b"\0"), "only the padding of a section may follow"
    assert image.content_size == len(raw)
    facts = KernelFacts.from_source(Buffer(data))
    assert find_banner(Buffer(data), facts) == "6.1.0-49-arm64"


@pytest.mark.parametrize("name", FILES)
def test_a_file_cut_anywhere_is_known_to_be_cut_or_is_an_error(name: str) -> None:
    data, _, _ = FILES[name]
    if name == "lz4-with-its-size":
        data = data[:-4]  # the size is no part of the content
    for length in [*range(0, min(len(data), 0x300), 7), *range(0x300, len(data) - 512, 331)]:
        with contextlib.suppress(FormatError):
            image = identify(Buffer(data[:length]))
            whole = image.content_size is not None and image.content_size >= (image.declared_end or 0)
            assert image.damage or image.checksum_problem or not whole or not image.content_read, length


@given(st.sampled_from(sorted(FILES)), st.binary(min_size=1, max_size=40), st.integers(0, 0x800))
@examples(150)
def test_any_bytes_give_a_kernel_or_a_typed_error(name: str, noise: bytes, at: int) -> None:
    data, _, _ = FILES[name]
    spoilt = data[:at] + noise + data[at + len(noise) :]
    with contextlib.suppress(FormatError):
        image = identify(Buffer(spoilt))
        assert 0 <= image.payload_offset <= len(spoilt)
        assert image.payload_size is None or image.payload_offset + image.payload_size <= len(spoilt)
        with contextlib.suppress(FormatError):
            taken_out(spoilt, image)


def broken(data: bytes) -> BrokenContainer:
    with pytest.raises(BrokenContainer) as error:
        identify(Buffer(data))
    return error.value


HUGE = 0xFFFFFFFF


@pytest.mark.parametrize(
    ("data", "container", "says"),
    [
        (zboot(IMAGE, size=HUGE), "zboot", "outside the file"),
        (zboot(IMAGE, size=0), "zboot", "outside the file"),
        (zboot(IMAGE)[:0x20], "zboot", "incomplete"),
        (zboot(IMAGE, name=b"lzo"), "zboot", "'lzo'"),
        (zboot(IMAGE, name=b"\xff" * 32), "zboot", "not supported"),
        (zboot(IMAGE, payload=b"junk"), "zboot", "not a gzip stream"),
        (zboot(b"no kernel"), "zboot", "without a kernel"),
        (zboot(zboot(IMAGE)), "zboot", "zboot"),
        (uki((".osrel", b"x")), "uki", "no section .linux"),
        (uki((".linux", IMAGE), (".osrel", b"x"))[:0x3000], "uki", "outside the file"),
        (uki((".linux", b"no kernel")), "uki", "its kernel cannot be read"),
        (uki((".linux", uki((".linux", uki((".linux", IMAGE)))))), "uki", "within a file"),
        (fit(IMAGE, kernel="nobody"), "fit", "no configuration"),
        (fit(IMAGE, compression="lzo"), "fit", "'lzo'"),
        (fit(b"no kernel"), "fit", "its kernel cannot be read"),
        (fit(IMAGE, external=True)[:-600], "fit", "outside the file"),
        (uimage(IMAGE, header_crc=0), "uimage", "checksum of its header"),
        (uimage(IMAGE, size=HUGE), "uimage", "extend beyond"),
        (uimage(IMAGE, size=len(IMAGE) + 1), "uimage", "extend beyond"),
        (uimage(IMAGE, kind=5), "uimage", "no kernel"),
        (uimage(IMAGE, compression=4), "uimage", "number 4"),
        (uimage(b"no kernel"), "uimage", "its kernel cannot be read"),
        (uimage(IMAGE)[:40], "uimage", "incomplete"),
    ],
)
def test_a_broken_container_says_what_is_wrong(data: bytes, container: str, says: str) -> None:
    error = broken(data)
    assert error.container == container
    assert says in error.message
    facts = KernelFacts.from_source(Buffer(data))
    assert (facts.image, facts.container, facts.problem) == (None, container, error.message)


def test_a_uki_that_holds_itself_ends() -> None:
    data = bytearray(uki((".linux", bytes(512))))
    struct.pack_into("<I", data, 0x58 + 0xA0 + 16, len(data))  # SizeOfRawData
    struct.pack_into("<I", data, 0x58 + 0xA0 + 20, 0)  # PointerToRawData
    assert "within a file" in broken(bytes(data)).message


def test_a_broken_container_still_says_its_architecture() -> None:
    assert broken(uki((".osrel", b"x"), machine=0x8664)).architecture is Architecture.X86_64
    assert broken(uimage(IMAGE, kind=5, architecture=26)).architecture is Architecture.RISCV64


def test_a_uki_lists_its_sections() -> None:
    image = identify(Buffer(uki((".osrel", b"x"), (".cmdline", b"quiet"), (".linux", IMAGE), (".empty", b""))))
    assert image.parts == (".osrel", ".cmdline", ".linux")


@pytest.mark.parametrize("algorithm", ["crc32", "sha1", "sha256"])
@pytest.mark.parametrize("external", [False, True])
def test_a_fit_is_checked_against_its_hashes(algorithm: str, external: bool) -> None:
    good = identify(Buffer(fit(IMAGE, algorithm=algorithm, external=external)))
    assert (good.checksummed, good.checksum_problem) == (True, None)
    bad = identify(Buffer(fit(IMAGE, algorithm=algorithm, external=external, spoil=True)))
    assert not bad.checksummed
    assert bad.checksum_problem is not None
    assert algorithm in bad.checksum_problem


def test_a_fit_says_its_boards_by_its_configurations_or_their_trees() -> None:
    assert identify(Buffer(fit(IMAGE, board=("acme,rocket",)))).board == ("acme,rocket",)
    assert identify(Buffer(fit(IMAGE, board=("acme,rocket", "acme,soc"), board_from_tree=True))).board == (
        "acme,rocket",
        "acme,soc",
    )
    assert identify(Buffer(fit(IMAGE, board=()))).board is None


def test_the_data_crc_of_a_uimage_is_checked() -> None:
    assert identify(Buffer(uimage(IMAGE))).checksummed
    wrong = identify(Buffer(uimage(IMAGE, data_crc=1)))
    assert not wrong.checksummed
    assert wrong.checksum_problem == "the CRC of the uImage's data is wrong"


def test_a_gzip_with_a_wrong_crc_is_a_checksum_problem_where_it_was_read() -> None:
    packed = bytearray(gz(whole_image(600_000, sections=False)))
    packed[-5] ^= 1
    image = identify(Buffer(bytes(packed)))
    assert image.checksum_problem is not None
    assert image.damage is None


@pytest.mark.parametrize("pack", [xz, alone, zstd, bz2.compress])
def test_a_packed_kernel_that_is_cut_is_damaged(pack: Callable[[bytes], bytes]) -> None:
    image = identify(Buffer(pack(bytes(IMAGE) + b"".join(i.to_bytes(4, "big") * 3 for i in range(99999)))[:-9000]))
    assert image.damage is not None
    assert "ends early" in image.damage


def test_a_fit_of_very_many_nodes_is_refused_early() -> None:
    from bootmenu.formats.dtb import DeviceTree, Node

    tree = DeviceTree(root=Node("", children=[Node("images", children=[Node("x") for _ in range(60_000)])]))
    with pytest.raises(UnsupportedKernel, match="tokens"):
        identify(Buffer(tree.to_bytes()))


def test_a_device_tree_is_no_fit() -> None:
    from bootmenu.demo.builders import board_tree

    with pytest.raises(UnsupportedKernel, match="a device tree"):
        identify(Buffer(board_tree(("acme,rocket",)).to_bytes()))


# ---- kernels of other architectures -----------------------------------------------------------------------


def bzimage(*, protocol: int = 0x20F, loadflags: int = 1, xloadflags: int = 0x21, sectors: int = 4) -> bytes:
    data = bytearray((sectors + 1) * 512 + 4096)
    data[0x1F1] = sectors
    struct.pack_into("<I", data, 0x1F4, 4096 // 16)
    data[0x1FE:0x206] = b"\x55\xaa\0\0HdrS"
    struct.pack_into("<H", data, 0x206, protocol)
    struct.pack_into("<H", data, 0x20E, 0x300)
    data[0x211] = loadflags
    struct.pack_into("<I", data, 0x230, 2 << 20)
    struct.pack_into("<HI", data, 0x236, xloadflags, 2047)
    struct.pack_into("<I", data, 0x260, 1 << 20)
    data[0x500:0x520] = b"6.1.0-49-amd64 (debian) #1 SMP\0\0"
    return bytes(data)


def test_a_bzimage_is_read_as_boot_rst_says() -> None:
    image = identify(Buffer(bzimage()))
    assert (image.format, image.architecture, image.version) == ("bzimage", Architecture.X86_64, "6.1.0-49-amd64")
    assert dict(image.fields) == {
        "setup_sects": 4,
        "version": 0x20F,
        "loadflags": 1,
        "xloadflags": 0x21,
        "cmdline_size": 2047,
        "kernel_alignment": 2 << 20,
        "init_size": 1 << 20,
    }
    assert image.declared_end == 5 * 512 + 4096 == image.content_size
    assert identify(Buffer(bzimage(xloadflags=0))).architecture is Architecture.X86
    old = identify(Buffer(bzimage(protocol=0x205)))
    assert (old.fields["xloadflags"], old.fields["cmdline_size"], old.image_size) == (0, 255, None)


def test_a_riscv_image_is_read_as_its_document_says() -> None:
    head = struct.pack("<IIQQQIIQ8s4sI", 0, 0, 0x200000, 1 << 20, 0, 2, 0, 0, b"RISCV\0\0\0", b"RSC\x05", 0)
    image = identify(Buffer(head + bytes(100)))
    assert (image.format, image.architecture) == ("riscv-image", Architecture.RISCV64)
    assert (image.text_offset, image.image_size, dict(image.fields)) == (0x200000, 1 << 20, {"version": 2})


@pytest.mark.parametrize("data", [bzimage(), b"\0" * 0x38 + b"RSC\x05" + bytes(64)])
def test_other_architectures_cut_anywhere_give_a_kernel_or_a_typed_error(data: bytes) -> None:
    for length in range(min(len(data), 0x300)):
        with contextlib.suppress(FormatError):
            identify(Buffer(data[:length]))


@pytest.mark.parametrize("inner", [False, True])
@pytest.mark.parametrize("wrap", ["zboot", "uki", "fit"])
def test_a_signature_counts_on_the_kernel_itself_and_not_around_it(wrap: str, inner: bool) -> None:
    image = bytearray(portable_executable([], certificates=(16384 - 64, 64) if inner else (0, 0)) + bytes(15 * 1024))
    struct.pack_into("<Q", image, 0x10, len(image))
    image[0x38:0x3C] = b"ARM\x64"
    outer = bytearray({"zboot": zboot, "uki": lambda data: uki((".linux", data)), "fit": fit}[wrap](bytes(image)))
    if wrap != "fit":
        outer[0x58 + 108 : 0x58 + 112] = (6).to_bytes(4, "little")
        outer[0x58 + 144 : 0x58 + 152] = struct.pack("<II", len(outer) - 64, 64)
    found = identify(Buffer(bytes(outer)))
    assert found.containers == (wrap,)
    assert found.signed is inner


def test_a_program_that_is_no_linux_says_what_it_is_and_may_end_within_its_last_paragraph() -> None:
    data = bytearray(bzimage(xloadflags=9))
    data[0x500:0x510] = b"Memtest86+ v6.1\0"
    found = identify(Buffer(bytes(data[:-8])))
    assert found.other_program == "Memtest86+"
    assert found.declared_end == found.content_size
    assert identify(Buffer(bzimage())).other_program is None
    cut = identify(Buffer(bytes(data[:-16])))
    assert (cut.declared_end or 0) > (cut.content_size or 0)
