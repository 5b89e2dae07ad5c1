# SPDX-License-Identifier: MIT
"""Unified kernel images: every section, profiles that override the base, addons; nothing in them is trusted."""

from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.errors import FormatError
from bootmenu.formats.container_parts import part_among, parts_of, tree_for
from bootmenu.formats.identify import identify
from bootmenu.formats.kernels import BrokenContainer, Wanted
from bootmenu.formats.kernels.unified_image import addon, profiles
from bootmenu.formats.part_cache import content_of
from bootmenu.formats.reader import Buffer
from bootmenu.model.kernel import Architecture, Embedded, Role
from tests.builders.containers import board_dtb, uki
from tests.builders.entries import whole_image
from tests.properties import examples

OSREL = (
    b'# a comment\nNAME="Debian GNU/Linux"\nPRETTY_NAME="Debian 13 (trixie)"\nID=debian\nVERSION_ID=13\nbroken line\n'
)
IMAGE = whole_image()
WHOLE = uki(
    (".text", b"stub"),
    (".osrel", OSREL),
    (".cmdline", b"root=/dev/sda2 quiet\n\0"),
    (".uname", b"6.12.57+deb13-arm64\n"),
    (".sbat", b"sbat,1,"),
    (".dtb", board_dtb("any,board")),
    (".dtbauto", board_dtb("acme,rocket", "acme,soc")),
    (".dtbauto", board_dtb("acme,sled", "acme,soc")),
    (".initrd", b"070701 initramfs"),
    (".ucode", b"070701 microcode"),
    (".linux", IMAGE),
)


def names(parts: tuple[Embedded, ...]) -> list[str]:
    return [part.name for part in parts]


def test_a_file_without_profiles_is_one_profile() -> None:
    (only,) = profiles(Buffer(WHOLE))
    assert (only.index, only.id, only.part) == (0, "", "")
    assert (only.title, only.sort_key, only.os_version) == ("Debian 13 (trixie)", "debian", "13")
    assert (only.version, only.architecture) == ("6.12.57+deb13-arm64", Architecture.ARM64)
    assert only.command_line == "root=/dev/sda2 quiet"
    assert names(only.parts) == [
        ".linux",
        ".ucode",
        ".initrd",
        ".dtbauto",
        ".dtbauto#2",
        ".dtb",
        ".cmdline",
        ".osrel",
    ]
    assert names(only.all(Role.INITRAMFS)) == [".ucode", ".initrd"], "microcode goes first"
    assert [part.board for part in only.all(Role.DEVICE_TREE)] == [("acme,rocket",), ("acme,sled",), None]


def test_the_content_of_every_part_comes_out_without_padding() -> None:
    source = Buffer(WHOLE)
    assert content_of(source, part_among(parts_of(source), ".initrd")) == b"070701 initramfs"
    assert content_of(source, part_among(parts_of(source), ".dtbauto#2")) == board_dtb("acme,sled", "acme,soc")
    assert content_of(source, part_among(parts_of(source), ".linux")) == IMAGE
    with pytest.raises(FormatError, match=r"no part \.dtbauto#3"):
        part_among(parts_of(source), ".dtbauto#3")
    with pytest.raises(FormatError, match="not a container"):
        part_among(parts_of(Buffer(IMAGE[:64])), ".initrd")


@pytest.mark.parametrize(
    ("board", "name"),
    [
        (("acme,rocket", "acme,soc"), ".dtbauto"),
        (("acme,sled", "acme,soc"), ".dtbauto#2"),
        (("acme,other", "acme,sled"), ".dtb"),  # the stub compares first names
        (("acme,soc",), ".dtb"),
        ((), ".dtb"),
    ],
)
def test_the_tree_is_chosen_by_the_boards_first_name(board: tuple[str, ...], name: str) -> None:
    tree = tree_for(identify(Buffer(WHOLE), Wanted(board=board)), board)
    assert tree is not None
    assert tree.name == name


def test_no_tree_for_another_board() -> None:
    image = identify(Buffer(uki((".linux", IMAGE), (".dtbauto", board_dtb("acme,rocket")), (".dtbauto", b"junk"))))
    assert [part.board for part in image.embedded] == [("acme,rocket",), ()]
    assert tree_for(image, ("acme,sled",)) is None
    assert tree_for(image, ()) is None


PROFILES = uki(
    (".linux", IMAGE),
    (".osrel", OSREL),
    (".cmdline", b"quiet"),
    (".initrd", b"070701 base"),
    (".dtbauto", board_dtb("acme,rocket")),
    (".profile", b'ID=regular\nTITLE="Regular boot"\n'),
    (".profile", b"ID=reset\n"),
    (".cmdline", b"quiet systemd.unit=factory-reset.target"),
    (".initrd", b"070701 reset"),
    (".dtbauto", board_dtb("acme,rocket")),
    (".profile", b""),
    (".linux", IMAGE + b"another"),
)


def test_profiles_override_the_base() -> None:
    regular, reset, third = profiles(Buffer(PROFILES))
    assert [profile.part for profile in (regular, reset, third)] == ["", "@1", "@2"]
    assert [profile.id for profile in (regular, reset, third)] == ["regular", "reset", ""]
    assert [profile.title for profile in (regular, reset, third)] == [
        "Debian 13 (trixie) (Regular boot)",
        "Debian 13 (trixie) (reset)",
        "Debian 13 (trixie) (Profile #3)",
    ]
    assert [profile.command_line for profile in (regular, reset, third)] == [
        "quiet",
        "quiet systemd.unit=factory-reset.target",
        "quiet",
    ]
    assert names(regular.parts) == [".linux", ".initrd", ".dtbauto", ".cmdline", ".osrel", ".profile"]
    assert names(reset.parts)[:5] == [".linux", ".initrd#2", ".dtbauto#2", ".dtbauto", ".cmdline#2"]
    assert names(reset.parts)[5:] == [".osrel", ".profile#2"]
    assert names(third.parts) == [".linux#2", ".initrd", ".dtbauto", ".cmdline", ".osrel"]


def test_the_wanted_profile_is_identified() -> None:
    source = Buffer(PROFILES)
    assert names(identify(source).embedded) == names(profiles(source)[0].parts[1:])
    assert identify(source, Wanted(part="@0")) == identify(source)
    second, third = identify(source, Wanted(part="@1")), identify(source, Wanted(part="@2"))
    assert second.embedded[0].name == ".initrd#2"
    assert third.payload_offset > second.payload_offset
    with pytest.raises(BrokenContainer, match="no profile @3"):
        identify(source, Wanted(part="@3"))


def test_addons_add_and_are_no_kernels() -> None:
    found = addon(Buffer(uki((".cmdline", b"debug\n"), (".initrd", b"070701"), (".uname", b"6.1"), machine=0x8664)))
    assert (found.command_line, found.version, found.architecture) == ("debug", "6.1", Architecture.X86_64)
    assert names(found.parts) == [".initrd", ".cmdline"]
    with pytest.raises(FormatError, match="not an addon"):
        addon(Buffer(WHOLE))
    with pytest.raises(FormatError, match="adds nothing"):
        addon(Buffer(uki((".sbat", b"sbat"))))
    with pytest.raises(FormatError, match="not an EFI program"):
        addon(Buffer(b"text"))
    with pytest.raises(FormatError, match=r"no section \.linux"):
        profiles(Buffer(uki((".cmdline", b"debug"))))


def test_control_characters_and_what_follows_a_nul_are_no_part_of_a_command_line() -> None:
    (only,) = profiles(Buffer(uki((".linux", IMAGE), (".cmdline", b"\n a\tb\x1b[0m \xff\r\n\0evil"))))
    assert only.command_line == "a b [0m �"


def test_texts_without_end_are_refused() -> None:
    with pytest.raises(FormatError, match="more than the 65,536 allowed"):
        profiles(Buffer(uki((".linux", IMAGE), (".cmdline", b"x" * 70_000))))


def test_a_section_outside_the_file_is_an_error() -> None:
    data = bytearray(uki((".linux", IMAGE), (".initrd", b"x")))
    struct.pack_into("<I", data, 0x58 + 0xA0 + 40 + 20, 0xFFFFFF00)
    with pytest.raises(FormatError, match=r"\.initrd .* outside the file"):
        profiles(Buffer(bytes(data)))


def test_hundreds_of_device_trees_are_possible() -> None:
    trees = [(".dtbauto", board_dtb(f"acme,board-{number}")) for number in range(90)]
    image = identify(Buffer(uki((".linux", IMAGE), *trees)))
    tree = tree_for(image, ("acme,board-89",))
    assert tree is not None
    assert tree.name == ".dtbauto#90"


def test_hundreds_of_profiles_with_hundreds_of_trees_are_read_once_each() -> None:
    trees = [(".dtbauto", board_dtb(f"acme,board-{number}")) for number in range(400)]
    source = Reads(uki((".linux", IMAGE), *trees, *[(".profile", b"ID=%d" % number) for number in range(250)]))
    found = profiles(source)
    assert (len(found), len(found[249].parts)) == (250, 402)
    assert source.reads < 3000


class Reads(Buffer):
    """A file that counts how often it is read."""

    reads = 0

    def read(self, offset: int, length: int) -> bytes:
        Reads.reads += 1
        return super().read(offset, length)


@pytest.mark.parametrize("data", [WHOLE, PROFILES, uki((".cmdline", b"debug"), (".initrd", b"070701"))])
@given(noise=st.binary(min_size=1, max_size=40), at=st.integers(0, 0x400), length=st.integers(0, 0x9000))
@examples(100)
def test_any_bytes_give_parts_within_the_file_or_a_typed_error(
    data: bytes, noise: bytes, at: int, length: int
) -> None:
    spoilt = data[:at] + noise + data[at + len(noise) :]
    for candidate in (spoilt, data[:length], noise):
        source = Buffer(candidate)
        with contextlib.suppress(FormatError):
            for part in [part for profile in profiles(source) for part in profile.parts]:
                assert 0 <= part.offset <= part.offset + part.size <= len(candidate)
        with contextlib.suppress(FormatError):
            addon(source)
        with contextlib.suppress(FormatError):
            identify(source)
