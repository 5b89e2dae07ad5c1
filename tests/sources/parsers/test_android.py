# SPDX-License-Identifier: MIT
"""Android boot images that lie as files in a file system."""

from __future__ import annotations

import pytest

from bootmenu.sources.tree import TreeErrorReason
from tests.builders.containers import android, android_vendor, board_dtb
from tests.builders.entries import whole_image
from tests.sources.parsers.reading import read

KERNEL = whole_image(5000)
ONE, TWO = board_dtb("acme,rocket"), board_dtb("acme,anvil")


@pytest.mark.parametrize("name", ["boot.img", "boot_a.img", "boot-6.1.img", "recovery.img"])
@pytest.mark.parametrize("folder", ["", "/boot"])
def test_an_image_that_has_everything(name: str, folder: str) -> None:
    (entry,), problems = read(
        {f"{folder}/{name}": android(KERNEL, b"0707", version=2, dtb=ONE, cmdline=b"root=/dev/x")}
    )
    assert not problems
    assert entry.dtb is not None
    assert (entry.source, entry.kernel.part, entry.dtb.part) == ("android", "", "dtb")
    assert {entry.kernel.path, entry.dtb.path, entry.initrds[0].path} == {f"{folder}/{name}"}
    assert ([ref.part for ref in entry.initrds], entry.cmdline.text) == (["ramdisk"], "root=/dev/x")


@pytest.mark.parametrize(
    ("board", "part"), [(("acme,anvil", "acme,any"), "dtb-2"), (("x", "acme,rocket"), "dtb-1"), ((), None)]
)
def test_of_several_device_trees_the_board_s_is_taken(board: tuple[str, ...], part: str | None) -> None:
    (entry,), _ = read({"/boot.img": android(KERNEL, version=2, dtb=ONE + TWO)}, board=board)
    assert (entry.dtb.part if entry.dtb else None) == part


def test_the_vendor_s_part_comes_first_and_the_generic_ramdisk_after_it() -> None:
    files = {
        "/boot_b.img": android(KERNEL, version=4, cmdline=b"boot"),
        "/init_boot_b.img": android(b"", b"0707", version=4),
        "/vendor_boot_b.img": android_vendor([(1, b"0707"), (3, b"0707")], dtb=TWO, cmdline=b"vendor"),
        "/vendor_boot.img": b"another's",
    }
    (entry,), problems = read(files)
    assert not problems
    assert [(ref.path, ref.part) for ref in entry.initrds] == [
        ("/vendor_boot_b.img", "vendor-ramdisk-1"),
        ("/vendor_boot_b.img", "vendor-ramdisk-2"),
        ("/init_boot_b.img", "ramdisk"),
    ]
    assert entry.dtb is not None
    assert (entry.dtb.path, entry.cmdline.text) == ("/vendor_boot_b.img", "boot vendor")


def test_without_the_vendor_s_it_has_no_command_line() -> None:
    (entry,), (problem,) = read({"/boot.img": android(KERNEL, b"0707", version=3, cmdline=b"root=/dev/x")})
    assert (entry.cmdline.text, [ref.part for ref in entry.initrds]) == ("", ["ramdisk"])
    assert problem.message == "an Android boot image of version 3 needs vendor_boot.img beside it, which is missing"


def test_what_is_lost_is_told() -> None:
    vendor = android_vendor([(1, b"0707")], bootconfig=b"androidboot.x=1")
    _, (problem,) = read({"/boot.img": android(KERNEL, version=4), "/vendor_boot.img": vendor})
    assert (problem.path, problem.message) == ("/vendor_boot.img", "its bootconfig, which Android reads, is left out")


def test_what_is_none_is_left_alone_and_what_is_broken_is_told() -> None:
    broken = android(KERNEL)[:3000]
    entries, problems = read(
        {"/boot.img": b"else", "/recovery.img": android(b"", b"x"), "/boot_a.img": broken, "/bootx.img": broken}
    )
    assert not entries
    assert [(problem.path, "extends beyond the file" in problem.message) for problem in problems] == [
        ("/boot_a.img", True)
    ]
    _, problems = read({"/boot.img": b"x"}, {"/boot.img": TreeErrorReason.UNREADABLE})
    assert [problem.path for problem in problems] == ["/boot.img"]
