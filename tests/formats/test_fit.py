# SPDX-License-Identifier: MIT
"""FIT images and uImages of several parts: which configuration, what boots along, and where it lies in the file."""

from __future__ import annotations

import contextlib
import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.errors import FormatError
from bootmenu.formats.container_parts import part_among, parts_of, tree_for
from bootmenu.formats.identify import identify
from bootmenu.formats.kernels import BrokenContainer, Wanted
from bootmenu.formats.kernels.uimage import ramdisk
from bootmenu.formats.part_cache import content_of
from bootmenu.formats.reader import Buffer
from bootmenu.model.kernel import Compression, Embedded, Role
from tests.builders.containers import board_dtb, fit_of, uimage, uimage_of
from tests.builders.entries import whole_image
from tests.properties import examples

IMAGE = whole_image()
CPIO = b"070701 initramfs!"
IMAGES = {
    "kernel": ("kernel", IMAGE, "none"),
    "kernel-sled": ("kernel", IMAGE + b"sled", "none"),
    "ramdisk": ("ramdisk", CPIO, "gzip"),
    "fdt-rocket": ("flat_dt", board_dtb("acme,rocket", "acme,soc"), "none"),
    "fdt-sled": ("flat_dt", gzip.compress(board_dtb("acme,sled", "acme,soc"), mtime=0), "gzip"),
    "overlay": ("flat_dt", board_dtb("acme,overlay"), "none"),
}
CONFIGURATIONS = {
    "conf-rocket": {"kernel": ["kernel"], "fdt": ["fdt-rocket"], "ramdisk": ["ramdisk"]},
    "conf-sled": {"kernel": ["kernel-sled"], "fdt": ["fdt-sled", "overlay"]},
    "conf-said": {"kernel": ["kernel"], "fdt": ["fdt-rocket"], "compatible": ["acme,cart"]},
    "conf-overlay": {"fdt": ["overlay"]},
}
PLACES = ("inside", "offset", "position")
FITS = {
    place: fit_of(IMAGES, CONFIGURATIONS, default="conf-rocket", data=place, algorithms=["sha512", "md5"])
    for place in PLACES
}


def names(parts: tuple[Embedded, ...]) -> list[str]:
    return [part.name for part in parts]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("board", "kernel", "others"),
    [
        ((), "kernel", ["ramdisk", "fdt-rocket"]),
        (("acme,unknown",), "kernel", ["ramdisk", "fdt-rocket"]),
        (("acme,sled", "acme,soc"), "kernel-sled", ["fdt-sled", "overlay"]),
        (("acme,rocket", "acme,sled"), "kernel", ["ramdisk", "fdt-rocket"]),
        (("acme,soc",), "kernel", ["ramdisk", "fdt-rocket"]),
        (("acme,cart",), "kernel", ["fdt-rocket"]),
    ],
)
def test_the_configuration_is_chosen_by_the_board_as_u_boot_does(
    place: str, board: tuple[str, ...], kernel: str, others: list[str]
) -> None:
    source = Buffer(FITS[place])
    image = identify(source, Wanted(board=board))
    part = part_among(parts_of(source), kernel)
    assert (image.payload_offset, image.payload_size) == (part.offset, part.size)
    assert names(image.embedded) == others
    assert image.board == ("acme,rocket", "acme,soc", "acme,sled", "acme,cart", "acme,overlay")
    assert (image.checksummed, image.checksum_problem) == (True, None)


@pytest.mark.parametrize("place", PLACES)
def test_every_part_comes_out_as_it_was_put_in(place: str) -> None:
    source = Buffer(FITS[place])
    for name, (kind, data, _) in IMAGES.items():
        part = part_among(parts_of(source), name)
        unpacked = gzip.decompress(data) if name == "fdt-sled" else data
        assert content_of(source, part) == unpacked, name
        roles = {"kernel": Role.KERNEL, "ramdisk": Role.INITRAMFS, "flat_dt": Role.DEVICE_TREE}
        assert part.role is roles[kind]
    assert part_among(parts_of(source), "ramdisk").compression is Compression.NONE, (
        "the kernel unpacks it, as with U-Boot"
    )


def test_the_tree_of_a_configuration_for_another_board_is_not_taken() -> None:
    source = Buffer(FITS["inside"])
    mismatched = identify(source, Wanted(board=("acme,unknown",)))
    assert tree_for(mismatched, ("acme,unknown",)) is None
    matched = tree_for(identify(source, Wanted(board=("acme,sled",))), ("acme,sled",))
    assert matched is not None
    assert matched.name == "fdt-sled"
    named = tree_for(identify(source, Wanted(board=("acme,unknown",), part="conf-sled")), ("acme,unknown",))
    assert named is not None, "a configuration that is named is meant"
    assert named.name == "fdt-sled"


def test_a_configuration_may_be_named_with_others_that_add_overlays() -> None:
    image = identify(Buffer(FITS["offset"]), Wanted(part="conf-rocket#conf-overlay"))
    assert [(part.name, part.role) for part in image.embedded] == [
        ("ramdisk", Role.INITRAMFS),
        ("fdt-rocket", Role.DEVICE_TREE),
        ("overlay", Role.OVERLAY),
    ]
    with pytest.raises(BrokenContainer, match="'conf-none' is missing"):
        identify(Buffer(FITS["offset"]), Wanted(part="conf-none"))
    with pytest.raises(BrokenContainer, match="'conf-none' is missing"):
        identify(Buffer(FITS["offset"]), Wanted(part="conf-rocket#conf-none"))


@pytest.mark.parametrize("algorithm", ["crc32", "md5", "sha1", "sha256", "sha384", "sha512"])
@pytest.mark.parametrize("spoilt", ["kernel", "ramdisk", "fdt-rocket"])
def test_every_hash_of_every_part_is_checked(algorithm: str, spoilt: str) -> None:
    whole = fit_of(IMAGES, CONFIGURATIONS, default="conf-rocket", data="offset", algorithms=[algorithm])
    assert identify(Buffer(whole)).checksum_problem is None
    part = part_among(parts_of(Buffer(whole)), spoilt)
    damaged = bytearray(whole)
    damaged[part.offset + part.size - 1] ^= 1
    problem = identify(Buffer(bytes(damaged))).checksum_problem
    assert problem == f"the {algorithm} of the FIT's image {spoilt} is wrong"


@pytest.mark.parametrize(
    ("configuration", "says"),
    [
        ({"kernel": ["kernel"], "fdt": ["none"]}, "its image none is missing"),
        ({"kernel": ["kernel"], "ramdisk": ["none"]}, "its image none is missing"),
        ({"kernel": ["kernel"], "fdt": ["odd"]}, "compression 'odd' of its image odd"),
        ({"kernel": ["kernel"], "fdt": ["empty"]}, "empty"),
    ],
)
def test_a_configuration_that_cannot_be_booted_says_why(configuration: dict[str, list[str]], says: str) -> None:
    images = {**IMAGES, "odd": ("flat_dt", b"x", "odd"), "empty": ("flat_dt", b"", "none")}
    with pytest.raises(BrokenContainer, match=says):
        identify(Buffer(fit_of(images, {"one": configuration})))


def test_images_of_equal_bytes_and_equal_names_are_told_apart_or_do_not_matter() -> None:
    images = {
        "first": ("flat_dt", b"\0\0\0\3", "none"),
        "kernel": ("kernel", IMAGE, "none"),
        "again": ("kernel", IMAGE, "none"),
        "ramdisk": ("ramdisk", CPIO, "none"),
    }
    source = Buffer(fit_of(images, {"one": {"kernel": ["again"], "ramdisk": ["ramdisk"]}}))
    for name, (_, data, _) in images.items():
        assert content_of(source, part_among(parts_of(source), name)) == data
    assert part_among(parts_of(source), "again").offset > part_among(parts_of(source), "kernel").offset


def test_very_many_images_in_a_large_tree_are_found_in_one_pass() -> None:
    # a search from the start for each of them would take hours
    images = {"large": ("kernel", IMAGE + bytes(1 << 22), "none")}
    images |= {f"tree-{number}": ("flat_dt", number.to_bytes(8, "big") + b"x", "none") for number in range(10_000)}
    source = Buffer(fit_of(images, {"one": {"kernel": ["large"], "fdt": ["tree-9999"]}}))
    assert identify(source).embedded[0].size == 9
    assert content_of(source, part_among(parts_of(source), "tree-9999")) == (9999).to_bytes(8, "big") + b"x"


def test_a_uimage_of_several_parts_boots_with_all_of_them() -> None:
    tree = board_dtb("acme,rocket")
    data = uimage_of(IMAGE + b"odd", CPIO, tree)
    source = Buffer(data)
    image = identify(source)
    assert (image.containers, image.checksummed) == (("uimage",), True)
    assert data[image.payload_offset :][: image.payload_size] == IMAGE + b"odd"
    assert [(part.name, part.role) for part in image.embedded] == [
        ("image-2", Role.INITRAMFS),
        ("image-3", Role.DEVICE_TREE),
    ]
    assert [content_of(source, part_among(parts_of(source), part.name)) for part in image.embedded] == [CPIO, tree]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (uimage_of(IMAGE, sizes=[len(IMAGE) + 999]), "part 1 is outside"),
        (uimage_of(IMAGE, CPIO, sizes=[len(IMAGE), 999]), "part 2 is outside"),
        (uimage_of(sizes=[]), "table of parts"),
        (uimage(b"\0\0\0\1" * 40, kind=4), "table of parts"),
        (uimage(b"", kind=4), "table of parts"),
    ],
)
def test_a_damaged_table_of_parts_is_an_error(data: bytes, says: str) -> None:
    with pytest.raises(BrokenContainer, match=says):
        identify(Buffer(data))


def test_an_initramfs_in_a_uimage_is_found() -> None:
    data = uimage(CPIO, kind=3)
    part = ramdisk(Buffer(data), checked=True)
    assert part is not None
    assert content_of(Buffer(data), part) == CPIO
    assert ramdisk(Buffer(CPIO), checked=True) is None
    with pytest.raises(FormatError, match="but not of an initramfs"):
        ramdisk(Buffer(uimage(IMAGE)), checked=False)
    damaged = uimage(CPIO, kind=3, data_crc=1)
    assert ramdisk(Buffer(damaged), checked=False) == part
    with pytest.raises(FormatError, match="CRC"):
        ramdisk(Buffer(damaged), checked=True)


TARGETS = [FITS["inside"], FITS["position"], uimage_of(IMAGE, CPIO)]


@pytest.mark.parametrize("data", TARGETS)
@given(
    st.binary(min_size=1, max_size=12),
    st.floats(0, 1),
    st.sampled_from(["", "conf-sled", "conf-rocket#conf-overlay"]),
)
@examples(100)
def test_any_damage_gives_parts_within_the_file_or_a_typed_error(
    data: bytes, noise: bytes, place: float, part: str
) -> None:
    # the tree's own bytes stand at the front of one file and around the data in the other
    for at in (int(place * 3000), int(place * (len(data) - 1))):
        for spoilt in (data[:at] + noise + data[at + len(noise) :], data[:at]):
            source = Buffer(spoilt)
            with contextlib.suppress(FormatError):
                image = identify(source, Wanted(board=("acme,sled",), part=part))
                for found in image.embedded:
                    assert 0 <= found.offset <= found.offset + found.size <= len(spoilt)
                    with contextlib.suppress(FormatError):
                        content_of(source, found)
