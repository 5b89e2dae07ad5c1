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


def test_its_loopback_cfg_comes_first_and_then_one_of_its_other_configurations() -> None:
    files = {
        "/boot/grub/grub.cfg": b"menuentry a { linux /live/vmlinuz\n}\nmenuentry b { linux /live/vmlinuz\n}",
        "/EFI/BOOT/grub.cfg": b"menuentry c { linux /live/vmlinuz\n}",
        "/isolinux/isolinux.cfg": b"label d\nkernel /live/vmlinuz\n",
        "/live/vmlinuz": b"k",
    }

    def titles() -> list[str]:
        return [found.title for found in image(files) if isinstance(found, BootEntry)]

    assert titles() == ["a", "b"]
    del files["/boot/grub/grub.cfg"]
    assert titles() == ["c"]
    del files["/EFI/BOOT/grub.cfg"]
    assert titles() == ["d"]
    files["/boot/grub/loopback.cfg"] = LOOPBACK
    assert titles() == ["Try it", "Live"]


def test_an_image_without_a_configuration_is_said() -> None:
    (problem,) = image({"/live/vmlinuz": b"k"})
    assert isinstance(problem, Problem)
    assert "no boot configuration was found" in problem.message


@pytest.mark.parametrize("how", ["--label NAME", "--fs-uuid 2026-01-01", "--file /.disk/info"])
def test_a_medium_that_searches_for_itself_finds_its_image(how: str) -> None:
    config = f"search --no-floppy --set=root {how}\nmenuentry a {{ linux /live/vmlinuz\n}}".encode()
    (entry,) = image({"/boot/grub/grub.cfg": config, "/live/vmlinuz": b"k"})
    assert isinstance(entry, BootEntry)
    assert entry.kernel.device == "sda1:/isos/a b).iso"


@pytest.mark.parametrize(("uuid", "written"), [("4e21-00ff", "4E21-00FF"), ("5d1f3a70-0-4", "5d1f3a70-0-4")])
def test_a_loopback_cfg_that_searches_for_its_image_finds_the_partition(uuid: str, written: str) -> None:
    # archiso, configs/releng/grub/loopback.cfg
    config = b"""search --no-floppy --set=outer --file "${iso_path}"
probe --set uuid --fs-uuid "${outer}"
probe --set none --fs-uuid "${root}"
menuentry "a$none" {
    linux /k img_dev=UUID=${uuid} img_loop="${iso_path}"
}
"""
    names = frozenset(f"{name}:/a.iso" for name in ("sda1", f"uuid={uuid}", "partuuid=77-01"))
    files = {"/boot/grub/loopback.cfg": config, "/k": b"k"}
    (entry,) = read_partition(MemoryTree(files, device="sda1:/a.iso", names=names, image="/a.iso"))
    assert isinstance(entry, BootEntry)
    assert entry.cmdline.text == f"img_dev=UUID={written} img_loop=/a.iso"
    assert (entry.title, entry.kernel.device) == ("a", "sda1:/a.iso")  # $root is still the image


def test_a_partition_s_loopback_cfg_is_none_of_its_own() -> None:
    assert list(read_partition(MemoryTree({"/boot/grub/loopback.cfg": LOOPBACK}))) == []
