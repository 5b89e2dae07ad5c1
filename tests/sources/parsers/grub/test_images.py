# SPDX-License-Identifier: MIT
"""Images of installation media say in a loopback.cfg how they start from a file."""

from __future__ import annotations

import pytest

from bootmenu.model.entry import BootEntry, FileRef, Problem
from bootmenu.sources import read_partition
from tests.builders.trees import MemoryTree

LOOPBACK = b"""
menuentry "Try it" --hotkey=t {
    linux /casper/vmlinuz boot=casper iso-scan/filename=${iso_path} quiet
    initrd /casper/initrd
}
menuentry "Live" { linux ($root)/live/vmlinuz findiso=$iso_path
}
"""


def image(files: dict[str, bytes]) -> list[BootEntry | Problem]:
    name = "sda1:/isos/a b).iso"
    return list(read_partition(MemoryTree(files, device=name, names=frozenset({name}), image="/isos/a b).iso")))


@pytest.mark.parametrize("folder", ["/boot/grub", "/boot/grub2", "/grub", "/grub2", ""])
def test_its_system_is_told_the_path_of_the_image(folder: str) -> None:
    one, two = image({f"{folder}/loopback.cfg": LOOPBACK, "/casper/vmlinuz": b"k", "/live/vmlinuz": b"k"})
    assert isinstance(one, BootEntry)
    assert isinstance(two, BootEntry)
    assert one.cmdline.text == "boot=casper iso-scan/filename=/isos/a b).iso quiet"
    assert one.kernel == FileRef(device="sda1:/isos/a b).iso", path="/casper/vmlinuz")
    assert [ref.path for ref in one.initrds] == ["/casper/initrd"]
    assert two.cmdline.text == "findiso=/isos/a b).iso"
    assert two.kernel.device == "sda1:/isos/a b).iso"


def test_nothing_else_on_it_is_offered_for_it_would_look_for_a_drive() -> None:
    files = {
        "/boot/grub/grub.cfg": b"menuentry a { linux /live/vmlinuz }",
        "/isolinux/isolinux.cfg": b"label a\nkernel /live/vmlinuz\n",
        "/live/vmlinuz": b"k",
    }
    (problem,) = image(files)
    assert isinstance(problem, Problem)
    assert "no loopback.cfg" in problem.message
    assert [type(found) for found in image({**files, "/boot/grub/loopback.cfg": LOOPBACK})] == [BootEntry, BootEntry]


def test_a_partition_s_loopback_cfg_is_none_of_its_own() -> None:
    assert list(read_partition(MemoryTree({"/boot/grub/loopback.cfg": LOOPBACK}))) == []
