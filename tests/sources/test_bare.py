# SPDX-License-Identifier: MIT
"""Kernels without a configuration; and what several formats on one partition make of each other."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bootmenu.sources import SOURCES, version_of
from bootmenu.sources.tree import Trouble
from tests.sources.reading import read


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


def test_a_kernel_without_version_takes_the_initramfs_without() -> None:
    assert found("Image", "initrd.img", "initrd.img-6.1") == {"Image": ("", ["initrd.img"], None)}


@pytest.mark.parametrize("name", ["Image", "Image.gz", "vmlinuz", "vmlinux", "kernel", "Image-6.1", "vmlinux-6.1.gz"])
@pytest.mark.parametrize("folder", ["", "/boot"])
def test_a_file_named_as_a_kernel_is_one(name: str, folder: str) -> None:
    assert list(found(name, folder=folder)) == [name]


@pytest.mark.parametrize(
    "name",
    ["Image.sig", "vmlinuz-6.1.old-dkms", "kernel.txt", "Images", "myvmlinuz", "vmlinuz-6.1.sha256", "initrd.img"],
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
        {"/boot": Trouble.UNREADABLE},
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
        ("/EFI/linux-6.1.efi", "6.1"),
        ("/vmlinuz", ""),
        ("/vmlinuz-linux", ""),
    ],
)
def test_the_version_in_a_kernel_s_name(path: str, version: str) -> None:
    assert version_of(path) == version


@settings(max_examples=100, deadline=None)
@given(st.lists(st.from_regex(r"\A(vmlinuz|Image|kernel)[-.]?[^/\0]{0,12}\Z") | st.text(max_size=9), max_size=9))
def test_any_names_give_entries(names: list[str]) -> None:
    entries, _ = read({f"/{name.replace('/', '')}": "" for name in names if name.strip("./")})
    assert len({entry.id for entry in entries}) == len(entries)
    assert all(entry.title for entry in entries)
