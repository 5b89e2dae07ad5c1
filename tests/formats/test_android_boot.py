# SPDX-License-Identifier: MIT
"""Android's boot and vendor_boot images."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.errors import FormatError
from bootmenu.formats.container_parts import parts_of, tree_for
from bootmenu.formats.identify import identify
from bootmenu.formats.kernels import BrokenContainer
from bootmenu.formats.kernels.android_boot import AndroidBoot
from bootmenu.formats.part_cache import content_of
from bootmenu.formats.reader import HEAD_SIZE, Buffer
from bootmenu.model.kernel import Compression, Role
from tests.builders.containers import android, android_vendor, board_dtb
from tests.builders.entries import whole_image
from tests.properties import examples

KERNEL = whole_image(5000)
RAMDISK = b"070701" + b"r" * 3000


def contents(data: bytes) -> dict[str, bytes]:
    """The parts of an image, by name."""
    source = Buffer(data)
    return {name: content_of(source, part) for name, part in (parts_of(source) or {}).items() if part.text is None}


@pytest.mark.parametrize("version", range(5))
@pytest.mark.parametrize("kernel", [KERNEL, gzip.compress(KERNEL)])
def test_kernel_and_ramdisk_of_every_version(version: int, kernel: bytes) -> None:
    data = android(kernel, RAMDISK, version=version, second=b"loader", cmdline=b"a=b c")
    image = identify(Buffer(data))
    assert (image.containers, image.format) == (("android",), "arm64-image")
    assert image.compression is (Compression.NONE if kernel is KERNEL else Compression.GZIP)
    assert data[image.payload_offset :].startswith(kernel)
    assert contents(data) == {"kernel": kernel, "ramdisk": RAMDISK}
    lines = [part.text for part in image.embedded if part.role is Role.COMMAND_LINE]
    assert lines == (["a=b c"] if version < 3 else []), "since version 3 the rest of it is the vendor's"


@pytest.mark.parametrize("page", [512, 2048, 16384])
def test_device_trees_follow_everything_else(page: int) -> None:
    one, two = board_dtb("acme,rocket"), board_dtb("acme,anvil")
    parts = {"second": b"s" * 700, "dtbo": b"d" * 3000}
    alone = android(KERNEL, RAMDISK, version=2, page=max(page, 2048), dtb=one, **parts)
    assert contents(alone)["dtb"] == one
    data = android(KERNEL, version=2, page=max(page, 2048), dtb=one + two, **parts)
    assert contents(data) == {"kernel": KERNEL, "dtb-1": one, "dtb-2": two}
    image = identify(Buffer(data))
    assert image.board == ("acme,rocket", "acme,anvil")
    chosen = tree_for(image, ("acme,anvil",))
    assert chosen is not None
    assert chosen.name == "dtb-2"
    assert tree_for(image, ("acme,other",)) is None


@pytest.mark.parametrize("length", [1, 511, 512, 513, 1400])
def test_a_long_command_line_is_joined(length: int) -> None:
    line = (b"abcdefgh " * 200)[:length].strip()
    boot = AndroidBoot.read(head := android(KERNEL, cmdline=line), Buffer(head))
    assert boot is not None
    assert boot.command_line == line.decode()


def test_two_fields_that_are_not_full_are_two_lines() -> None:
    data = bytearray(android(KERNEL, cmdline=b"first"))
    data[608:614] = b"second"
    boot = AndroidBoot.read(bytes(data), Buffer(bytes(data)))
    assert boot is not None
    assert boot.command_line == "first second"


def test_a_device_tree_table_in_place_of_the_version() -> None:
    data = bytearray(android(KERNEL))
    data[40:44] = (123456).to_bytes(4, "little")
    assert identify(Buffer(bytes(data))).containers == ("android",)


def test_a_vendor_image() -> None:
    tree = board_dtb("acme,rocket")
    data = android_vendor([(1, b"one"), (2, b"recovery"), (3, b"three")], dtb=tree, cmdline=b"v", bootconfig=b"x=y")
    assert contents(data) == {"vendor-ramdisk-1": b"one", "vendor-ramdisk-3": b"three", "dtb": tree}
    boot = AndroidBoot.read(data[:HEAD_SIZE], Buffer(data))
    assert boot is not None
    assert (boot.version, boot.command_line, boot.has_bootconfig, boot.kernel) == (4, "v", True, None)
    old = android_vendor([(0, b"one")], version=3, dtb=tree)
    assert contents(old) == {"vendor-ramdisk": b"one", "dtb": tree}
    with pytest.raises(BrokenContainer, match="holds no kernel"):
        identify(Buffer(data))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (android(b"", RAMDISK, version=4), "holds no kernel"),
        (android(b"x" * 100, version=4), "its kernel cannot be read"),
        (android(KERNEL)[:-4000], "its kernel of 5,000 bytes extends beyond the file"),
        (android(KERNEL, RAMDISK)[:-4000], "its ramdisk of 3,006 bytes extends beyond the file"),
        (android(KERNEL, page=2048).replace((2048).to_bytes(4, "little"), bytes(4), 1), "page size of 0 bytes"),
        (android(KERNEL)[:40], "the header ends early"),
        (android_vendor([(1, b"x")], version=7), "version 7"),
        (
            android_vendor([(1, b"one")]).replace(
                (3).to_bytes(4, "little") + bytes(4) + b"\1", b"\4" + bytes(7) + b"\1"
            ),
            "its ramdisk 1 extends beyond the others",
        ),
    ],
)
def test_what_is_broken(data: bytes, message: str) -> None:
    with pytest.raises(BrokenContainer, match=message):
        identify(Buffer(data))


@examples(200)
@given(
    st.sampled_from([b"ANDROID!", b"VNDRBOOT"]),
    st.lists(st.sampled_from([0, 1, 2, 3, 4, 108, 2048, 4096, 1 << 31, (1 << 32) - 1]), min_size=30, max_size=700),
    st.binary(max_size=64),
)
def test_any_header_gives_a_value_or_a_format_error(magic: bytes, numbers: list[int], rest: bytes) -> None:
    data = magic + b"".join(number.to_bytes(4, "little") for number in numbers) + rest
    source = Buffer(data)
    try:
        found = parts_of(source)
    except FormatError:
        return
    assert all(part.offset + part.size <= len(data) for part in (found or {}).values())
