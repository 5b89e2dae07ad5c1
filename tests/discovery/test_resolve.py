# SPDX-License-Identifier: MIT
"""Which partition a configuration means, where there is a choice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.discovery.devices import Device
from bootmenu.discovery.resolve import names_of, resolve


def part(disk: str, number: int, **names: str) -> Device:
    return Device(name=f"{disk}{number}", disk=disk, number=number, **names)  # type: ignore[arg-type]


A1, A2 = part("sda", 1, uuid="AA-1", label="EFI"), part("sda", 2, uuid="22", partuuid="0A-2", partlabel="Root")
B1, B2 = part("sdb", 1, uuid="AA-1", label="EFI"), part("sdb", 2, uuid="22", partuuid="0B-2")
B7 = part("sdb", 7)
WHOLE = Device(name="sdc", uuid="CC")
ALL = (A1, A2, B1, B2, B7, WHOLE)


@pytest.mark.parametrize(
    ("reference", "own", "meant"),
    [
        ("uuid=22", A1, A2),
        ("uuid=22", B1, B2),  # a copy of a disk: its own comes first
        ("uuid=22", WHOLE, A2),  # else the first
        ("uuid=aa-1", B1, B1),
        ("UUID=AA-1", A2, A1),
        ("label=EFI", WHOLE, A1),
        ("label=efi", A1, None),
        ("partuuid=0b-2", A1, B2),
        ("partlabel=Root", B1, A2),
        ("sdb7", A1, B7),
        ("/dev/sdb7", A1, B7),
        ("hd0,gpt2", A1, A2),
        ("hd0,gpt2", B1, B2),  # where it stands, it was hd0
        ("hd0,msdos7", A1, B7),  # there is only one of that number
        ("hd0,1", WHOLE, A1),
        ("hd1,1", WHOLE, B1),
        ("hd2,1", WHOLE, None),
        ("hd0,9", A1, None),
        ("hd2", A1, WHOLE),
        ("hd0", A1, None),  # there is nothing on the disk itself
        ("hd9", A1, None),
        ("file=/boot/x", A1, None),
        ("file=/boot/x:/a.iso", A1, None),
        ("", A1, None),
    ],
)
def test_what_is_meant(reference: str, own: Device, meant: Device | None) -> None:
    assert resolve(reference, own, ALL) is meant


def test_a_folder_has_no_number_and_is_not_found_by_one() -> None:
    assert resolve("hd0,gpt1", A1, (Device(name="tree", folder="/x"),)) is None


@given(st.text(max_size=40))
def test_any_text_means_a_partition_or_none(reference: str) -> None:
    assert resolve(reference, A1, ALL) in (None, *ALL)


def test_what_lies_in_a_partition_has_every_name_that_begins_with_one_of_its() -> None:
    subvolume = Device.nested(A1, "/@", filesystem="btrfs")
    image = Device.nested(subvolume, "/iso/x.iso", filesystem="iso9660")
    assert names_of(subvolume) == {"sda1:/@", "uuid=aa-1:/@", "label=EFI:/@"}
    assert "uuid=aa-1:/@:/iso/x.iso" in names_of(image)
    assert resolve("LABEL=EFI:/@", A1, (*ALL, subvolume)) is subvolume
