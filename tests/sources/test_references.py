# SPDX-License-Identifier: MIT
"""Names of partitions, brought into one form."""

from __future__ import annotations

import pytest

from bootmenu.sources.references import canonical


@pytest.mark.parametrize(
    ("written", "form"),
    [
        ("UUID=ABCD-12EF", "uuid=abcd-12ef"),
        ('LABEL="Boot Disk"', "label=Boot Disk"),
        ("PARTUUID=0A-01", "partuuid=0a-01"),
        ("PARTLABEL=EFI", "partlabel=EFI"),
        ("/dev/sda1", "sda1"),
        ("/dev/disk/by-uuid/ABCD-12EF", "uuid=abcd-12ef"),
        ("/dev/disk/by-label/Boot\\x20Disk", "label=Boot Disk"),
        ("/dev/disk/by-partlabel/EFI", "partlabel=EFI"),
        ("/dev/mapper/vg-root", "vg-root"),
        ("/dev/my-vg/root", "my--vg-root"),
        ("(hd0,gpt2)", "hd0,gpt2"),
        ("hd1", "hd1"),
        ("(hd0,msdos1)", "hd0,msdos1"),
        ("mmcblk0p1", "mmcblk0p1"),
    ],
)
def test_every_way_of_naming_a_partition_has_one_form(written: str, form: str) -> None:
    assert canonical(written) == form
