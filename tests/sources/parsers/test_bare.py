# SPDX-License-Identifier: MIT
"""Kernels without a configuration; and what several formats on one partition make of each other."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.model.entry import BootEntry, FileRef
from bootmenu.sources import SOURCES, read_partition, version_of
from bootmenu.sources.tree import Remembering, Stat, TreeError, TreeErrorReason
from bootmenu.system.directory_tree import DirectoryTree
from bootmenu.system.syscalls import Syscalls
from tests.builders import containers, kernels
from tests.builders.entries import whole_image
from tests.builders.trees import MemoryTree, write_tree
from tests.properties import examples
from tests.sources.parsers.reading import read


def found(*names: str, folder: str = "/boot") -> dict[str, tuple[str, list[str], str | None]]:
    """title → (version, initramfs names, device tree's name)"""
    entries, problems = read({f"{folder}/{name}": "" for name in names})
    assert not problems
    return {
        entry.title: (
            entry.version,
            [ref.path.rpartition("/")[2] for ref in entry.initrds],
            entry.dtb.path.rpartition("/")[2] if entry.dtb else None,
        )
        for entry in entries
    }


@pytest.mark.parametrize(
    "initrd",
    ["initrd.img-6.1-a", "initramfs-6.1-a.img", "initrd-6.1-a", "initrd-6.1-a.img", "initramfs-6.1-a"],
)
def test_initramfs_and_tree_are_paired_by_version(initrd: str) -> None:
    assert found("vmlinuz-6.1-a", "vmlinuz-6.2", initrd, "dtb-6.1-a", "initrd.img") == {
        "vmlinuz-6.1-a": ("6.1-a", [initrd], "dtb-6.1-a"),
        "vmlinuz-6.2": ("6.2", [], None),
    }


def paired(kernel: str, *paths: str) -> tuple[list[str], str | None, str | None]:
    """(initramfs, device tree, folder of device trees) of the kernel at that path, beside these."""
    entries, problems = read(dict.fromkeys((kernel, *paths), ""))
    assert not problems
    (entry,) = (entry for entry in entries if entry.kernel.path == kernel)
    return (
        [ref.path for ref in entry.initrds],
        entry.dtb.path if entry.dtb else None,
        entry.dtb_folder.path if entry.dtb_folder else None,
    )


@pytest.mark.parametrize(
    ("kernel", "others", "initrds", "dtb", "folder"),
    [
        # Arch Linux ARM
        (
            "/boot/Image",
            ["/boot/initramfs-linux.img", "/boot/dtbs/x/b.dtb"],
            ["/boot/initramfs-linux.img"],
            None,
            "dtbs",
        ),
        # Armbian
        (
            "/boot/vmlinuz-6.6.62-current-meson64",
            [
                "/boot/uInitrd-6.6.62-current-meson64",
                "/boot/dtb-6.6.62-current-meson64/amlogic/b.dtb",
                "/boot/dtb/b.dtb",
            ],
            ["/boot/uInitrd-6.6.62-current-meson64"],
            None,
            "dtb-6.6.62-current-meson64",
        ),
        # Alpine
        (
            "/boot/vmlinuz-lts",
            ["/boot/initramfs-lts", "/boot/dtbs-lts/b.dtb"],
            ["/boot/initramfs-lts"],
            None,
            "dtbs-lts",
        ),
        # openSUSE
        (
            "/boot/Image-6.4.0-1-default",
            ["/boot/initrd-6.4.0-1-default", "/boot/dtb-6.4.0-1-default/b.dtb"],
            ["/boot/initrd-6.4.0-1-default"],
            None,
            "dtb-6.4.0-1-default",
        ),
        # Debian, without and with flash-kernel
        ("/boot/vmlinuz-6.1-a", ["/usr/lib/linux-image-6.1-a/b.dtb"], [], None, "/usr/lib/linux-image-6.1-a"),
        ("/boot/vmlinuz-6.1-a", ["/boot/dtb-6.1-a", "/usr/lib/linux-image-6.1-a/b.dtb"], [], "dtb-6.1-a", None),
        ("/boot/vmlinuz-6.1-a", ["/boot/dtbs/6.1-a/b.dtb"], [], None, "dtbs/6.1-a"),
        # Ubuntu, Fedora
        ("/boot/vmlinuz-6.8", ["/lib/firmware/6.8/device-tree/b.dtb"], [], None, "/lib/firmware/6.8/device-tree"),
        ("/boot/vmlinuz-6.8", ["/usr/lib/modules/6.8/dtb/b.dtb"], [], None, "/usr/lib/modules/6.8/dtb"),
        # trees of another version are not this kernel's
        ("/boot/vmlinuz-6.1-a", ["/boot/dtbs/6.1-b/b.dtb"], [], None, None),
        ("/boot/vmlinuz-6.1-a", ["/boot/dtbs/rockchip/b.dtb"], [], None, "dtbs"),
        ("/boot/vmlinuz-6.1-a", ["/boot/dtb"], [], None, None),
        # a small boot partition
        ("/boot/Image", ["/boot/dtb"], [], "dtb", None),
        ("/boot/Image", ["/boot/board.dtb", "/boot/uInitrd"], ["/boot/uInitrd"], None, "/boot"),
        ("/boot/vmlinuz-6.1", ["/boot/board.dtb"], [], None, None),
        ("/boot/vmlinuz.old", ["/boot/initrd.img.old"], ["/boot/initrd.img.old"], None, None),
    ],
)
def test_layouts_of_distributions(
    kernel: str, others: list[str], initrds: list[str], dtb: str | None, folder: str | None
) -> None:
    wanted = [path if path is None or path[0] == "/" else f"/boot/{path}" for path in (dtb, folder)]
    assert paired(kernel, *others) == (initrds, *wanted)


def test_trees_of_a_root_without_a_boot_folder() -> None:
    assert paired("/Image", "/board.dtb") == ([], None, "/")


def test_only_programs_that_are_kernels_are_listed() -> None:
    kernel = whole_image()
    entries, problems = read(
        {
            "/boot/linux.efi": kernel,
            "/boot/vmlinuz-6.1.efi": kernel,
            "/boot/grubaa64.efi": kernels.portable_executable([(".text", 512, 100)]),
            "/boot/empty.EFI": "",
            "/boot/initrd.img-6.1": "",
        }
    )
    assert [(entry.kernel.path, entry.version, len(entry.initrds)) for entry in entries] == [
        ("/boot/vmlinuz-6.1.efi", "6.1", 1),
        ("/boot/linux.efi", "", 0),
    ]
    assert not problems


ZBM = (b'ID=zfsbootmenu\nPRETTY_NAME="ZFSBootMenu"\n', b"loglevel=4 zbm.show")


def unified(osrel: bytes, cmdline: bytes) -> bytes:
    return containers.uki((".osrel", osrel), (".cmdline", cmdline), (".linux", whole_image()), (".initrd", b"i"))


def test_unified_images_that_firmware_starts_are_listed_with_what_is_in_them() -> None:
    program = kernels.portable_executable([(".text", 512, 100)])
    entries, problems = read(
        {
            "/EFI/ZBM/vmlinuz.EFI": unified(*ZBM),
            "/EFI/ZBM/vmlinuz-backup.EFI": unified(*ZBM),
            "/EFI/debian/grubaa64.efi": program,
            "/EFI/debian/deep/linux.efi": unified(*ZBM),
            "/EFI/x/vmlinuz-6.1": whole_image(),
        }
    )
    assert [
        (entry.title, entry.source, entry.kernel.path, entry.cmdline.text, entry.default) for entry in entries
    ] == [
        ("vmlinuz-6.1", "bare", "/EFI/x/vmlinuz-6.1", "", False),
        ("ZFSBootMenu", "uki", "/EFI/ZBM/vmlinuz.EFI", "loglevel=4 zbm.show", False),
        ("ZFSBootMenu", "uki", "/EFI/ZBM/vmlinuz-backup.EFI", "loglevel=4 zbm.show", False),
    ]
    assert len({entry.id for entry in entries}) == 3
    assert [len(entry.initrds) for entry in entries] == [0, 1, 1]
    assert not problems


def test_a_unified_image_in_the_place_that_firmware_starts_is_the_default() -> None:
    entries, _ = read({"/EFI/BOOT/bootaa64.efi": unified(*ZBM), "/EFI/BOOT/other.efi": unified(*ZBM)})
    assert [(entry.id, entry.default) for entry in entries] == [
        ("/EFI/BOOT/bootaa64.efi", True),
        ("/EFI/BOOT/other.efi", False),
    ]


def test_fit_images_are_kernels_and_u_boot_s_own_is_none() -> None:
    fit = containers.fit()
    uboot = fit.replace(b"kernel\0", b"loader\0")
    assert uboot != fit
    entries, problems = read(
        {
            "/fitImage": fit,
            "/boot/fitImage-6.6.52-yocto-standard": fit,
            "/boot/linux-6.6.1.itb": fit,
            "/boot/any.ITB": fit,
            "/boot/fitImage.itb": b"\xd0\x0d\xfe\xed",
            "/boot/u-boot.itb": uboot,
            "/boot/fitImage.sig": "",
        }
    )
    assert [(entry.title, entry.version, entry.cmdline.text) for entry in entries] == [
        ("fitImage-6.6.52-yocto-standard", "6.6.52-yocto-standard", ""),
        ("linux-6.6.1.itb", "6.6.1", ""),
        ("fitImage", "", ""),
        ("any.ITB", "", ""),
    ]
    assert not problems


@pytest.mark.parametrize("path", ["/etc/kernel/cmdline", "/usr/lib/kernel/cmdline"])
def test_the_command_line_of_kernel_install_is_that_of_kernels_in_boot(path: str) -> None:
    text = "# written by hand\nroot=UUID=1\n  ro\tquiet\n"
    entries, problems = read({"/boot/vmlinuz-6.1": "a", "/vmlinuz": "b", path: text})
    assert [(entry.kernel.path, entry.cmdline.text, entry.config) for entry in entries] == [
        ("/boot/vmlinuz-6.1", "root=UUID=1 ro quiet", FileRef(device="sda1", path=path, exists=True)),
        ("/vmlinuz", "", None),
    ]
    assert not problems
    etc = {"/boot/Image": "", "/etc/kernel/cmdline": "a", "/usr/lib/kernel/cmdline": "b"}
    assert read(etc)[0][0].cmdline.text == "a"
    unreadable = read({"/boot/Image": "", path: "a"}, {path: TreeErrorReason.UNREADABLE})
    assert [item.path for item in unreadable[1]] == [path]
    assert not unreadable[0][0].cmdline.text


def test_the_newest_is_first_and_names_without_a_version_come_last() -> None:
    entries, _ = read({f"/boot/{name}": "" for name in ("Image", "vmlinuz-6.1", "vmlinuz-6.12", "vmlinuz-linux")})
    assert [entry.title for entry in entries] == ["vmlinuz-6.12", "vmlinuz-6.1", "vmlinuz-linux", "Image"]


def test_links_to_a_kernel_of_another_folder_do_not_count(tmp_path: Path) -> None:
    root = write_tree(tmp_path, {"/boot/vmlinuz-6.1": "k", "/boot/initrd.img-6.1": "i"})
    (root / "vmlinuz").symlink_to("boot/vmlinuz-6.1")
    (root / "boot/Image").symlink_to("vmlinuz-6.1")
    with DirectoryTree(str(root), "sda1", Syscalls()) as tree:
        found = list(read_partition(tree))
    assert [item.kernel.path for item in found if isinstance(item, BootEntry)] == ["/boot/vmlinuz-6.1"]


def test_a_kernel_without_version_takes_the_initramfs_without() -> None:
    assert found("Image", "initrd.img", "initrd.img-6.1") == {"Image": ("", ["initrd.img"], None)}


@pytest.mark.parametrize(
    "name",
    "Image Image.gz Image.zst bzImage zImage uImage vmlinuz vmlinux kernel Image-6 vmlinux-6.gz linux-6".split(),
)
@pytest.mark.parametrize("folder", ["", "/boot"])
def test_a_file_named_as_a_kernel_is_one(name: str, folder: str) -> None:
    assert list(found(name, folder=folder)) == [name]


@pytest.mark.parametrize(
    "name",
    [
        "Image.sig",
        "vmlinuz-6.1.old-dkms",
        "kernel.txt",
        "Images",
        "myvmlinuz",
        "vmlinuz-6.1.sha256",
        "initrd.img",
        "linux",
        "linux-firmware",
    ],
)
def test_a_file_named_otherwise_is_none(name: str) -> None:
    assert not found(name)


def test_a_kernel_that_a_configuration_offers_is_not_offered_again() -> None:
    entries, _ = read(
        {
            "/boot/vmlinuz-6.1": "",
            "/boot/vmlinuz-6.2": "",
            "/boot/extlinux/extlinux.conf": "label a\nkernel ../vmlinuz-6.1",
        }
    )
    assert [(entry.source, entry.kernel.path) for entry in entries] == [
        ("extlinux", "/boot/extlinux/../vmlinuz-6.1"),
        ("bare", "/boot/vmlinuz-6.2"),
    ]


def test_too_many_kernels_are_not_cut_in_silence() -> None:
    entries, problems = read({f"/boot/vmlinuz-{number}": "" for number in range(201)})
    assert len(entries) == 200
    assert [problem.path for problem in problems] == ["/boot"]


def test_every_format_speaks_and_none_silences_another() -> None:
    entries, problems = read(
        {"/extlinux.conf": "label a\nkernel /k", "/loader/entries/b.conf": "linux /l", "/vmlinuz": ""},
        {"/boot": TreeErrorReason.UNREADABLE},
    )
    assert [entry.source for entry in entries] == ["bls", "extlinux", "bare"]
    assert problems
    assert all(problem.device == "sda1" for problem in problems)


def test_what_no_configuration_offers_is_looked_for_last() -> None:
    assert SOURCES.names()[-1] == "bare"


@pytest.mark.parametrize(
    ("path", "version"),
    [
        ("/boot/vmlinuz-6.1.0-49-arm64", "6.1.0-49-arm64"),
        ("/Image-6.12.1-lts.gz", "6.12.1-lts"),
        ("/vmlinux_6.1", "6.1"),
        ("/boot/nixos/6jwqlj2fl2nc0xk5vb3gxx3v0g0a4xhz-linux-6.12.58-Image", "6.12.58"),
        ("/EFI/linux-6.1.efi", "6.1"),
        ("/vmlinuz", ""),
        ("/vmlinuz-linux", ""),
        ("/boot/fitImage-6.6.52-yocto-standard", "6.6.52-yocto-standard"),
        ("/boot/bzImage-6.6.52.bin", "6.6.52"),
        # numbers that are none
        ("/boot/vmlinuz-0-rescue-5693bb90a3d14a3d8c1f3f2b5f0d2c11", ""),
        ("/boot/vmlinuz-5693bb90", ""),
        ("/boot/vmlinuz-2", ""),
        ("/boot/kernel_2712.img", ""),
        ("/boot/linux-221@6.1", ""),
        ("/boot/vmlinuz-Generation 42", ""),
    ],
)
def test_the_version_in_a_kernel_s_name(path: str, version: str) -> None:
    assert version_of(path) == version


@examples(100)
@given(st.lists(st.from_regex(r"\A(vmlinuz|Image|kernel)[-.]?[^/\0]{0,12}\Z") | st.text(max_size=9), max_size=9))
def test_any_names_give_entries(names: list[str]) -> None:
    entries, _ = read({f"/{name.replace('/', '')}": "" for name in names if name.strip("./")})
    assert len({entry.id for entry in entries}) == len(entries)
    assert all(entry.title for entry in entries)


def test_a_tree_is_asked_once_for_each_path() -> None:
    asked: list[str] = []

    class Asked(MemoryTree):
        def stat(self, path: str) -> Stat:
            asked.append(path)
            return super().stat(path)

    tree = Remembering(Asked({"/vmlinuz": b"x"}))
    for _ in range(3):
        assert tree.stat("/vmlinuz").size == 1
        with pytest.raises(TreeError):
            tree.stat("/gone")
    assert asked == ["/vmlinuz", "/gone"]
    assert (tree.device, tree.names, tree.image, tree.list("/")) == ("sda1", frozenset({"sda1"}), "", ("vmlinuz",))
