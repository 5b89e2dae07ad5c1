# SPDX-License-Identifier: MIT
"""Names of partitions, brought into one form."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bootmenu.sources.references import FileNameError, canonical, file_name, joined


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
        ("UUID=ABCD:/@Home", "uuid=abcd:/@Home"),
        ("/dev/sda1:/ISO/x.iso", "sda1:/ISO/x.iso"),
    ],
)
def test_every_way_of_naming_a_partition_has_one_form(written: str, form: str) -> None:
    assert canonical(written) == form


@pytest.mark.parametrize(
    ("written", "device", "path"),
    [
        ("/boot/vmlinuz", "", "/boot/vmlinuz"),
        ("//boot/./vmlinuz/", "", "/boot/vmlinuz"),
        ("/a:/b", "", "/a:/b"),
        ("sda1:/vmlinuz", "sda1", "/vmlinuz"),
        ("sda1://boot//vmlinuz", "sda1", "/boot/vmlinuz"),
        ("/dev/sda1:/vmlinuz", "sda1", "/vmlinuz"),
        ("/dev/disk/by-uuid/AB-CD:/vmlinuz", "uuid=ab-cd", "/vmlinuz"),
        ("/dev/disk/by-partlabel/A\\x20b:/vmlinuz", "partlabel=A b", "/vmlinuz"),
        ("label=Boot Disk:/vmlinuz", "label=Boot Disk", "/vmlinuz"),
        ("Uuid=AB-CD:/VMLINUZ", "uuid=ab-cd", "/VMLINUZ"),
        ("PARTUUID=0A-01:/x:y", "partuuid=0a-01", "/x:y"),
        ("PARTLABEL=a/b:/x", "partlabel=a/b", "/x"),
        ("sda2:/@:/boot/vmlinuz", "sda2:/@", "/boot/vmlinuz"),
        ("sda2:/:/boot/vmlinuz", "sda2:/", "/boot/vmlinuz"),
        ("UUID=AB-CD:/@:/ISO/x.iso:/casper/vmlinuz", "uuid=ab-cd:/@:/ISO/x.iso", "/casper/vmlinuz"),
        ("hd0,gpt2:/x", "hd0,gpt2", "/x"),
        ("sda1:/a\\b", "sda1", "/a\\b"),
    ],
)
def test_a_file_on_a_partition_has_one_form(written: str, device: str, path: str) -> None:
    assert file_name(written) == (device, path)
    assert file_name(joined(device, path)) == (device, path)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "/",
        "vmlinuz",
        "sda1",
        "sda1:vmlinuz",
        "sda1:/",
        "sda1:/./",
        ":/x",
        " :/x",
        "boot/sda1:/x",
        "ID=5:/x",
        "UUID=:/x",
    ],
)
def test_what_names_no_file_is_said(written: str) -> None:
    with pytest.raises(FileNameError) as caught:
        file_name(written)
    assert caught.value.hint


@given(st.text(alphabet="sda1:/.=\\ UuIiDdLABEL@", max_size=30))
@example("UUID=:/:/x")
def test_any_text_names_a_file_or_is_refused_and_the_form_stays(text: str) -> None:
    try:
        device, path = file_name(text)
    except FileNameError:
        return
    assert path.startswith("/")
    assert path != "/"
    if device and not device.startswith("/"):
        assert file_name(joined(device, path)) == (device, path)
