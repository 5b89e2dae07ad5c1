# SPDX-License-Identifier: MIT
"""Every kind of kernel file, damaged byte by byte and cut at every length: a value or a typed error, every time."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import lzma
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import zstandard

from bootmenu.compat.facts import KernelFacts, find_banner
from bootmenu.errors import FormatError
from bootmenu.formats.container_parts import part_among, parts_of
from bootmenu.formats.identify import identify
from bootmenu.formats.kernels import FORMATS, Wanted
from bootmenu.formats.part_cache import content_of
from bootmenu.formats.reader import Buffer
from tests.builders.containers import (
    android,
    android_vendor,
    board_dtb,
    chromeos,
    fit_of,
    uimage,
    uimage_of,
    uki,
    zboot,
)
from tests.builders.entries import whole_image
from tests.builders.kernels import FOREIGN, bzimage, elf
from tests.builders.packed import lz4_frame, lz4_legacy
from tests.properties import part

IMAGE = whole_image(4096)
DTB = board_dtb("acme,rocket")
IMAGES = {"k": ("kernel", IMAGE, "none"), "r": ("ramdisk", b"070701", "none"), "f": ("flat_dt", DTB, "none")}
CONFIGURATION = {"one": {"kernel": ["k"], "ramdisk": ["r"], "fdt": ["f"]}}
SAMPLES = {
    "arm64-image": IMAGE,
    "riscv-image": FOREIGN["risc-v"],
    "bzimage": bzimage(0x20F, 1),
    "zboot": zboot(IMAGE),
    "uki": uki(
        (".linux", IMAGE), (".cmdline", b"quiet"), (".dtbauto", DTB), (".profile", b"ID=x"), (".initrd", b"0707")
    ),
    "fit": fit_of(IMAGES, CONFIGURATION, default="one", algorithms=["crc32"]),
    "fit-external": fit_of(IMAGES, CONFIGURATION, default="one", data="offset"),
    "uimage": uimage_of(IMAGE, b"070701", DTB),
    "uimage-gzip": uimage(gzip.compress(IMAGE), compression=1),
    "android": android(IMAGE, b"070701", version=2, dtb=DTB + DTB, cmdline=b"quiet"),
    "android-4": android(IMAGE, b"070701", version=4, cmdline=b"quiet"),
    "android-vendor": android_vendor([(1, b"070701"), (3, b"0707")], dtb=DTB, cmdline=b"quiet"),
    "chromeos": chromeos(fit_of(IMAGES, CONFIGURATION, default="one"), b"quiet"),
    "elf": elf(183, (0x1000, 1 << 63, IMAGE)),
    "gzip": gzip.compress(IMAGE),
    "xz": lzma.compress(IMAGE),
    "lzma": lzma.compress(IMAGE, lzma.FORMAT_ALONE),
    "bzip2": bz2.compress(IMAGE),
    "zstd": zstandard.compress(IMAGE),
    "lz4-legacy": lz4_legacy(IMAGE),
    "lz4-frame": lz4_frame(IMAGE),
    "foreign": FOREIGN["efi"],
}


def damaged(data: bytes) -> Iterator[bytes]:
    """Cut and flipped in the first 512 bytes, where the headers are, and here and there behind them."""
    places = [*range(min(len(data), 512)), *range(512, len(data), 97)]
    for at in places:
        yield data[:at]
        for bits in (0xFF, 0x01, 0x80):
            yield data[:at] + bytes([data[at] ^ bits]) + data[at + 1 :]


def test_every_format_has_a_sample() -> None:
    kinds = {name.partition("-")[0] for name in SAMPLES} | set(SAMPLES)
    assert set(FORMATS.names()) - kinds == {"packed"}


@pytest.mark.parametrize("name", part(SAMPLES))
def test_damage_gives_a_value_or_a_typed_error(name: str) -> None:
    for data in damaged(SAMPLES[name]):
        source = Buffer(data)
        with contextlib.suppress(FormatError):
            image = identify(source, Wanted(board=("acme,rocket",)))
            assert image.payload_offset + (image.payload_size or 0) <= len(data)
            for part in image.embedded:
                assert part.offset + part.size <= len(data)
                with contextlib.suppress(FormatError):
                    content_of(source, part)
        with contextlib.suppress(FormatError):
            part_among(parts_of(source), "image-2")


def test_a_part_is_wanted_of_files_with_parts_only() -> None:
    with pytest.raises(FormatError, match="a single kernel: there is no part conf-1"):
        identify(Buffer(IMAGE), Wanted(part="conf-1"))


# ---- the version ------------------------------------------------------------------------------------------


@dataclass
class Counted:
    """A file that remembers how far it was read."""

    data: bytes
    farthest: int = field(default=0)

    @property
    def size(self) -> int:
        return len(self.data)

    def read(self, offset: int, length: int) -> bytes:
        self.farthest = max(self.farthest, offset + length)
        return self.data[offset : offset + length]


def test_the_banner_is_read_and_no_more_than_that() -> None:
    noise = array("I", range(2_000_000)).tobytes()
    banner = b"Linux version 6.12.57-arm64 (builder@"
    head = whole_image(4096, sections=False)
    for data in (head + noise[: 1 << 20] + banner + noise, gzip.compress(head + banner + noise, 1)):
        image = KernelFacts.from_source(Buffer(data))
        source = Counted(data)
        assert find_banner(source, image) == "6.12.57-arm64"
        assert source.farthest < len(data) / 2


def test_a_bzimage_says_its_version_in_its_header() -> None:
    data = bytearray(bzimage(0x20F, 1))
    data[0x20E:0x210] = b"\x80\x01"
    data[0x380:0x394] = b"6.1.0-49-amd64 (deb)"
    source = Counted(bytes(data))
    assert find_banner(source, KernelFacts.from_source(Buffer(bytes(data)))) == "6.1.0-49-amd64"
    assert source.farthest == 0
